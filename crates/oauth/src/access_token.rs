//! What an access token says (RFC 9068), and how long it is good.

use std::time::Duration;

use identity::own_token::{CLAIM, TYPE};
use model::{AdmissionId, CredentialId, KnownBy, ProfileId, Timestamp, TokenScopes};
use serde_json::{Map, Value, json};

use crate::{
    Server,
    client::unknown,
    error::{Code, Denied},
    possession::Confirmation,
    reference,
    tables::Tables,
    token::invalid_grant,
};

/// What a token is about.
#[derive(Debug)]
pub(crate) struct AccessToken<'a> {
    pub(crate) issuer: &'a str,
    /// The client's id, as it knows it.
    pub(crate) client: &'a str,
    pub(crate) profile: &'a ProfileId,
    /// The person it acts for; none where it acts for itself.
    pub(crate) subject: Option<&'a str>,
    /// Who acted before the client does, as an `act` (RFC 8693 section 4.1).
    pub(crate) earlier_actors: Option<&'a Value>,
    /// By what the tokens were given that it is exchanged for, the first one first: it ends with that.
    pub(crate) earlier_givers: &'a [Value],
    /// The `aud`.
    pub(crate) resource: &'a str,
    pub(crate) scopes: Option<&'a TokenScopes>,
    pub(crate) credential: Option<&'a CredentialId>,
    pub(crate) admission: Option<&'a AdmissionId>,
    /// By which rule the client acts for the person, in a word.
    pub(crate) rule: Option<&'a str>,
    pub(crate) grant: Option<&'a str>,
    /// How long it is good at most.
    pub(crate) lifetime: Duration,
    /// Whether it says nothing to who holds it.
    pub(crate) is_opaque: bool,
    /// What the person showed to this door, where they did (RFC 8176).
    pub(crate) methods: &'a [String],
    /// What its sender has to hold.
    pub(crate) confirmation: &'a Confirmation,
}

/// A token that was made.
#[derive(Debug)]
pub(crate) struct Minted {
    pub(crate) token: String,
    /// How many seconds it is good.
    pub(crate) expires_in: u64,
    /// What records tell of it: those of its calls say the same.
    pub(crate) known_by: KnownBy,
    /// What it ends with: its grant, or the token that it was exchanged for.
    pub(crate) grant: Option<String>,
}

