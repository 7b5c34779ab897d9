//! `[audit]`: how the log is kept.

use std::path::{Path, PathBuf};

use audit::{Levels, Rules};
use model::quantity::parse_bytes;

use super::{Reader, folders::parse_path};

/// Smallest and largest segment.
const SEGMENT_BYTES: (u64, u64) = (1 << 20, 1 << 30);

/// How the log is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Audit {
    /// Its folder; `audit` in the data folder where none is given.
    pub(crate) directory: Option<PathBuf>,
    /// The key that signs it; `audit.key` in the data folder where none is given.
    pub(crate) signing_key: Option<PathBuf>,
    /// Another file that every checkpoint is appended to.
    pub(crate) checkpoints: Option<PathBuf>,
    /// How large a segment grows, and what must be on the disk before anybody goes on.
    pub(crate) rules: Rules,
}

impl Audit {
    pub(super) fn read(reader: &mut Reader<'_>, from: &Path) -> Self {
        let mut table = reader.table("audit");
        let directory = table.take(reader, "directory", |it| parse_path(it, from));
        let signing_key = table.take(reader, "signing_key", |it| parse_path(it, from));
        let checkpoints = table.take(reader, "checkpoints", |it| parse_path(it, from));
        let levels = table.take(reader, "level", |it| match it {
            "by_effect" => Ok(Levels::ByEffect),
            "strict" => Ok(Levels::Strict),
            other => Err(format!("unknown level \"{other}\": write by_effect or strict")),
        });
        let segment_bytes = table.take(reader, "segment_size", segment_size);
        table.finish(reader);
        let usual = Rules::default();
        let rules = Rules {
            levels: levels.unwrap_or(usual.levels),
            segment_bytes: segment_bytes.unwrap_or(usual.segment_bytes),
            segment_age: usual.segment_age,
        };
        Self { directory, signing_key, checkpoints, rules }
    }
}

fn segment_size(text: &str) -> Result<u64, String> {
    let (min, max) = SEGMENT_BYTES;
    let bytes = u64::try_from(parse_bytes(text)?).unwrap_or(u64::MAX);
    match (min..=max).contains(&bytes) {
        true => Ok(bytes),
        false => Err(format!("{text} is not from 1MiB to 1GiB")),
    }
}
