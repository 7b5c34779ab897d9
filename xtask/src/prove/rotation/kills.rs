//! In the middle of what replicas were killed, and how often.

use std::{collections::BTreeMap, fmt};

use anyhow::{Result, ensure};

/// What was worked on, and the step.
pub(super) type Of = (&'static str, &'static str);

/// How many kills there were, by what they were in the middle of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Kills(BTreeMap<Of, Count>);

/// How often a replica was killed before a thing was done there, and after it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    before: usize,
    after: usize,
}

impl Kills {
    pub(super) fn note(&mut self, of: Of, is_before: bool) {
        let count = self.0.entry(of).or_default();
        let count = if is_before { &mut count.before } else { &mut count.after };
        *count = count.saturating_add(1);
    }

    /// With those of others.
    pub(super) fn plus(mut self, other: Self) -> Self {
        for (of, Count { before, after }) in other.0 {
            let count = self.0.entry(of).or_default();
            count.before = count.before.saturating_add(before);
            count.after = count.after.saturating_add(after);
        }
        self
    }

    pub(super) fn count(&self) -> usize {
        let each = self.0.values().map(|it| it.before.saturating_add(it.after));
        each.fold(0, usize::saturating_add)
    }

    /// Fails where one of these had no kill before it was done.
    pub(super) fn ensure_before(&self, all: impl IntoIterator<Item = Of>) -> Result<()> {
        all.into_iter().try_for_each(|of| self.ensure(of, |it| it.before, "before it was done"))
    }

    /// Fails where one of these had no kill before, or none after it was done.
    pub(super) fn ensure_around(&self, all: impl IntoIterator<Item = Of>) -> Result<()> {
        all.into_iter().try_for_each(|of| {
            self.ensure(of, |it| it.before, "before it was done")?;
            self.ensure(of, |it| it.after, "after it was done")
        })
    }

    fn ensure(&self, of: Of, which: impl Fn(&Count) -> usize, when: &str) -> Result<()> {
        let count = self.0.get(&of).map_or(0, which);
        let (what, step) = of;
        ensure!(count > 0, "no replica was killed in the step {step} of {what} {when}: {self}");
        Ok(())
    }
}

/// As `api_key refuse 3, retire 2+1; mtls refuse 3`: behind the plus are those that came when it was done.
impl fmt::Display for Kills {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = "";
        for ((what, step), Count { before, after }) in &self.0 {
            if *what == last {
                f.write_str(", ")?;
            } else if last.is_empty() {
                write!(f, "{what} ")?;
            } else {
                write!(f, "; {what} ")?;
            }
            write!(f, "{step} {before}")?;
            if *after > 0 {
                write!(f, "+{after}")?;
            }
            last = *what;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kill_that_came_late_is_none_in_the_middle() {
        let (mut kills, retire) = (Kills::default(), ("api_key", "retire"));
        kills.note(("api_key", "refuse"), true);
        kills.note(retire, false);
        assert!(kills.ensure_before([retire]).is_err());
        kills.note(retire, true);
        kills.ensure_before([retire]).unwrap();
        kills.ensure_around([retire]).unwrap();
        assert!(kills.ensure_around([("api_key", "refuse")]).is_err());
        assert!(kills.ensure_before([("mtls", "retire")]).is_err());
        let twice = kills.clone().plus(kills);
        assert_eq!((twice.count(), &*twice.to_string()), (6, "api_key refuse 2, retire 2+2"));
    }
}
