//! The log as it is written: nobody goes on before their record is as safe as its level asks.
//!
//! Of those who append at the same time one writes the lines of all with one system call. A thread
//! beside them brings what was written to the disk, for all who wait for that, and another signs how
//! far it came. What fails is told to all whose records were in it, and closes the journal: nothing is
//! admitted until it can be written again.

mod condition;
mod entry;
mod hang;
mod happened;
mod keeper;
mod kept;
mod key;
mod level;
mod medium;
mod pack;
mod purge;
mod reopen;
mod room;
mod run;
mod signer;
mod state;
mod threads;
mod time;
mod write;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use model::{Clock, Level, Operation};

pub use condition::{Condition, Disk};
pub use entry::Entry;
pub use happened::Happened;
pub use kept::{Closed, Keep};
pub use key::{Changed, KeyChangeError};
pub use level::Levels;
pub use medium::Memory;
pub use purge::{Purge, PurgeError, Purged};
pub use room::Room;

pub(crate) use self::medium::{lock, private, sync_folder};
use self::{
    medium::{Directory, Medium},
    state::{Fresh, Phase, Place, State},
    threads::Threads,
    time::Moment,
};
use crate::{
    Error, Kind, Outcome, Record, SigningKey, VerifyingKey,
    chain::Chain,
    record::members,
    recover::{Recovered, recover},
    set_aside,
};

/// What the log of a test is called.
const MEMORY: &str = "memory";

/// How a log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Which records must be on the disk before anybody goes on.
    pub levels: Levels,
    /// How large a segment grows; its room is taken when it begins.
    pub segment_bytes: u64,
    /// How old a segment grows.
    pub segment_age: Duration,
    /// How long the disk may take for one write or one sync: then nobody waits for it any more.
    pub disk_timeout: Duration,
}

impl Default for Rules {
    /// Levels by effect, 64 MiB, one day, 5 seconds.
    fn default() -> Self {
        Self {
            levels: Levels::ByEffect,
            segment_bytes: 64 << 20,
            segment_age: Duration::from_secs(24 * 3600),
            disk_timeout: Duration::from_secs(5),
        }
    }
}

/// Where a log is.
#[derive(Debug, Clone, Default)]
pub struct Location {
    /// The folder of its segments.
    pub folder: PathBuf,
    /// Another file that every checkpoint is appended to, as a line of JSON.
    pub checkpoints: Option<PathBuf>,
    /// What the record of its opening says besides: by whom it is kept, and how.
    pub about: Option<String>,
}

/// The log as it is written. Failing to write closes it.
#[derive(Debug)]
pub struct Journal {
    shared: Arc<Shared>,
    /// The threads beside it, until it ends.
    threads: Mutex<Option<Threads>>,
    /// Held while segments go or are packed, and while a key follows another: one at a time.
    purging: Mutex<()>,
}

#[derive(Debug)]
struct Shared {
    name: Arc<str>,
    medium: Medium,
    rules: Rules,
    key: Option<Mutex<Arc<SigningKey>>>,
    clock: Clock,
    /// From when on things grow old, as this process sees it.
    since: Moment,
    state: Mutex<State>,
    /// Rings when something is through.
    through: Condvar,
    /// Rings when there is something to sync.
    work: Condvar,
    /// Rings when there is something to sign.
    signs: Condvar,
    has_keeper: bool,
    /// What `state.closed` says, readable without the lock.
    is_closed: AtomicBool,
}

