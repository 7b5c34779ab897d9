//! `onedoor audit reconcile`: what a sink holds, beside the log.

use std::{fmt::Display, ops::Range};

use audit::reconcile::{Incomparable, Reconciled, reconcile};

use crate::{
    cli,
    command::Failure,
    terminal::{Look, Terminal, counted},
};

pub(super) fn run(terminal: Terminal, arguments: &cli::Reconcile) -> Result<(), Failure> {
    let cli::Reconcile { folder, export, from, until } = arguments;
    let found = reconcile(folder, export, *from..*until)
        .map_err(|error: Incomparable| Failure::Unchecked(error.into()))?;
    if found.is_whole() {
        let good = terminal.paint(Look::Good, "nothing is wrong");
        let records = count(found.records, "record");
        terminal.line(format_args!("{good}: each of {records} is there once, as it is"))?;
        return Ok(());
    }
    terminal.line(terminal.paint(Look::Bad, "the export is not what the log holds"))?;
    for line in lines(&found) {
        terminal.line(format_args!("  {line}"))?;
    }
    Err(Failure::Told)
}

fn lines(found: &Reconciled) -> Vec<String> {
    let Reconciled { records: _, missing, gaps, repeated, duplicates, .. } = found;
    let Reconciled { differing, altered, foreign, unknown, unreadable, bad_lines, .. } = found;
    let mut lines = Vec::new();
    if *missing > 0 {
        lines.push(format!("{} missing: {}", count(*missing, "record"), list(gaps, range)));
    }
    if *repeated > 0 {
        let of = list(duplicates, u64::to_string);
        lines.push(format!("{} there again: of record {of}", count(*repeated, "line")));
    }
    if *differing > 0 {
        let how = list(altered, |(seq, how)| format!("{seq} ({how})"));
        lines.push(format!("{} altered: {how}", count(*differing, "record")));
    }
    if *foreign > 0 {
        let of = list(unknown, u64::to_string);
        lines.push(format!("{} of no record of this log: {of}", count(*foreign, "line")));
    }
    if *unreadable > 0 {
        let at = list(bad_lines, u64::to_string);
        lines.push(format!("{} without a record: in line {at}", count(*unreadable, "line")));
    }
    lines
}

fn count(number: u64, noun: &str) -> impl Display {
    counted(usize::try_from(number).unwrap_or(usize::MAX), noun)
}

fn list<T>(found: &[T], show: impl Fn(&T) -> String) -> String {
    found.iter().map(show).collect::<Vec<_>>().join(", ")
}

fn range(range: &Range<u64>) -> String {
    match range.end.saturating_sub(1) {
        last if last == range.start => last.to_string(),
        last => format!("{} to {last}", range.start),
    }
}
