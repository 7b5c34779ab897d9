//! One token for another, that goes less far (RFC 8693).

use model::{Audience, GrantType, Profile, TokenScope, TokenScopes, User};

use super::{
    Issued, caller, covering, registered, scopes,
    subject::{Subject, check_actor},
};
use crate::{
    Request, Server,
    access_token::AccessToken,
    client::Proven,
    error::{Code, Denied},
    facts::Facts,
    form::Form,
    people,
    tables::{Contract, Tables},
};

/// What is given.
pub(super) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// What is taken, and what may be asked for: the access tokens of this door are JWTs, but for those of
/// profiles that want opaque ones.
pub(super) const TYPES: [&str; 2] = [ACCESS_TOKEN, JWT];

/// Gives a token for another one.
pub(super) async fn issue(
    server: &Server,
    request: &Request,
    form: &Form,
    proven: &Proven,
    facts: &mut Facts,
) -> Result<Issued, Denied> {
    let tables = server.tables();
    let contract = registered(&tables, request, proven, GrantType::TokenExchange, facts)?;
    check_types(form, contract.terms.is_opaque)?;
    let token = form.required("subject_token")?;
    let subject = Subject::read(server, request, ("subject_token", token), &proven.held).await?;
    facts.caller = Some(caller(&contract, subject.person().map(str::to_owned)));
    let actor = (form.get("actor_token"), form.get("actor_token_type"));
    check_actor(server, request, actor, proven).await?;
    subject.check_may_act(&proven.client.id, server.url())?;
    check_person(server, &contract, &subject)?;
    let (resource, audience) = resource(&tables, form, &subject)?;
    let before = tables.contract(&subject.profile, request.at);
    let before = before
        .ok_or_else(|| Denied::new(Code::UnauthorizedClient, "the profile of the token is gone"))?;
    let profiles = (before.profile, contract.profile);
    let scopes = narrower(scopes(form)?, &subject, &audience, profiles)?;
    let client = proven.client.id.as_str();
    let earlier_actors = subject.earlier_actors(client)?;
    let earlier_givers = subject.givers()?;
    // What the one that was brought was bound to, the new one is bound to as well.
    let demands = proven.client.demands(contract.terms).into_iter().chain(subject.bindings());
    let demands: Vec<_> = demands.collect();
    let confirmation = proven.held.bind(server, request, &demands).await?;
    let token = AccessToken {
        issuer: server.url(),
        client,
        profile: &contract.profile.id,
        subject: subject.subject().filter(|it| *it != client),
        earlier_actors,
        earlier_givers: &earlier_givers,
        resource: &resource,
        scopes: scopes.as_ref(),
        credential: proven.credential.as_ref(),
        admission: None,
        rule: None,
        grant: Some(&subject.grant),
        lifetime: contract.terms.lifetime.min(subject.expires.since(request.at)),
        confirmation: &confirmation,
        methods: &[],
        is_opaque: contract.terms.is_opaque,
    };
    let access = token.give(server, request.at).await?;
    let token_type = confirmation.token_type();
    Ok(Issued { access, token_type, refresh: None, scope: scopes.map(|it| it.to_string()) })
}

fn check_types(form: &Form, is_opaque: bool) -> Result<(), Denied> {
    let is_ours = |name: &str| form.get(name).is_some_and(|it| TYPES.contains(&it));
    if !is_ours("subject_token_type") {
        let detail = "subject_token_type has to be that of an access token of this door";
        return Err(Denied::new(Code::InvalidRequest, detail));
    }
    if form.get("requested_token_type").is_some() && !is_ours("requested_token_type") {
        let detail = "requested_token_type has to be that of an access token";
        return Err(Denied::new(Code::InvalidRequest, detail));
    }
    if is_opaque && form.get("requested_token_type") == Some(JWT) {
        let detail = "the profile gets opaque tokens: leave requested_token_type away";
        return Err(Denied::new(Code::InvalidRequest, detail));
    }
    Ok(())
}

/// Whether the profile may act for the person. Of whom it is not known here, nobody knows the groups.
fn check_person(server: &Server, contract: &Contract<'_>, subject: &Subject) -> Result<(), Denied> {
    let (Some(person), groups) = (subject.person(), &contract.terms.groups) else { return Ok(()) };
    let local = person.strip_prefix(User::PREFIX).and_then(|it| people::local(server, it));
    let shares = local.is_some_and(|it| it.groups.iter().any(|of| groups.contains(of)));
    if groups.is_empty() || shares {
        return Ok(());
    }
    let detail = "the person is in no group that the profile may act for";
    Err(Denied::new(Code::InvalidRequest, detail))
}

/// What the token is to be for, within what the one is for that was brought.
fn resource(tables: &Tables, form: &Form, subject: &Subject) -> Result<(String, Audience), Denied> {
    let refused = |detail: &'static str| Denied::new(Code::InvalidTarget, detail);
    let mut asked: Vec<_> = form.all("resource").collect();
    if let Some(audience) = form.get("audience") {
        if asked.iter().any(|it| *it != audience) {
            return Err(refused("resource and audience name two things: name one"));
        }
        asked = vec![audience];
    }
    if asked.is_empty() {
        asked.push(&subject.resource);
    }
    let (wanted, audience) = covering(tables, &asked)?;
    match subject.audience.covers(&audience) {
        true => Ok((wanted.to_owned(), audience)),
        false => Err(refused("the subject_token is not good for that resource")),
    }
}

/// What of its profile the token is to carry: what is asked for, where that is no more than the
/// token carries that was brought.
fn narrower(
    asked: Option<TokenScopes>,
    subject: &Subject,
    audience: &Audience,
    (before, now): (&Profile, &Profile),
) -> Result<Option<TokenScopes>, Denied> {
    let refused = |detail: &'static str| Denied::new(Code::InvalidScope, detail);
    let carried = match before.id == now.id {
        true => subject.scopes.clone(),
        false => Some(shared(subject, audience, (before, now))),
    };
    if carried.as_ref().is_some_and(TokenScopes::is_empty) {
        return Err(refused("the profile shares no role with what the subject_token carries"));
    }
    match (asked, carried) {
        (Some(asked), Some(carried)) if !carried.includes(&asked) => {
            Err(refused("more is asked for than the subject_token carries"))
        }
        (Some(asked), _) => Ok(Some(asked)),
        (None, carried) => Ok(carried),
    }
}

/// Roles that both profiles have with the same reach, and that the token carries. By nothing but
/// roles: a collection by name would be all that the other profile may do there.
fn shared(
    subject: &Subject,
    audience: &Audience,
    (before, now): (&Profile, &Profile),
) -> TokenScopes {
    let both = now.roles.iter().filter(|it| before.roles.contains(it));
    let carried = both.filter(|it| subject.carries(&it.role, audience));
    carried.map(|it| TokenScope::Role(it.role.clone())).collect()
}
