//! What is asked, and one page of the answer.

use serde_json::value::RawValue;

use super::Filter;

/// In which order records come: by their number, which is the order in which they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The newest record first.
    #[default]
    NewestFirst,
    /// The oldest record first.
    OldestFirst,
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// Which records.
    pub filter: Filter,
    /// In which order.
    pub order: Order,
    /// Where to go on: what [`Page::next`] said before. The newest first are those below it, the oldest
    /// first those from it on.
    pub cursor: Option<u64>,
    /// How many records at most.
    pub max: usize,
    /// How many records the log has: [`crate::Journal::reached`]. All there are, for a log that nobody
    /// writes, with the largest number.
    pub reached: u64,
}

/// One page of an answer.
#[derive(Debug, Default)]
pub struct Page {
    /// The records, each as it stands in the log.
    pub records: Vec<Box<RawValue>>,
    /// Where it goes on; nothing where all was looked at.
    pub next: Option<u64>,
    /// The number behind the last record that there was. What is asked for from it on, oldest first,
    /// came later.
    pub reached: u64,
    /// How many lines were met that cannot be read.
    pub unreadable: u64,
}
