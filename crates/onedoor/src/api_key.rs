//! Makes an API key or client secret for a profile, and keeps its HMAC in the state folder.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use identity::api_key::{self, Pepper, SystemRandom};
use model::{Credential, KeyKind, ProfileId, Secret, Timestamp};

use crate::folder;

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

/// Writes the credential into the folder `state`, and gives back where.
///
/// # Errors
/// Where the folder cannot be written.
pub(crate) fn write(state: &Path, credential: &Credential) -> anyhow::Result<PathBuf> {
    let file = state.join(state::Kind::Credential.path(credential.id.as_str()));
    folder::write(&file, &state::write_credential(credential))
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}
