//! What waits to be sealed, within its bounds, and what the keeper is asked besides.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    mem,
    path::PathBuf,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use model::{Clock, RequestId};

use super::{
    BodyError, Opened, Reference, Subject,
    capture::{Finished, Pending},
    frame::Frame,
    keys::{Keys, SubjectId},
};
use crate::{Journal, Salt};

/// How many bytes of bodies are in memory at most: of those that pass, and those that wait.
const BYTES_MAX: usize = 64 << 20;
/// So much is made free where there is no room, so that it is not looked for again at once.
const ROOM: usize = 8 << 20;
/// Whose bodies take longer to pass than this leaves its room to others where there is none: else a few
/// streams that drip would have the bodies of all others lost, and their calls refused.
const SLOW: Duration = Duration::from_secs(2);
/// How many calls may wait before others are told that theirs cannot.
const CALLS_MAX: usize = 4096;
/// How many calls are sealed between two syncs.
const BATCH_MAX: usize = 256;
/// How many subjects are remembered that were forgotten: for calls that were under way then.
const FORGOTTEN_MAX: usize = 10_000;

/// What the keeper and those who hand over to it share.
pub(super) struct Shared {
    pub(super) folder: PathBuf,
    pub(super) keys: Keys,
    pub(super) log: Arc<Journal>,
    pub(super) salt: Arc<Salt>,
    pub(super) clock: Clock,
    bytes: AtomicUsize,
    /// The calls whose bodies pass, the oldest first.
    under_way: Mutex<BTreeMap<Begun, Weak<Pending>>>,
    queue: Mutex<Queue>,
    /// Rings when there is work.
    work: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// Why the last body could not be kept, if it could not.
    closed: Option<String>,
    /// Whether that is about to be tried.
    is_trying: bool,
    forgotten: Forgotten,
    is_ending: bool,
}

/// Who was forgotten when, on the clock that never jumps: what came before and is sealed later is not kept.
#[derive(Default)]
struct Forgotten {
    at: HashMap<SubjectId, Duration>,
    /// What came before this may be anybody's.
    everybody: Option<Duration>,
}

/// When a call arrived, on the clock that never jumps, and which that is.
pub(super) type Begun = (Duration, RequestId);

type Question = Box<dyn FnOnce(&Shared) + Send>;

enum Job {
    Keep(Box<Finished>),
    Answer(Question),
}

/// What the keeper does next.
pub(super) enum Work {
    /// Seal these.
    Keep(Vec<Finished>),
    /// Answer this, behind all that was handed over before.
    Answer(Question),
}

impl Shared {
    pub(super) fn new(
        folder: PathBuf,
        keys: Keys,
        (log, salt): (Arc<Journal>, Arc<Salt>),
        clock: Clock,
    ) -> Self {
        let (bytes, under_way) = (AtomicUsize::new(0), Mutex::default());
        let (queue, work) = (Mutex::default(), Condvar::new());
        Self { folder, keys, log, salt, clock, bytes, under_way, queue, work }
    }

    /// Takes room for so many bytes, if there is some.
    pub(super) fn reserve(&self, bytes: usize) -> bool {
        self.has_room(|| {
            let taken = self.bytes.fetch_add(bytes, Ordering::Relaxed);
            let fits = taken.saturating_add(bytes) <= BYTES_MAX;
            if !fits {
                self.release(bytes);
            }
            fits
        })
    }

    /// Whether it fits, if need be in the room of those that are slow.
    fn has_room(&self, fits: impl Fn() -> bool) -> bool {
        fits() || {
            self.make_room();
            fits()
        }
    }

    fn make_room(&self) {
        let Some(until) = self.clock.elapsed().checked_sub(SLOW) else { return };
        // Collected first: who holds the last of a call that ends just now hands it over, which asks for
        // the lock again.
        let slow: Vec<_> = self
            .under_way()
            .iter()
            .take_while(|((started, _), _)| *started <= until)
            .filter_map(|(_, it)| it.upgrade())
            .collect();
        for call in slow {
            if self.bytes.load(Ordering::Relaxed) <= BYTES_MAX.saturating_sub(ROOM) {
                break;
            }
            call.give_way();
        }
    }

    pub(super) fn begin(&self, begun: Begun, pending: Weak<Pending>) {
        self.under_way().insert(begun, pending);
    }

    pub(super) fn ended(&self, begun: &Begun) {
        self.under_way().remove(begun);
    }

