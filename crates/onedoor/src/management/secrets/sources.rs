//! The world, as far as values of secrets may come from it.

use std::{
    env,
    fs::File,
    io::{self, Read as _},
    path::{Component, Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use model::{Secret, SecretId};
use secrets::{Environment, Fetch, Fetched, Files, Pending, Sealed, Stored, VersionState};
use store::Store;
use upstream::Egress;

/// Variables by other names are the door's own business: whoever declares a secret must not be able
/// to name the door's keys and have them sent to an upstream.
const VARIABLE_PREFIX: &str = "ONEDOOR_SECRET_";
/// Where orchestrators put secrets.
const RUN_SECRETS: &str = "/run/secrets";
/// Largest file that is read, and one byte more.
const FILE_BYTES_MAX: u64 = 64 * 1024 + 1;
/// Largest answer of a vault.
const ANSWER_BYTES_MAX: usize = 256 << 10;
/// Longest wait for one.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// The variables and files that secrets may name.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    folders: Vec<PathBuf>,
}

impl Places {
    /// Files below `folder` and `/run/secrets`, and variables with the prefix `ONEDOOR_SECRET_`.
    pub(crate) fn new(folder: PathBuf) -> Self {
        // Secrets name absolute paths, and the data folder may have been named from where the door
        // was started.
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        Self { folders: vec![folder, PathBuf::from(RUN_SECRETS)] }
    }

    fn allows(&self, path: &Path) -> bool {
        let is_plain = path.components().all(|it| it != Component::ParentDir);
        is_plain && self.folders.iter().any(|it| path.starts_with(it))
    }
}

impl Environment for Places {
    #[expect(clippy::disallowed_methods, reason = "this is what the variable is for")]
    fn variable(&self, name: &str) -> Option<Secret<String>> {
        let is_allowed = name.starts_with(VARIABLE_PREFIX);
        is_allowed.then(|| env::var(name).ok()).flatten().map(Secret::new)
    }
}

impl Files for Places {
    fn read(&self, path: &Path) -> io::Result<Secret<Vec<u8>>> {
        // A link may lead out of the folder.
        let real = path.canonicalize()?;
        let folders = self.folders.iter().filter_map(|it| it.canonicalize().ok());
        let is_inside = Self { folders: folders.collect() }.allows(&real);
        if !self.allows(path) || !is_inside {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let mut bytes = Vec::new();
        File::open(real)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(Secret::new(bytes))
    }
}

/// Sealed values in the store, where there is one.
pub(super) struct InStore(pub(super) Option<Store>);

impl Stored for InStore {
    fn active<'a>(
        &'a self,
        secret: &'a SecretId,
    ) -> Pending<'a, Result<Option<(u32, Sealed)>, String>> {
        Box::pin(async move {
            let Some(store) = &self.0 else {
                return Err("there is no store: a folder is served".to_owned());
            };
            let versions = store.sealed_of(secret).await.map_err(|error| error.to_string())?;
            let states: Vec<_> = versions
                .iter()
                .filter_map(|it| Some((it.version, VersionState::parse(&it.state)?)))
                .collect();
            let chosen = secrets::choose(&states);
            let version = versions.into_iter().find(|it| Some(it.version) == chosen);
            Ok(version.map(|it| (it.version, Sealed { key: it.key, bytes: it.sealed })))
        })
    }
}

/// The egress client as vaults are asked by it.
pub(super) struct VaultEgress(pub(super) Egress);

impl Fetch for VaultEgress {
    fn get<'a>(
        &'a self,
        url: &'a str,
        headers: &'a [(&'static str, Secret<String>)],
    ) -> Pending<'a, Result<Fetched, String>> {
        Box::pin(async move {
            let mut request = Request::get(url);
            for (name, value) in headers {
                request = request.header(*name, value.expose());
            }
            let request = request.body(Bytes::new()).map_err(|_| "no such URL".to_owned())?;
            let answer = self.0.send(request, ANSWER_BYTES_MAX, ANSWER_TIMEOUT).await;
            let answer = answer.map_err(|error| error.to_string())?;
            let (status, body) =
                (answer.status().as_u16(), Secret::new(answer.into_body().to_vec()));
            Ok(Fetched { status, body })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_folders_are_read() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("secrets");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("crm"), "value").unwrap();
        std::fs::write(root.path().join("keyring"), "the door's own").unwrap();
        std::os::unix::fs::symlink(root.path().join("keyring"), folder.join("link")).unwrap();
        let places = Places::new(folder.clone());
        assert_eq!(places.read(&folder.join("crm")).unwrap().expose(), b"value");
        for other in [
            folder.join("link"),
            folder.join("../keyring"),
            root.path().join("keyring"),
            PathBuf::from("/etc/passwd"),
        ] {
            assert!(places.read(&other).is_err(), "{}", other.display());
        }
        assert!(places.variable("PATH").is_none());
    }
}
