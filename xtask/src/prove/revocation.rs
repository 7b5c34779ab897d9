//! What is revoked, disabled or stopped gets nobody in any more: on both replicas and both surfaces, while
//! it is used 2,000 times a second, and while replicas are killed.

mod crowd;

use std::{sync::Barrier, thread, time::Duration};

use anyhow::{Context as _, Result, anyhow, ensure};
use model::Clock;
use serde_json::json;

use self::crowd::{CALLS_PER_SECOND, Crowd, Wave};
use super::{
    Done,
    chance::Chance,
    client::Answer,
    door::{Addresses, Door, Home},
    load::Load,
    property::Setting,
    site::{Site, Worst, is_refused, wait_for},
    victims::{Counts, SORTS, Victim},
    world,
};
use crate::run;

/// Of the seven sorts that are revoked or disabled, so many of each are more than a thousand.
const FULL: Counts = Counts { revocations: 145, stops: 20 };
const QUICK: Counts = Counts { revocations: 3, stops: 3 };
/// In full, at least so many are revoked or disabled, and others stopped besides.
const REVOKED_MIN: usize = 1_000;
/// So long somebody calls everywhere before it is put out. Meanwhile calls catch up with what changes cost.
const BEFORE: Duration = Duration::from_millis(250);
/// The same where the rate of calls is not judged.
const BEFORE_QUICK: Duration = Duration::from_millis(50);
/// A replica is killed in one of so many rounds: in those of each sort in turn, as the sorts are no
/// multiple of it.
const KILL_EVERY: usize = 5;
/// It is killed less than so many milliseconds after the change was begun: every other time in the middle of
/// that, or just behind it,
const KILLED_AT_WORK_MS: u64 = 40;
/// and else at any time until what was taken away has to be over.
const KILLED_WITHIN_MS: u64 = 1_000;
/// So long after the last round all are asked again: last uses and what is used of quotas are written
/// every five seconds, and nothing that is written late may bring anybody back.
pub(super) const LATER: Duration = Duration::from_secs(11);
/// No more than one of so many proofs of keys may be one that could not be judged in time.
const UNJUDGED_ONE_OF: u64 = 100;

/// What others call.
const OPERATION: &str = "/shop/orders/1";

/// What runs, and what was found so far.
struct Rounds<'a> {
    doors: &'a mut [Door; 2],
    homes: &'a [Home; 2],
    operator: &'a str,
    load: &'a Load,
    before: Duration,
    chance: Chance,
    worst: Worst,
    /// How many replicas were killed.
    kills: usize,
    /// Calls of those who were put out, in which time.
    calls: (u64, Duration),
    /// How many proofs of keys let in, and how many could not be judged in time.
    proofs: (u64, u64),
}

/// When a replica is killed, after a change was begun, and which.
#[derive(Clone, Copy)]
struct Kill {
    which: usize,
    after: Duration,
}

pub(super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let mut site = Site::start(setting, if setting.is_full { FULL } else { QUICK })?;
    let [first, _] = &site.doors;
    let bystander = world::issue(&first.client(&site.operator), "app/default")?;
    // What is new at one replica may take a moment to be known at the other.
    let is_in = |it: &Door| {
        let answer = it.caller(&bystander).send("GET", OPERATION, &json!(null));
        answer.is_ok_and(|it| it.status == 200)
    };
    wait_for(|| site.doors.iter().all(is_in)).context("the bystander never got in")?;
    let Site { doors, homes, operator, victims, .. } = &mut site;
    let (load, crowd, victims) = (Load::new(), Crowd::new(&bystander, OPERATION), &**victims);
    let addresses = doors.each_ref().map(|it| it.public);
    let mut rounds = Rounds {
        doors,
        homes,
        operator,
        load: &load,
        before: if setting.is_full { BEFORE } else { BEFORE_QUICK },
        chance: Chance::new(setting.seed),
        worst: Worst::default(),
        kills: 0,
        calls: (0, Duration::ZERO),
        proofs: (0, 0),
    };
    let revoked = thread::scope(|scope| {
        crowd.start(scope, &load, addresses);
        load.until_done(|| {
            for (number, victim) in victims.iter().enumerate() {
                rounds
                    .round(&crowd, number, victim)
                    .with_context(|| format!("{} {number}", victim.end.name()))?;
            }
            run::rest(LATER);
            ask_again(rounds.doors, victims)
        })
    });
    let (calls, rate, failures) = load.told();
    let failures = failures.join("; ");
    let revoked = revoked.with_context(|| format!("calls that failed: {failures:?}"))?;
    ensure!(failures.is_empty(), "calls failed: {failures}");
    ensure!(
        !setting.is_full || rate >= 0.95 * CALLS_PER_SECOND,
        "there were only {rate:.0} calls a second"
    );
    ensure!(!setting.is_full || revoked >= REVOKED_MIN, "only {revoked} were revoked or disabled");
    let (proofs, unjudged) = rounds.proofs;
    ensure!(
        unjudged <= proofs / UNJUDGED_ONE_OF,
        "{unjudged} proofs of keys could not be judged, and {proofs} let in"
    );
    let (slowest, by_sort) = rounds.worst.judged()?;
    let (kills, own_rate) = (rounds.kills, rounds.own_rate());
    let stopped = victims.len().saturating_sub(revoked);
    Ok(Done::Held(format!(
        "{revoked} revoked or disabled and {stopped} stopped in {SORTS} ways, on 2 replicas and 2 surfaces, each while it was used {own_rate:.0} times a second; the last call that got in began {slowest:.0?} after the answer at most ({by_sort}); {kills} replicas killed meanwhile; {unjudged} proofs of keys could not be judged in time, and {proofs} let in; all that are out for good refused again {LATER:?} after the last one; {calls} calls ({rate:.0}/s), 0 failed",
    )))
}

