//! SIGKILL under load, anywhere and at every marked place: no call without its record.

use std::time::Duration;

use anyhow::{Result, ensure};
use model::Clock;

use super::{
    super::{Done, chance::Chance, door::Door, property::Setting},
    fault::Mark,
    kept,
    ledger::Ledger,
    site::Site,
    traffic::Traffic,
};
use crate::run;

/// How long a marked place may take to be reached.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the log is written. How often is what a debug build does in a few seconds at least.
const MARKS: [Mark; 8] = [
    Mark { call: "write", part: "/audit/0", most: 300 },
    Mark { call: "sync", part: "/audit/0", most: 50 },
    Mark { call: "open", part: "/audit/0", most: 2 },
    Mark { call: "truncate", part: "/audit/0", most: 2 },
    Mark { call: "open", part: "/audit/checkpoints", most: 2 },
    Mark { call: "write", part: "/audit/checkpoints", most: 2 },
    Mark { call: "sync", part: "/audit/checkpoints", most: 2 },
    Mark { call: "write", part: "/outside", most: 2 },
];

/// Where a log is that is found as a crash left it.
const AT_A_START: [Mark; 3] = [
    Mark { call: "write", part: "/audit/0", most: 1 },
    Mark { call: "sync", part: "/audit/0", most: 1 },
    Mark { call: "open", part: "/audit/checkpoints", most: 1 },
];

/// A door that is killed again and again.
struct Run<'a> {
    site: Site,
    traffic: Traffic,
    ledger: Ledger,
    chance: &'a mut Chance,
    door: Door,
    kills: u64,
}

pub(in super::super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let (kills, rounds) = if setting.is_full { (200, 5) } else { (20, 1) };
    let mut chance = Chance::new();
    let mut run = Run::start(setting, &mut chance)?;
    for _ in 0..kills {
        run.anywhere()?;
    }
    for _ in 0..rounds {
        for mark in MARKS {
            run.at(mark, "before")?;
            run.at(mark, "after")?;
        }
        for mark in AT_A_START {
            run.at_a_start(mark, "before")?;
            run.at_a_start(mark, "after")?;
        }
    }
    let kept = kept::prove(setting)?;
    let whole = run.site.verify()?;
    let Ledger { answered, forwarded, denied, unknown, .. } = run.ledger;
    for (count, what) in [
        (answered, "was answered"),
        (forwarded, "was forwarded"),
        (denied, "was denied"),
        (unknown, "was under way"),
    ] {
        ensure!(count > 0, "nothing {what}: that shows nothing");
    }
    let marks = MARKS.len().saturating_add(AT_A_START.len()).saturating_mul(2);
    Ok(Done::Held(format!(
        "{} kills, at {marks} marked places among them; {answered} calls answered ({denied} of them \
         denied) and {forwarded} forwarded, none without its record; {unknown} that were under way \
         are told as unknown; the log: {whole}; {kept} kills as segments went or were packed, or a \
         key followed, all ended by the next start",
        run.kills
    )))
}

impl<'a> Run<'a> {
    fn start(setting: &Setting<'_>, chance: &'a mut Chance) -> Result<Self> {
        let site = Site::make(setting)?;
        let door = site.home.serve()?;
        let (traffic, ledger) = (Traffic::new(), Ledger::default());
        Ok(Self { site, traffic, ledger, chance, door, kills: 0 })
    }

    /// Kills the door at some time.
    fn anywhere(&mut self) -> Result<()> {
        let wait = Duration::from_millis(20_u64.saturating_add(self.chance.below(600)));
        let Self { site, traffic, door, .. } = self;
        let address = door.public;
        traffic.during(&site.callers, address, || {
            let clock = Clock::system();
            while clock.elapsed() < wait {
                run::rest(wait.saturating_sub(clock.elapsed()));
            }
            door.kill()
        })?;
        self.go_on()
    }

    /// Kills the door before or after a call of the system.
    fn at(&mut self, mark: Mark, when: &str) -> Result<()> {
        let Self { site, traffic, door, chance, .. } = self;
        let address = door.public;
        site.fault.set(mark, chance.below(mark.most).saturating_add(1), when)?;
        let is_met = traffic.during(&site.callers, address, || {
            let clock = Clock::system();
            while !door.has_ended()? && clock.elapsed() < PATIENCE {
                run::rest(Duration::from_millis(2));
            }
            door.has_ended()
        })?;
        site.fault.clear()?;
        ensure!(is_met, "{when} {} of {} was not reached", mark.call, mark.part);
        self.go_on()
    }

    /// Kills it in the middle of work, and again as it comes back.
    fn at_a_start(&mut self, mark: Mark, when: &str) -> Result<()> {
        let wait = Duration::from_millis(200);
        let Self { site, traffic, door, chance, .. } = self;
        let address = door.public;
        traffic.during(&site.callers, address, || {
            run::rest(wait);
            door.kill()
        })?;
        site.fault.set(mark, chance.below(mark.most).saturating_add(1), when)?;
        let started = site.home.serve_unless_killed();
        site.fault.clear()?;
        ensure!(
            started?.is_none(),
            "{when} {} of {} at a start was not reached",
            mark.call,
            mark.part
        );
        self.kills = self.kills.saturating_add(1);
        self.go_on()
    }

    /// Starts it again, and looks at what it left.
    fn go_on(&mut self) -> Result<()> {
        self.kills = self.kills.saturating_add(1);
        let unknown = self.ledger.unknown;
        self.door = self.site.home.serve()?;
        self.site.judge(&mut self.ledger, &self.traffic)?;
        self.ledger.judge_unknown(unknown)?;
        self.ledger.judge_end()?;
        self.site.ensure_serves(&self.door)?;
        if self.kills.is_multiple_of(20) {
            self.site.verify()?;
        }
        Ok(())
    }
}
