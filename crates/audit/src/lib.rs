//! What happened at the door: every call and event with its record, in a log that can be checked.
//!
//! [`Record`] is what is known of a call or an event, [`Redacted`] its arguments without their
//! secrets, and [`Journal`] the log as it is written: lines of JSON, each with a number and a hash
//! that all before it is part of, and signed checkpoints over them. [`verify()`] checks such a log,
//! or a copy of one, with nothing but a public key; docs/audit-log.md describes the format.

pub mod bodies;
mod chain;
mod checkpoint;
mod checksum;
mod damage;
mod end;
pub mod error;
pub mod format;
mod frame;
mod hash;
mod index;
mod intents;
pub mod journal;
mod keys;
mod lines;
pub mod note;
mod packed;
pub mod proof;
pub mod query;
mod read;
pub mod reconcile;
pub mod record;
mod recorded;
mod recover;
pub mod redact;
mod seal;
mod segment;
mod set_aside;
pub mod ship;
mod text;
pub mod tree;
pub mod verify;
mod walk;

pub use bodies::Bodies;
pub use checkpoint::Checkpoint;
pub use damage::{Damage, DamageKind};
pub use error::Error;
pub use format::{Format, FormatError, Held, Severity, Shaped, Source};
pub use hash::Hash;
pub use index::{Field, Index, give_way};
pub use intents::{Intent, Since, intents};
pub use journal::{
    Changed, Closed, Condition, Disk, Entry, Happened, Journal, Keep, KeyChangeError, Levels,
    Location, Memory, Purge, PurgeError, Purged, Room, Rules,
};
pub use keys::{Keys, Signers};
pub use note::{KeyError, SigningKey, VerifyingKey};
pub use proof::{ProofError, Proven, prove, prove_all};
pub use query::{Filter, Order, Page, Question};
pub use read::records;
pub use record::{Balance, Carrier, Decision, Encryption, EventId, Kind, Outcome, Record, Start};
pub use recorded::{Receipt, Recorded};
pub use redact::{Redacted, Salt, without_addresses};
pub use set_aside::{SetAsideError, set_aside};
pub use verify::{Outside, Report, Unchecked, verify, verify_from};
pub use walk::{Stored, WalkError, walk};
