//! The token endpoint (RFC 6749 section 3.2).

mod client_credentials;
mod code;
mod device;
mod exchange;
mod id_jag;
mod refresh;
mod subject;

use bytes::Bytes;
use http::{Response, StatusCode};
use model::{Audience, Caller, GrantType, KnownBy, TokenScopes, User};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(crate) use self::{code::CodeBody, id_jag::PROFILE as ID_JAG};

use crate::{
    Request, Server,
    access_token::Minted,
    client::{self, Origin, Proven},
    error::{Code, Denied, json_response},
    facts::Facts,
    form::Form,
    people::{self, Person},
    tables::{Contract, Tables},
};

/// What of a grant the store keeps in our words.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct GrantBody {
    /// The `aud` of its tokens.
    pub(crate) resource: String,
    /// None: all that the profile may do.
    pub(crate) scope: Option<String>,
    /// By which admission the client acts as the profile.
    pub(crate) admission: Option<String>,
    /// What people know the client by.
    pub(crate) client_name: String,
    /// Whether it was given to a device (RFC 8628).
    #[serde(default)]
    pub(crate) is_of_device: bool,
    /// What the person showed to this door (RFC 8176).
    #[serde(default)]
    pub(crate) methods: Vec<String>,
    /// By which account of this door the person had it given, as a digest.
    #[serde(default)]
    pub(crate) account: Option<String>,
    /// The groups that the person was in then.
    #[serde(default)]
    pub(crate) groups: Vec<String>,
}

/// A token, and what goes with it.
struct Issued {
    access: Minted,
    /// How it is shown.
    token_type: &'static str,
    refresh: Option<String>,
    scope: Option<String>,
}

impl GrantBody {
    /// The person as they are now, where their account is here, and else as they were when they had it
    /// given. None where they have another password since.
    pub(crate) fn person(&self, tables: &Tables, subject: &str) -> Option<Person> {
        if !people::has_account(tables, subject, self.account.as_deref()) {
            return None;
        }
        let account = subject.strip_prefix(User::PREFIX).and_then(|it| tables.user(it));
        Some(Person {
            subject: subject.to_owned(),
            name: String::new(),
            groups: account.map_or(&self.groups, |it| &it.groups).clone(),
            methods: self.methods.clone(),
            account: self.account.clone(),
        })
    }
}

/// Answers a request for a token.
pub(crate) async fn answer(
    server: &Server,
    request: &Request,
    facts: &mut Facts,
) -> Result<Response<Bytes>, Denied> {
    let form = Form::of_body(request)?;
    let wanted = form.required("grant_type")?;
    facts.note = Some(format!("grant_type {}", wanted.escape_debug()));
    let kind = GrantType::ALL.into_iter().find(|it| it.parameter() == wanted);
    let proven = client::authenticate(server, request, &form).await?;
    let issued = match kind {
        Some(GrantType::AuthorizationCode) => {
            code::redeem(server, request, &form, &proven, facts).await?
        }
        Some(GrantType::ClientCredentials) => {
            client_credentials::issue(server, request, &form, &proven, facts).await?
        }
        Some(GrantType::RefreshToken) => {
            refresh::renew(server, request, &form, &proven, facts).await?
        }
        Some(GrantType::TokenExchange) => {
            exchange::issue(server, request, &form, &proven, facts).await?
        }
        Some(GrantType::DeviceCode) => {
            device::redeem(server, request, &form, &proven, facts).await?
        }
        Some(GrantType::JwtBearer) => id_jag::issue(server, request, &form, &proven, facts).await?,
        None => {
            let detail = format!("the grant type {} is not supported", wanted.escape_debug());
            return Err(Denied::new(Code::UnsupportedGrantType, detail));
        }
    };
    tell(facts, &issued.access);
    let mut body = json!({
        "access_token": issued.access.token,
        "token_type": issued.token_type,
        "expires_in": issued.access.expires_in,
    });
    if let Some(members) = body.as_object_mut() {
        if kind == Some(GrantType::TokenExchange) {
            members.insert("issued_token_type".to_owned(), json!(exchange::ACCESS_TOKEN));
        }
        members.extend(issued.refresh.map(|it| ("refresh_token".to_owned(), json!(it))));
        members.extend(issued.scope.map(|it| ("scope".to_owned(), json!(it))));
    }
    Ok(json_response(StatusCode::OK, &body))
}

/// Says which token it is that was given, as the records of its calls and of its end say it.
fn tell(facts: &mut Facts, access: &Minted) {
    if let Some(caller) = &mut facts.caller {
        caller.known_by = access.known_by.clone();
    }
    if let (Some(note), Some(grant)) = (&mut facts.note, &access.grant) {
        note.push_str(", grant ");
        note.push_str(grant);
    }
}

