//! What people should know of a sink. Bounded in time, since it is itself recorded and delivered.

use std::fmt;

use crate::{EventId, Outcome};

/// What people should know of a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Records were put aside, since the receiver refuses them for good.
    Dead {
        /// The number of the first of them.
        first: u64,
        /// The number of the last.
        last: u64,
        /// How many they are.
        count: u64,
        /// Why the first was refused.
        why: String,
    },
    /// Nothing is delivered for now.
    Failed {
        /// Why.
        why: String,
        /// So many times more it was so since that was told last, and each time it went on again.
        before: u64,
    },
    /// Records that are not in the log any more were never delivered.
    Lost {
        /// The first of them.
        from: u64,
        /// The first that is there again.
        until: u64,
    },
    /// The cursor is not of this log: all of it is delivered from its first record.
    Restarted {
        /// What is wrong with the cursor.
        why: String,
    },
    /// It works again.
    Recovered {
        /// After so many tries in vain.
        attempts: u32,
    },
}

impl Told {
    /// Whether something does not go as it should.
    #[must_use]
    pub fn outcome(&self) -> Outcome<'static> {
        match self {
            Self::Dead { .. } | Self::Failed { .. } | Self::Lost { .. } => Outcome::Failed,
            Self::Recovered { .. } | Self::Restarted { .. } => Outcome::Answered,
        }
    }

    /// What records call it.
    #[must_use]
    pub fn event(&self) -> EventId {
        match self {
            Self::Dead { .. } => EventId::SinkRefused,
            Self::Failed { .. } => EventId::SinkFailed,
            Self::Lost { .. } => EventId::SinkLost,
            Self::Recovered { .. } => EventId::SinkRecovered,
            Self::Restarted { .. } => EventId::SinkRestarted,
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dead { first, last: _, count: 1, why } => {
                write!(f, "record {first} was refused for good and put aside: {why}")
            }
            Self::Dead { first, last, count, why } => write!(
                f,
                "{count} records, from {first} to {last}, were refused for good and put aside, the \
                 first of them since: {why}"
            ),
            Self::Failed { why, before: 0 } => write!(f, "nothing is delivered for now: {why}"),
            Self::Failed { why, before } => write!(
                f,
                "nothing is delivered for now, as {before} times more since that was told last, with \
                 deliveries between: {why}"
            ),
            Self::Lost { from, until } => write!(
                f,
                "records from {from} on, before {until}, are not in the log and were never delivered"
            ),
            Self::Recovered { attempts } => write!(f, "delivers again after {attempts} failures"),
            Self::Restarted { why } => {
                write!(f, "delivers the log from its first record, since {why}")
            }
        }
    }
}
