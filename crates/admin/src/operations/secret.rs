//! The values of secrets that are kept here: written, never shown.

mod add;
mod list;
mod version;

pub(crate) use self::{add::AddVersion, list::ListVersions, version::SetVersionState};

use model::{DeclaredSecret, SecretSource};
use secrets::VersionState;
use state::Kind;

use crate::{Admin, Call, authority, failure::Failure, working::Working};

/// What versions are sealed for: part of what their seals are bound to.
pub(crate) const PURPOSE: &str = "upstream";

/// A secret within the caller's reach whose values are kept here.
fn found(working: &Working, call: &Call, id: &str) -> Result<DeclaredSecret, Failure> {
    let no_such = || Failure::no_such("secret", id);
    working
        .document(Kind::Secret, id)
        .filter(|_| authority::reaches(call, working, Kind::Secret, id))
        .ok_or_else(no_such)?;
    let secret = working.desired.secrets.iter().find(|it| it.id.as_str() == id);
    let secret = secret.ok_or_else(no_such)?;
    if secret.source != SecretSource::Store {
        let detail = format!("the value of {id} is kept elsewhere: its source says where");
        return Err(Failure::Conflict(detail));
    }
    Ok(DeclaredSecret::clone(secret))
}

/// The versions of a secret that is kept here.
async fn versions(
    admin: &Admin,
    secret: &DeclaredSecret,
) -> Result<Vec<(store::SealedVersion, VersionState)>, Failure> {
    let store = admin.store.as_ref().ok_or_else(|| {
        Failure::ReadOnly("what is served is a folder: it keeps no values".to_owned())
    })?;
    let versions = store.sealed_of(&secret.id).await?.into_iter().map(|it| {
        let state = VersionState::parse(&it.state);
        let state = state.ok_or_else(|| Failure::internal(&format!("state {}", it.state)))?;
        Ok((it, state))
    });
    versions.collect()
}