/// The scopes that are asked for; none where the parameter is missing.
///
/// # Errors
/// `invalid_scope` where a word is no scope of this door.
pub(crate) fn scopes(form: &Form) -> Result<Option<TokenScopes>, Denied> {
    let Some(text) = form.get("scope") else { return Ok(None) };
    let scopes = TokenScopes::parse(text).map_err(|it| Denied::new(Code::InvalidScope, it))?;
    Ok(Some(scopes).filter(|it| !it.is_empty()))
}

/// The resource that is asked for, and what it means; the whole door where none is named.
///
/// # Errors
/// As [`covering`].
pub(crate) fn resource(tables: &Tables, form: &Form) -> Result<(String, Audience), Denied> {
    let asked: Vec<_> = form.all("resource").collect();
    if asked.is_empty() {
        return Ok((tables.resources.door().to_owned(), Audience::Door));
    }
    covering(tables, &asked).map(|(url, audience)| (url.to_owned(), audience))
}

/// The one of several resources that is good for all of them: a token is for one.
///
/// # Errors
/// `invalid_target` where one is none of this door's (RFC 8707 section 2), or no token is for all.
fn covering<'f>(tables: &Tables, asked: &[&'f str]) -> Result<(&'f str, Audience), Denied> {
    let refused = |detail: &'static str| Denied::new(Code::InvalidTarget, detail);
    let known = asked.iter().map(|url| Some((*url, tables.resources.audience(url)?)));
    let known: Vec<_> = known
        .collect::<Option<_>>()
        .ok_or_else(|| refused("the resource is none of this door's: see its resource metadata"))?;
    let covers = |one: &Audience| known.iter().all(|(_, other)| one.covers(other));
    let found = known.iter().find(|(_, one)| covers(one)).cloned();
    found.ok_or_else(|| {
        refused(
            "no token is for all of these resources: ask for one, or for the door and for scopes",
        )
    })
}

/// The profile of a registered client that has proved who it is, where it may have a token by `grant`
/// from here.
///
/// # Errors
/// `unauthorized_client` where it may not.
pub(crate) fn registered<'a>(
    tables: &'a Tables,
    request: &Request,
    proven: &Proven,
    grant: GrantType,
    facts: &mut Facts,
) -> Result<Contract<'a>, Denied> {
    let not_allowed = |detail: &str| Denied::new(Code::UnauthorizedClient, detail.to_owned());
    let (Origin::Declared(profile), true) = (&proven.client.origin, proven.is_confidential) else {
        return Err(not_allowed(
            "only registered clients that prove who they are may ask for this",
        ));
    };
    let contract = tables.contract(profile, request.at);
    let contract = contract.ok_or_else(|| not_allowed("the profile gets no tokens"))?;
    facts.caller = Some(caller(&contract, None));
    if !contract.terms.grants.contains(&grant) {
        let detail = format!("the profile does not have the grant {}", grant.as_str());
        return Err(not_allowed(&detail));
    }
    check_terms(&contract, request)?;
    Ok(contract)
}

/// The caller that a token of this profile stands for, for the record.
pub(crate) fn caller(contract: &Contract<'_>, user: Option<String>) -> Caller {
    Caller {
        client: contract.client.id.clone(),
        kind: contract.client.kind,
        profile: contract.profile.id.clone(),
        credential: None,
        user,
        actors: Vec::new(),
        bounds: None,
        known_by: KnownBy::default(),
    }
}

/// Whether tokens of the profile can be had from here.
pub(crate) fn check_terms(contract: &Contract<'_>, request: &Request) -> Result<(), Denied> {
    let networks = &contract.profile.networks;
    if networks.is_empty() || networks.iter().any(|it| it.contains(&request.peer)) {
        return Ok(());
    }
    let detail = "the profile may not be used from this address";
    Err(Denied::new(Code::UnauthorizedClient, detail))
}

/// There is no such code or token: the same words with status 429 where that is said too often.
fn missing(server: &Server, request: &Request, proven: &Proven, cause: &str) -> Denied {
    let counted = proven.missed(server, request, Code::InvalidGrant);
    counted.err().unwrap_or_else(|| invalid_grant(cause))
}

pub(crate) fn invalid_grant(cause: impl std::fmt::Display) -> Denied {
    let detail = "the code or token is not valid, was used before, or was taken back";
    Denied::new(Code::InvalidGrant, detail).because(cause)
}
