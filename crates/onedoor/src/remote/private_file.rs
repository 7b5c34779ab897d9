//! Files that hold credentials: for our eyes only, written whole or not at all.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow};
use model::Secret;
use serde::de::DeserializeOwned;

/// Largest file of this kind.
const BYTES_MAX: u64 = 64 << 10;

/// The folder of ours that is meant for something: where `own` or `common` says, else `usual` at home.
pub(super) fn folder(
    variable: &dyn Fn(&str) -> Option<String>,
    [own, common, usual]: [&str; 3],
) -> PathBuf {
    let set = |name: &str| variable(name).filter(|it| !it.is_empty()).map(PathBuf::from);
    let folder = set(own).or_else(|| set(common));
    let folder = folder.or_else(|| set("HOME").map(|it| it.join(usual)));
    folder.unwrap_or_default().join("onedoor")
}

/// What the environment says.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var_os(name)?.into_string().ok()
}

/// Writes `content` to `path`, whole or not at all, for our eyes only.
///
/// # Errors
/// What the disk says.
pub(super) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let parent = make_folder(path)?;
    let draft = parent.join(format!(".{}.new", uuid::Uuid::new_v4().simple()));
    let mut options = fs::OpenOptions::new();
    let written = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        // Best effort: the draft is in nobody's way.
        drop(fs::remove_file(&draft));
    }
    written
}

/// Waits until nobody else on this machine holds the lock at `path`, and takes it until it is dropped.
///
/// Whoever holds it waits for a door or a store, and no longer than that may take.
///
/// # Errors
/// What the disk says.
pub(crate) fn lock(path: &Path) -> io::Result<fs::File> {
    make_folder(path)?;
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).mode(0o600).open(path)?;
    file.lock()?;
    Ok(file)
}

fn make_folder(path: &Path) -> io::Result<&Path> {
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    Ok(parent)
}

/// Reads the TOML at `path`; none where there is no such file. `holds` says what may stand there.
///
/// # Errors
/// Where others can read it, and where it holds something else: that is not shown.
pub(super) fn read<T: DeserializeOwned>(path: &Path, holds: &str) -> anyhow::Result<Option<T>> {
    let shown = path.display();
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.with_context(|| format!("cannot read {shown}"))?,
    };
    let metadata = file.metadata().with_context(|| format!("cannot look at {shown}"))?;
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(anyhow!(
            "{shown} can be read by others (mode {mode:o}): chmod 600 it; if others did read it, revoke its credential"
        ));
    }
    if !metadata.is_file() || metadata.len() > BYTES_MAX {
        return Err(anyhow!("{shown} is no such file: it may hold {holds}, and no more"));
    }
    let mut text = String::new();
    file.take(BYTES_MAX)
        .read_to_string(&mut text)
        .with_context(|| format!("cannot read {shown}"))?;
    let text = Secret::new(text);
    // The words of the parser show what stands there, and that may be the credential.
    toml::from_str(text.expose()).map(Some).map_err(|error| {
        let before = error.span().and_then(|it| text.expose().get(..it.start)).unwrap_or_default();
        let line = before.matches('\n').count().saturating_add(1);
        anyhow!("{shown}:{line} is wrong: it may hold {holds}, and no more")
    })
}
