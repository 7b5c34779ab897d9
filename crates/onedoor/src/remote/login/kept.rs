//! What a sign-in leaves on this machine: a file for each door, which only its user can read.

use std::{fs, io, path::PathBuf};

use anyhow::Context as _;
use aws_lc_rs::digest::{SHA256, digest};
use model::Secret;
use serde::{Deserialize, Serialize};

use super::Tokens;
use crate::remote::private_file::{self, folder};

const HOLDS: &str = "what `onedoor login` wrote there";

/// Tokens, and who takes them back. No Debug: it would show them.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    pub(super) url: String,
    pub(super) issuer: String,
    pub(super) client: String,
    pub(super) token_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) revocation_endpoint: Option<String>,
    pub(super) access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refresh_token: Option<String>,
    /// When the access token ends, in seconds since 1970.
    pub(super) expires: i64,
}

impl Kept {
    /// The same, with new tokens. Where no new refresh token came, the old one is still good.
    pub(super) fn renewed(self, tokens: &Tokens) -> Self {
        Self {
            access_token: tokens.access.clone(),
            refresh_token: tokens.refresh.clone().or(self.refresh_token),
            expires: tokens.expires,
            ..self
        }
    }
}

/// Where the sign-in at one door is kept.
#[derive(Debug)]
pub(in crate::remote) struct Place {
    url: String,
    path: PathBuf,
}

impl Place {
    /// The place for the door at `url`.
    pub(in crate::remote) fn of(url: &str, variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let folder = folder(variable, ["ONEDOOR_STATE_HOME", "XDG_STATE_HOME", ".local/state"]);
        let hash = digest(&SHA256, url.as_bytes());
        let name = model::hex(hash.as_ref().get(..12).unwrap_or_default());
        Self { url: url.to_owned(), path: folder.join("logins").join(format!("{name}.toml")) }
    }

    /// Whether anybody signed in there.
    pub(in crate::remote) fn is_taken(&self) -> bool {
        self.path.exists()
    }

    /// The file itself.
    #[cfg(test)]
    pub(in crate::remote) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Waits for other commands of this user that renew or end the sign-in, and keeps them out.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn lock(&self) -> anyhow::Result<fs::File> {
        let path = self.path.with_extension("lock");
        private_file::lock(&path).with_context(|| format!("cannot lock {}", path.display()))
    }

    /// What is kept for this door.
    ///
    /// # Errors
    /// Where the file is broken, is for another door, or can be read by others.
    pub(super) fn read(&self) -> anyhow::Result<Option<Kept>> {
        let kept: Option<Kept> = private_file::read(&self.path, HOLDS)?;
        let is_other = kept.as_ref().is_some_and(|it| it.url != self.url);
        // Tokens go to the door that they are for, whoever copied the file.
        anyhow::ensure!(
            !is_other,
            "{} is of another door than {}: `onedoor logout` removes it",
            self.path.display(),
            self.url
        );
        Ok(kept)
    }

    /// Keeps it, in place of what was kept before.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn write(&self, kept: &Kept) -> anyhow::Result<()> {
        let text = Secret::new(toml::to_string(kept).context("cannot write tokens as TOML")?);
        private_file::write(&self.path, text.expose().as_bytes())
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Forgets it. The lock stays: somebody may be waiting for it.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn remove(&self) -> anyhow::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.with_context(|| format!("cannot remove {}", self.path.display())),
        }
    }
}
