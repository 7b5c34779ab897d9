//! A provider's assertion for a person becomes a token (RFC 7523 section 2.1), as an enterprise has
//! it that says centrally which program may act for whom: nobody is shown a page here
//! (draft-ietf-oauth-identity-assertion-authz-grant).

use identity::{
    assertion::{Assertion, AssertionError, Verified},
    replay,
};
use model::{GrantType, ProfileId, Timestamp, TokenBinding, TokenScope, TokenScopes};
use serde_json::{Map, Value};
use store::Grant;

use super::{GrantBody, Issued, caller, check_terms, registered, scopes};
use crate::{
    Request, Server,
    access_token::{self, AccessToken},
    authorize::admit,
    client::{Origin, Proven},
    error::{Code, Denied},
    facts::Facts,
    form::Form,
    people::Person,
    possession::Confirmation,
    provider::ASSERTION_LIFETIME_MAX,
    tables::{Contract, Tables},
};

/// The kind of assertion that is taken, as metadata has it.
pub(crate) const PROFILE: &str = "urn:ietf:params:oauth:grant-profile:id-jag";

/// Claims by which an assertion would say less than it seems to, in words that are not known here.
const UNKNOWN: [&str; 4] = ["act", "aud_tenant", "authorization_details", "tenant"];

/// An assertion that holds and is for the client that brings it. It is not used up yet.
struct Brought {
    person: Person,
    /// What its sender has to hold, and did.
    bound: Confirmation,
    /// What it is remembered by.
    digest: store::Digest,
    verified: Verified,
}

/// Gives a token for an assertion.
pub(super) async fn issue(
    server: &Server,
    request: &Request,
    form: &Form,
    proven: &Proven,
    facts: &mut Facts,
) -> Result<Issued, Denied> {
    let tables = server.tables();
    check_client(&tables, request, proven, facts)?;
    let brought = Brought::read(server, request, form, proven).await?;
    let asks = (&proven.client, GrantType::JwtBearer);
    let admitted = admit::profile(&tables, asks, &brought.person, request.at);
    let (profile, admission) = admitted.map_err(|it| refused(it.detail))?;
    let contract = tables.contract(&profile, request.at);
    let contract = contract.ok_or_else(|| refused("the profile gets no tokens now"))?;
    facts.caller = Some(caller(&contract, Some(brought.person.subject.clone())));
    check_grant(&contract)?;
    check_terms(&contract, request)?;
    let (givers, lifetime) = ((&profile, proven.credential.as_ref()), contract.terms.lifetime);
    let expires = access_token::end(&tables, givers, lifetime, request.at)?;
    let claims = &brought.verified.claims;
    let resource = resource(&tables, form, claims)?;
    let scopes = narrower(scopes(form)?, claims)?;
    let mut demands = proven.client.demands(contract.terms);
    // What the assertion was bound to, the token is bound to as well; to a key that was proved it is.
    demands.extend(brought.bound.certificate.as_ref().map(|_| TokenBinding::Mtls));
    let confirmation = proven.held.bind(server, request, &demands).await?;
    brought.use_up(server).await?;
    let body = GrantBody {
        resource,
        scope: scopes.as_ref().map(ToString::to_string),
        admission: admission.as_ref().map(ToString::to_string),
        client_name: proven.client.name.clone(),
        methods: Vec::new(),
        is_of_device: false,
        account: None,
        groups: brought.person.groups.clone(),
    };
    let rule = admit::rule(&tables, admission.as_ref(), &contract);
    let grant = grant(request, proven, (&profile, expires), &brought.person, &body);
    server.store.put_grant(&grant).await?;
    let token = AccessToken {
        issuer: server.url(),
        client: &proven.client.id,
        profile: &profile,
        subject: Some(&brought.person.subject),
        earlier_actors: None,
        earlier_givers: &[],
        resource: &body.resource,
        scopes: scopes.as_ref(),
        credential: proven.credential.as_ref(),
        admission: admission.as_ref(),
        rule: Some(&rule),
        grant: Some(&grant.id),
        lifetime,
        confirmation: &confirmation,
        methods: &[],
        is_opaque: contract.terms.is_opaque,
    };
    let access = token.give(server, request.at).await?;
    // Nothing renews it: for as long as the provider lets the client act, it makes a new assertion.
    let (token_type, scope) = (confirmation.token_type(), body.scope);
    Ok(Issued { access, token_type, refresh: None, scope })
}

