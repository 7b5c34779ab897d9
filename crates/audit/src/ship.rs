//! What was recorded, brought to where others keep it: at least once, in order, and never from memory.
//!
//! A [`Shipper`] has one sink and one cursor. It reads the log as it is on the disk, and its cursor
//! moves when the receiver has acknowledged, so neither a crash nor a receiver that is down loses a
//! record, and no call waits for either. It has no clock to sleep by and no thread: whoever owns it
//! calls [`Shipper::step`] and waits as long as that says.

mod cursor;
mod dead;
mod engine;
mod reader;
mod status;
mod teller;
mod told;
mod wait;

pub use engine::{Batching, Place, Shipper, Step};
pub use status::{Status, Watch};
pub use told::Told;

use std::{io, path::Path};

use crate::{Format, Hash, Shaped, Source, end::End};

/// A record on its way to a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number in the log.
    pub seq: u64,
    /// The hash of the record before it.
    pub before: Hash,
    /// Its hash. As it is of all records before it too, it is also an id that no other record has.
    pub hash: Hash,
    /// The line as it stands in the log, without its newline.
    pub json: Vec<u8>,
}

/// What is delivered at once: at least one line, in the order of the log.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// The name of the log.
    pub log: &'a str,
    /// The lines.
    pub lines: &'a [Line],
}

impl<'a> Batch<'a> {
    /// Its lines with the event of each in a format.
    ///
    /// # Errors
    /// [`Failure::Refused`] where one of them is no event.
    pub fn events(self, format: Format) -> Result<Vec<(&'a Line, Shaped)>, Failure> {
        let event = |line: &'a Line| {
            let (log, version, prev) = (self.log, env!("CARGO_PKG_VERSION"), Some(line.before));
            let shaped = format.event(&line.json, &Source { log, version, prev });
            shaped.map(|it| (line, it)).map_err(|error| Failure::Refused(error.to_string()))
        };
        self.lines.iter().map(event).collect()
    }
}

/// What a receiver has acknowledged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted {
    /// So many of the first lines are dealt with.
    pub count: usize,
    /// Those among them that it refused for good: the number of the record, and why.
    pub refused: Vec<(u64, String)>,
}

impl Accepted {
    /// All of it.
    #[must_use]
    pub fn all(batch: Batch<'_>) -> Self {
        Self { count: batch.lines.len(), refused: Vec::new() }
    }
}

/// Why nothing of a batch counts as delivered. Texts are shown: no URL and no secret may be in them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It may go well later: nobody answers, or the receiver is busy, or does not know us.
    #[error("{0}")]
    Again(String),
    /// The receiver will never take this. One record is put aside for it, of more half are tried.
    #[error("{0}")]
    Refused(String),
}

/// How long a file of lines is without what stands behind its last newline.
///
/// # Errors
/// Where it cannot be read, or holds a line that is longer than any of a log.
pub fn whole_bytes(path: &Path) -> io::Result<u64> {
    Ok(std::fs::metadata(path)?.len().saturating_sub(End::read(path)?.tail_bytes()))
}

/// Where records go.
pub trait Sink: Send {
    /// Brings a batch there, and waits until it is acknowledged. Has a time limit of its own.
    ///
    /// What was delivered before and not acknowledged comes again; [`Line::hash`] tells that.
    ///
    /// # Errors
    /// [`Failure`]: the receiver may have got it nevertheless.
    fn deliver(
        &mut self,
        batch: Batch<'_>,
    ) -> impl Future<Output = Result<Accepted, Failure>> + Send;
}
