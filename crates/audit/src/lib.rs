//! What happened at the door: one record a call, redacted, written before the answer goes out.
//!
//! [`Record`] is what is known of a call or an event, [`Redacted`] its arguments without their
//! secrets, and [`Log`] the place where records go: a record is a single line of JSON, and
//! whoever appends it gets no answer before that line is written.

pub mod error;
pub mod log;
pub mod record;
pub mod redact;
mod text;

pub use error::Error;
pub use log::{Entry, Log, Memory};
pub use record::{Decision, Kind, Outcome, Record};
pub use redact::Redacted;
