//! Makes an API key for a profile and keeps its HMAC in the state folder.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use identity::api_key::{Pepper, SystemRandom, issue};
use model::{
    Credential, CredentialId, CredentialState, Place, ProfileId, Proof, Secret, Timestamp,
};

use crate::folder;

/// Longest start of a credential's id; the random end comes after it.
const ID_START_MAX: usize = 54;

/// A key that was just made.
pub(crate) struct Issued {
    /// The key, to be shown once.
    pub(crate) key: Secret<String>,
    /// Its public id.
    pub(crate) id: CredentialId,
    /// Where its HMAC is.
    pub(crate) file: PathBuf,
}

/// Makes a key of `profile` and writes its credential into the folder `state`.
///
/// # Errors
/// Where there is no chance to be had, or the folder cannot be written.
pub(crate) fn make(
    state: &Path,
    pepper: &Pepper,
    profile: &ProfileId,
    (now, expires): (Timestamp, Timestamp),
) -> anyhow::Result<Issued> {
    let (key, hmac) = issue(pepper, &SystemRandom::new())?;
    let credential = Credential {
        id: id_for(profile)?,
        profile: profile.clone(),
        proof: Proof::ApiKey { hmac },
        state: CredentialState::Active,
        created: Some(now),
        expires,
        place: Place::default(),
    };
    let id = credential.id.clone();
    let file = state.join(state::Kind::Credential.path(id.as_str()));
    folder::write(&file, &state::write_credential(&credential))
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(Issued { key, id, file })
}

/// Readable, and new: the profile's name and a random end.
fn id_for(profile: &ProfileId) -> anyhow::Result<CredentialId> {
    let start: String =
        format!("{}-{}", profile.client(), profile.name()).chars().take(ID_START_MAX).collect();
    let end: String = uuid::Uuid::new_v4().simple().to_string().chars().take(8).collect();
    Ok(CredentialId::parse(&format!("{start}-{end}"))?)
}
