//! Lines on their way into the log: those that wait, and what became of those that do not.

use std::{io, sync::Arc, time::Duration};

use model::Timestamp;

/// A buffer that grew beyond this in a rush is given back afterwards.
const SPARE_BYTES_MAX: usize = 256 * 1024;

/// Lines on their way. One batch is collected while the one before it is written.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// The number of the batch that is being collected; all below it were taken.
    batch: u64,
    /// All batches below this number are through, well or not.
    done: u64,
    /// The lines of the batch that is being collected.
    bytes: Vec<u8>,
    lines: usize,
    /// An empty buffer, kept for the next batch.
    spare: Vec<u8>,
    /// Batches that failed and have authors who do not know it yet.
    failures: Vec<Failure>,
    /// Whether somebody writes just now.
    pub(super) is_writing: bool,
    /// How many sleep until a batch is through.
    pub(super) sleepers: usize,
    /// Set while the log cannot be written.
    pub(super) closed: Option<Closed>,
}

#[derive(Debug)]
struct Failure {
    batch: u64,
    /// So many of its authors have not heard of it yet.
    unaware: usize,
    source: Arc<io::Error>,
}

/// Since when, and why, the log cannot be written.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) since: Timestamp,
    /// When it was last tried.
    pub(super) tried: Duration,
    pub(super) source: Arc<io::Error>,
    /// How many records were turned away.
    pub(super) lost: u64,
    /// Whether the sink ends within a line.
    pub(super) is_torn: bool,
}

/// Lines that were taken to be written.
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    lines: usize,
}

impl Queue {
    /// Adds a line; returns the number of its batch.
    pub(super) fn push(&mut self, line: &[u8]) -> u64 {
        self.bytes.extend_from_slice(line);
        self.lines = self.lines.saturating_add(1);
        self.batch
    }

    /// Takes the batch that was collected, to write it. The next one begins.
    pub(super) fn take(&mut self) -> Batch {
        self.is_writing = true;
        self.batch = self.batch.saturating_add(1);
        Batch {
            bytes: std::mem::replace(&mut self.bytes, std::mem::take(&mut self.spare)),
            lines: std::mem::take(&mut self.lines),
        }
    }

    /// The batch is written.
    pub(super) fn finish(&mut self, batch: Batch) {
        self.is_writing = false;
        self.done = self.batch;
        self.keep(batch.bytes);
    }

    /// The batch failed, and with it what was collected meanwhile: the log is closed now.
    ///
    /// The one who wrote it knows already; the other authors will ask.
    pub(super) fn fail(&mut self, batch: &Batch, closed: Closed) {
        let waiting = self.take();
        self.is_writing = false;
        self.done = self.batch;
        let numbers = [self.batch.saturating_sub(2), self.batch.saturating_sub(1)];
        let unaware = [batch.lines.saturating_sub(1), waiting.lines];
        for (batch, unaware) in numbers.into_iter().zip(unaware) {
            if unaware > 0 {
                let source = Arc::clone(&closed.source);
                self.failures.push(Failure { batch, unaware, source });
            }
        }
        let lost = u64::try_from(batch.lines.saturating_add(waiting.lines)).unwrap_or(u64::MAX);
        self.closed = Some(Closed { lost: closed.lost.saturating_add(lost), ..closed });
    }

    /// Counts a record that comes while the log is closed.
    pub(super) fn turn_away(&mut self) {
        if let Some(closed) = &mut self.closed {
            closed.lost = closed.lost.saturating_add(1);
        }
    }

    /// Whether the batch of this number is through.
    pub(super) fn is_done(&self, batch: u64) -> bool {
        batch < self.done
    }

    /// What became of a batch that is through. Each of its authors asks once.
    pub(super) fn outcome(&mut self, batch: u64) -> Result<(), Arc<io::Error>> {
        let Some(index) = self.failures.iter().position(|it| it.batch == batch) else {
            return Ok(());
        };
        let Some(failure) = self.failures.get_mut(index) else { return Ok(()) };
        failure.unaware = failure.unaware.saturating_sub(1);
        let source = Arc::clone(&failure.source);
        if failure.unaware == 0 {
            self.failures.swap_remove(index);
        }
        Err(source)
    }

    fn keep(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() <= SPARE_BYTES_MAX {
            buffer.clear();
            self.spare = buffer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed() -> Closed {
        Closed {
            since: Timestamp::from_seconds(0),
            tried: Duration::ZERO,
            source: Arc::new(io::ErrorKind::StorageFull.into()),
            lost: 0,
            is_torn: false,
        }
    }

    #[test]
    fn a_line_that_comes_while_another_batch_is_written_waits_for_the_next() {
        let mut queue = Queue::default();
        let first = queue.push(b"a\n");
        let batch = queue.take();
        let second = queue.push(b"b\n");
        assert_eq!((&*batch.bytes, queue.push(b"c\n")), (&b"a\n"[..], second));
        assert!(!queue.is_done(first) && queue.is_writing);
        queue.finish(batch);
        assert!(queue.is_done(first) && !queue.is_done(second) && !queue.is_writing);
        assert_eq!(queue.take().bytes, b"b\nc\n");
        assert!(queue.outcome(first).is_ok());
    }

    #[test]
    fn every_author_of_a_failed_batch_is_told_once_and_then_it_is_forgotten() {
        let mut queue = Queue::default();
        let first = queue.push(b"a\n");
        queue.push(b"b\n");
        let batch = queue.take();
        let second = queue.push(b"c\n");
        queue.fail(&batch, closed());
        assert!(queue.is_done(first) && queue.is_done(second));
        assert!(queue.outcome(first).is_err(), "the one beside the one who wrote it");
        assert!(queue.outcome(second).is_err(), "the one who waited behind");
        assert!(queue.failures.is_empty());
        assert_eq!(queue.closed.as_ref().map(|it| it.lost), Some(3));
        // What failed is not written later.
        queue.closed = None;
        let third = queue.push(b"d\n");
        let batch = queue.take();
        assert_eq!(batch.bytes, b"d\n");
        queue.finish(batch);
        assert!(queue.is_done(third) && queue.outcome(third).is_ok());
    }
}