    fn under_way(&self) -> MutexGuard<'_, BTreeMap<Begun, Weak<Pending>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn release(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn hand_over(&self, finished: Box<Finished>) {
        self.push(Job::Keep(finished));
    }

    pub(super) fn admit(&self) -> Result<(), String> {
        let has_room = self.has_room(|| self.bytes.load(Ordering::Relaxed) < BYTES_MAX);
        let mut queue = self.lock();
        if let Some(why) = queue.closed.clone() {
            if !mem::replace(&mut queue.is_trying, true) {
                queue.jobs.push_back(Job::Answer(Box::new(Self::try_again)));
                self.work.notify_one();
            }
            return Err(why);
        }
        if queue.jobs.len() >= CALLS_MAX || !has_room {
            return Err("more bodies wait to be sealed than there is room for".to_owned());
        }
        Ok(())
    }

    pub(super) fn failing(&self) -> Option<String> {
        self.lock().closed.clone()
    }

    /// Has the keeper answer a question; none where it has ended.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Option<T> {
        let (tell, told) = mpsc::sync_channel(1);
        self.push(Job::Answer(Box::new(move |shared| {
            tell.send(question(shared)).ok();
        })));
        told.recv().ok()
    }

    fn push(&self, job: Job) {
        let mut queue = self.lock();
        // What comes behind the end is not kept, and no record says that it was.
        if !queue.is_ending {
            queue.jobs.push_back(job);
            self.work.notify_one();
        }
    }

    /// Waits for work; none at the end, behind all that was handed over.
    pub(super) fn next(&self) -> Option<Work> {
        let is_idle = |it: &mut Queue| it.jobs.is_empty() && !it.is_ending;
        let waited = self.work.wait_while(self.lock(), is_idle);
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner);
        let mut calls = Vec::new();
        while calls.len() < BATCH_MAX {
            match queue.jobs.pop_front() {
                Some(Job::Keep(finished)) => calls.push(*finished),
                Some(Job::Answer(question)) if calls.is_empty() => {
                    return Some(Work::Answer(question));
                }
                Some(question @ Job::Answer(_)) => {
                    queue.jobs.push_front(question);
                    break;
                }
                None => break,
            }
        }
        (!calls.is_empty()).then_some(Work::Keep(calls))
    }

    pub(super) fn end(&self) {
        self.lock().is_ending = true;
        self.work.notify_all();
    }

    /// Says whether bodies can be kept.
    pub(super) fn close(&self, why: Option<String>) {
        self.lock().closed = why;
    }

    fn try_again(&self) {
        let tried = super::file::try_to_write(&self.folder)
            .and_then(|()| self.keys.try_to_write())
            .and_then(|()| self.keys.id(&Subject::new("", "")).map(drop));
        let mut queue = self.lock();
        (queue.is_trying, queue.closed) = (false, tried.err().map(|it| it.to_string()));
    }

    pub(super) fn read(&self, id: RequestId, reference: &Reference) -> Result<Opened, BodyError> {
        let frame = Frame::parse(&reference.read(&self.folder)?)?;
        let key = self.keys.find(&frame.subject, &frame.key)?.ok_or(BodyError::Destroyed)?;
        frame.open(&key, id)
    }

    pub(super) fn forget(&self, subject: &Subject) -> Result<bool, BodyError> {
        let id = self.keys.id(subject)?;
        self.lock().forgotten.add(id, self.clock.elapsed());
        self.keys.destroy(&id)
    }

    /// Whether the subject was forgotten since `started`.
    pub(super) fn is_forgotten(&self, subject: &SubjectId, started: Duration) -> bool {
        self.lock().forgotten.is_since(subject, started)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Forgotten {
    fn add(&mut self, subject: SubjectId, at: Duration) {
        if self.at.len() >= FORGOTTEN_MAX {
            self.at.clear();
            self.everybody = Some(at);
        }
        self.at.insert(subject, at);
    }

    fn is_since(&self, subject: &SubjectId, started: Duration) -> bool {
        let own = self.at.get(subject).copied();
        own.max(self.everybody).is_some_and(|it| it >= started)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("folder", &self.folder).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_who_were_forgotten_nobody_is_kept_rather_than_one_of_them() {
        let mut forgotten = Forgotten::default();
        let second = Duration::from_secs;
        let id = |number: usize| {
            let mut id = SubjectId::default();
            id[..8].copy_from_slice(&number.to_be_bytes());
            id
        };
        forgotten.add(id(0), second(10));
        assert!(forgotten.is_since(&id(0), second(9)) && forgotten.is_since(&id(0), second(10)));
        assert!(!forgotten.is_since(&id(0), second(11)) && !forgotten.is_since(&id(1), second(9)));
        (1..=FORGOTTEN_MAX).for_each(|it| forgotten.add(id(it), second(20)));
        assert!(forgotten.at.len() <= FORGOTTEN_MAX);
        assert!(forgotten.is_since(&id(0), second(20)) && !forgotten.is_since(&id(0), second(21)));
    }
}
