//! Writes documents into a state folder so that nobody ever reads half of one.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

/// Puts `text` at `path`, whole or not at all, and makes the folders above it.
///
/// # Errors
/// What the disk says.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent)?;
    // A dot file: whoever reads the folder in this moment passes over it.
    let draft = parent.join(format!(".{}.new", uuid::Uuid::new_v4().simple()));
    let written = fs::File::create_new(&draft)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        // Best effort: the draft is in nobody's way.
        drop(fs::remove_file(&draft));
    }
    written
}
