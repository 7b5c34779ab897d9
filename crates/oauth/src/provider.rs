//! An `OpenID` provider that signs people in: what it is asked, and what is believed of its answers.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use identity::{
    KeySets, ProviderMetadata,
    assertion::{
        Assertion, AssertionError, AssertionTerms, ID_JAG_TYPES, IdTokenTerms, VerificationKeys,
        Verified,
    },
};
use model::{Issuer, Secret, SecretId, SignIn, Timestamp};
use serde_json::{Map, Value};
use url::form_urlencoded::Serializer;

use crate::{Server, people::Person};

/// Most groups of a person that are kept.
const GROUPS_MAX: usize = 500;
const TEXT_BYTES_MAX: usize = 256;
/// The claims that have a person's name where the issuer's declaration names none.
const USUAL_NAMES: &[&str] = &["name", "preferred_username", "email"];

/// How long an assertion that is a grant may live.
pub(crate) const ASSERTION_LIFETIME_MAX: Duration = Duration::from_secs(10 * 60);

/// What a provider has said of a person, or why it is not believed.
type Said<T> = Result<T, String>;

/// A declared issuer by which people sign in.
pub(crate) struct Provider {
    issuer: Arc<Issuer>,
    pub(crate) sign_in: SignIn,
    asked: Arc<identity::Provider>,
    keys: VerificationKeys,
}

/// A code, and what proves that it was asked for here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Redeemed<'a> {
    pub(crate) code: &'a str,
    pub(crate) verifier: &'a str,
    pub(crate) nonce: &'a str,
    pub(crate) redirect_uri: &'a str,
}

/// What came for the code.
struct Tokens {
    id_token: Secret<String>,
    access_token: Option<Secret<String>>,
}

impl Provider {
    /// The provider that `issuer` is; none where nobody signs in by it.
    pub(crate) fn of(issuer: &Arc<Issuer>, key_sets: &KeySets) -> Option<Self> {
        Some(Self {
            sign_in: issuer.sign_in.clone()?,
            asked: key_sets.provider(&issuer.issuer),
            keys: VerificationKeys::of(issuer, key_sets).ok()?,
            issuer: Arc::clone(issuer),
        })
    }

    /// Our name for it.
    pub(crate) fn id(&self) -> &str {
        self.issuer.id.as_str()
    }

