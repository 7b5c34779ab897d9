//! What was called, answered, sent upstream and recorded, and what has to be true of the four.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{
    aside::Aside,
    site::QUOTA,
    sort::Sort,
    traffic::{Answered, CONNECTIONS},
};

/// What is known so far. Calls are known by their numbers, and requests by their ids.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// How far each segment was read.
    read: HashMap<String, u64>,
    /// Intents without an outcome, by the id of their request.
    open: HashMap<String, Begun>,
    intents: HashSet<u64>,
    /// Calls that went upstream.
    sent: HashSet<u64>,
    /// By the id of the request: the status of what ended; none where that is unknown, or a list.
    ended: HashMap<String, Option<u64>>,
    /// From which call on which revision has to be in force: it was acknowledged before.
    floors: Vec<(u64, u64)>,
    /// How many lives of the door ended.
    lives: u64,
    /// In how many of them metered calls were begun.
    pub(super) metered_lives: u64,
    /// How many of these were begun before the life that is now.
    metered_before: u64,
    /// What is recorded beside calls.
    pub(super) aside: Aside,
    pub(super) answered: BTreeMap<Sort, u64>,
    pub(super) forwarded: BTreeMap<Sort, u64>,
    /// Outcomes that nobody knows.
    pub(super) unknown: u64,
    /// Answers that said that nothing could be recorded.
    pub(super) unrecorded: u64,
    /// Metered calls that were begun.
    pub(super) metered: u64,
    /// Metered calls that were turned away.
    pub(super) turned_away: u64,
    /// Calls that were begun when a new revision had been acknowledged.
    pub(super) revised: u64,
    /// How often the time of day jumped.
    pub(super) jumps: usize,
    /// Whether the door may lack descriptors for connections to its upstream.
    pub(super) is_starved: bool,
    /// Whether it is recorded that calls of nobody are counted.
    counts_strangers: bool,
}

