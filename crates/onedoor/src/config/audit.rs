//! `[audit]`: how the log is kept.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use audit::{Keep, Levels, Rules};
use aws_lc_rs::digest;
use model::quantity::{parse_bytes, parse_duration};
use sinks::Declared;

use super::{Reader, bounds, folders::parse_path};

/// Smallest and largest segment.
const SEGMENT_BYTES: (u64, u64) = (1 << 20, 1 << 30);
/// Shortest time that segments are kept.
const KEEP_FOR_MIN: Duration = Duration::from_secs(3600);

/// How the log is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Audit {
    /// Its folder; `audit` in the data folder where none is given.
    pub(crate) directory: Option<PathBuf>,
    /// The key that signs it; `audit.key` in the data folder where none is given.
    pub(crate) signing_key: Option<PathBuf>,
    /// Another file that every checkpoint is appended to.
    pub(crate) checkpoints: Option<PathBuf>,
    /// How large a segment grows, what must be on the disk before anybody goes on, and how long that may take.
    pub(crate) rules: Rules,
    /// How much of it is kept.
    pub(crate) keep: Keep,
    /// How long after a segment was closed it is packed; never where none is given.
    pub(crate) compress_after: Option<Duration>,
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
        let disk_timeout = table.take(reader, "disk_timeout", |it| bounds::duration(it, 1, 600));
        let keep = Keep {
            age: table.take(reader, "keep_for", keep_for),
            bytes: table.take(reader, "keep_size", keep_size),
        };
        let compress_after = table.take(reader, "compress_after", parse_duration);
        table.finish(reader);
        let usual = Rules::default();
        let rules = Rules {
            levels: levels.unwrap_or(usual.levels),
            segment_bytes: segment_bytes.unwrap_or(usual.segment_bytes),
            segment_age: usual.segment_age,
            disk_timeout: disk_timeout.unwrap_or(usual.disk_timeout),
        };
        Self { directory, signing_key, checkpoints, rules, keep, compress_after }
    }

    /// What the log says of how it is kept when it is opened: whatever is configured otherwise at the
    /// next start leaves a trace there. The level by its name, all of it and the sinks by their digest.
    pub(crate) fn describe(&self, sinks: &[Declared]) -> String {
        let level = match self.rules.levels {
            Levels::ByEffect => "by_effect",
            Levels::Strict => "strict",
        };
        // Every field, those to come among them. Secrets are named there, and their values in neither.
        let effective = format!("{self:?} {sinks:?}");
        let digest = digest::digest(&digest::SHA256, effective.as_bytes());
        let digest = model::hex(digest.as_ref());
        let version = env!("CARGO_PKG_VERSION");
        format!("onedoor {version}, level {level}, [audit] and [[sinks]] of SHA-256 {digest}")
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

fn keep_for(text: &str) -> Result<Duration, String> {
    let age = parse_duration(text)?;
    match age >= KEEP_FOR_MIN {
        true => Ok(age),
        false => Err(format!("{text} is less than 1h: write how long records are kept, as 400d")),
    }
}

fn keep_size(text: &str) -> Result<u64, String> {
    let bytes = u64::try_from(parse_bytes(text)?).unwrap_or(u64::MAX);
    match bytes >= SEGMENT_BYTES.0 {
        true => Ok(bytes),
        false => Err(format!("{text} is less than 1MiB")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_keep_next_to_nothing_is_a_mistake() {
        assert_eq!(keep_for("400d"), Ok(Duration::from_secs(400 * 24 * 3600)));
        assert_eq!(keep_size("2MiB"), Ok(2 << 20));
        assert!(keep_for("59m").unwrap_err().starts_with("59m is less than 1h"));
        assert_eq!(keep_size("1KiB"), Err("1KiB is less than 1MiB".to_owned()));
    }

    #[test]
    fn whatever_is_configured_otherwise_is_described_otherwise() {
        let usual = Audit::default();
        let told = usual.describe(&[]);
        assert!(told.contains(", level by_effect, "), "{told}");
        assert_eq!(told, Audit::default().describe(&[]));
        let strict = Rules { levels: Levels::Strict, ..usual.rules };
        let patient = Rules { disk_timeout: Duration::from_secs(9), ..usual.rules };
        let kept = Keep { age: Some(KEEP_FOR_MIN), ..usual.keep };
        let (name, receiver) = ("out".to_owned(), sinks::Receiver::Stdout);
        let sink = Declared { name, format: audit::Format::Ecs, receiver };
        for other in [
            Audit { rules: strict, ..usual.clone() }.describe(&[]),
            Audit { rules: patient, ..usual.clone() }.describe(&[]),
            Audit { keep: kept, ..usual.clone() }.describe(&[]),
            usual.describe(&[sink]),
        ] {
            assert_ne!(other, told);
        }
    }
}
