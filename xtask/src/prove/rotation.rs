//! Credentials are rotated while they are used, and replicas are killed at each step: no call fails,
//! and what was retired or has ended gets nobody in.

mod line;

use std::{sync::Barrier, thread, time::Duration};

use anyhow::{Context as _, Result, anyhow, ensure};
use model::Clock;
use serde_json::json;
use testkit::Postgres;

use self::line::{KINDS, Line};
use super::{
    Done,
    door::{Addresses, Door, Home},
    load::Load,
    property::Setting,
    upstream::Upstream,
    world,
};
use crate::run;

/// How soon what was stored on one replica is in force on the other.
const IN_FORCE: Duration = Duration::from_secs(1);
/// How long a step may take, with a replica that is killed in it.
const PATIENCE: Duration = Duration::from_secs(20);
/// In one of so many rounds a replica is killed, at each step in turn.
const KILL_EVERY: usize = 5;
/// What a client needs to have no call on the way with what it showed before.
const ON_THE_WAY: Duration = Duration::from_millis(100);
/// In one of so many rounds the old one is not retired and ends with its overlap.
const LAPSE_EVERY: usize = 10;
const OVERLAP: Duration = Duration::from_secs(2);

/// The steps of a rotation, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Rotate,
    Switch,
    Retire,
    Refuse,
}

impl Step {
    const ALL: [Self; 4] = [Self::Rotate, Self::Switch, Self::Retire, Self::Refuse];
}

/// The replicas, and how each is started again.
struct Pair<'a> {
    homes: &'a [Home; 2],
    doors: &'a mut [Door; 2],
    operator: &'a str,
    load: &'a Load,
}

pub(super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let rounds = if setting.is_full { 1_000 } else { 20 };
    let (postgres, upstream) = (Postgres::start(), Upstream::start()?);
    let mut home = Home::new(setting.program, setting.folder.join("one"));
    home.store = Some(postgres.url().to_owned());
    let (homes, mut doors, operator) = home.pair()?;
    let [first, _] = &doors;
    let manager = first.client(&operator);
    let mut files = world::files(upstream.address);
    files.insert("clients/rotated.yaml".to_owned(), line::client());
    // Without a credential of its own, which would be one more thing to wait for.
    files.insert("upstreams/stock.yaml".to_owned(), format!("url: http://{}\n", upstream.address));
    world::apply(&manager, &files)?;
    let lines = KINDS.map(|kind| Line::begin(kind, &manager));
    let lines = lines.into_iter().collect::<Result<Vec<_>>>()?;
    for line in &lines {
        in_force(&doors, |door| line.held().is_good(door))?;
    }
    let (load, addresses) = (Load::new(), doors.each_ref().map(|it| it.public));
    let (kills, lapsed) = thread::scope(|scope| {
        for line in &lines {
            for (number, address) in addresses.iter().enumerate() {
                load.start(scope, number, *address, move || line.request(*address));
            }
        }
        let mut pair = Pair { homes: &homes, doors: &mut doors, operator: &operator, load: &load };
        let outcome = pair.rotate_all(&lines, rounds);
        load.stop();
        outcome
    })?;
    let (calls, rate, failures) = load.told();
    ensure!(failures.is_empty(), "calls failed: {}", failures.join("; "));
    ensure!(kills.iter().all(|it| *it > 0), "not at every step was a replica killed: {kills:?}");
    Ok(Done::Held(format!(
        "{rounds} rotations of each of {}; {} replicas killed, at each step; {lapsed} ended with their overlap; {calls} calls meanwhile ({rate:.0}/s), 0 failed, none with what had ended",
        KINDS.join(" and "),
        kills.iter().sum::<usize>()
    )))
}

/// Waits until something is so at both, within the time in which it has to be.
fn in_force(doors: &[Door; 2], is_so: impl Fn(Addresses) -> Result<bool>) -> Result<()> {
    let clock = Clock::system();
    for door in doors {
        while !is_so(door.addresses())? {
            ensure!(clock.elapsed() < IN_FORCE, "it is not in force after {IN_FORCE:?}");
            run::rest(Duration::from_millis(5));
        }
    }
    Ok(())
}

impl Pair<'_> {
    /// So many rotations of each. How many kills there were at each step, and how many overlaps that ended.
    fn rotate_all(&mut self, lines: &[Line], rounds: usize) -> Result<([usize; 4], usize)> {
        let (mut kills, mut lapsed) = ([0_usize; 4], 0_usize);
        for (round, line) in (0..rounds).flat_map(|it| lines.iter().map(move |line| (it, line))) {
            let turn = round / KILL_EVERY;
            let killed = (round % KILL_EVERY == 0).then(|| Step::ALL.get(turn % 4)).flatten();
            let lapses = round % LAPSE_EVERY == LAPSE_EVERY - 1;
            let what = || format!("{} in round {round}, {killed:?} killed", line.kind);
            self.rotate(line, (killed.copied(), turn % 2), lapses).with_context(what)?;
            if let Some(count) = killed.and_then(|it| kills.get_mut(*it as usize)) {
                *count = count.saturating_add(1);
            }
            lapsed = lapsed.saturating_add(usize::from(lapses));
        }
        Ok((kills, lapsed))
    }

    fn rotate(
        &mut self,
        line: &Line,
        (killed, which): (Option<Step>, usize),
        lapses: bool,
    ) -> Result<()> {
        let old = line.held();
        let operator = self.operator.to_owned();
        let overlap = if lapses { format!("{}s", OVERLAP.as_secs()) } else { "1h".to_owned() };
        let new = self.step(killed == Some(Step::Rotate), which, |door| {
            line.rotate(&door.client(&operator), &overlap)
        })?;
        self.step(killed == Some(Step::Switch), which, |door| {
            // Whoever hands a new one over looks first whether it is good.
            ensure!(new.is_good(door)?, "the new one is not good yet");
            Ok(())
        })?;
        in_force(self.doors, |door| new.is_good(door))?;
        line.take(new);
        run::rest(ON_THE_WAY);
        if lapses {
            run::rest(OVERLAP);
        } else {
            let path = format!("/credentials/{}/retire?force=true", old.id);
            self.step(killed == Some(Step::Retire), which, |door| {
                let answer = door.client(&operator).manage("POST", &path, &json!(null))?;
                answer.done("retire_credential").map(drop)
            })?;
        }
        self.step(killed == Some(Step::Refuse), which, |door| {
            ensure!(!old.is_good(door)?, "it still gets in");
            Ok(())
        })?;
        in_force(self.doors, |door| Ok(!old.is_good(door)?))
    }

    /// Does something at a door until it is done, whatever becomes of the door meanwhile.
    fn step<T: Send>(
        &mut self,
        is_killed: bool,
        which: usize,
        work: impl Fn(Addresses) -> Result<T> + Sync,
    ) -> Result<T> {
        // What waits for no door has to be so as soon as anything that was stored.
        let patience = if is_killed { PATIENCE } else { IN_FORCE };
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
        let first = self.load.while_gone(which, || killed_meanwhile(killed, home, &work))?;
        // Begun at the door that went, and done at the one that stays.
        first.or_else(|_| again(stays))
    }
}

/// Begins something at a door and kills that in the middle of it. What came of the first try.
fn killed_meanwhile<T: Send>(
    door: &mut Door,
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
        door.kill()?;
        *door = home.serve()?;
        first.join().map_err(|_| anyhow!("the step panicked"))
    })
}
