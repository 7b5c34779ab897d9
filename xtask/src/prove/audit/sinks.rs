//! Receivers that are killed, slowed down and lying, and a door that is killed: all of the log arrives.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, BufRead as _, BufReader, BufWriter, Write as _},
    ops::Range,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use audit::{
    Held,
    reconcile::{Reconciled, reconcile},
};

use super::{
    super::{Done, chance::Chance, door::Door, property::Setting},
    receivers::{Receivers, Trouble},
    shaped,
    site::Site,
    traffic::Traffic,
};
use crate::run;

/// What each caller waits behind an answer, so that a long run is one of many troubles, and not of many
/// records: receivers here keep all of them in memory.
const PAUSE: Duration = Duration::from_millis(40);
/// A receiver is gone for less than so many milliseconds.
const GONE_MS: u64 = 600;
/// rsyslog is given so long to write what it took: nothing says when it did.
const SETTLED: Duration = Duration::from_secs(1);
/// How long they lie.
const LIE: Duration = Duration::from_secs(1);

/// What came of it.
#[derive(Debug, Default)]
struct Tally {
    troubles: usize,
    doors_killed: usize,
}

pub(in super::super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let rounds = if setting.is_full { 20 } else { 2 };
    let (site, mut receivers) = (Site::make(setting)?, Receivers::start());
    site.configure(&receivers.config())?;
    let (traffic, mut chance, mut tally) =
        (Traffic::slow(PAUSE), Chance::new(setting.seed), Tally::default());
    let mut door = site.home.serve()?;
    for round in 0..rounds {
        let address = door.public;
        traffic.during(&site.callers, address, || trouble(&mut receivers, &mut chance));
        tally.troubles = tally.troubles.saturating_add(Receivers::KINDS.len().saturating_mul(2));
        drop((traffic.take_answers(), site.upstream.take_targets()));
        // In the middle of deliveries: calls have only just ended.
        if round % 2 == 0 {
            door.kill()?;
            door = site.home.serve()?;
            tally.doors_killed = tally.doors_killed.saturating_add(1);
        }
    }
    let lie = lie(&site, &door, (&mut receivers, &traffic))?;
    drop(door);
    let shaped = shaped::judge(&receivers, lie.start, setting.folder)?;
    let held = judge(&site, &receivers, &lie)?;
    let records = held.iter().map(|it| it.1.records).max().unwrap_or_default();
    let told: Vec<_> = held.iter().map(|(kind, it)| told(kind, it)).collect();
    Ok(Done::Held(format!(
        "{records} records to each of {}: {} times one was killed or slowed down, {} times the door \
         was; all arrived, in order; {shaped}; of what they lied about: {}",
        Receivers::KINDS.join(", "),
        tally.troubles,
        tally.doors_killed,
        told.join(", ")
    )))
}

/// Has each suffer everything.
fn trouble(receivers: &mut Receivers, chance: &mut Chance) {
    let all = [Trouble::Killed, Trouble::Slowed];
    for (kind, trouble) in Receivers::KINDS.into_iter().flat_map(|it| all.map(|of| (it, of))) {
        let gone = Duration::from_millis(chance.below(GONE_MS));
        receivers.trouble(kind, trouble, gone);
    }
}

/// How much a liar lost, and how much came twice.
fn told(kind: &str, found: &Reconciled) -> String {
    format!("{kind} lost {}, has {} twice", found.missing, found.repeated)
}

/// Has all receivers lie for a while. Which records that was about.
fn lie(
    site: &Site,
    door: &Door,
    (receivers, traffic): (&mut Receivers, &Traffic),
) -> Result<Range<u64>> {
    let first = site.records()?;
    site.drain(door, Receivers::SINKS)?;
    run::rest(SETTLED);
    // Behind that may come the questions whether all is delivered, which are recorded too.
    receivers.lie(true);
    traffic.during(&site.callers, door.public, || run::rest(LIE));
    site.drain(door, Receivers::SINKS)?;
    receivers.lie(false);
    let last = site.records()?;
    ensure!(last > first, "nothing was recorded while they lied");
    Ok(first..last)
}

/// Compares what each holds with the log. Only what they lied about may be missing, and some of it must.
fn judge(
    site: &Site,
    receivers: &Receivers,
    lie: &Range<u64>,
) -> Result<Vec<(&'static str, Reconciled)>> {
    let mut held = Vec::new();
    for kind in Receivers::KINDS {
        let export = site.home.data.with_file_name(format!("{kind}.jsonl"));
        let mut file = BufWriter::new(File::create(&export)?);
        for record in receivers.records(kind) {
            writeln!(file, "{record}")?;
        }
        drop(file.into_inner()?);
        let lines = BufReader::new(File::open(&export)?).lines();
        ensure_order(lines).with_context(|| kind.to_owned())?;
        let found = reconcile(&site.log(), &export, 0..u64::MAX)?;
        let Reconciled { gaps, differing, foreign, unreadable, .. } = &found;
        let is_found =
            !gaps.is_empty() && gaps.iter().all(|gap| gap.start >= lie.start && gap.end <= lie.end);
        ensure!(is_found, "{kind} lied about {lie:?}, and misses {gaps:?}");
        ensure!(
            [differing, foreign, unreadable].iter().all(|it| **it == 0),
            "{kind} holds something else: {found:?}"
        );
        held.push((kind, found));
    }
    Ok(held)
}

/// What comes for the first time comes in the order of the log.
pub(super) fn ensure_order(records: impl Iterator<Item = io::Result<String>>) -> Result<()> {
    let (mut seen, mut last) = (HashSet::new(), 0);
    for record in records {
        let record = record?;
        let seq = Held::read(&record).with_context(|| record.clone())?.seq;
        if seen.insert(seq) {
            ensure!(seq >= last, "record {seq} came first after {last}");
            last = seq;
        }
    }
    Ok(())
}