/// An intent.
#[derive(Debug)]
struct Begun {
    /// None for a change by the proof itself.
    number: Option<u64>,
    revision: Option<u64>,
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
                self.take(&serde_json::from_slice(line).context("a line is no JSON")?)?;
            }
            self.read.insert(name, end);
        }
        Ok(())
    }

    fn take(&mut self, record: &Value) -> Result<()> {
        let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
        let id = text("id").to_owned();
        let number = record.pointer("/arguments/id");
        let number = number.and_then(|it| it.as_u64().or_else(|| it.as_str()?.parse().ok()));
        // Each call says it as its trace, too: there are those whose records have no arguments.
        let number = number.or_else(|| u64::from_str_radix(text("trace"), 16).ok());
        let revision = record.get("revision").and_then(Value::as_u64);
        self.aside.take(record)?;
        match (text("kind"), number) {
            ("intent", Some(number)) => {
                self.begin(number, revision)?;
                self.open.insert(id, Begun { number: Some(number), revision });
            }
            ("intent", None) => {
                let entrance = text("entrance");
                ensure!(entrance == "management", "nobody made request {id}, begun by {entrance}");
                // What it changes ends by another revision.
                self.open.insert(id, Begun { number: None, revision: None });
            }
            ("authorization" | "call" | "list" | "malformed" | "session", number) => {
                let begun = self.open.remove(&id);
                let is_unknown = text("outcome") == "unknown";
                let before = begun.as_ref().and_then(|it| it.revision);
                ensure!(
                    is_unknown || before.is_none() || before == revision,
                    "request {id} was begun by revision {before:?} and ended by {revision:?}"
                );
                if let Some(number) = number.filter(|_| !is_unknown) {
                    self.judge_revision(number, revision)?;
                }
                self.end(id, record.get("status").and_then(Value::as_u64), is_unknown);
            }
            ("event", _) if text("event") == "strangers.refused" => self.counts_strangers = true,
            ("log", _) if text("event") == "audit.clock_jumped" => {
                self.jumps = self.jumps.saturating_add(1);
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, number: u64, revision: Option<u64>) -> Result<()> {
        // Those calls of the proof itself that have none are all number 0.
        let is_new = self.intents.insert(number) || number == 0;
        ensure!(is_new, "call {number} was begun twice");
        let is_metered = number > 0 && Sort::of(number).is_metered();
        self.metered = self.metered.saturating_add(is_metered.into());
        self.judge_revision(number, revision)
    }

    fn end(&mut self, id: String, status: Option<u64>, is_unknown: bool) {
        if is_unknown {
            self.unknown = self.unknown.saturating_add(1);
            // What the disk may have lost is told as unknown, also where it kept it.
            self.ended.entry(id).or_insert(None);
        } else {
            self.ended.insert(id, status);
        }
    }

    /// From now on, calls behind this one are judged by this revision or a later one.
    pub(super) fn revise(&mut self, last: u64, revision: u64) {
        self.floors.push((last, revision));
    }

    fn judge_revision(&mut self, number: u64, revision: Option<u64>) -> Result<()> {
        let floor = self.floors.iter().rfind(|it| it.0 < number).map(|it| it.1);
        ensure!(
            floor.is_none() || revision >= floor,
            "call {number} was judged by revision {revision:?}, and {floor:?} was in force before"
        );
        self.revised = self.revised.saturating_add(floor.is_some().into());
        Ok(())
    }

    /// What has to be true of the answers, with what was called until then.
    pub(super) fn judge_answers(&mut self, answers: &[Answered], last: u64) -> Result<()> {
        self.aside.answered(answers)?;
        for Answered { number, caller: _, id, status, is_unrecorded } in answers {
            if *is_unrecorded {
                self.unrecorded = self.unrecorded.saturating_add(1);
                continue;
            }
            let sort = Sort::of(*number);
            if sort == Sort::Garbage {
                ensure!(sort.allows(*status), "call {number} ({}) has {status}", sort.name());
                // It has no id, so its record is one of many.
                count(&mut self.answered, sort);
                continue;
            }
            let told = self.ended.remove(id);
            let is_counted = self.counts_strangers && sort.is_of_nobody();
            let told = told.or(is_counted.then_some(Some((*status).into())));
            let told = told.with_context(|| {
                format!("call {number} ({}) was answered by {status}, unrecorded", sort.name())
            })?;
            // What is listed has no status.
            let want = (sort != Sort::List).then_some(u64::from(*status));
            ensure!(told == want, "call {number} was answered by {status}, recorded as {told:?}");
            let is_allowed = sort.allows(*status) || self.is_out_of_reach(sort, *status);
            ensure!(is_allowed, "call {number} ({}) has {status}", sort.name());
            let is_turned_away = u64::from(*status == 429);
            self.turned_away = self.turned_away.saturating_add(is_turned_away);
            count(&mut self.answered, sort);
        }
        let uncaused = self.intents.iter().find(|it| **it > last);
        ensure!(uncaused.is_none(), "nobody made call {uncaused:?}, which is recorded");
        Ok(())
    }

    /// Whether this is the answer where no connection to the upstream can be opened.
    fn is_out_of_reach(&self, sort: Sort, status: u16) -> bool {
        self.is_starved && sort.is_permitted() && status == 502
    }

    /// Where the disk is well, nothing is refused for want of a record.
    pub(super) fn judge_unhindered(&self) -> Result<()> {
        let count = self.unrecorded;
        ensure!(count == 0, "{count} calls were refused as unrecorded, and nothing hindered that");
        Ok(())
    }

    /// What has to be true of what went upstream.
    pub(super) fn judge_forwarded(&mut self, targets: &[String]) -> Result<()> {
        for target in targets {
            let number = target.split('/').find_map(|it| it.parse().ok());
            let number: u64 = number.with_context(|| format!("{target} has no number"))?;
            if number == 0 {
                continue;
            }
            let sort = Sort::of(number);
            ensure!(sort.is_permitted(), "call {number} ({}) was forwarded", sort.name());
            ensure!(self.intents.contains(&number), "call {number} was forwarded, unrecorded");
            ensure!(self.sent.insert(number), "call {number} was forwarded twice");
            count(&mut self.forwarded, sort);
        }
        Ok(())
    }

    /// Every call that was begun has an outcome, if only that nobody knows it.
    pub(super) fn judge_end(&self) -> Result<()> {
        let open = self.open.values().next().map(|it| it.number);
        ensure!(open.is_none(), "call {open:?} was begun, and nothing says what came of it");
        Ok(())
    }

    /// After a crash no more are unknown than were under way.
    pub(super) fn judge_unknown(&self, before: u64) -> Result<()> {
        let unknown = self.unknown.saturating_sub(before);
        // And a change by the proof itself.
        let most = u64::try_from(CONNECTIONS)?.saturating_add(1);
        ensure!(unknown <= most, "{unknown} calls are unknown, and {most} were under way at most");
        Ok(())
    }

    /// In all lives of the door together, no more metered calls were begun than there may be. None was turned
    /// away before so many were, but for those that were under way at a kill: they may count twice.
    pub(super) fn judge_quota(&mut self) -> Result<()> {
        let Self { metered: begun, turned_away, .. } = *self;
        ensure!(begun <= QUOTA, "{begun} metered calls were begun, and {QUOTA} may be");
        self.lives = self.lives.saturating_add(1);
        let is_metered = u64::from(begun > self.metered_before);
        self.metered_lives = self.metered_lives.saturating_add(is_metered);
        self.metered_before = begun;
        let twice = self.lives.saturating_mul(u64::try_from(CONNECTIONS)?);
        ensure!(
            turned_away == 0 || begun >= QUOTA.saturating_sub(twice),
            "{turned_away} calls were turned away, and only {begun} of {QUOTA} were begun"
        );
        Ok(())
    }

    /// Nothing is shown where nothing happened: each of these was answered, and forwarded where it may be.
    pub(super) fn ensure_sorts(&self, sorts: &[Sort]) -> Result<()> {
        for sort in sorts {
            ensure!(self.answered.contains_key(sort), "nothing was answered: {}", sort.name());
            let is_forwarded = self.forwarded.contains_key(sort);
            ensure!(is_forwarded == sort.is_permitted(), "nothing went upstream: {}", sort.name());
        }
        Ok(())
    }

    /// How many calls were answered by a record.
    pub(super) fn count_answered(&self) -> u64 {
        self.answered.values().sum()
    }

    /// How many calls of each sort were answered.
    pub(super) fn told(&self) -> String {
        let told: Vec<_> =
            self.answered.iter().map(|(sort, count)| format!("{count} {}", sort.name())).collect();
        told.join(", ")
    }
}

fn count(counts: &mut BTreeMap<Sort, u64>, sort: Sort) {
    let count = counts.entry(sort).or_default();
    *count = count.saturating_add(1);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The number of a call of this sort.
    fn number(sort: Sort) -> u64 {
        (1..).find(|it| Sort::of(*it) == sort).unwrap()
    }

    fn begin(ledger: &mut Ledger, number: u64) -> Result<()> {
        ledger.take(&json!({"kind": "intent", "id": "one", "arguments": {"id": number}}))
    }

    #[test]
    fn a_call_that_is_begun_twice_fails() {
        let mut ledger = Ledger::default();
        begin(&mut ledger, 1).unwrap();
        assert!(begin(&mut ledger, 1).is_err());
        // Those of the proof itself come as often as it asks.
        begin(&mut ledger, 0).unwrap();
        begin(&mut ledger, 0).unwrap();
    }

    #[test]
    fn of_a_flood_without_a_key_none_needs_a_record_and_with_one_each_does() {
        let mut ledger = Ledger::default();
        let judged = |ledger: &mut Ledger, sort, status| {
            let (id, number) = ("one".to_owned(), number(sort));
            let answer = Answered { number, caller: 0, id, status, is_unrecorded: false };
            ledger.judge_answers(&[answer], number).is_ok()
        };
        assert!(!judged(&mut ledger, Sort::Nobody, 401), "nothing says that they are counted");
        ledger.take(&json!({"kind": "event", "event": "strangers.refused"})).unwrap();
        assert!(judged(&mut ledger, Sort::Nobody, 401));
        assert!(!judged(&mut ledger, Sort::Nobody, 200) && !judged(&mut ledger, Sort::Read, 200));
    }

    #[test]
    fn what_is_begun_without_a_number_is_a_change_by_the_proof_itself() {
        for (entrance, trace, want) in [
            ("management", "", true),
            ("public", "", false),
            ("public", "0000000000000000000000000000002a", true),
        ] {
            let mut ledger = Ledger::default();
            let record =
                json!({"kind": "intent", "id": "one", "entrance": entrance, "trace": trace});
            assert_eq!(ledger.take(&record).is_ok(), want, "{entrance} {trace}");
            assert_eq!(ledger.intents.contains(&42), want && !trace.is_empty());
            assert_eq!(ledger.judge_end().is_err(), want);
        }
    }

    #[test]
    fn a_call_that_is_forwarded_twice_fails() {
        let (mut ledger, number) = (Ledger::default(), number(Sort::Read));
        begin(&mut ledger, number).unwrap();
        let target = [format!("/orders/{number}")];
        ledger.judge_forwarded(&target).unwrap();
        assert!(ledger.judge_forwarded(&target).is_err());
    }

    #[test]
    fn what_a_tool_answers_is_what_its_record_says() {
        for (recorded, answered, want) in [(200, 200, true), (503, 200, false), (200, 503, false)] {
            let (mut ledger, number) = (Ledger::default(), number(Sort::ReadByTool));
            begin(&mut ledger, number).unwrap();
            let record = json!({"kind": "call", "id": "one", "status": recorded});
            ledger.take(&record).unwrap();
            let id = "one".to_owned();
            let status = answered;
            let answer = Answered { number, caller: 0, id, status, is_unrecorded: false };
            let judged = ledger.judge_answers(&[answer], number);
            assert_eq!(judged.is_ok(), want, "{recorded}, {answered}");
        }
    }
}
