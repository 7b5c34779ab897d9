//! Two replicas under load, one of which may be killed in the middle of a step.

use std::{sync::Barrier, thread, time::Duration};

use anyhow::{Context as _, Result, anyhow, ensure};
use model::Clock;
use testkit::Authority;

use super::super::{
    chance::Chance,
    door::{Addresses, Door, Home},
    load::Load,
};
use crate::run;

/// How soon what was stored on one replica is in force on the other.
pub(super) const IN_FORCE: Duration = Duration::from_secs(1);
/// How long a step may take, with a replica that is killed in it.
const PATIENCE: Duration = Duration::from_secs(30);
/// A replica is killed after less than so many milliseconds of a step: before, in and after its work.
const KILLED_WITHIN_MS: u64 = 30;

/// The replicas, and how each is started again.
pub(super) struct Pair<'a> {
    pub(super) homes: &'a [Home; 2],
    pub(super) doors: &'a mut [Door; 2],
    pub(super) operator: &'a str,
    pub(super) authority: Option<&'a Authority>,
    pub(super) load: &'a Load,
    /// When in a step a replica is killed.
    pub(super) chance: Chance,
    /// How many were killed, and serve again.
    pub(super) kills: usize,
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

impl Pair<'_> {
    /// Does something at a door until it is done, whatever becomes of the door meanwhile.
    pub(super) fn step<T: Send>(
        &mut self,
        (is_killed, which): (bool, usize),
        work: impl Fn(Addresses) -> Result<T> + Sync,
    ) -> Result<T> {
        // What waits for no door has to be so as soon as anything that was stored.
        let patience = if is_killed { PATIENCE } else { IN_FORCE };
        self.step_within(patience, (is_killed, which), work)
    }

    /// As [`Pair::step`], with the time after which it is not tried again.
    pub(super) fn step_within<T: Send>(
        &mut self,
        patience: Duration,
        (is_killed, which): (bool, usize),
        work: impl Fn(Addresses) -> Result<T> + Sync,
    ) -> Result<T> {
        let clock = Clock::system();
        let again = |door: Addresses| loop {
            match work(door) {
                Ok(done) => return Ok(done),
                Err(why) if clock.elapsed() > patience => return Err(why),
                Err(_) => run::rest(Duration::from_millis(5)),
            }
        };
        let [one, other] = &mut *self.doors;
        let (killed, stays) = if which == 0 { (one, other) } else { (other, one) };
        let home = self.homes.get(which).context("there are two")?;
        if !is_killed {
            return again(killed.addresses());
        }
        let stays = stays.addresses();
        let after = Duration::from_millis(self.chance.below(KILLED_WITHIN_MS));
        let first =
            self.load.while_gone(which, || killed_meanwhile((killed, after), home, &work))?;
        self.kills = self.kills.saturating_add(1);
        // Begun at the door that went, and done at the one that stays.
        first.or_else(|_| again(stays))
    }
}

/// Begins something at a door and kills that a moment later. What came of the first try.
fn killed_meanwhile<T: Send>(
    (door, after): (&mut Door, Duration),
    home: &Home,
    work: &(impl Fn(Addresses) -> Result<T> + Sync),
) -> Result<Result<T>> {
    let (goes, begun) = (door.addresses(), Barrier::new(2));
    let work = || {
        begun.wait();
        work(goes)
    };
    thread::scope(|scope| {
        let first = scope.spawn(work);
        begun.wait();
        run::rest(after);
        door.kill()?;
        *door = home.serve()?;
        first.join().map_err(|_| anyhow!("the step panicked"))
    })
}
