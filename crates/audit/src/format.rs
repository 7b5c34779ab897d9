//! A record as a SIEM wants it: a line of the log in, one event out, and back. Pure: no I/O.
//!
//! All formats are made from [`member::MEMBERS`], which says for every member of a line where it
//! goes in each, and [`Held`] reads events back by it. docs/siem.md is that table for people.

mod cef;
mod class;
mod ecs;
mod event;
mod held;
mod member;
mod ocsf;
mod severity;
mod tree;

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests;

use model::Timestamp;

use self::event::Event;
pub use self::{held::Held, severity::Severity};
use crate::{Hash, record};

/// How an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The Common Event Format of `ArcSight`, version 0, without a header of syslog.
    Cef,
    /// Elastic Common Schema 8.17, nested.
    Ecs,
    /// The line of the log, byte for byte.
    Native,
    /// Open Cybersecurity Schema Framework 1.8.0 with the profile `security_control`.
    Ocsf,
    /// The same as 1.9, which is not released, has it: with the profile `record_integrity`.
    OcsfIntegrity,
}

/// Where a line comes from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The name of the log.
    pub log: &'a str,
    /// The version of the door that sends it.
    pub version: &'a str,
    /// The hash of the record before, where whoever reads the log knows it.
    pub prev: Option<Hash>,
}

/// A record in one of the formats, and what a frame around it may have to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shaped {
    /// When it happened.
    pub time: Timestamp,
    /// How much someone should care.
    pub severity: Severity,
    /// One line in UTF-8, without a newline and without a character that steers a terminal.
    pub bytes: Vec<u8>,
}

/// Why a line is no event.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// It is not one JSON object in UTF-8 on one line.
    #[error("not a line of an audit log: {source}; check the log with `onedoor audit verify`")]
    Json {
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// A member that every record has is missing, or is not what it should be.
    #[error(
        "not a record: \"{member}\" is missing or malformed; check it with `onedoor audit verify`"
    )]
    Member {
        /// Which.
        member: &'static str,
    },
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Cef, Self::Ecs, Self::Native, Self::Ocsf, Self::OcsfIntegrity];

    /// The word for it in a configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cef => "cef",
            Self::Ecs => "ecs",
            Self::Native => "native",
            Self::Ocsf => "ocsf",
            Self::OcsfIntegrity => "ocsf-1.9",
        }
    }

    /// The event for a `line` of the log, with or without its newline.
    ///
    /// # Errors
    /// Where it is no record: [`FormatError`] says why. Its chain is not checked.
    pub fn event(self, line: &[u8], source: &Source<'_>) -> Result<Shaped, FormatError> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let event = Event::read(line, source)?;
        let bytes = match self {
            Self::Cef => Ok(cef::write(&event).into_bytes()),
            Self::Ecs => record::one_line(&ecs::write(&event)),
            Self::Native => Ok(line.to_vec()),
            Self::Ocsf => record::one_line(&ocsf::write(&event)),
            Self::OcsfIntegrity => record::one_line(&ocsf::write_attested(&event)),
        };
        let bytes = bytes.map_err(|source| FormatError::Json { source })?;
        let time = Timestamp::from_micros(event.time_us);
        Ok(Shaped { time, severity: Severity::of(&event), bytes })
    }
}
