//! What the disk is asked for besides writing, counted: so it shows when it does not answer.

/// How often the disk was asked, and how often it answered.
#[derive(Debug, Default)]
pub(in crate::journal) struct Errands {
    begun: u64,
    done: u64,
    /// Whether it has taken longer than its time, for these or for a write, and still does.
    pub(in crate::journal) is_hung: bool,
}

impl Errands {
    /// The disk is asked for something.
    pub(in crate::journal) fn begin(&mut self) {
        self.begun = self.begun.saturating_add(1);
    }

    /// It has answered.
    pub(in crate::journal) fn end(&mut self) {
        self.done = self.done.saturating_add(1);
    }

    /// A number that changes with each answer, while it is asked for something.
    pub(in crate::journal) fn under_way(&self) -> Option<u64> {
        (self.done < self.begun).then_some(self.done)
    }
}
