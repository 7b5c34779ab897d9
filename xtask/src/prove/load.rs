//! Calls at a steady rate, none of which may fail.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::Scope,
    time::Duration,
};

use anyhow::Result;
use model::Clock;

use super::client::Answer;
use crate::run;

/// Most failures that are told.
const TOLD_MAX: usize = 3;

/// Says that it is over when it is dropped.
pub(super) struct Over<'a>(pub(super) &'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The calls that flow to two doors.
#[derive(Debug)]
pub(super) struct Load {
    clock: Clock,
    is_over: AtomicBool,
    /// By door: how often it went on purpose and how often it came back; odd while it is not there.
    gone: [AtomicU64; 2],
    /// Calls while their door was there.
    calls: AtomicU64,
    /// For how long one of the doors was not.
    absence: Mutex<Duration>,
    failures: Mutex<Vec<String>>,
}

impl Load {
    pub(super) fn new() -> Self {
        Self {
            clock: Clock::system(),
            is_over: AtomicBool::new(false),
            gone: Default::default(),
            calls: AtomicU64::new(0),
            absence: Mutex::default(),
            failures: Mutex::default(),
        }
    }

    /// Does something, and ends all calls when that is over, also where it panics: who calls is waited for.
    pub(super) fn until_done<T>(&self, work: impl FnOnce() -> T) -> T {
        let _over = Over(&self.is_over);
        work()
    }

    /// Does something while a door may be gone.
    pub(super) fn while_gone<T>(&self, door: usize, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let Some(gone) = self.gone.get(door) else { return work() };
        gone.fetch_add(1, Ordering::SeqCst);
        let since = self.clock.elapsed();
        let outcome = work();
        gone.fetch_add(1, Ordering::SeqCst);
        let mut absence = self.absence.lock().unwrap_or_else(PoisonError::into_inner);
        *absence = absence.saturating_add(self.clock.elapsed().saturating_sub(since));
        outcome
    }

    /// How many calls there were while their door was there, how many that is in a second of both doors,
    /// and what failed.
    pub(super) fn told(&self) -> (u64, f64, Vec<String>) {
        let calls = self.calls.load(Ordering::Relaxed);
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // One of two was gone.
        let absence = self.absence.lock().unwrap_or_else(PoisonError::into_inner).div_f64(2.0);
        let time = self.clock.elapsed().saturating_sub(absence);
        #[expect(clippy::cast_precision_loss, reason = "a rate is told roughly")]
        let rate = calls as f64 / time.as_secs_f64().max(f64::EPSILON);
        (calls, rate, failures)
    }

    /// Begins to call a door again and again, with this time between two calls; a call gives back
    /// its answer, which has to be good.
    pub(super) fn flow<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        at: (usize, Duration),
        mut call: impl FnMut() -> Result<Answer> + Send + 'scope,
    ) {
        self.flow_judged(scope, at, move || Ok(call()?.fault()));
    }

    /// The same with a call that judges its answer by itself: what is wrong with it, if anything.
    pub(super) fn flow_judged<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        (door, pace): (usize, Duration),
        call: impl FnMut() -> Result<Option<String>> + Send + 'scope,
    ) {
        scope.spawn(move || self.call(door, pace, call));
    }

    fn call(&self, door: usize, pace: Duration, mut call: impl FnMut() -> Result<Option<String>>) {
        let gone = || self.gone.get(door).map_or(0, |it| it.load(Ordering::SeqCst));
        let (mut before, mut next) = (gone(), self.clock.elapsed());
        while !self.is_over.load(Ordering::Relaxed) {
            // A door that comes or goes in the middle of a call may break it off, and one that went and
            // came back since the last call has closed the connection that was kept.
            let outcome = call();
            let now = gone();
            let was_there = now == before && now.is_multiple_of(2);
            before = now;
            let failure = match outcome {
                Ok(fault) => fault,
                Err(error) => was_there.then(|| format!("{error:#}")),
            };
            // What a door that is gone does not answer is no call of those that are told.
            if was_there {
                self.calls.fetch_add(1, Ordering::Relaxed);
            }
            self.fail(failure);
            next = next.saturating_add(pace);
            let now = self.clock.elapsed();
            match next.checked_sub(now) {
                Some(rest) => run::rest(rest),
                // What is missed is caught up, but not what a gone door cost.
                None if !was_there => next = now,
                None => {}
            }
        }
    }

    fn fail(&self, failure: Option<String>) {
        let Some(failure) = failure else { return };
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() < TOLD_MAX {
            failures.push(failure);
        }
    }
}
