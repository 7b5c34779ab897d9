//! SIGKILL under load, anywhere and at every marked place: no call without its record.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use audit::reconcile::{Reconciled, reconcile};
use model::Clock;
use serde_json::{Value, json};

use super::{
    super::{Done, chance::Chance, client::Client, door::Door, property::Setting, world},
    fault::Mark,
    kept,
    ledger::Ledger,
    liars::ensure_order,
    site::Site,
    sort::Sort,
    traffic::Traffic,
};
use crate::run;

/// How long a marked place may take to be reached.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the log is written, with its bodies and its index, and how far its sink came. How often is what a
/// debug build does in a few seconds at least.
const MARKS: [Mark; 14] = [
    Mark { call: "write", part: "/audit/0", most: 300 },
    Mark { call: "sync", part: "/audit/0", most: 50 },
    Mark { call: "open", part: "/audit/0", most: 2 },
    Mark { call: "truncate", part: "/audit/0", most: 2 },
    Mark { call: "open", part: "/audit/checkpoints", most: 2 },
    Mark { call: "write", part: "/audit/checkpoints", most: 2 },
    Mark { call: "sync", part: "/audit/checkpoints", most: 2 },
    Mark { call: "write", part: "/outside", most: 2 },
    Mark { call: "write", part: ".cursor", most: 5 },
    Mark { call: "sync", part: ".cursor", most: 5 },
    Mark { call: "rename", part: ".cursor", most: 5 },
    Mark { call: "write", part: ".sealed", most: 20 },
    Mark { call: "sync", part: ".sealed", most: 20 },
    Mark { call: "write", part: "/audit/index/", most: 1 },
];

/// Where a change is stored. It comes to the disk with its commit.
const CHANGE: Mark = Mark { call: "sync", part: "/onedoor.db-wal", most: 20 };

/// Where a log is that is found as a crash left it, and what is used of quotas is counted anew.
const AT_A_START: [Mark; 7] = [
    Mark { call: "write", part: "/audit/0", most: 1 },
    Mark { call: "sync", part: "/audit/0", most: 1 },
    Mark { call: "open", part: "/audit/checkpoints", most: 1 },
    Mark { call: "open", part: "/audit/reserve", most: 1 },
    Mark { call: "write", part: "/quotas.new", most: 1 },
    Mark { call: "sync", part: "/quotas.new", most: 1 },
    Mark { call: "rename", part: "/quotas.new", most: 1 },
];

/// The sink that is killed along with the door.
const SINK: &str = "copy";

/// How long calls flow before and behind a change.
const UNDER_WAY: Duration = Duration::from_millis(50);
/// A release serves again within this time.
const READY: Duration = Duration::from_secs(2);

/// A door that is killed again and again.
struct Run<'a> {
    site: Site,
    traffic: Traffic,
    ledger: Ledger,
    chance: &'a mut Chance,
    door: Door,
    kills: u64,
    /// Keys that were revoked, which lead nowhere after a kill either.
    revoked: Vec<String>,
    /// How many keys were issued as a kill came.
    issued: usize,
    ready_after: Duration,
}

pub(in super::super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let (kills, rounds) = if setting.is_full { (200, 5) } else { (20, 1) };
    let mut chance = Chance::new(setting.seed);
    let mut run = Run::start(setting, &mut chance)?;
    for _ in 0..kills {
        run.anywhere()?;
    }
    for _ in 0..rounds {
        for mark in MARKS {
            run.at(mark, "before")?;
            run.at(mark, "after")?;
        }
        run.at_a_change("before")?;
        run.at_a_change("after")?;
        for mark in AT_A_START {
            run.at_a_start(mark, "before")?;
            run.at_a_start(mark, "after")?;
        }
    }
    let kept = kept::prove(setting, rounds)?;
    let whole = run.site.verify()?;
    let delivered = run.judge_sink(setting)?;
    let rest = format!(
        "{kept} kills as segments went or were packed, or a key followed, all ended by the next start; \
         {delivered}; the log: {whole}"
    );
    run.told(setting, &rest)
}

