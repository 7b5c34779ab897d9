//! What came as OCSF and as ECS: all of it, in order, and right by what others say of these formats.

use std::{
    fs::{self, File},
    path::Path,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::receivers::Receivers;
use crate::{install, run};

/// Reads events by the released schema of OCSF.
const VALIDATOR: &str = "tests/audit/ocsf.py";
/// So many events are read by it, of a run with more every so often one.
const VALIDATED: usize = 3000;
/// Fields of ECS that hold one of a few words, and those that may stand here.
const WORDS: [(&str, &[&str]); 4] = [
    ("/event/kind", &["alert", "event", "metric", "state"]),
    ("/event/outcome", &["failure", "success", "unknown"]),
    ("/event/category", &["api", "authentication", "configuration", "iam", "process", "session"]),
    (
        "/event/type",
        &["access", "allowed", "change", "creation", "deletion", "denied", "error", "info"],
    ),
];
/// Fields that every event of ECS has here.
const TEXTS: [&str; 5] =
    ["/@timestamp", "/ecs/version", "/event/id", "/event/hash", "/event/dataset"];

/// Of the log, at least the first `records` have to be there. What was found, in words.
pub(super) fn judge(receivers: &Receivers, records: u64, folder: &Path) -> Result<String> {
    let [ocsf, ecs] = Receivers::FORMATS.map(|it| receivers.events(it));
    ensure_all(&ocsf, "/metadata/sequence", records).context("as OCSF")?;
    let validated = validate(&ocsf, folder)?;
    ensure_all(&ecs, "/event/sequence", records).context("as ECS")?;
    for event in &ecs {
        ensure_ecs(event).with_context(|| event.clone())?;
    }
    Ok(format!(
        "{} of them as OCSF, {validated} of which the released schema was asked about, and {} as ECS",
        ocsf.len(),
        ecs.len()
    ))
}

/// Nothing is missing, and what comes for the first time comes in the order of the log.
fn ensure_all(events: &[String], sequence: &str, records: u64) -> Result<()> {
    let mut next = 0;
    for event in events {
        let event: Value = serde_json::from_str(event)?;
        let seq = event.pointer(sequence).and_then(Value::as_u64);
        let seq = seq.with_context(|| format!("an event has no {sequence}"))?;
        ensure!(seq <= next, "record {seq} came first after {next}");
        next = next.max(seq.saturating_add(1));
    }
    ensure!(next >= records, "{next} of {records} records came");
    Ok(())
}

/// How many events the schema was asked about.
fn validate(events: &[String], folder: &Path) -> Result<usize> {
    let step = events.len().div_ceil(VALIDATED).max(1);
    let asked: Vec<_> = events.iter().step_by(step).map(String::as_str).collect();
    let path = folder.join("events.jsonl");
    fs::write(&path, asked.join("\n"))?;
    let mut validator = run::program(install::ocsf_python()?, Path::new("."));
    let told = run::output(validator.arg(VALIDATOR).stdin(File::open(&path)?))?;
    let mut lines = told.lines();
    for event in &asked {
        let told = lines.next().context("the validator says nothing of an event")?;
        ensure!(told == "ok", "{told}: {event}");
    }
    ensure!(!asked.is_empty(), "no event came");
    Ok(asked.len())
}

fn ensure_ecs(event: &str) -> Result<()> {
    let event: Value = serde_json::from_str(event)?;
    for path in TEXTS {
        let text = event.pointer(path).and_then(Value::as_str).unwrap_or_default();
        ensure!(!text.is_empty(), "{path} is missing");
    }
    for (path, words) in WORDS {
        let found = event.pointer(path).with_context(|| format!("{path} is missing"))?;
        let all = found.as_array().map_or(std::slice::from_ref(found), Vec::as_slice);
        let is_one = |it: &Value| it.as_str().is_some_and(|it| words.contains(&it));
        ensure!(!all.is_empty() && all.iter().all(is_one), "{path} is {found}");
    }
    Ok(())
}
