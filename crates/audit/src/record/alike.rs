//! What the two records of a call tell alike: written for its intent, and copied into its outcome.

use std::sync::OnceLock;

use super::{Kind, Line, Record};

/// How a call came, by whom, and what it is, as the line of its intent has it.
///
/// Whoever shows it with both records says by that, that nothing of this changes between them.
#[derive(Debug, Default)]
pub struct Alike(OnceLock<Line>);

impl Alike {
    /// Whether the intent is told.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.0.get().is_some()
    }

    pub(super) fn write(
        &self,
        record: &Record<'_>,
        line: &mut Line,
    ) -> Result<(), serde_json::Error> {
        if let Some(members) = self.0.get() {
            debug_assert_eq!(Some(members), anew(record).ok().as_ref(), "it is not alike any more");
            line.append(members);
            return Ok(());
        }
        let start = line.len();
        record.write_alike(line)?;
        // A call that is refused has one record alone: nothing is kept of it.
        if record.kind == Kind::Intent {
            self.0.set(line.since(start)).ok();
        }
        Ok(())
    }
}

/// What it would be now.
fn anew(record: &Record<'_>) -> Result<Line, serde_json::Error> {
    let mut members = Line::new();
    record.write_alike(&mut members)?;
    Ok(members)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::Timestamp;

    use super::*;
    use crate::record::{Outcome, line};

    #[test]
    fn a_line_is_the_same_whether_its_call_told_that_before_or_not() {
        let alike = Alike::default();
        let check = |kind, outcome, upstream_status| {
            let record = Record {
                path: Some("/a\u{2028}b"),
                peer: Some([127, 0, 0, 1].into()),
                revision: Some(3),
                upstream_status,
                total_time: Some(Duration::from_micros(7)),
                ..Record::new(Timestamp::from_seconds(0), kind, outcome)
            };
            let short = Record { alike: Some(&alike), ..record.clone() };
            assert_eq!(line(&short).unwrap(), line(&record).unwrap());
        };
        check(Kind::Call, Outcome::Unknown, None);
        assert!(alike.0.get().is_none(), "a call without an intent keeps nothing");
        check(Kind::Intent, Outcome::Begun, None);
        assert!(alike.0.get().is_some());
        check(Kind::Call, Outcome::Answered, Some(200));
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "it is not alike any more")]
    fn an_outcome_that_tells_another_call_is_found_by_every_test() {
        let alike = Alike::default();
        for (kind, path) in [(Kind::Intent, "/a"), (Kind::Call, "/b")] {
            let record = Record::new(Timestamp::from_seconds(0), kind, Outcome::Begun);
            line(&Record { alike: Some(&alike), path: Some(path), ..record }).unwrap();
        }
    }
}
