//! Two replicas under load, one of which may be killed in the middle of a step.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, ensure};
use model::Clock;

use super::{
    super::{
        chance::Chance,
        door::{Addresses, Door, Home},
        load::{Load, Over},
    },
    held::Held,
    kills::{Kills, Of},
    makers::Makers,
    strike::{At, Strike},
};
use crate::run;

/// How soon what was stored on one replica is in force on the other.
pub(super) const IN_FORCE: Duration = Duration::from_secs(1);
/// How long a step may take, with a replica that is killed in it.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a step may last that was never taken before.
const UNKNOWN: Duration = Duration::from_millis(500);

/// The replicas, and how each is started again.
pub(super) struct Pair<'a> {
    pub(super) homes: &'a [Home; 2],
    pub(super) doors: &'a mut [Door; 2],
    pub(super) operator: &'a str,
    pub(super) makers: &'a Makers,
    pub(super) load: &'a Load,
    /// In which order things are done, and when in a step a replica is killed.
    pub(super) chance: Chance,
    /// In what replicas were killed, which serve again.
    pub(super) kills: Kills,
    /// What has ended.
    pub(super) ended: Vec<Arc<Held>>,
    /// How long steps took in which none was killed.
    pub(super) lengths: BTreeMap<Of, Duration>,
}

/// Waits until something is so at both, within the time in which it has to be. Where that is over, it says
/// whether it came later.
pub(super) fn in_force(doors: &[Door; 2], is_so: impl Fn(Addresses) -> Result<bool>) -> Result<()> {
    let clock = Clock::system();
    for (number, door) in doors.iter().enumerate() {
        let mut last_not_so = Duration::ZERO;
        while !is_so(door.addresses())? {
            last_not_so = clock.elapsed();
            ensure!(last_not_so < PATIENCE, "at replica {number} it is not so after {PATIENCE:?}");
            run::rest(Duration::from_millis(5));
        }
        ensure!(
            last_not_so < IN_FORCE,
            "at replica {number} it was not in force {last_not_so:?} later, and then it was",
        );
    }
    Ok(())
}

impl<'a> Pair<'a> {
    /// In which nothing was done yet.
    pub(super) fn new(
        (homes, doors): (&'a [Home; 2], &'a mut [Door; 2]),
        (operator, makers): (&'a str, &'a Makers),
        load: &'a Load,
        chance: Chance,
    ) -> Self {
        let (kills, ended, lengths) = (Kills::default(), Vec::new(), BTreeMap::new());
        Self { homes, doors, operator, makers, load, chance, kills, ended, lengths }
    }
}

impl Pair<'_> {
    /// Does something at a door until it is done, whatever becomes of the door meanwhile.
    pub(super) fn step<T: Send>(
        &mut self,
        (strike, which): (Option<Strike<'_>>, usize),
        work: impl Fn(Addresses) -> Result<T> + Sync,
    ) -> Result<T> {
        // What waits for no door has to be so as soon as anything that was stored.
        let patience = if strike.is_some() { PATIENCE } else { IN_FORCE };
        self.step_within(patience, (strike, which), work)
    }

    /// As [`Pair::step_within`], for a step whose work is to wait for the most part: where a replica is
    /// killed in it, then within the time that the step took before.
    pub(super) fn timed_step<T: Send>(
        &mut self,
        (of, patience): (Of, Duration),
        (is_killed, which): (bool, usize),
        work: impl Fn(Addresses) -> Result<T> + Sync,
    ) -> Result<T> {
        let length = self.lengths.get(&of).copied();
        if is_killed {
            let strike = Strike { of, at: At::Time(length.unwrap_or(UNKNOWN)) };
            return self.step_within(patience, (Some(strike), which), work);
        }
        let clock = Clock::system();
        let done = self.step_within(patience, (None, which), work)?;
        let took = clock.elapsed();
        let usual = length.map_or(took, |it| it.saturating_add(took).mul_f64(0.5));
        self.lengths.insert(of, usual);
        Ok(done)
    }

    /// As [`Pair::step`], with the time after which it is not tried again.
    pub(super) fn step_within<T: Send>(
        &mut self,
        patience: Duration,
        (strike, which): (Option<Strike<'_>>, usize),
        work: impl Fn(Addresses) -> Result<T> + Sync,
    ) -> Result<T> {
        let clock = Clock::system();
        let is_over = || clock.elapsed() > patience;
        let [one, other] = &mut *self.doors;
        let (killed, stays) = if which == 0 { (one, other) } else { (other, one) };
        let home = self.homes.get(which).context("there are two")?;
        let Some(strike) = strike else {
            let door = killed.addresses();
            return until_done(|| work(door), is_over);
        };
        let stays = stays.addresses();
        let goes = killed.addresses();
        let begin = |is_struck: &AtomicBool| {
            until_done(|| work(goes), || is_over() || is_struck.load(Ordering::SeqCst))
        };
        let chance = &mut self.chance;
        let wait = |is_done: &AtomicBool| strike.at.wait(chance, is_done);
        // Until then no call may fail at that door either.
        let kill = || {
            self.load.while_gone(which, || {
                killed.kill()?;
                *killed = home.serve()?;
                Ok(())
            })
        };
        let (first, is_before) = struck(begin, wait, kill)?;
        self.kills.note(strike.of, is_before);
        // Begun at the door that went, and done at the one that stays.
        first.or_else(|_| until_done(|| work(stays), is_over))
    }
}

/// Tries until it is done, or it is enough.
fn until_done<T>(work: impl Fn() -> Result<T>, is_enough: impl Fn() -> bool) -> Result<T> {
    loop {
        match work() {
            Err(_) if !is_enough() => run::rest(Duration::from_millis(5)),
            outcome => return outcome,
        }
    }
}

/// Begins something, waits for the moment, and kills the door where it was begun. What came of it, and
/// whether it was not done before.
fn struck<T: Send>(
    begin: impl Fn(&AtomicBool) -> Result<T> + Sync,
    wait: impl FnOnce(&AtomicBool) -> bool,
    kill: impl FnOnce() -> Result<()>,
) -> Result<(Result<T>, bool)> {
    let begun = Barrier::new(2);
    let (is_done, is_struck) = (AtomicBool::new(false), AtomicBool::new(false));
    let work = || {
        let _over = Over(&is_done);
        begun.wait();
        begin(&is_struck)
    };
    thread::scope(|scope| {
        let first = scope.spawn(work);
        begun.wait();
        let is_before = wait(&is_done);
        is_struck.store(true, Ordering::SeqCst);
        kill()?;
        let first = first.join().map_err(|_| anyhow!("the step panicked"))?;
        Ok((first, is_before))
    })
}