/// Whether a client may bring assertions at all: else whoever found one could.
fn check_client(
    tables: &Tables,
    request: &Request,
    proven: &Proven,
    facts: &mut Facts,
) -> Result<(), Denied> {
    let grant = GrantType::JwtBearer;
    let says_so = match &proven.client.origin {
        Origin::Declared(_) => return registered(tables, request, proven, grant, facts).map(drop),
        // No client registers itself for this.
        Origin::CommandLine | Origin::Document { .. } | Origin::Dynamic { .. } => {
            proven.client.names(grant)
        }
    };
    if says_so && proven.is_confidential {
        return Ok(());
    }
    let detail =
        "only clients that prove who they are, and are registered for it, may ask for this";
    Err(Denied::new(Code::UnauthorizedClient, detail))
}

fn check_grant(contract: &Contract<'_>) -> Result<(), Denied> {
    if contract.terms.grants.contains(&GrantType::JwtBearer) {
        return Ok(());
    }
    let detail = "the profile does not have the grant jwt_bearer";
    Err(Denied::new(Code::UnauthorizedClient, detail))
}

impl Brought {
    /// Reads the assertion that a client brings, and checks all of it but what it is for.
    ///
    /// # Errors
    /// `invalid_grant`; `temporarily_unavailable` where the provider's keys are out of reach.
    async fn read(
        server: &Server,
        request: &Request,
        form: &Form,
        proven: &Proven,
    ) -> Result<Self, Denied> {
        let assertion =
            Assertion::parse(form.required("assertion")?).map_err(|it| not_good(&it))?;
        let provider = assertion.issuer().and_then(|it| server.tables().provider_of(it));
        let provider = provider.ok_or_else(|| refused("nobody signs in by its iss here"))?;
        let verified = provider.verify(server.url(), assertion, request.at).await;
        let verified = verified.map_err(|it| not_good(&it))?;
        let claims = &verified.claims;
        check_audience(claims)?;
        check_lifetime(&verified)?;
        if claims.get("client_id").and_then(Value::as_str) != Some(&proven.client.id) {
            return Err(refused("its client_id is not the client that brings it"));
        }
        if let Some(name) = UNKNOWN.into_iter().find(|it| claims.contains_key(*it)) {
            return Err(refused(format!("what {name} says in it is not understood here")));
        }
        let bound = Confirmation::of_claim(claims.get("cnf")).map_err(refused)?;
        if !proven.held.fulfils(&bound) {
            return Err(refused("its cnf is bound to what was not shown"));
        }
        let subject = verified.subject.as_deref().ok_or_else(|| refused("it has no sub"))?;
        let person = provider.person_of(subject, claims).map_err(refused)?;
        if server.tables().is_stopped_person(&person.subject) {
            return Err(refused("an operator stopped the person"));
        }
        let jti = verified.jti.as_deref().ok_or_else(|| refused("it has no jti"))?;
        // Neither proofs nor assertions of clients are called so.
        let digest = replay::digest(&format!("id-jag {}", provider.issuer()), jti);
        Ok(Self { person, bound, digest, verified })
    }

    /// Remembers it until it has expired: from then on it leads nowhere, on any replica.
    async fn use_up(&self, server: &Server) -> Result<(), Denied> {
        match server.store.first_seen(&self.digest, self.verified.expires).await? {
            true => Ok(()),
            false => Err(refused("it was used before")),
        }
    }
}

