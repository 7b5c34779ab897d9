//! What receivers hold, beside the log: all of it, in its order, but for just what they lied about.

use std::{
    collections::{BTreeSet, HashSet},
    fs::File,
    io::{self, BufRead as _, BufReader, BufWriter, Write as _},
    ops::Range,
};

use anyhow::{Context as _, Result, ensure};
use audit::{
    Held,
    reconcile::{Reconciled, reconcile},
};

use super::{receivers::Receivers, site::Site};

/// The one whose export is given to the program as well. It lost a number of records that is known.
const GIVEN: &str = "nats";

/// When they lied.
#[derive(Debug)]
pub(super) struct Lie {
    /// The records of that time.
    pub(super) records: Range<u64>,
    /// Before this one all was delivered to each. Those behind it are of the questions whether it was.
    pub(super) delivered: u64,
}

/// Compares what each holds with the log: it misses what its receiver knows that it lost.
pub(super) fn judge(
    site: &Site,
    receivers: &Receivers,
    lie: &Lie,
) -> Result<Vec<(&'static str, Reconciled)>> {
    let mut all = Vec::new();
    for kind in Receivers::KINDS {
        let export = site.home.data.with_file_name(format!("{kind}.jsonl"));
        let (held, dropped) = (receivers.records(kind), receivers.dropped(kind));
        let mut file = BufWriter::new(File::create(&export)?);
        for record in &held {
            writeln!(file, "{record}")?;
        }
        drop(file.into_inner()?);
        let lines = BufReader::new(File::open(&export)?).lines();
        ensure_order(lines).with_context(|| kind.to_owned())?;
        let found = reconcile(&site.log(), &export, 0..u64::MAX)?;
        let lost: BTreeSet<_> = numbers(&dropped)?.difference(&numbers(&held)?).copied().collect();
        ensure_lost(&found.gaps, &lost, lie).with_context(|| kind.to_owned())?;
        if kind == GIVEN {
            let count = u64::try_from(lost.len())?;
            ensure!(count == Receivers::LOST, "{kind} lost {count}, and {} were", Receivers::LOST);
            let told = missing(&site.reconcile(&export)?)?;
            let same: BTreeSet<_> = found.gaps.iter().cloned().flatten().collect();
            ensure!(told == same, "onedoor audit reconcile names {told:?} of {kind}, not {same:?}");
        }
        let Reconciled { differing, foreign, unreadable, .. } = &found;
        ensure!(
            [differing, foreign, unreadable].iter().all(|it| **it == 0),
            "{kind} holds something else: {found:?}"
        );
        let is_twice = found.repeated > 0 || !Receivers::FORGETFUL.contains(&kind);
        ensure!(is_twice, "{kind} has nothing twice, and did not answer for some of it");
        all.push((kind, found));
    }
    Ok(all)
}

/// What is missing is what was lost, and nothing else that was delivered.
fn ensure_lost(gaps: &[Range<u64>], lost: &BTreeSet<u64>, lie: &Lie) -> Result<()> {
    let missing: BTreeSet<_> = gaps.iter().cloned().flatten().collect();
    let is_known = missing.difference(lost).all(|it| *it >= lie.delivered);
    let is_of_then = lost.iter().all(|it| lie.records.contains(it));
    ensure!(
        !lost.is_empty() && lost.is_subset(&missing) && is_known && is_of_then,
        "of {:?} it lost {lost:?}, and misses {gaps:?}",
        lie.records
    );
    Ok(())
}

/// The records that the program says are missing: `25 records missing: 7, 9 to 32`.
fn missing(told: &str) -> Result<BTreeSet<u64>> {
    let line = told.lines().find_map(|it| Some(it.split_once(" missing: ")?.1));
    let mut missing = BTreeSet::new();
    for range in line.with_context(|| format!("nothing is missing: {told}"))?.split(", ") {
        let (first, last) = range.split_once(" to ").unwrap_or((range, range));
        missing.extend(first.parse::<u64>()?..=last.parse()?);
    }
    Ok(missing)
}

fn numbers(records: &[String]) -> Result<BTreeSet<u64>> {
    let number = |it: &String| Held::read(it).map(|it| it.seq).with_context(|| it.clone());
    records.iter().map(number).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Where these are missing, by the first of each gap and the one behind it.
    fn check(gaps: &[(u64, u64)], lost: &[u64], want: bool) {
        let lie = Lie { records: 10..30, delivered: 28 };
        let gaps: Vec<_> = gaps.iter().map(|(first, end)| *first..*end).collect();
        let judged = ensure_lost(&gaps, &lost.iter().copied().collect(), &lie);
        assert_eq!(judged.is_ok(), want, "{gaps:?}, {lost:?}");
    }

    #[test]
    fn what_is_missing_has_to_be_what_was_lost() {
        check(&[(12, 14)], &[12, 13], true);
        // The last questions may not be there yet.
        check(&[(12, 14), (28, 29)], &[12, 13], true);
        check(&[(12, 13)], &[12, 13], false);
        check(&[(12, 15)], &[12, 13], false);
        check(&[(12, 14), (20, 21)], &[12, 13], false);
        check(&[], &[12, 13], false);
        check(&[], &[], false);
        // Before they lied.
        check(&[(2, 3), (12, 13)], &[2, 12], false);
    }

    #[test]
    fn what_the_program_names_is_read() {
        let told = "the export is not what the log holds\n  4 records missing: 7, 9 to 11\n";
        assert_eq!(missing(told).unwrap(), BTreeSet::from([7, 9, 10, 11]));
        assert!(missing("nothing is wrong: each of 3 records is there once, as it is\n").is_err());
    }
}
