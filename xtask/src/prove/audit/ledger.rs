//! What was called, answered, sent upstream and recorded, and what has to be true of the four.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::traffic::{Answered, CONNECTIONS, is_denied, is_rest};

/// The status of what could not be recorded, which has no record.
const UNRECORDED: u16 = 503;

/// What is known so far. Calls are known by their numbers.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// How far each segment was read.
    read: HashMap<String, u64>,
    /// Intents without an outcome, by the id of their request.
    open: HashMap<String, u64>,
    intents: HashSet<u64>,
    /// By number: the status of the outcome; none where it is unknown or its caller had left.
    outcomes: HashMap<u64, Option<u16>>,
    pub(super) answered: u64,
    pub(super) forwarded: u64,
    pub(super) denied: u64,
    /// Outcomes that nobody knows.
    pub(super) unknown: u64,
    /// Answers that said that nothing could be recorded.
    pub(super) unrecorded: u64,
}

impl Ledger {
    /// Reads what was recorded since.
    pub(super) fn read(&mut self, log: &Path) -> Result<()> {
        let entries = fs::read_dir(log).with_context(|| log.display().to_string())?;
        let mut names = Vec::new();
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.len() == 26 {
                names.push(name);
            }
        }
        names.sort();
        for name in names {
            let from = self.read.get(&name).copied().unwrap_or_default();
            let mut file = File::open(log.join(&name))?;
            file.seek(SeekFrom::Start(from))?;
            let mut text = Vec::new();
            file.read_to_end(&mut text)?;
            let whole = text.split_inclusive(|it| *it == b'\n').filter(|it| it.ends_with(b"\n"));
            let mut end = from;
            for line in whole {
                end = end.saturating_add(u64::try_from(line.len())?);
                self.take(&serde_json::from_slice(line).context("a line is no JSON")?);
            }
            self.read.insert(name, end);
        }
        Ok(())
    }

    fn take(&mut self, record: &Value) {
        let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
        let id = text("id").to_owned();
        let number = record.pointer("/arguments/id");
        let number = number.and_then(|it| it.as_u64().or_else(|| it.as_str()?.parse().ok()));
        match (text("kind"), number) {
            ("intent", Some(number)) => {
                self.intents.insert(number);
                self.open.insert(id, number);
            }
            ("call", number) => {
                let begun = self.open.remove(&id);
                let Some(number) = begun.or(number) else { return };
                let status = record.get("status").and_then(Value::as_u64);
                let status = status.and_then(|it| u16::try_from(it).ok());
                if text("outcome") == "unknown" {
                    self.unknown = self.unknown.saturating_add(1);
                    // What the disk may have lost is told as unknown, also where it kept it.
                    self.outcomes.entry(number).or_insert(None);
                } else {
                    self.outcomes.insert(number, status);
                }
            }
            _ => {}
        }
    }

    /// What has to be true of the answers, with what was called until then.
    pub(super) fn judge_answers(&mut self, answers: &[Answered], last: u64) -> Result<()> {
        for Answered { number, status } in answers {
            if *status == UNRECORDED {
                self.unrecorded = self.unrecorded.saturating_add(1);
                continue;
            }
            let outcome = self.outcomes.get(number);
            let outcome = outcome
                .with_context(|| format!("call {number} was answered ({status}), unrecorded"))?;
            let is_same = *outcome == Some(*status) || (outcome.is_some() && !is_rest(*number));
            ensure!(is_same, "call {number} was answered by {status}, recorded as {outcome:?}");
            ensure!(
                is_denied(*number) == (*status == 403),
                "call {number} was answered by {status}"
            );
            self.denied = self.denied.saturating_add(is_denied(*number).into());
            self.answered = self.answered.saturating_add(1);
        }
        let uncaused = self.intents.iter().find(|it| **it > last);
        ensure!(uncaused.is_none(), "nobody made call {uncaused:?}, which is recorded");
        Ok(())
    }

    /// What has to be true of what went upstream.
    pub(super) fn judge_forwarded(&mut self, targets: &[String]) -> Result<()> {
        for target in targets {
            let number = target.rsplit('/').next().and_then(|it| it.parse().ok());
            let number: u64 = number.with_context(|| format!("{target} has no number"))?;
            if number == 0 {
                continue;
            }
            ensure!(!is_denied(number), "call {number} was forwarded, and its caller may not");
            ensure!(self.intents.contains(&number), "call {number} was forwarded, unrecorded");
            self.forwarded = self.forwarded.saturating_add(1);
        }
        Ok(())
    }

    /// Every call that was begun has an outcome, if only that nobody knows it.
    pub(super) fn judge_end(&self) -> Result<()> {
        let open = self.open.values().next();
        ensure!(open.is_none(), "call {open:?} was begun, and nothing says what came of it");
        Ok(())
    }

    /// After a crash no more are unknown than were under way.
    pub(super) fn judge_unknown(&self, before: u64) -> Result<u64> {
        let unknown = self.unknown.saturating_sub(before);
        let most = u64::try_from(CONNECTIONS)?;
        ensure!(unknown <= most, "{unknown} calls are unknown, and {most} were under way at most");
        Ok(unknown)
    }
}