impl Journal {
    /// Opens the log in a folder, made where there is none, and goes on behind its last record.
    ///
    /// What is left of a record that was not written whole is cut off, and calls that have no outcome
    /// are ended as unknown; both is recorded before this returns.
    ///
    /// # Errors
    /// [`Error::Open`], [`Error::Damaged`] where anything else is wrong with it.
    pub fn open(
        location: &Location,
        (key, rules): (SigningKey, Rules),
        clock: Clock,
    ) -> Result<Self, Error> {
        let Location { folder, checkpoints, about } = location;
        let failed = |source| Error::Open { path: folder.clone(), source: Arc::new(source) };
        let directory = Directory::open(folder, checkpoints.clone()).map_err(failed)?;
        let recovered = recover(folder, &key.verifying_key())?;
        let before = set_aside::predecessor(folder).map_err(failed)?;
        let before = before.filter(|_| recovered.chain.next() == 0);
        let state = resume(&directory, &recovered, key.verifying_key().name(), &rules);
        let now = Moment::of(&clock);
        let shared = Shared {
            since: recovered.latest.map_or(now, |it| now.no_later_than(it.time)),
            name: folder.display().to_string().into(),
            key: Some(Mutex::new(Arc::new(key))),
            has_keeper: true,
            ..Shared::new(Medium::Directory(directory), (state.map_err(failed)?, rules), clock)
        };
        shared.begin(&recovered, [before.as_deref(), about.as_deref()]).map_err(failed)?;
        set_aside::forget(folder).map_err(failed)?;
        let shared = Arc::new(shared);
        let threads = Mutex::new(Some(Threads::start(&shared).map_err(failed)?));
        Ok(Self { shared, threads, purging: Mutex::default() })
    }

    /// Whether a process writes to the log in `folder`. Changes nothing.
    ///
    /// # Errors
    /// [`Error::Open`]
    pub fn is_held(folder: &Path) -> Result<bool, Error> {
        let failed = |source| Error::Open { path: folder.to_owned(), source: Arc::new(source) };
        Directory::is_held(folder).map_err(failed)
    }

    /// A log in memory, and the handle that reads it. Nobody signs it.
    #[must_use]
    pub fn memory(clock: Clock) -> (Self, Memory) {
        Self::memory_with(Rules::default(), clock)
    }

    /// The same, kept by these rules.
    #[must_use]
    pub fn memory_with(rules: Rules, clock: Clock) -> (Self, Memory) {
        let memory = Memory::default();
        let place = Place { first: 0, bytes: 0, header_bytes: 0, begun: clock.now() };
        let mut state = State::new(MEMORY.into(), Chain::begin(MEMORY), place);
        state.fresh = Some(Fresh::First);
        let shared = Shared::new(Medium::Memory(memory.clone()), (state, rules), clock);
        let (threads, purging) = (Mutex::default(), Mutex::default());
        (Self { shared: Arc::new(shared), threads, purging }, memory)
    }

    /// Writes `record`, and blocks this thread until it is as safe as its level asks.
    ///
    /// # Errors
    /// [`Error::Write`] where it could not be, [`Error::Closed`] where that was so before,
    /// [`Error::Serialize`].
    pub fn append(&self, record: &Record<'_>) -> Result<(), Error> {
        self.enter(record)?.settle().map(drop)
    }

