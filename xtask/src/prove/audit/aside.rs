//! What is recorded beside calls and their outcomes: refusals below HTTP, answers that were cut off, and
//! bodies.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    path::Path,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{sort::Sort, traffic::Answered};

/// A refusal below HTTP goes out just before its record. So of a door that was killed, this many answers of
/// each caller may have been too late for that.
const LATEST: usize = 3;

/// What is known so far.
#[derive(Debug, Default)]
pub(super) struct Aside {
    /// Refusals below HTTP that somebody has, and how many of them may have no record.
    refused: u64,
    excused: u64,
    /// Refusals below HTTP that are recorded.
    pub(super) recorded: u64,
    /// Requests whose answer came whole, and those that were left by their callers.
    whole: HashSet<String>,
    left: HashSet<String>,
    /// Requests whose answer was cut off.
    cut: HashSet<String>,
    /// By segment: where the last of its bodies ends that a record tells of.
    ends: BTreeMap<u64, u64>,
    /// Bodies that a record tells of.
    pub(super) bodies: u64,
}

impl Aside {
    /// Takes a record, if it is one of these.
    pub(super) fn take(&mut self, record: &Value) -> Result<()> {
        let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
        match text("kind") {
            "malformed" if text("event") == "connection.http1_refused" => {
                self.recorded = self.recorded.saturating_add(1);
            }
            "cut" => {
                let id = text("id");
                ensure!(!self.whole.contains(id), "request {id} was answered, and is told as cut");
                self.cut.insert(id.to_owned());
            }
            "bodies" => {
                for body in ["request", "response"] {
                    let sealed = record.pointer(&format!("/bodies/{body}/sealed"));
                    sealed.and_then(Value::as_str).map_or(Ok(()), |it| self.keep(it))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Where a body is: `SEGMENT-FROM-LENGTH-SHA256`.
    fn keep(&mut self, sealed: &str) -> Result<()> {
        let numbers: Vec<u64> = sealed.split('-').map_while(|it| it.parse().ok()).take(3).collect();
        let [segment, from, length] = *numbers else { anyhow::bail!("a body is at {sealed}") };
        let end = self.ends.entry(segment).or_default();
        *end = from.saturating_add(length).max(*end);
        self.bodies = self.bodies.saturating_add(1);
        Ok(())
    }

    /// Takes what the callers of one life of the door have, in the order in which it came.
    pub(super) fn answered(&mut self, answers: &[Answered]) -> Result<()> {
        let mut latest: HashMap<usize, usize> = HashMap::new();
        for Answered { number, caller, id, is_unrecorded, .. } in answers.iter().rev() {
            let place = latest.entry(*caller).or_default();
            *place = place.saturating_add(1);
            let sort = Sort::of(*number);
            if sort == Sort::Garbage {
                self.refused = self.refused.saturating_add(1);
                self.excused = self.excused.saturating_add((*place <= LATEST).into());
            } else if sort == Sort::Left {
                self.left.insert(id.clone());
            } else if !is_unrecorded {
                ensure!(!self.cut.contains(id), "request {id} was answered, and is told as cut");
                self.whole.insert(id.clone());
            }
        }
        Ok(())
    }

    /// What has to be true of them, with what was called until then, where the door was killed and runs
    /// again.
    pub(super) fn judge(&self, log: &Path, last: u64) -> Result<()> {
        let Self { refused, excused, recorded, .. } = self;
        ensure!(
            *refused <= recorded.saturating_add(*excused),
            "{refused} were refused below HTTP, {recorded} of them recorded, {excused} at the end"
        );
        let sent = Sort::garbage_until(last);
        ensure!(
            *recorded <= sent,
            "{recorded} refusals below HTTP are recorded, of {sent} requests"
        );
        for (segment, end) in &self.ends {
            let file = log.join("bodies").join(format!("{segment:020}.sealed"));
            let bytes = fs::metadata(&file).with_context(|| file.display().to_string())?.len();
            ensure!(bytes >= *end, "a body ends at {end} of {}, which has {bytes}", file.display());
        }
        Ok(())
    }

    /// How many answers were cut off whose callers had left.
    pub(super) fn count_cut(&self) -> usize {
        self.cut.intersection(&self.left).count()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::sort::ALL_FROM, *};

    /// Answers to one caller, each of the next call of its sort, whose id is its number.
    fn answers(sorts: &[Sort]) -> Vec<Answered> {
        let mut from = ALL_FROM.saturating_add(1);
        let answer = |sort: &Sort| {
            let number = (from..).find(|it| Sort::of(*it) == *sort).unwrap();
            from = number.saturating_add(1);
            let id = number.to_string();
            Answered { number, caller: 0, id, status: 200, is_unrecorded: false }
        };
        sorts.iter().map(answer).collect()
    }

    #[test]
    fn a_refusal_below_http_needs_its_record_but_for_the_last_ones() {
        let early = [Sort::Garbage, Sort::Read, Sort::Read, Sort::Read];
        for (sorts, recorded, want) in [
            (&early[..], 1, true),
            (&early[..], 0, false),
            (&early[..2], 0, true),
            (&early[1..], 9, false),
        ] {
            let mut aside = Aside::default();
            let answers = answers(sorts);
            aside.answered(&answers).unwrap();
            for _ in 0..recorded {
                let record = json!({"kind": "malformed", "event": "connection.http1_refused"});
                aside.take(&record).unwrap();
            }
            let last = answers.last().unwrap().number;
            assert_eq!(aside.judge(Path::new("/"), last).is_ok(), want, "{sorts:?}, {recorded}");
        }
    }

    #[test]
    fn only_what_was_left_may_be_cut() {
        for (sort, want) in [(Sort::Left, true), (Sort::Streamed, false)] {
            let answers = answers(&[sort]);
            let record = json!({"kind": "cut", "id": answers[0].id});
            let (mut before, mut after) = (Aside::default(), Aside::default());
            before.take(&record).unwrap();
            assert_eq!(before.answered(&answers).is_ok(), want);
            after.answered(&answers).unwrap();
            assert_eq!(after.take(&record).is_ok(), want);
            assert_eq!(before.count_cut(), usize::from(want));
        }
    }

    #[test]
    fn a_body_that_a_record_tells_of_is_there() {
        let log = tempfile::tempdir().unwrap();
        fs::create_dir(log.path().join("bodies")).unwrap();
        let file = log.path().join("bodies/00000000000000000007.sealed");
        let mut aside = Aside::default();
        let sealed = "7-10-20-5d0c";
        aside.take(&json!({"kind": "bodies", "bodies": {"response": {"sealed": sealed}}})).unwrap();
        for (bytes, want) in [(30, true), (29, false)] {
            fs::write(&file, vec![0_u8; bytes]).unwrap();
            assert_eq!(aside.judge(log.path(), ALL_FROM).is_ok(), want, "{bytes}");
        }
        fs::remove_file(file).unwrap();
        assert!(aside.judge(log.path(), ALL_FROM).is_err());
    }
}
