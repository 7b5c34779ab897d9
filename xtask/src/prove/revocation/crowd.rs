//! The calls of a busy site: most of them, or all, in the name of whoever is put out next, until each of its
//! callers is refused, and the others in the name of somebody whom nothing is taken from.

use std::{
    borrow::Cow,
    net::SocketAddr,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread::Scope,
    time::Duration,
};

use anyhow::Result;
use model::Clock;
use serde_json::json;

use super::super::{
    client::{Answer, Client},
    connection::Connection,
    load::Load,
    site::{is_refused, is_undecided},
    victims::Victim,
};

/// Connections to each door: so many that a slow answer does not hold the rate up.
const CONNECTIONS: usize = 16;
/// Between two calls on one connection.
const PACE: Duration = Duration::from_millis(16);
/// What that comes to over both doors.
pub(super) const CALLS_PER_SECOND: f64 = 2_000.0;
/// So many of them are those of whoever is put out next, where others call as well.
const MOST: usize = 12;
/// And so many where each call needs a proof of its own, which is written to the store.
const FEW: usize = 4;
/// So many refusals in a row, and it is over.
const REFUSALS: usize = 3;

/// What a door says where the store, which all replicas share, has not told in time of a proof of a key.
const UNJUDGED: &str = "whether the dpop proof was used before cannot be told now";

/// Who calls.
#[derive(Debug)]
pub(super) struct Crowd<'v> {
    /// The key of the one whom nothing is taken from, and what that one calls.
    bystander: (String, &'static str),
    wave: Mutex<Option<Arc<Wave<'v>>>>,
}

/// The calls of one who is put out.
#[derive(Debug)]
pub(super) struct Wave<'v> {
    victim: &'v Victim,
    clock: Clock,
    /// By door.
    callers: [Vec<Caller>; 2],
    /// Calls that got in.
    calls: AtomicU64,
    /// Calls whose proof of a key could not be judged.
    unjudged: AtomicU64,
    /// When the last one of these began, in microseconds.
    last: AtomicU64,
    /// When it was answered that it is put out.
    answered: OnceLock<Duration>,
}

/// One of its connections, which calls over one of the surfaces.
#[derive(Debug)]
struct Caller {
    door: SocketAddr,
    is_tool: bool,
    /// What it sends; none where each request is another one.
    request: Option<String>,
    /// Whether it ever got in.
    is_in: AtomicBool,
    /// In a row, since it got in or is asked anew.
    refusals: AtomicUsize,
    /// Whether its door was started anew, and may say at first that it cannot tell who calls.
    is_anew: AtomicBool,
}

impl<'v> Crowd<'v> {
    pub(super) fn new(bystander: &str, operation: &'static str) -> Self {
        Self { bystander: (bystander.to_owned(), operation), wave: Mutex::default() }
    }

