//! The values of secrets that are kept here: written, never shown.

mod add;
mod list;
mod rewrap;
mod version;

pub(crate) use self::{
    add::AddVersion, list::ListVersions, rewrap::Rewrap, version::SetVersionState,
};

use std::sync::Arc;

use model::{DeclaredSecret, SecretSource};
use secrets::{Keyring, VersionState};
use state::Kind;

use crate::{Admin, Call, authority, change::Plan, failure::Failure, working::Working};

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

/// A version, and what its state means.
type Version = (store::SealedVersion, VersionState);

/// Changes versions of a secret by `plan`, which is shown the last that there are. Gives back what
/// the plan says besides, and the revision in force.
async fn change<T: Send>(
    admin: &Admin,
    call: &Call,
    id: &str,
    plan: impl Fn(&DeclaredSecret, &[Version]) -> Result<(Plan, T), Failure> + Send + Sync,
) -> Result<(T, u64), Failure> {
    let plan = &plan;
    let by_versions = |working: Arc<Working>| async move {
        let secret = found(&working, call, id)?;
        let (made, said) = plan(&secret, &versions(admin, &secret).await?)?;
        Ok((made, (secret.id, said)))
    };
    let (after, (secret, said)) = admin.change_by(call, by_versions).await?;
    admin.plane.secret_changed(&secret);
    Ok((said, after.revision))
}

/// The keys under which values are sealed.
fn keyring(admin: &Admin) -> Result<&Keyring, Failure> {
    admin.keyring.as_deref().ok_or_else(|| {
        let detail = "there is no key-encryption key: see docs/secrets.md";
        Failure::Conflict(detail.to_owned())
    })
}

/// The versions of a secret that is kept here.
async fn versions(admin: &Admin, secret: &DeclaredSecret) -> Result<Vec<Version>, Failure> {
    let versions = admin.sealed_store()?.sealed_of(&secret.id).await?;
    let versions = versions.into_iter().map(|it| {
        let state = VersionState::parse(&it.state);
        let state = state.ok_or_else(|| Failure::internal(&format!("state {}", it.state)))?;
        Ok((it, state))
    });
    versions.collect()
}