impl AccessToken<'_> {
    /// Signs what it says, or keeps that and gives a reference to it.
    ///
    /// # Errors
    /// `temporarily_unavailable` where there is no key, `server_error` where it cannot be kept; those of
    /// [`end`], and `invalid_request` where what it is exchanged for ends within this second.
    pub(crate) async fn give(&self, server: &Server, now: Timestamp) -> Result<Minted, Denied> {
        let expires = self.end(&server.tables(), now)?;
        let jti = uuid::Uuid::new_v4().simple().to_string();
        let claims = self.claims(&jti, (now, expires));
        let token = match &claims {
            Value::Object(says) if self.is_opaque => {
                reference::keep(server, says, self.grant, (now, expires)).await?
            }
            _ => {
                let unsigned =
                    || Denied::new(Code::TemporarilyUnavailable, "no token can be signed now");
                let signed = server.keys.sign_in_turn(TYPE, &claims, &server.clock).await;
                signed.ok_or_else(unsigned)?
            }
        };
        let known_by = KnownBy {
            token_id: Some(jti.into()),
            methods: (!self.methods.is_empty()).then(|| self.methods.join(" ").into()),
            bound_to: self.confirmation.thumbprint().map(Into::into),
            grant: self.grant.map(Into::into),
            ..KnownBy::default()
        };
        // In the whole seconds of its `iat` and `exp`.
        let expires_in = expires.as_seconds().saturating_sub(now.as_seconds());
        let expires_in = u64::try_from(expires_in).unwrap_or(0);
        let grant = self.grant.map(str::to_owned);
        Ok(Minted { token, expires_in, known_by, grant })
    }

    /// When it ends: no later than what it is given by, and what those were given by that it is exchanged
    /// for. Who checks it asks all of these on every call, so nobody is to be promised more.
    fn end(&self, tables: &Tables, now: Timestamp) -> Result<Timestamp, Denied> {
        let own = end(tables, (self.profile, self.credential), self.lifetime, now)?;
        let earlier = self.earlier_givers.iter().filter_map(|it| giver_end(tables, it, now));
        let expires = earlier.fold(own, Timestamp::min);
        if is_over(expires, now) {
            let detail = "what the subject_token was given by ends now";
            return Err(Denied::new(Code::InvalidRequest, detail));
        }
        Ok(expires)
    }

    fn claims(&self, jti: &str, (now, expires): (Timestamp, Timestamp)) -> Value {
        let issued = now.as_seconds();
        let subject = self.subject.unwrap_or(self.client);
        let mut claims = json!({
            "iss": self.issuer,
            "sub": subject,
            "aud": self.resource,
            "client_id": self.client,
            "iat": issued,
            "exp": expires.as_seconds(),
            "jti": jti,
            CLAIM: self.own(),
        });
        if let Some(members) = claims.as_object_mut() {
            let confirmation = self.confirmation.claim();
            members.extend(confirmation.map(|it| ("cnf".to_owned(), it)));
            if let Some(scopes) = self.scopes {
                members.insert("scope".to_owned(), json!(scopes.to_string()));
            }
            if !self.methods.is_empty() {
                members.insert("amr".to_owned(), json!(self.methods));
            }
            members.extend(self.actors().map(|it| ("act".to_owned(), it)));
        }
        claims
    }

    /// Who acts: nobody but the client where it acts for itself, unless others did in between.
    fn actors(&self) -> Option<Value> {
        match self.earlier_actors {
            Some(earlier) => Some(json!({ "sub": self.client, "act": earlier })),
            None => self.subject.map(|_| json!({ "sub": self.client })),
        }
    }

    /// What only this door has a word for.
    fn own(&self) -> Value {
        let mut own = Map::new();
        let mut put = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                own.insert(name.to_owned(), json!(value));
            }
        };
        put("profile", Some(self.profile.as_str()));
        put("credential", self.credential.map(CredentialId::as_str));
        put("admission", self.admission.map(AdmissionId::as_str));
        put("rule", self.rule);
        put("grant", self.grant);
        if !self.earlier_givers.is_empty() {
            own.insert("givers".to_owned(), json!(self.earlier_givers));
        }
        Value::Object(own)
    }
}

/// When what is given `now` for `lifetime` ends: no later than the profile, and the credential that it
/// is given by.
///
/// # Errors
/// `invalid_client` where these end within this second, `invalid_grant` where `lifetime` does: a token
/// says its end in whole seconds, and would be good for nothing.
pub(crate) fn end(
    tables: &Tables,
    (profile, credential): (&ProfileId, Option<&CredentialId>),
    lifetime: Duration,
    now: Timestamp,
) -> Result<Timestamp, Denied> {
    let (own, latest) = (tables.end(profile, credential, now), now.plus(lifetime));
    if own.is_some_and(|it| is_over(it, now)) {
        return Err(unknown().because("its profile or credential ends within this second"));
    }
    if is_over(latest, now) {
        return Err(invalid_grant("its grant ends within this second"));
    }
    Ok(own.map_or(latest, |it| it.min(latest)))
}

/// Whether a token that is to end then would say an `exp` that has come.
fn is_over(end: Timestamp, now: Timestamp) -> bool {
    end.as_seconds() <= now.as_seconds()
}

/// When that ends by which an earlier token was given, as [`AccessToken::earlier_givers`] has it.
fn giver_end(tables: &Tables, giver: &Value, now: Timestamp) -> Option<Timestamp> {
    let member = |name: &str| giver.get(name)?.as_str();
    let profile = ProfileId::parse(member("profile")?).ok()?;
    let credential = member("credential").and_then(|it| CredentialId::parse(it).ok());
    tables.end(&profile, credential.as_ref(), now)
}