    /// Writes `record`, and waits until it is as safe as its level asks.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub async fn store(&self, record: &Record<'_>) -> Result<(), Error> {
        self.enter(record)?.stored().await.map(drop)
    }

    /// Puts the line of `record` among those that wait. Whoever settles first writes them all.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Serialize`]
    pub fn enter(&self, record: &Record<'_>) -> Result<Entry<'_>, Error> {
        let members = members(record)?;
        let shared = &*self.shared;
        let mut state = shared.reopen(shared.lock());
        if let Err(error) = shared.admit(&state) {
            state.turn_away(record);
            return Err(error);
        }
        let ticket = state.frame(record, &members, &shared.rules);
        drop(state);
        Ok(Entry::new(shared, ticket))
    }

    /// Whether a call may go on: only what can be recorded afterwards may be carried out.
    ///
    /// Asks for another try where it is closed, and waits for none that is under way.
    ///
    /// # Errors
    /// [`Error::Closed`]
    pub fn admit(&self) -> Result<(), Error> {
        let shared = &*self.shared;
        match shared.is_closed.load(Ordering::Acquire) {
            true => shared.admit(&shared.reopen(shared.lock())),
            false => Ok(()),
        }
    }

    /// Whether all is well with it: it can be written, and its last checkpoint was kept.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Unsigned`]
    pub fn check(&self) -> Result<(), Error> {
        self.admit()?;
        self.shared.unsigned()
    }

    /// Says that the log ends, brings all to the disk, and signs it. What is recorded after that is safe, and
    /// not signed; who ends it once more says so behind it.
    pub fn end(&self) {
        self.shared.say_end();
        self.shared.lock().come_to(Phase::Ends);
        self.shared.work.notify_all();
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(threads) = threads {
            threads.join(&self.shared);
            // Behind a disk that hung until now, which was not asked before. Else it is said already.
            self.shared.say_end();
        }
    }

    /// How many records are on the disk. What comes behind may yet be taken back.
    #[must_use]
    pub fn safe(&self) -> u64 {
        self.shared.lock().synced.next()
    }

    /// How many records were written. What comes behind may yet be taken back.
    #[must_use]
    pub fn reached(&self) -> u64 {
        self.shared.lock().written.next()
    }

    /// The number of the first record of the segment that is written to.
    #[must_use]
    pub fn segment(&self) -> u64 {
        self.shared.lock().written_segment.first
    }

    /// How safe the records of calls of `operation` are.
    #[must_use]
    pub fn level(&self, operation: &Operation) -> Level {
        let now = self.shared.clock.now();
        let operation = Some(operation);
        let record = Record { operation, ..Record::new(now, Kind::Call, Outcome::Answered) };
        self.shared.rules.levels.of(&record)
    }

    /// What its checkpoints are checked by; nothing where it is in memory.
    #[must_use]
    pub fn verifying_key(&self) -> Option<VerifyingKey> {
        self.shared.key().map(|it| it.verifying_key())
    }

    /// Whether its checkpoints are kept in another place, too.
    #[must_use]
    pub fn is_kept_outside(&self) -> bool {
        match &self.shared.medium {
            Medium::Directory(directory) => directory.has_outside(),
            Medium::Memory(_) => false,
        }
    }

    /// Where its segments are; nowhere where it is in memory.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match &self.shared.medium {
            Medium::Directory(_) => Some(Path::new(&*self.shared.name)),
            Medium::Memory(_) => None,
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.end();
    }
}

/// The state behind what was recovered, with the folder made ready for it.
fn resume(
    directory: &Directory,
    recovered: &Recovered,
    origin: &str,
    rules: &Rules,
) -> io::Result<State> {
    let Recovered { chain, last, open, empty, left: _, tail_bytes: _, has_hole, signed, latest: _ } =
        recovered;
    if *has_hole {
        // Whole records may be among what is taken away, which no crash of a process does.
        let cut = last.as_ref().map(|it| (&it.0, it.1)).into_iter();
        cut.chain(empty.iter().map(|it| (it, 0))).try_for_each(|it| directory.keep_cut(it))?;
    }
    for segment in empty {
        std::fs::remove_file(&segment.path)?;
    }
    let begun = last.as_ref().map_or(model::Timestamp::from_seconds(0), |it| it.2);
    let bytes = last.as_ref().map_or(0, |it| it.1);
    let first = last.as_ref().map_or(chain.next(), |it| it.0.first);
    let place = Place { first, bytes, header_bytes: 0, begun };
    let mut state = State::new(origin.into(), chain.clone(), place);
    match last {
        Some((segment, bytes, _)) => directory.resume(segment, (*bytes, rules.segment_bytes))?,
        None => state.fresh = Some(Fresh::First),
    }
    state.open.clone_from(open);
    state.signed.0 = *signed;
    Ok(state)
}

impl Shared {
    fn new(medium: Medium, (state, rules): (State, Rules), clock: Clock) -> Self {
        Self {
            name: MEMORY.into(),
            medium,
            rules,
            key: None,
            since: Moment::of(&clock),
            clock,
            state: Mutex::new(state),
            through: Condvar::new(),
            work: Condvar::new(),
            signs: Condvar::new(),
            has_keeper: false,
            is_closed: AtomicBool::new(false),
        }
    }

    fn key(&self) -> Option<Arc<SigningKey>> {
        let key = self.key.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&key))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_error(&self, source: Arc<io::Error>) -> Error {
        Error::Write { log: Arc::clone(&self.name), source }
    }

    fn closed_error(&self, source: &Arc<io::Error>) -> Error {
        Error::Closed { log: Arc::clone(&self.name), source: Arc::clone(source) }
    }
}

#[cfg(test)]
mod tests;