    /// The exact `iss` of its tokens.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer.issuer
    }

    /// What it says about itself.
    ///
    /// # Errors
    /// Why there is nothing that may be used.
    pub(crate) async fn metadata(&self) -> Said<Arc<ProviderMetadata>> {
        self.asked.metadata().await
    }

    /// Turns a code into a person.
    ///
    /// # Errors
    /// What is wrong, for the record.
    pub(crate) async fn person(
        &self,
        server: &Server,
        redeemed: &Redeemed<'_>,
        now: Timestamp,
    ) -> Said<Person> {
        let metadata = self.metadata().await?;
        let tokens = self.redeem(server, &metadata, redeemed).await?;
        let access_token = tokens.access_token.as_ref();
        let terms = IdTokenTerms {
            issuer: self.issuer(),
            client_id: &self.sign_in.client_id,
            algorithms: &self.issuer.algorithms,
            nonce: redeemed.nonce,
            access_token: access_token.map(|it| it.expose().as_str()),
        };
        let verified = terms.verify(tokens.id_token.expose(), &self.keys, now).await;
        let token =
            verified.map_err(|it| format!("what it says of the person does not hold: {it}"))?;
        let mut person = self.person_of(&token.subject, &token.claims)?;
        let mut found = self.groups(&token.claims);
        if let (None, Some(url), Some(access_token), true) =
            (&found, &metadata.userinfo_endpoint, access_token, self.sign_in.groups_claim.is_some())
        {
            let more = more_claims(server, url, access_token, &token.subject).await?;
            found = self.groups(&more);
        }
        person.groups = found.unwrap_or_default();
        Ok(person)
    }

    /// What an assertion says that is a grant (ID-JAG), where the provider made it for `door` and it
    /// holds. For whom it is, and that it is new, is for the caller to check.
    ///
    /// # Errors
    /// What is wrong first, or that the provider's keys are out of reach.
    pub(crate) async fn verify(
        &self,
        door: &str,
        assertion: Assertion<'_>,
        now: Timestamp,
    ) -> Result<Verified, AssertionError> {
        let algorithms: Vec<_> = self.issuer.algorithms.iter().map(String::as_str).collect();
        let terms = AssertionTerms {
            issuer: self.issuer(),
            audiences: &[door],
            types: ID_JAG_TYPES,
            algorithms: &algorithms,
            lifetime_max: ASSERTION_LIFETIME_MAX,
        };
        assertion.verify(&terms, &self.keys, now).await
    }

    /// The person whom the provider calls `subject`, by what it claims of them. Of whom it claims no
    /// groups, they are in none.
    ///
    /// # Errors
    /// Where the name is too long.
    pub(crate) fn person_of(&self, subject: &str, claims: &Map<String, Value>) -> Said<Person> {
        let named = format!("{}:{subject}", self.id());
        if named.len() > TEXT_BYTES_MAX {
            return Err("its name for the person is too long".to_owned());
        }
        Ok(Person {
            subject: named,
            name: self.name(claims).unwrap_or(subject).to_owned(),
            groups: self.groups(claims).unwrap_or_default(),
            methods: Vec::new(),
            account: None,
        })
    }

    /// The groups that claims list; none where they say nothing about groups.
    fn groups(&self, claims: &Map<String, Value>) -> Option<Vec<String>> {
        let found = claim(claims, self.sign_in.groups_claim.as_deref()?)?;
        let texts = match found {
            Value::Array(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        let groups = texts.iter().filter_map(|it| self.group(it.as_str()?));
        Some(groups.take(GROUPS_MAX).map(str::to_owned).collect())
    }

    /// What a group of the provider is called here; none where it does not count.
    fn group<'a>(&'a self, theirs: &'a str) -> Option<&'a str> {
        match &self.sign_in.groups {
            // A name of theirs that is a word of ours by chance is not that group.
            Some(known) => known.get(theirs).map(String::as_str),
            None => Some(theirs).filter(|it| is_in_bounds(it)),
        }
    }

    /// What people call them: for pages alone, as most choose it themselves.
    fn name<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a str> {
        let named = self.sign_in.name_claim.as_deref().map(|it| [it]);
        // None in its stead: it was named because the usual ones do not do.
        let names = named.as_ref().map_or(USUAL_NAMES, |it| it.as_slice());
        let mut texts = names.iter().filter_map(|it| claim(claims, it)?.as_str());
        texts.find(|it| is_in_bounds(it))
    }

    async fn redeem(
        &self,
        server: &Server,
        metadata: &ProviderMetadata,
        redeemed: &Redeemed<'_>,
    ) -> Said<Tokens> {
        let request = self.token_request(server, metadata, redeemed)?;
        let answer = server.outside.send(request).await?;
        if answer.status() != StatusCode::OK {
            let code = error_code(answer.body());
            return Err(format!("its token endpoint answered {} {code}", answer.status().as_u16()));
        }
        // The parser's own words could repeat what it read.
        let read: Map<String, Value> = serde_json::from_slice(answer.body())
            .map_err(|_| "its token endpoint's answer is no json object")?;
        let text = |name: &str| {
            read.get(name).and_then(Value::as_str).map(|it| Secret::new(it.to_owned()))
        };
        let id_token = text("id_token").ok_or("its token endpoint gave no id_token")?;
        Ok(Tokens { id_token, access_token: text("access_token") })
    }

    fn token_request(
        &self,
        server: &Server,
        metadata: &ProviderMetadata,
        redeemed: &Redeemed<'_>,
    ) -> Said<Request<Bytes>> {
        let url = metadata.token_endpoint.as_deref().ok_or("its metadata has no token_endpoint")?;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code");
        form.append_pair("code", redeemed.code);
        form.append_pair("redirect_uri", redeemed.redirect_uri);
        form.append_pair("code_verifier", redeemed.verifier);
        let mut request = Request::post(url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json");
        let methods = &metadata.token_endpoint_auth_methods;
        let knows = |method: &str| methods.iter().any(|it| it == method);
        let client_id = &self.sign_in.client_id;
        match &self.sign_in.client_secret {
            None => drop(form.append_pair("client_id", client_id)),
            // What there is where nothing is said (OpenID Connect Discovery section 3).
            Some(secret) if methods.is_empty() || knows("client_secret_basic") => {
                let shown = server.outside.basic(client_id, secret)?;
                request = request.header(header::AUTHORIZATION, shown);
            }
            Some(secret) if knows("client_secret_post") => {
                form.append_pair("client_id", client_id);
                form.append_pair("client_secret", text_of(server, secret)?.expose());
            }
            Some(_) => return Err("it takes no client secret, says its metadata".to_owned()),
        }
        let request = request.body(Bytes::from(form.finish()));
        request.map_err(|_| "its token_endpoint is no url".to_owned())
    }
}

fn text_of(server: &Server, id: &SecretId) -> Said<Secret<String>> {
    let value = server.outside.secret(id).ok_or_else(|| format!("the secret {id} has no value"))?;
    let text = String::from_utf8(value.expose().clone());
    text.map(Secret::new).map_err(|_| format!("the secret {id} is no text"))
}

/// What the provider says besides, of the same person (`OpenID` Connect Core section 5.3).
async fn more_claims(
    server: &Server,
    url: &str,
    access_token: &Secret<String>,
    subject: &str,
) -> Said<Map<String, Value>> {
    let request = Request::get(url)
        .header(header::AUTHORIZATION, format!("Bearer {}", access_token.expose()))
        .header(header::ACCEPT, "application/json")
        .body(Bytes::new())
        .map_err(|_| "its userinfo_endpoint or access token is broken")?;
    let answer = server.outside.send(request).await?;
    if answer.status() != StatusCode::OK {
        return Err(format!("its userinfo endpoint answered {}", answer.status().as_u16()));
    }
    let claims: Map<String, Value> = serde_json::from_slice(answer.body())
        .map_err(|_| "its userinfo endpoint's answer is no json object")?;
    match claims.get("sub").and_then(Value::as_str) == Some(subject) {
        true => Ok(claims),
        false => Err("its userinfo endpoint spoke of somebody else".to_owned()),
    }
}

fn is_in_bounds(text: &str) -> bool {
    (1..=TEXT_BYTES_MAX).contains(&text.len())
}

/// A claim by its name, or by the way to it: `realm_access.roles`.
fn claim<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(found) = claims.get(name) {
        return Some(found);
    }
    let mut steps = name.split('.');
    let first = claims.get(steps.next()?)?;
    steps.try_fold(first, |value, step| value.get(step))
}

/// The `error` of an answer, where it is a word.
fn error_code(body: &[u8]) -> String {
    let read: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = read.get("error").and_then(Value::as_str).unwrap_or_default();
    code.chars().filter(|it| it.is_ascii_graphic()).take(64).collect()
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("issuer", &self.issuer.id).finish_non_exhaustive()
    }
}
