//! Receivers that are killed, slow, refusing, resetting, flapping and lying, and a door that is killed: no
//! call waits for them, and all of the log arrives.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use audit::reconcile::Reconciled;
use model::Clock;
use testkit::Breach;

use super::{
    super::{Done, chance::Chance, door::Door, property::Setting},
    ledger::Ledger,
    liars::{self, Lie},
    metrics::Metrics,
    receivers::Receivers,
    shaped,
    site::Site,
    sort::Sort,
    traffic::Traffic,
};
use crate::run;

/// What each caller waits behind an answer, so that a long run is one of many troubles, and not of many
/// records: receivers here keep all of them in memory, and a debug build of the door writes each nine times,
/// in every format.
const PAUSE: Duration = Duration::from_millis(150);
/// A receiver is gone until its sink has noticed, and then for less than so many milliseconds.
const GONE_MS: u64 = 300;
/// One that flaps is gone for so long at least, and there again for up to as long. A sink of syslog has to
/// see meanwhile that nobody is there: that tells the end of a crash from a goodbye.
const FLAP: Duration = Duration::from_millis(600);
/// However receivers are, an answer comes within this time, which is less than an outage takes.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3);
/// How long all do nothing once: longer than any sink waits, which is a minute.
const HANG: Duration = Duration::from_secs(75);
/// rsyslog is given so long to write what it took: nothing says when it did.
const SETTLED: Duration = Duration::from_secs(1);
/// How long they lie.
const LIE: Duration = Duration::from_secs(1);
/// What goes wrong with requests to doubles. Of statuses those that are no fault of a record.
const BREACHES: [Breach; 5] = [
    Breach::Status(403),
    Breach::Status(429),
    Breach::Status(503),
    Breach::Reset,
    Breach::Unanswered,
];

/// How much happens.
struct Counts {
    rounds: usize,
    /// For how long all receivers are down.
    outage: Duration,
    /// How often all of them are gone for a moment.
    flaps: usize,
    /// Whether all are slower than their sinks wait.
    hang: bool,
}

/// A door with a sink of each kind.
struct Run {
    site: Site,
    receivers: Receivers,
    metrics: Metrics,
    door: Door,
    traffic: Traffic,
    ledger: Ledger,
    chance: Chance,
    /// The last call that was judged, and how many were.
    judged: (u64, u64),
    slowest: Duration,
    doors_killed: usize,
}

pub(in super::super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let counts = match setting.is_full {
        true => Counts { rounds: 10, outage: Duration::from_secs(60), flaps: 100, hang: true },
        false => Counts { rounds: 1, outage: Duration::from_secs(5), flaps: 3, hang: false },
    };
    let mut run = Run::start(setting)?;
    for round in 0..counts.rounds {
        run.flow(trouble_each)?;
        // In the middle of deliveries: calls have only just ended.
        if round % 2 == 0 {
            run.kill_door()?;
        }
        run.judge()?;
    }
    run.flow(|receivers, metrics, _| be_down(receivers, metrics, counts.outage))?;
    run.judge()?;
    run.flow(|receivers, metrics, chance| flap(receivers, metrics, chance, counts.flaps))?;
    run.judge()?;
    if counts.hang {
        run.flow(|receivers, metrics, _| hang(receivers, metrics))?;
        run.judge()?;
    }
    let lie = run.lie()?;
    run.end(setting, &counts, &lie)
}

impl Run {
    fn start(setting: &Setting<'_>) -> Result<Self> {
        let (site, receivers, metrics) = (Site::make(setting)?, Receivers::start(), Metrics::new());
        site.configure(&receivers.config())?;
        site.configure(&metrics.config())?;
        let door = site.home.serve()?;
        Ok(Self {
            site,
            receivers,
            metrics,
            door,
            traffic: Traffic::slow(PAUSE),
            ledger: Ledger::default(),
            chance: Chance::new(setting.seed),
            judged: (0, 0),
            slowest: Duration::ZERO,
            doors_killed: 0,
        })
    }

    /// Has calls flow while something happens to the receivers.
    fn flow(
        &mut self,
        trouble: impl FnOnce(&mut Receivers, &Metrics, &mut Chance) -> Result<()>,
    ) -> Result<()> {
        let Self { site, receivers, metrics, door, traffic, chance, .. } = self;
        traffic.during(&site.callers, door.public, || trouble(receivers, metrics, chance))
    }

    /// Each call was answered as if all receivers were well, and as soon.
    fn judge(&mut self) -> Result<()> {
        let Self { site, traffic, ledger, judged: (last, count), .. } = self;
        let made = site.judge_all(ledger, traffic, *last)?;
        (*last, *count) = (traffic.last(), count.saturating_add(made));
        let slowest = traffic.take_slowest();
        ensure!(slowest < ANSWERED_WITHIN, "an answer took {slowest:.1?}");
        self.slowest = self.slowest.max(slowest);
        Ok(())
    }

    fn kill_door(&mut self) -> Result<()> {
        self.door.kill()?;
        self.door = self.site.home.serve()?;
        self.doors_killed = self.doors_killed.saturating_add(1);
        Ok(())
    }