    /// Begins to call both doors.
    pub(super) fn start<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        load: &'scope Load,
        doors: [SocketAddr; 2],
    ) {
        let (key, operation) = &self.bystander;
        for (door, address) in doors.into_iter().enumerate() {
            let request: Arc<str> = Client::new(address, key).get_request(operation).into();
            for number in 0..CONNECTIONS {
                let (mut connection, request) = (Connection::new(address), Arc::clone(&request));
                let call = move || self.call(&mut connection, (door, number), &request);
                load.flow_judged(scope, (door, PACE), call);
            }
        }
    }

    /// Calls in the name of whoever it is for the caller of this number at a door; what is wrong with the
    /// answer, if anything.
    fn call(
        &self,
        connection: &mut Connection,
        caller: (usize, usize),
        bystander: &str,
    ) -> Result<Option<String>> {
        match self.current().and_then(|it| it.call(connection, caller)) {
            Some(heard) => heard,
            None => Ok(connection.answer(bystander)?.fault()),
        }
    }

    /// Has most call, or all, in the name of `victim` from now on.
    pub(super) fn begin(
        &self,
        victim: &'v Victim,
        doors: [SocketAddr; 2],
        are_all: bool,
    ) -> Arc<Wave<'v>> {
        let count = match (victim.is_bound(), are_all) {
            (true, _) => FEW,
            (false, true) => CONNECTIONS,
            (false, false) => MOST,
        };
        let wave = Arc::new(Wave::new(victim, doors, count));
        *self.wave.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&wave));
        wave
    }

    /// Has all call in the name of the bystander again.
    pub(super) fn end(&self) {
        *self.wave.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn current(&self) -> Option<Arc<Wave<'v>>> {
        self.wave.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<'v> Wave<'v> {
    fn new(victim: &'v Victim, doors: [SocketAddr; 2], count: usize) -> Self {
        let callers =
            doors.map(|it| (0..count).map(|number| Caller::new(victim, it, number)).collect());
        Self {
            victim,
            clock: Clock::system(),
            callers,
            calls: AtomicU64::new(0),
            unjudged: AtomicU64::new(0),
            last: AtomicU64::new(0),
            answered: OnceLock::new(),
        }
    }

    /// Whether each has got in.
    pub(super) fn are_in(&self) -> bool {
        self.callers.iter().flatten().all(|it| it.is_in.load(Ordering::Acquire))
    }

    /// Whether each is refused for good.
    pub(super) fn are_out(&self) -> bool {
        self.callers.iter().flatten().all(|it| self.is_out(it))
    }

    /// How many proofs of its key the store could not judge in time.
    pub(super) fn unjudged(&self) -> u64 {
        self.unjudged.load(Ordering::Relaxed)
    }

    /// How many calls got in.
    pub(super) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Says that it was answered just now that the victim is put out.
    pub(super) fn was_answered(&self) {
        // Once.
        let _ = self.answered.set(self.clock.elapsed());
    }

    /// Has each caller of a door be refused anew: the door is another process from now on.
    pub(super) fn ask_anew(&self, door: usize) {
        for caller in self.callers.get(door).into_iter().flatten() {
            caller.is_anew.store(true, Ordering::Release);
            caller.refusals.store(0, Ordering::Release);
        }
    }

    /// How long after the answer the last call that got in began.
    pub(super) fn late(&self) -> Duration {
        let answered = self.answered.get().copied().unwrap_or_default();
        Duration::from_micros(self.last.load(Ordering::Acquire)).saturating_sub(answered)
    }

    /// Whether one is refused for good, and calls no longer, unless it is asked anew.
    fn is_out(&self, caller: &Caller) -> bool {
        self.answered.get().is_some() && caller.refusals.load(Ordering::Acquire) >= REFUSALS
    }

    /// Calls as the one of this number at a door; what is wrong with the answer, if anything. None where
    /// that one does not call in this name, or no longer.
    fn call(
        &self,
        connection: &mut Connection,
        (door, number): (usize, usize),
    ) -> Option<Result<Option<String>>> {
        let caller = self.callers.get(door)?.get(number)?;
        if self.is_out(caller) {
            return None;
        }
        let request = caller.request(self.victim);
        let begun = self.clock.elapsed();
        Some(connection.answer(&request).map(|it| self.hear(caller, begun, &it)))
    }

    /// Notes what one was answered whose call began then; what is wrong with it, if anything.
    fn hear(&self, caller: &Caller, begun: Duration, answer: &Answer) -> Option<String> {
        if is_refused(answer) {
            caller.refusals.fetch_add(1, Ordering::AcqRel);
            return None;
        }
        if is_undecided(answer) && caller.is_anew.load(Ordering::Acquire) {
            return None;
        }
        // It lets nobody in, and until each is in, or refused, it is tried again.
        if self.victim.is_bound() && answer.text.contains(UNJUDGED) {
            self.unjudged.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        if let Some(fault) = answer.fault() {
            return Some(format!("{}: {fault}", self.victim.end.name()));
        }
        let begun = u64::try_from(begun.as_micros()).unwrap_or(u64::MAX);
        self.last.fetch_max(begun, Ordering::AcqRel);
        self.calls.fetch_add(1, Ordering::Relaxed);
        caller.refusals.store(0, Ordering::Release);
        caller.is_in.store(true, Ordering::Release);
        None
    }
}

impl Caller {
    /// Every other one calls over REST.
    fn new(victim: &Victim, door: SocketAddr, number: usize) -> Self {
        let mut caller = Self {
            door,
            is_tool: number % 2 == 1,
            request: None,
            is_in: AtomicBool::new(false),
            refusals: AtomicUsize::new(0),
            is_anew: AtomicBool::new(false),
        };
        caller.request = (!victim.is_bound()).then(|| caller.request(victim).into_owned());
        caller
    }

    fn request(&self, victim: &Victim) -> Cow<'_, str> {
        match (&self.request, self.is_tool) {
            (Some(request), _) => request.into(),
            (None, true) => victim.tool_request(self.door, "get_order", &json!({"id": 1})).into(),
            (None, false) => victim.get_request(self.door, &victim.path(1)).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::victims::somebody;
    use super::*;

    fn answer(status: u16) -> Answer {
        Answer { status, text: String::new() }
    }

    /// One caller at each door.
    fn wave(victim: &Victim) -> Wave<'_> {
        Wave::new(victim, [1, 2].map(|port| SocketAddr::from(([127, 0, 0, 1], port))), 1)
    }

    fn hear(wave: &Wave<'_>, door: usize, (micros, status): (u64, u16)) -> Option<String> {
        let caller = &wave.callers[door][0];
        wave.hear(caller, Duration::from_micros(micros), &answer(status))
    }

    #[test]
    fn one_is_out_who_is_refused_behind_the_answer_and_at_a_door_that_came_back() {
        let victim = somebody();
        let wave = wave(&victim);
        for door in [0, 1] {
            assert_eq!(hear(&wave, door, (1, 200)), None);
        }
        assert!(wave.are_in());
        let refuse = |door| (0..REFUSALS).filter_map(|_| hear(&wave, door, (2, 401))).count();
        assert_eq!((refuse(0), refuse(1)), (0, 0));
        // Nobody has said yet that it is out.
        assert!(!wave.are_out());
        wave.was_answered();
        assert!(wave.are_out());
        wave.ask_anew(1);
        assert!(!wave.are_out());
        // It cannot tell yet, which is no refusal; who did not go has to be able to.
        assert_eq!(hear(&wave, 1, (3, 503)), None);
        assert!(hear(&wave, 0, (3, 503)).is_some());
        assert!(!wave.are_out());
        refuse(1);
        assert!(wave.are_out());
    }

    #[test]
    fn one_who_gets_in_once_more_is_late_by_that_call() {
        let victim = somebody();
        let wave = wave(&victim);
        wave.was_answered();
        let answered = wave.answered.get().copied().unwrap();
        let later = answered.saturating_add(Duration::from_secs(2));
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap();
        for door in [0, 1] {
            for _ in 0..REFUSALS {
                hear(&wave, door, (micros(later), 401));
            }
        }
        assert!(wave.are_out());
        assert_eq!(wave.late(), Duration::ZERO);
        hear(&wave, 1, (micros(later), 200));
        assert!(!wave.are_out());
        assert!(wave.late() > Duration::from_secs(1));
        assert_eq!(hear(&wave, 1, (0, 404)).as_deref(), Some("credential: 404 "));
    }
}
