//! The data folder: what this machine keeps for itself, such as the pepper of the API keys.

mod body_keys;
mod keyring;
mod pepper;
mod private;
mod quotas;
mod revision;
mod salt;
mod signing;

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use identity::api_key::Pepper;

pub(crate) use self::{
    body_keys::BodyKeys,
    quotas::{Known, QuotaFile},
    revision::Revisions,
    signing::NextKey,
};

/// A data folder that is there and belongs to us alone.
#[derive(Debug, Clone)]
pub(crate) struct DataFolder(PathBuf);

impl DataFolder {
    /// Opens the folder at `path`; makes it where it is missing, for our eyes only.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).with_context(|| {
            format!("cannot make the data folder {shown} (--data names another)")
        })?;
        // It may stand inside a state folder that is kept in git: nothing of it belongs there.
        match private::create(&path.join(".gitignore"), b"*\n") {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(error).with_context(|| format!("cannot write to the data folder {shown}"))
            }
            Err(_) | Ok(()) => Ok(Self(path.to_owned())),
        }
    }

    /// The pepper of the API keys; made on first use.
    ///
    /// # Errors
    /// Where it cannot be made or read, is broken, or can be read by others.
    pub(crate) fn pepper(&self) -> anyhow::Result<Pepper> {
        pepper::open(&self.pepper_file())
    }

    /// The pepper as its file has it now.
    ///
    /// # Errors
    /// Where it cannot be read, is broken, or can be read by others.
    pub(crate) fn read_pepper(&self) -> anyhow::Result<Pepper> {
        pepper::read(&self.pepper_file())
    }

    /// Where the pepper is.
    pub(crate) fn pepper_file(&self) -> PathBuf {
        self.0.join("pepper")
    }

    /// The key-encryption keys of the secrets in the store: from the environment, a credential of
    /// systemd, or a file here, which is made on first use where `is_needed`.
    ///
    /// # Errors
    /// Where they cannot be made or read, are broken, or can be read by others.
    pub(crate) fn keyring(&self, is_needed: bool) -> anyhow::Result<Option<secrets::Keyring>> {
        keyring::open(&self.keyring_file(), is_needed)
    }

    /// Where the key-encryption keys are, unless they come from elsewhere.
    pub(crate) fn keyring_file(&self) -> PathBuf {
        self.0.join("keyring")
    }

    /// Where the documents of credentials go that are hashed under the newest pepper, for whoever keeps
    /// the folder that is served.
    pub(crate) fn rehashed(&self) -> PathBuf {
        self.0.join("rehashed")
    }

    /// Where files with values of secrets may be.
    pub(crate) fn secrets(&self) -> PathBuf {
        self.0.join("secrets")
    }

    /// The numbers of the states that were in force.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub(crate) fn revisions(&self) -> anyhow::Result<Revisions> {
        Revisions::open(self.0.join("revision"))
    }

    /// What was used of quotas.
    pub(crate) fn quotas(&self) -> QuotaFile {
        QuotaFile::new(self.0.join("quotas.jsonl"))
    }

    /// What a command holds while it works in place of a door that does not run.
    pub(crate) fn command_lock(&self) -> PathBuf {
        self.0.join("command.lock")
    }

    /// Where sinks keep how far they are.
    pub(crate) fn sinks(&self) -> PathBuf {
        self.0.join("sinks")
    }

    /// Where the audit log is unless `onedoor.toml` says otherwise.
    pub(crate) fn audit_folder(&self) -> PathBuf {
        self.0.join("audit")
    }

    /// The key in `file` that signs the audit log in `folder`; made on first use.
    ///
    /// # Errors
    /// Where it cannot be made or read, is broken, or can be read by others.
    pub(crate) fn audit_key(file: &Path, folder: &Path) -> anyhow::Result<audit::SigningKey> {
        signing::open(file, folder)
    }

    /// Where the key that signs the audit log is unless `onedoor.toml` says otherwise.
    pub(crate) fn audit_key_file(&self) -> PathBuf {
        self.0.join("audit.key")
    }

    /// What values are hashed under in records of the door whose data is in `folder`.
    ///
    /// # Errors
    /// Where there is none, it cannot be read, is broken, or can be read by others.
    pub(crate) fn read_audit_salt(folder: &Path) -> anyhow::Result<audit::Salt> {
        salt::read(&folder.join("audit.salt"))
    }

    /// Where the keys of those are whose bodies are kept beside the audit log.
    pub(crate) fn body_keys_folder(&self) -> PathBuf {
        self.0.join("body-keys")
    }

    /// What seals these keys: `keyring`, or the one that is here, made on first use.
    pub(crate) fn body_keys(&self, keyring: Option<Arc<secrets::Keyring>>) -> BodyKeys {
        BodyKeys::new(self.clone(), keyring)
    }

    /// What values are hashed under in records; made on first use.
    ///
    /// # Errors
    /// Where it cannot be made or read, is broken, or can be read by others.
    pub(crate) fn audit_salt(&self) -> anyhow::Result<audit::Salt> {
        salt::open(&self.0.join("audit.salt"))
    }
}
