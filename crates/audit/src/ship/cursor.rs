//! Up to which record a sink has acknowledged, in a file that is replaced as a whole.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::Hash;

/// Up to which record a sink has acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The first record that is not acknowledged.
    pub(super) next: u64,
    /// The hash of the record before it: only in the same log it is the same.
    pub(super) last: Hash,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    next: u64,
    last: String,
}

impl Cursor {
    /// What the file says; none where there is no file.
    ///
    /// Fails with `InvalidData` where it is no cursor.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let members = serde_json::from_slice::<Members>(&bytes).ok();
        let cursor = members
            .and_then(|it| Some(Self { next: it.next, last: Hash::from_hex(it.last.as_bytes())? }));
        let bad = || io::Error::new(ErrorKind::InvalidData, "the cursor's file is no cursor");
        cursor.map(Some).ok_or_else(bad)
    }

    /// Replaces the file; when this returns, the disk holds the new one.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let members = Members { next: self.next, last: self.last.to_string() };
        let fresh = path.with_extension("cursor.new");
        let mut file = File::create(&fresh)?;
        file.write_all(&serde_json::to_vec(&members)?)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        path.parent().map_or(Ok(()), |it| File::open(it)?.sync_all())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_a_broken_one_is_told_from_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("siem.cursor");
        assert_eq!(Cursor::read(&path).unwrap(), None);
        let cursor = Cursor { next: 7, last: Hash::of_nothing() };
        cursor.write(&path).unwrap();
        assert_eq!(Cursor::read(&path).unwrap(), Some(cursor));
        fs::write(&path, r#"{"next":7,"last":"00"}"#).unwrap();
        assert_eq!(Cursor::read(&path).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