/// It is for this door and nobody else: what is for several could have been shown to another of them.
fn check_audience(claims: &Map<String, Value>) -> Result<(), Denied> {
    let is_alone = match claims.get("aud") {
        Some(Value::Array(list)) => list.len() == 1,
        Some(_) => true,
        None => false,
    };
    is_alone.then_some(()).ok_or_else(|| refused("its aud has others besides this door"))
}

/// It was made with a short life, not only brought near the end of a long one.
fn check_lifetime(verified: &Verified) -> Result<(), Denied> {
    let issued = verified.issued.ok_or_else(|| refused("it has no iat"))?;
    match verified.expires <= issued.plus(ASSERTION_LIFETIME_MAX) {
        true => Ok(()),
        false => Err(refused("its exp is more than 10 minutes after its iat")),
    }
}

/// What the token is to be for: what is asked for, where the assertion is good for that; else the one
/// thing that the assertion names.
fn resource(tables: &Tables, form: &Form, claims: &Map<String, Value>) -> Result<String, Denied> {
    let (asked, audience) = super::resource(tables, form)?;
    let Some(named) = claims.get("resource") else { return Ok(asked) };
    let named = match named {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let named: Option<Vec<_>> = named.iter().map(Value::as_str).collect();
    let named = named.ok_or_else(|| refused("its resource is no url"))?;
    let target = |detail: &'static str| Denied::new(Code::InvalidTarget, detail);
    if form.get("resource").is_none() {
        let [one] = named[..] else { return Err(target("name one resource of the assertion")) };
        let known = tables.resources.audience(one);
        known.ok_or_else(|| refused("its resource is none of this door's"))?;
        return Ok(one.to_owned());
    }
    let mut audiences = named.into_iter().filter_map(|it| tables.resources.audience(it));
    match audiences.any(|it| it.covers(&audience)) {
        true => Ok(asked),
        false => Err(target("the assertion is not good for that resource")),
    }
}

/// What is asked for, where the assertion carries it; else all that it carries. Scopes that are none of
/// this door's give nothing.
fn narrower(
    asked: Option<TokenScopes>,
    claims: &Map<String, Value>,
) -> Result<Option<TokenScopes>, Denied> {
    let invalid = |detail: &'static str| Denied::new(Code::InvalidScope, detail);
    let Some(claim) = claims.get("scope") else { return Ok(asked) };
    let text = claim.as_str().ok_or_else(|| refused("its scope is no text"))?;
    let words = text.split(' ').filter_map(|it| TokenScope::parse(it).ok());
    let carried: TokenScopes = words.collect();
    if carried.is_empty() {
        return Err(invalid("the assertion carries no scope of this door"));
    }
    match asked {
        Some(asked) if !carried.includes(&asked) => {
            Err(invalid("more is asked for than the assertion carries"))
        }
        Some(asked) => Ok(Some(asked)),
        None => Ok(Some(carried)),
    }
}

/// What is kept of what is given, so that it can be taken back.
fn grant(
    request: &Request,
    proven: &Proven,
    (profile, expires): (&ProfileId, Timestamp),
    person: &Person,
    body: &GrantBody,
) -> Grant {
    Grant {
        id: uuid::Uuid::new_v4().simple().to_string(),
        client: proven.client.id.clone(),
        profile: profile.to_string(),
        subject: Some(person.subject.clone()),
        body: serde_json::to_string(body).unwrap_or_default(),
        created: request.at,
        // It gives one token, and ends with that.
        expires,
        revoked: None,
    }
}

fn not_good(error: &AssertionError) -> Denied {
    let code = if error.is_temporary() { Code::TemporarilyUnavailable } else { Code::InvalidGrant };
    Denied::new(code, error.detail()).because(error)
}

fn refused(cause: impl std::fmt::Display) -> Denied {
    let detail = "the assertion is not valid, was used before, or does not lead to a token here";
    Denied::new(Code::InvalidGrant, detail).because(cause)
}
