//! `[audit]`: where records go.

use std::path::{Path, PathBuf};

use super::{Reader, folders::parse_path};

/// Where records go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Audit {
    /// A file or the standard output.
    pub(crate) target: AuditTarget,
}

/// A file or the standard output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AuditTarget {
    /// This file; `audit.jsonl` in the data folder where none is given.
    File(Option<PathBuf>),
    /// The standard output, for whoever collects that.
    Stdout,
}

impl Audit {
    pub(super) fn read(reader: &mut Reader<'_>, from: &Path) -> Self {
        let mut table = reader.table("audit");
        let is_stdout = table.take(reader, "target", |it| match it {
            "file" => Ok(false),
            "stdout" => Ok(true),
            other => Err(format!("unknown target \"{other}\": write file or stdout")),
        });
        let file = table.take(reader, "file", |it| match is_stdout {
            Some(true) => Err("has no meaning while target is stdout: leave it out".to_owned()),
            Some(false) | None => parse_path(it, from),
        });
        table.finish(reader);
        let target = match is_stdout {
            Some(true) => AuditTarget::Stdout,
            Some(false) | None => AuditTarget::File(file),
        };
        Self { target }
    }
}
