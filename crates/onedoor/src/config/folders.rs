//! `[folders]`: where things are kept.

use std::path::{Path, PathBuf};

use super::Reader;

/// Where things are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folders {
    /// Desired state.
    pub(crate) state: Option<PathBuf>,
    /// What this machine keeps for itself; `.onedoor` in the state folder where none is given.
    pub(crate) data: Option<PathBuf>,
}

impl Folders {
    pub(super) fn read(reader: &mut Reader<'_>, from: &Path) -> Self {
        let mut table = reader.table("folders");
        let state = table.take(reader, "state", |it| parse_path(it, from));
        let data = table.take(reader, "data", |it| parse_path(it, from));
        table.finish(reader);
        Self { state, data }
    }
}

/// Reads a path; a relative one is meant from the folder `from`.
pub(super) fn parse_path(text: &str, from: &Path) -> Result<PathBuf, String> {
    if text.is_empty() || text.contains('\0') {
        return Err(format!("\"{}\" is not a path", text.escape_debug()));
    }
    Ok(from.join(text))
}