    /// Has all receivers lie for a while.
    fn lie(&mut self) -> Result<Lie> {
        let first = self.site.records()?;
        self.drain()?;
        run::rest(SETTLED);
        // Behind that may come the questions whether all is delivered, which are recorded too.
        self.receivers.lie(true);
        self.flow(|_, _, _| {
            run::rest(LIE);
            Ok(())
        })?;
        self.judge()?;
        let delivered = self.site.records()?;
        self.drain()?;
        self.receivers.lie(false);
        let last = self.site.records()?;
        ensure!(last > first, "nothing was recorded while they lied");
        Ok(Lie { records: first..last, delivered })
    }

    /// Waits until every sink says that it delivered all.
    fn drain(&self) -> Result<()> {
        self.site.drain(&self.door, Receivers::sinks().len())
    }

    /// What it went through; fails where something did not happen at all.
    fn end(self, setting: &Setting<'_>, counts: &Counts, lie: &Lie) -> Result<Done> {
        let Self { site, receivers, door, ledger, judged, slowest, doors_killed, .. } = self;
        let Counts { rounds, outage, flaps, hang } = counts;
        drop(door);
        ledger.ensure_sorts(Sort::plain())?;
        let shaped = shaped::judge(&receivers, lie.records.start, setting.folder)?;
        let held = liars::judge(&site, &receivers, lie)?;
        let records = held.iter().map(|it| it.1.records).max().unwrap_or_default();
        let told: Vec<_> = held.iter().map(|(kind, it)| told(kind, it)).collect();
        let (each, doubles) = (Receivers::KINDS.len(), Receivers::DOUBLES.len());
        let refusing = doubles.saturating_mul(BREACHES.len()).saturating_mul(*rounds);
        let killed = each.saturating_mul(*rounds);
        let hung = match hang {
            true => {
                format!("all did nothing for {HANG:.0?}, until each sink gave up and sent again")
            }
            false => "none was slower than its sink waits".to_owned(),
        };
        Ok(Done::Held(format!(
            "{records} records to each of {}: each time its sink had failed, {killed} times one was \
             killed, and then slow, {refusing} times one answered 403, 429, 503 or not at all or reset \
             its connections, and all were down for {outage:.0?}; all flapped {flaps} times, {hung}, and \
             the door was killed {doors_killed} times; {} calls meanwhile, each answered and recorded, the \
             slowest after {slowest:.0?}; all arrived, in order; {shaped}; of what they lied about: {}",
            Receivers::KINDS.join(", "),
            judged.1,
            told.join(", ")
        )))
    }
}

/// Has each be killed and be slow in turn, and each double answer wrongly, until its sink notices.
fn trouble_each(receivers: &mut Receivers, metrics: &Metrics, chance: &mut Chance) -> Result<()> {
    for kind in Receivers::KINDS {
        let failures = metrics.failures()?;
        receivers.kill(kind);
        metrics.until_failed(&[kind], &failures)?;
        run::rest(Duration::from_millis(chance.below(GONE_MS)));
        receivers.serve(kind);
        receivers.slow_down(kind);
        metrics.until_up(&[kind])?;
    }
    // One at a time: who noticed first would wait longer and longer for the others.
    for double in Receivers::DOUBLES {
        for breach in BREACHES {
            let failures = metrics.failures()?;
            receivers.breach(double, Some(breach));
            let failed = metrics.until_failed(&[double], &failures);
            failed.with_context(|| format!("{breach:?}"))?;
            receivers.breach(double, None);
            metrics.until_up(&[double])?;
        }
    }
    Ok(())
}

/// Has all be down for so long at least, and until all their sinks have noticed.
fn be_down(receivers: &mut Receivers, metrics: &Metrics, time: Duration) -> Result<()> {
    let (clock, failures, sinks) = (Clock::system(), metrics.failures()?, Receivers::sinks());
    sinks.iter().for_each(|it| receivers.kill(it));
    metrics.until_failed(&sinks, &failures)?;
    run::rest(time.saturating_sub(clock.elapsed()));
    sinks.iter().for_each(|it| receivers.serve(it));
    metrics.until_up(&sinks)
}

/// Has all be gone for a moment, so many times.
fn flap(
    receivers: &mut Receivers,
    metrics: &Metrics,
    chance: &mut Chance,
    flaps: usize,
) -> Result<()> {
    let sinks = Receivers::sinks();
    let most = u64::try_from(FLAP.as_millis())?;
    for _ in 0..flaps {
        sinks.iter().for_each(|it| receivers.kill(it));
        run::rest(FLAP.saturating_add(Duration::from_millis(chance.below(most))));
        sinks.iter().for_each(|it| receivers.serve(it));
        run::rest(Duration::from_millis(chance.below(most)));
    }
    metrics.until_up(&sinks)
}

/// Has all be slower than their sinks wait: what these gave up comes again.
fn hang(receivers: &Receivers, metrics: &Metrics) -> Result<()> {
    let (failures, before, sinks) = (metrics.failures()?, receivers.repeated(), Receivers::sinks());
    receivers.hang(HANG);
    metrics.until_failed(&sinks, &failures)?;
    metrics.until_up(&sinks)?;
    // The others know by an id what comes again, or may not have read what came first.
    let behind = receivers.repeated();
    let is_sent_again = behind.iter().zip(&before).all(|(behind, before)| behind > before);
    ensure!(is_sent_again, "what was given up was not sent again: {before:?}, and {behind:?} now");
    Ok(())
}

/// How much a liar lost, and how much came twice.
fn told(kind: &str, found: &Reconciled) -> String {
    format!("{kind} lost {}, has {} twice", found.missing, found.repeated)
}
