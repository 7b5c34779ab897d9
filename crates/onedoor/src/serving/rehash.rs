//! Keys that are used come under the newest pepper: in the store, or beside the folder that is served.

use std::{
    convert::Infallible,
    fs,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use admin::Admin;

/// How often it is done: it waits for nobody's call, and nobody's call waits for it.
const EVERY: Duration = Duration::from_secs(5);

/// Keeps the new hashes, for ever. A folder that is served is not written: for its keeper the documents
/// go to `beside`.
pub(super) async fn keep(admin: Arc<Admin>, beside: PathBuf) -> Infallible {
    loop {
        tokio::time::sleep(EVERY).await;
        admin.rehash().await;
        for (path, text) in admin.rehashed() {
            if let Err(error) = write(&beside.join(path), &text) {
                tell_unwritten(&beside, &error);
                break;
            }
        }
    }
}

/// Writes a file for us alone, unless it holds the same.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if fs::read_to_string(path).is_ok_and(|it| it == text) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let draft = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(&draft).and_then(|mut file| file.write_all(text.as_bytes()))?;
    fs::rename(&draft, path)
}

fn tell_unwritten(folder: &Path, error: &std::io::Error) {
    let folder = folder.display();
    tracing::warn!("hashes under the newest pepper cannot be written to {folder}: {error}");
}
