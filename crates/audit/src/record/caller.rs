//! Who called, as a record names them.

use model::Caller;

use super::{Line, TEXT_BYTES_MAX};
use crate::text;

/// Most actors in a line.
const ACTORS_MAX: usize = 8;

/// Writes the members that name `caller`.
pub(super) fn write(caller: &Caller, line: &mut Line) -> Result<(), serde_json::Error> {
    let Caller { client, kind, profile, credential, user, actors, bounds, known_by } = caller;
    line.word("client", client.as_str());
    if !caller.is_anonymous() {
        line.word("client_kind", kind.as_str());
    }
    line.word("profile", profile.as_str());
    line.cut("user", user.as_deref())?;
    if !actors.is_empty() {
        let actors: Vec<_> =
            actors.iter().take(ACTORS_MAX).map(|it| text::cut(it, TEXT_BYTES_MAX)).collect();
        line.put("actors", &actors)?;
    }
    if let Some(credential) = credential {
        line.word("credential", credential.as_str());
    }
    line.cut("credential_kind", known_by.credential)?;
    line.cut("token_kind", known_by.token)?;
    line.cut("token", known_by.token_id.as_deref())?;
    line.cut("token_key", known_by.key.as_deref())?;
    line.cut("token_bound_to", known_by.bound_to.as_deref())?;
    line.cut("grant", known_by.grant.as_deref())?;
    line.cut("auth_methods", known_by.methods.as_deref())?;
    if let Some(scopes) = bounds.as_ref().and_then(|it| it.scopes.as_ref()) {
        line.cut("scopes", Some(&scopes.to_string()))?;
    }
    Ok(())
}
