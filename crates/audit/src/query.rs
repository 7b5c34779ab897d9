//! Finds records in a log, page by page, over an index beside it.

mod filter;
mod needle;
mod page;
#[cfg(test)]
mod tests;
mod walk;

use std::io;

pub use filter::Filter;
pub use page::{Order, Page, Question};

use crate::Index;

/// Which kinds of records are shown where nothing is said: not the intent of a call, which has an
/// outcome, and not what the log says of itself.
pub const USUAL_KINDS: [&str; 8] =
    ["authorization", "bodies", "call", "cut", "event", "list", "malformed", "session"];

impl Index {
    /// The records that fit, in their order and one page of them. The work for a page is bounded, so
    /// that one may hold few records or none, and there are more pages all the same.
    ///
    /// Nothing is said of the chain: [`crate::verify()`] does that. A line that cannot be read is
    /// counted, and never stands in the way.
    ///
    /// # Errors
    /// What the disk says.
    pub fn find(&self, question: &Question) -> io::Result<Page> {
        walk::walk(self, question)
    }
}
