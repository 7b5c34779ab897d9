//! The place where records go. Whoever appends one waits until its line is written.
//!
//! There is no thread and no queue behind an answer: of those who append at the same time one
//! writes the lines of all with one system call, and the others sleep until it is done.

mod memory;
mod queue;
mod sink;

use std::{
    io,
    path::Path,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use model::Clock;

pub use memory::Memory;
use queue::{Closed, Queue};
use sink::{Sink, Written};

use crate::{
    Error,
    record::{Kind, Outcome, Record, line},
};

/// A log that failed is tried again no sooner than after this.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Where records go. Failing to write closes it: nothing is admitted until it can be written again.
#[derive(Debug)]
pub struct Log {
    name: Arc<str>,
    sink: Sink,
    clock: Clock,
    queue: Mutex<Queue>,
    /// Rings when a batch is through.
    through: Condvar,
    /// What `queue.closed` says, readable without the lock.
    is_closed: AtomicBool,
}

impl Log {
    /// A log that appends to the file at `path`, made (for its owner only) where there is none.
    ///
    /// # Errors
    /// [`Error::Open`]
    pub fn file(path: &Path, clock: Clock) -> Result<Self, Error> {
        let open_error = |source| Error::Open { path: path.to_owned(), source: Arc::new(source) };
        Ok(Self::new(&path.display().to_string(), Sink::open(path).map_err(open_error)?, clock))
    }

    /// A log on the standard output.
    ///
    /// # Errors
    /// [`Error::Open`]
    pub fn stdout(clock: Clock) -> Result<Self, Error> {
        let open_error = |source| Error::Open { path: "stdout".into(), source: Arc::new(source) };
        Ok(Self::new("stdout", Sink::stdout().map_err(open_error)?, clock))
    }

    /// A log in memory, and the handle that reads it.
    #[must_use]
    pub fn memory(clock: Clock) -> (Self, Memory) {
        let memory = Memory::default();
        (Self::new("memory", Sink::Memory(memory.clone()), clock), memory)
    }

    fn new(name: &str, sink: Sink, clock: Clock) -> Self {
        Self {
            name: name.into(),
            sink,
            clock,
            queue: Mutex::default(),
            through: Condvar::new(),
            is_closed: AtomicBool::new(false),
        }
    }

    /// Writes `record`. When this returns, its line is in the log, or it never will be.
    ///
    /// # Errors
    /// [`Error::Write`] where it could not be written, [`Error::Closed`] where that was so
    /// before, [`Error::Serialize`].
    pub fn append(&self, record: &Record<'_>) -> Result<(), Error> {
        self.enter(record)?.settle()
    }

    /// Puts the line of `record` among those that wait. Whoever settles first writes them all.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Serialize`]
    pub fn enter(&self, record: &Record<'_>) -> Result<Entry<'_>, Error> {
        let line = line(record)?;
        let mut queue = self.lock();
        if let Err(error) = self.reopen(&mut queue) {
            queue.turn_away();
            return Err(error);
        }
        Ok(Entry { log: self, batch: Some(queue.push(&line)) })
    }

    fn settle(&self, batch: u64) -> Result<(), Error> {
        let mut queue = self.lock();
        if queue.is_done(batch) {
            return queue.outcome(batch).map_err(|source| self.write_error(source));
        }
        if queue.is_writing { self.follow(queue, batch) } else { self.lead(queue) }
    }

    /// Whether a call may go on: only what can be recorded afterwards may be forwarded.
    ///
    /// A closed log is tried again here, at most every 100 ms.
    ///
    /// # Errors
    /// [`Error::Closed`]
    pub fn admit(&self) -> Result<(), Error> {
        if self.is_closed.load(Ordering::Acquire) { self.reopen(&mut self.lock()) } else { Ok(()) }
    }

    /// Has the system bring to the disk what was written.
    ///
    /// # Errors
    /// [`Error::Write`]
    pub fn sync(&self) -> Result<(), Error> {
        self.sink.sync().map_err(|source| self.write_error(Arc::new(source)))
    }

    /// Sleeps until the batch is through, or nobody is left to write it.
    fn follow(&self, mut queue: MutexGuard<'_, Queue>, batch: u64) -> Result<(), Error> {
        queue.sleepers = queue.sleepers.saturating_add(1);
        while queue.is_writing && !queue.is_done(batch) {
            queue = self.through.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.sleepers = queue.sleepers.saturating_sub(1);
        if queue.is_done(batch) {
            queue.outcome(batch).map_err(|source| self.write_error(source))
        } else {
            self.lead(queue)
        }
    }

    /// Writes everything that waits, for all who wait.
    fn lead(&self, mut queue: MutexGuard<'_, Queue>) -> Result<(), Error> {
        let batch = queue.take();
        drop(queue);
        let Written { bytes, result } = self.sink.write(&batch.bytes);
        let mut queue = self.lock();
        let result = match result {
            Ok(()) => {
                queue.finish(batch);
                Ok(())
            }
            Err(error) => {
                let source = Arc::new(error);
                self.is_closed.store(true, Ordering::Release);
                queue.fail(
                    &batch,
                    Closed {
                        since: self.clock.now(),
                        tried: self.clock.elapsed(),
                        source: Arc::clone(&source),
                        lost: 0,
                        is_torn: ends_within_line(&batch.bytes, bytes).unwrap_or(false),
                    },
                );
                Err(self.write_error(source))
            }
        };
        // Without sleepers the bell would cost a system call for nobody.
        if queue.sleepers > 0 {
            self.through.notify_all();
        }
        result
    }

    /// Tries a closed log with a record that says how many are missing before it.
    ///
    /// The lock is held meanwhile: while the log is closed there is nothing else to do.
    fn reopen(&self, queue: &mut Queue) -> Result<(), Error> {
        let Some(closed) = &mut queue.closed else { return Ok(()) };
        let elapsed = self.clock.elapsed();
        if elapsed < closed.tried.saturating_add(RETRY_AFTER) {
            return Err(self.closed_error(&closed.source));
        }
        closed.tried = elapsed;
        let note = format!("{} records could not be written since {}", closed.lost, closed.since);
        let mut bytes = if closed.is_torn { vec![b'\n'] } else { Vec::new() };
        bytes.extend(line(&Record {
            event: Some("audit.resumed"),
            note: Some(&note),
            ..Record::new(self.clock.now(), Kind::Event, Outcome::Answered)
        })?);
        let written = self.sink.write(&bytes);
        if let Err(error) = written.result {
            closed.source = Arc::new(error);
            closed.is_torn = ends_within_line(&bytes, written.bytes).unwrap_or(closed.is_torn);
            return Err(self.closed_error(&closed.source));
        }
        queue.closed = None;
        self.is_closed.store(false, Ordering::Release);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_error(&self, source: Arc<io::Error>) -> Error {
        Error::Write { log: Arc::clone(&self.name), source }
    }

    fn closed_error(&self, source: &Arc<io::Error>) -> Error {
        Error::Closed { log: Arc::clone(&self.name), source: Arc::clone(source) }
    }
}

/// A line that waits to be written. Dropping it writes it too, and nobody learns how that went.
#[derive(Debug)]
#[must_use = "nothing is recorded before this is settled"]
pub struct Entry<'a> {
    log: &'a Log,
    batch: Option<u64>,
}

impl Entry<'_> {
    /// Writes the line, unless somebody did so meanwhile. When this returns, it is in the log, or
    /// it never will be.
    ///
    /// # Errors
    /// [`Error::Write`]
    pub fn settle(mut self) -> Result<(), Error> {
        self.batch.take().map_or(Ok(()), |batch| self.log.settle(batch))
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        if let Some(batch) = self.batch.take() {
            // A failure closes the log, which everybody who comes next is told.
            self.log.settle(batch).ok();
        }
    }
}

/// Whether the first `written` of `bytes` end within a line; `None` where that is none of them.
fn ends_within_line(bytes: &[u8], written: usize) -> Option<bool> {
    bytes.get(..written)?.last().map(|it| *it != b'\n')
}

#[cfg(test)]
mod tests {
    use std::thread;

    use model::Timestamp;

    use super::*;

    /// Appends from three threads: the first is stuck in its write until the others wait behind
    /// it, then `room` bytes get through.
    fn append_three(room: Option<usize>) -> (Vec<Result<(), Error>>, Memory) {
        let (log, memory) = Log::memory(Clock::fake(Timestamp::from_seconds(0)));
        let wait_until = |is_so: fn(&Queue) -> bool| {
            while !is_so(&log.lock()) {
                thread::yield_now();
            }
        };
        let results = thread::scope(|scope| {
            let mut held = memory.content();
            let append = || {
                log.append(&Record::new(Timestamp::from_seconds(0), Kind::Call, Outcome::Answered))
            };
            let mut threads = vec![scope.spawn(append)];
            wait_until(|it| it.is_writing);
            threads.extend([scope.spawn(append), scope.spawn(append)]);
            wait_until(|it| it.sleepers == 2);
            held.room = room;
            drop(held);
            threads.into_iter().map(|it| it.join().unwrap()).collect()
        });
        (results, memory)
    }

    #[test]
    fn those_who_wait_behind_a_write_are_written_by_one_of_them() {
        let (results, memory) = append_three(None);
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        assert_eq!((memory.records().len(), memory.content().writes), (3, 2));
    }

    #[test]
    fn whoever_settles_first_writes_the_lines_of_all_who_entered() {
        let (log, memory) = Log::memory(Clock::fake(Timestamp::from_seconds(0)));
        let enter =
            || log.enter(&Record::new(Timestamp::from_seconds(0), Kind::Call, Outcome::Answered));
        let (first, second, third) = (enter().unwrap(), enter().unwrap(), enter().unwrap());
        assert_eq!(memory.records().len(), 0);
        second.settle().unwrap();
        first.settle().unwrap();
        drop(third);
        assert_eq!((memory.records().len(), memory.content().writes), (3, 1));
        drop(enter());
        assert_eq!(memory.records().len(), 4, "one that is given up is written all the same");
    }

    #[test]
    fn those_who_wait_behind_a_write_that_fails_are_told_so() {
        let (results, memory) = append_three(Some(10));
        let is_write_error = |it: &Result<(), Error>| matches!(it, Err(Error::Write { .. }));
        assert!(results.iter().all(is_write_error), "{results:?}");
        assert_eq!(memory.text().len(), 10);
    }
}