impl<'a> Run<'a> {
    fn start(setting: &Setting<'_>, chance: &'a mut Chance) -> Result<Self> {
        let site = Site::make(setting)?;
        let copy = copy(setting).display().to_string();
        site.configure(&format!(
            "[[sinks]]\nname = \"{SINK}\"\nkind = \"file\"\npath = \"{copy}\"\nsize = \"1024GiB\"\n"
        ))?;
        let door = site.home.serve()?;
        let (traffic, ledger) = (Traffic::of_all_sorts(), Ledger::default());
        let (revoked, ready_after) = (Vec::new(), Duration::ZERO);
        Ok(Self { site, traffic, ledger, chance, door, kills: 0, revoked, issued: 0, ready_after })
    }

    /// Kills the door at some time, behind a change every other time.
    fn anywhere(&mut self) -> Result<()> {
        if self.kills.is_multiple_of(2) {
            self.revoke()?;
        }
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

    /// Revokes a key while calls flow: those that begin behind the answer are judged by what is in force
    /// then, and the key leads nowhere any more.
    fn revoke(&mut self) -> Result<()> {
        let Self { site, traffic, door, ledger, revoked, .. } = self;
        let operator = door.client(&site.operator);
        let profile = json!({"profile": "app/default"});
        let issued = operator.manage("POST", "/credentials", &profile)?.done("issue_credential")?;
        let text = |name: &str| issued.get(name).and_then(Value::as_str).context("it was issued");
        let (path, key) = (format!("/credentials/{}/revoke", text("id")?), text("key")?);
        let (last, answer) = traffic.during(&site.callers, door.public, || {
            run::rest(UNDER_WAY);
            let answer = operator.manage("POST", &path, &Value::Null);
            // Asked for behind the answer: what has a higher number began later.
            let last = traffic.last();
            run::rest(UNDER_WAY);
            (last, answer)
        });
        let answer = answer?.done("revoke_credential")?;
        let revision = answer.get("revision").and_then(Value::as_u64).context("no revision")?;
        ledger.revise(last, revision);
        revoked.push(key.to_owned());
        ensure_refused(&door.caller(key))
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

    /// Kills it before or after a change comes to the disk. What was acknowledged until then is in force.
    fn at_a_change(&mut self, when: &str) -> Result<()> {
        let Self { site, traffic, door, chance, .. } = self;
        let (address, operator) = (door.public, door.client(&site.operator));
        site.fault.set(CHANGE, chance.below(CHANGE.most).saturating_add(1), when)?;
        let mut keys = Vec::new();
        let is_met = traffic.during(&site.callers, address, || {
            let clock = Clock::system();
            while !door.has_ended()? && clock.elapsed() < PATIENCE {
                // In the end nobody is there to answer.
                keys.extend(world::issue(&operator, "app/default").ok());
            }
            door.has_ended()
        })?;
        site.fault.clear()?;
        ensure!(is_met, "{when} {} of {} was not reached", CHANGE.call, CHANGE.part);
        self.go_on()?;
        for key in &keys {
            let status = self.door.caller(key).send("PUT", "/shop/orders/0", &Value::Null)?.status;
            ensure!(status == 200, "a key that was issued {when} a kill has {status}");
        }
        self.issued = self.issued.saturating_add(keys.len());
        Ok(())
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
        self.ready_after = self.ready_after.max(self.door.ready_after);
        self.site.judge(&mut self.ledger, &self.traffic)?;
        self.ledger.judge_unknown(unknown)?;
        self.ledger.judge_end()?;
        self.ledger.judge_unhindered()?;
        self.ledger.judge_quota()?;
        self.ledger.aside.judge(&self.site.log(), self.traffic.last())?;
        self.site.ensure_serves(&self.door)?;
        if let Some(key) = self.revoked.last() {
            ensure_refused(&self.door.caller(key))?;
        }
        if self.kills.is_multiple_of(20) {
            self.site.verify()?;
        }
        Ok(())
    }

    /// All that was recorded is at the sink, in the order of the log, and nothing else is.
    fn judge_sink(&mut self, setting: &Setting<'_>) -> Result<String> {
        let first = self.site.records()?;
        self.site.drain(&self.door, 1)?;
        self.door.kill()?;
        let held = copy(setting);
        ensure_order(BufReader::new(File::open(&held)?).lines())?;
        let found = reconcile(&self.site.log(), &held, 0..u64::MAX)?;
        let Reconciled { records, missing, repeated, differing, foreign, unreadable, .. } = found;
        // The question whether all is delivered is recorded itself.
        let is_there = found.gaps.iter().all(|it| it.start >= first);
        ensure!(
            is_there && [differing, foreign, unreadable].iter().all(|it| *it == 0),
            "the sink holds something else: {missing} missing at {:?}, {differing} differing, \
             {foreign} foreign, {unreadable} unreadable of {records}",
            found.gaps
        );
        Ok(format!("of {records} records each is at the sink, {repeated} twice"))
    }

    /// What it went through; fails where something did not happen at all.
    fn told(&self, setting: &Setting<'_>, rest: &str) -> Result<Done> {
        let Self { traffic, ledger, kills, revoked, issued, ready_after, .. } = self;
        ledger.ensure_sorts(Sort::ALL)?;
        let Ledger {
            answered,
            forwarded,
            unknown,
            metered,
            metered_lives,
            turned_away,
            revised,
            aside,
            ..
        } = ledger;
        let [answered, forwarded] = [answered, forwarded].map(|it| it.values().sum::<u64>());
        // Told and not judged: the load has the same cores as the door, and is built for debugging.
        // More callers would not do: what may be under way at a kill is what the quota is judged by.
        let flowed_ms = u64::try_from(traffic.flowed().as_millis())?;
        let rate = answered.saturating_mul(1000).checked_div(flowed_ms).unwrap_or_default();
        let [revoked, cut] = [revoked.len(), aside.count_cut()].map(u64::try_from);
        let (revoked, cut) = (revoked?, cut?);
        for (count, what) in [
            (*unknown, "was under way"),
            (*turned_away, "was turned away"),
            (metered_lives.saturating_sub(1), "was metered behind a kill"),
            (*revised, "came behind a change"),
            (revoked, "was revoked"),
            (aside.recorded, "was refused below HTTP and recorded"),
            (cut, "was cut off where its caller had left"),
            (aside.bodies, "was kept of bodies"),
        ] {
            ensure!(count > 0, "nothing {what}: that shows nothing");
        }
        let is_in_time = !setting.is_full || *ready_after <= READY;
        ensure!(is_in_time, "it took {ready_after:.0?} until it served again");
        let marks = MARKS.len().saturating_add(AT_A_START.len()).saturating_add(1);
        let marks = marks.saturating_mul(2);
        Ok(Done::Held(format!(
            "{kills} kills under {rate} calls a second, at {marks} marked places among them, and ready \
             {ready_after:.0?} later at most; answered {}, and {forwarded} forwarded, none without its \
             record; {unknown} that were under way are told as unknown; of metered ones {metered} let in \
             over {metered_lives} processes, no more than the quota, and {turned_away} turned away; \
             {revised} judged by no older revision than was acknowledged, {revoked} revoked keys refused and \
             {issued} issued ones let in; {} refusals below HTTP recorded, {cut} answers told as cut whose \
             callers had left and no others, {} bodies there that a record tells of; {rest}",
            ledger.told(),
            aside.recorded,
            aside.bodies
        )))
    }
}

/// Where the sink writes to.
fn copy(setting: &Setting<'_>) -> PathBuf {
    setting.folder.join("copy.jsonl")
}

/// Neither surface lets this caller in.
fn ensure_refused(caller: &Client) -> Result<()> {
    let by_rest = caller.send("PUT", "/shop/orders/0", &Value::Null)?.status;
    let by_mcp = caller.call_tool("shop_put_order", &json!({"id": 0}))?.status;
    ensure!([by_rest, by_mcp] == [401, 401], "a revoked key has {by_rest} and {by_mcp}");
    Ok(())
}
