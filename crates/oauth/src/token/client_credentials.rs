//! A client asks for a token for itself (RFC 6749 section 4.4).

use model::GrantType;

use super::{Issued, registered, resource, scopes};
use crate::{
    Request, Server, access_token::AccessToken, client::Proven, error::Denied, facts::Facts,
    form::Form,
};

/// Gives a token to a client that has proved who it is.
pub(super) async fn issue(
    server: &Server,
    request: &Request,
    form: &Form,
    proven: &Proven,
    facts: &mut Facts,
) -> Result<Issued, Denied> {
    let tables = server.tables();
    let contract = registered(&tables, request, proven, GrantType::ClientCredentials, facts)?;
    let (resource, _) = resource(&tables, form)?;
    let scopes = scopes(form)?;
    let demands = proven.client.demands(contract.terms);
    let confirmation = proven.held.bind(server, request, &demands).await?;
    let token = AccessToken {
        issuer: server.url(),
        client: &proven.client.id,
        profile: &contract.profile.id,
        subject: None,
        earlier_actors: None,
        earlier_givers: &[],
        resource: &resource,
        scopes: scopes.as_ref(),
        credential: proven.credential.as_ref(),
        admission: None,
        rule: None,
        grant: None,
        lifetime: contract.terms.lifetime,
        confirmation: &confirmation,
        methods: &[],
        is_opaque: contract.terms.is_opaque,
    };
    let access = token.give(server, request.at).await?;
    let token_type = confirmation.token_type();
    Ok(Issued { access, token_type, refresh: None, scope: scopes.map(|it| it.to_string()) })
}
