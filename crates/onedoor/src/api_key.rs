//! Makes an API key or client secret for a profile and keeps its HMAC in the state folder.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use identity::api_key::{self, Pepper, SystemRandom};
use model::{Credential, CredentialId, KeyKind, ProfileId, Secret, Timestamp};

use crate::folder;

/// A key that was just made.
pub(crate) struct Issued {
    /// The key, to be shown once.
    pub(crate) key: Secret<String>,
    /// Its public id.
    pub(crate) id: CredentialId,
    /// Where its HMAC is.
    pub(crate) file: PathBuf,
}

/// Makes a key of `profile`, of this kind, and writes its credential into the folder `state`.
///
/// # Errors
/// Where there is no chance to be had, or the folder cannot be written.
pub(crate) fn make(
    state: &Path,
    pepper: &Pepper,
    (kind, profile): (KeyKind, &ProfileId),
    (now, expires): (Timestamp, Timestamp),
) -> anyhow::Result<Issued> {
    let (key, credential) = new(pepper, (kind, profile), (now, expires))?;
    let id = credential.id.clone();
    let file = state.join(state::Kind::Credential.path(id.as_str()));
    folder::write(&file, &state::write_credential(&credential))
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(Issued { key, id, file })
}

/// A key of `profile`, of this kind, and the credential that knows it again.
///
/// # Errors
/// Where there is no chance to be had.
pub(crate) fn new(
    pepper: &Pepper,
    (kind, profile): (KeyKind, &ProfileId),
    times: (Timestamp, Timestamp),
) -> anyhow::Result<(Secret<String>, Credential)> {
    let (key, hash) = api_key::make(kind, pepper, &SystemRandom::new())?;
    let credential = Credential::new(profile, kind.proof(hash), uuid::Uuid::new_v4(), times)?;
    Ok((key, credential))
}
