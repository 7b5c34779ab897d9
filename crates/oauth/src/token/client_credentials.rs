//! A client asks for a token for itself (RFC 6749 section 4.4).

use model::GrantType;

use super::{Issued, caller, check_terms, resource, scopes};
use crate::{
    Request, Server,
    access_token::AccessToken,
    client::{Origin, Proven},
    error::{Code, Denied},
    facts::Facts,
    form::Form,
};

/// Gives a token to a client that has proved who it is.
pub(super) fn issue(
    server: &Server,
    request: &Request,
    form: &Form,
    proven: &Proven,
    facts: &mut Facts,
) -> Result<Issued, Denied> {
    let not_allowed = |detail: &'static str| Denied::new(Code::UnauthorizedClient, detail);
    let (Origin::Declared(profile), true) = (&proven.client.origin, proven.is_confidential) else {
        return Err(not_allowed(
            "only registered clients that prove who they are may ask for this",
        ));
    };
    let tables = server.tables();
    let contract = tables.contract(profile, request.at);
    let contract = contract.ok_or_else(|| not_allowed("the profile gets no tokens"))?;
    facts.caller = Some(caller(&contract, None));
    if !contract.terms.grants.contains(&GrantType::ClientCredentials) {
        return Err(not_allowed("the profile does not have the grant client_credentials"));
    }
    check_terms(&contract, request)?;
    let (resource, _) = resource(&tables, form)?;
    let scopes = scopes(form)?;
    let token = AccessToken {
        issuer: server.url(),
        client: &proven.client.id,
        profile,
        subject: None,
        earlier_actors: None,
        resource: &resource,
        scopes: scopes.as_ref(),
        credential: proven.credential.as_ref(),
        admission: None,
        grant: None,
        lifetime: contract.terms.lifetime,
    };
    let access = token.mint(&server.keys, request.at)?;
    Ok(Issued { access, refresh: None, scope: scopes.map(|it| it.to_string()) })
}