impl Rounds<'_> {
    /// Puts somebody out who calls both doors over both surfaces, and waits until it is refused everywhere.
    fn round<'v>(&mut self, crowd: &Crowd<'v>, number: usize, victim: &'v Victim) -> Result<()> {
        let wave = crowd.begin(
            victim,
            self.doors.each_ref().map(|it| it.public),
            number.is_multiple_of(2),
        );
        wait_for(|| wave.are_in()).context("it never got in everywhere")?;
        self.use_it(&wave);
        let kill = (number % KILL_EVERY == KILL_EVERY - 1).then(|| self.draw());
        self.put_out(victim, &wave, kill)?;
        wait_for(|| wave.are_out()).with_context(|| {
            let said = self.doors.each_ref().map(Door::said).join("\nthe other:\n");
            format!("it is not refused everywhere; one door said:\n{said}")
        })?;
        crowd.end();
        self.worst.note(victim.end.name(), wave.late());
        if victim.is_bound() {
            let (proofs, unjudged) = self.proofs;
            self.proofs =
                (proofs.saturating_add(wave.calls()), unjudged.saturating_add(wave.unjudged()));
        }
        let asks = u32::try_from(number)?;
        for door in &*self.doors {
            victim.check_refresh(door.addresses(), asks)?;
        }
        let [first, _] = &*self.doors;
        victim.end.lift(first.addresses(), self.operator)
    }

    /// Lets it be used for a while, and counts that.
    fn use_it(&mut self, wave: &Wave<'_>) {
        let (clock, calls) = (Clock::system(), wave.calls());
        let since = clock.elapsed();
        run::rest(self.before);
        let (count, time) = &mut self.calls;
        *count = count.saturating_add(wave.calls().saturating_sub(calls));
        *time = time.saturating_add(clock.elapsed().saturating_sub(since));
    }

    /// How many times a second those were used who were put out, until then.
    fn own_rate(&self) -> f64 {
        let (count, time) = self.calls;
        #[expect(clippy::cast_precision_loss, reason = "a rate is told roughly")]
        let count = count as f64;
        count / time.as_secs_f64().max(f64::EPSILON)
    }

    fn draw(&mut self) -> Kill {
        let is_at_work = self.chance.below(2) == 0;
        let within = if is_at_work { KILLED_AT_WORK_MS } else { KILLED_WITHIN_MS };
        Kill {
            which: usize::from(self.chance.below(2) == 1),
            after: Duration::from_millis(self.chance.below(within)),
        }
    }

    /// Revokes, disables or stops; meanwhile a replica is killed and started again, where that is drawn.
    fn put_out(&mut self, victim: &Victim, wave: &Wave<'_>, kill: Option<Kill>) -> Result<()> {
        let Self { operator, load, homes, .. } = *self;
        let [one, other] = self.doors.each_ref().map(Door::addresses);
        let (here, there) = if victim.door == 0 { (one, other) } else { (other, one) };
        let carry_out = |door: Addresses| {
            victim.end.carry_out(door, operator)?;
            wave.was_answered();
            anyhow::Ok(())
        };
        let Some(Kill { which, after }) = kill else { return carry_out(here) };
        let home = homes.get(which).context("there are two doors")?;
        let door = self.doors.get_mut(which).context("there are two doors")?;
        let begun = Barrier::new(2);
        let kill = || {
            begun.wait();
            run::rest(after);
            load.while_gone(which, || {
                door.kill()?;
                wave.ask_anew(which);
                *door = home.serve()?;
                Ok(())
            })
        };
        thread::scope(|scope| {
            let killed = scope.spawn(kill);
            begun.wait();
            let done = carry_out(here).or_else(|why| match which == victim.door {
                // Whether it was done nobody was told: the other one is asked, whose answer counts.
                true => carry_out(there),
                false => Err(why),
            });
            let killed = killed.join().map_err(|_| anyhow!("the kill panicked"))?;
            done.and(killed)
        })?;
        self.kills = self.kills.saturating_add(1);
        Ok(())
    }
}

/// Asks for all who were not let in again, at both doors and over both surfaces. How many they are.
fn ask_again(doors: &[Door; 2], victims: &[Victim]) -> Result<usize> {
    let out: Vec<_> = (0_u32..).zip(victims).filter(|(_, it)| !it.end.is_lifted()).collect();
    for (number, victim) in &out {
        for door in doors {
            for answer in victim.later(door.public, *number)? {
                let (name, Answer { status, text }) = (victim.end.name(), &answer);
                ensure!(is_refused(&answer), "{name} {number} is not out later: {status} {text}");
            }
            victim.check_refresh(door.addresses(), *number)?;
        }
    }
    Ok(out.len())
}
