//! Purges of the audit log that were asked for, and until when somebody may agree.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::Timestamp;

use crate::{failure::Failure, person::Person};

/// So long a purge waits for somebody to agree.
pub(crate) const WAITS_FOR: Duration = Duration::from_secs(24 * 3600);
/// Most that wait.
const WAITING_MAX: usize = 20;
const WHAT: &str = "purge that waits";

/// A purge that waits for somebody to agree.
#[derive(Debug, Clone)]
pub(crate) struct Proposal {
    pub(crate) id: String,
    /// All closed segments whose records are before this one.
    pub(crate) before: u64,
    /// The first record that goes, how many segments and how many bytes: as it was when it was asked
    /// for.
    pub(crate) first: u64,
    pub(crate) segments: u64,
    pub(crate) bytes: u64,
    pub(crate) reason: String,
    pub(crate) by: Person,
    /// The revision in force at that time.
    pub(crate) revision: u64,
    pub(crate) at: Timestamp,
}

impl Proposal {
    /// When nobody can agree any more.
    pub(crate) fn expires(&self) -> Timestamp {
        self.at.plus(WAITS_FOR)
    }
}

/// Those that wait.
// In memory alone: the log is this process's own, and what lies on a disk could be made up there by one
// who then agrees. After a restart it is asked for again.
#[derive(Debug, Default)]
pub(crate) struct Proposals(Mutex<Vec<Proposal>>);

impl Proposals {
    /// Those that wait at `now`, the oldest first.
    pub(crate) fn waiting(&self, now: Timestamp) -> Vec<Proposal> {
        self.lock(now).clone()
    }

    /// Adds one.
    pub(crate) fn add(&self, proposal: Proposal) -> Result<(), Failure> {
        let mut waiting = self.lock(proposal.at);
        if waiting.len() >= WAITING_MAX {
            let detail = format!("{WAITING_MAX} purges wait already: approve or reject some first");
            return Err(Failure::Conflict(detail));
        }
        waiting.push(proposal);
        Ok(())
    }

    /// One that waits.
    pub(crate) fn find(&self, id: &str, now: Timestamp) -> Result<Proposal, Failure> {
        let found = self.lock(now).iter().find(|it| it.id == id).cloned();
        found.ok_or_else(|| Failure::no_such(WHAT, id))
    }

    /// Takes one away.
    pub(crate) fn take(&self, id: &str, now: Timestamp) -> Result<Proposal, Failure> {
        let mut waiting = self.lock(now);
        let index = waiting.iter().position(|it| it.id == id);
        index.map(|it| waiting.remove(it)).ok_or_else(|| Failure::no_such(WHAT, id))
    }

    fn lock(&self, now: Timestamp) -> MutexGuard<'_, Vec<Proposal>> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|it| it.expires() > now);
        waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal() -> Proposal {
        let (id, reason) = ("p".to_owned(), "old".to_owned());
        let (by, at) = (Person::new("a", "x", None), Timestamp::from_seconds(1000));
        Proposal { id, before: 9, first: 0, segments: 1, bytes: 1, reason, by, revision: 1, at }
    }

    #[test]
    fn what_nobody_approves_in_a_day_is_forgotten() {
        let proposals = Proposals::default();
        proposals.add(proposal()).unwrap();
        let end = Timestamp::from_seconds(1000).plus(WAITS_FOR);
        assert!(matches!(proposals.find("p", end), Err(Failure::NotFound(_))));
        assert!(matches!(proposals.take("p", end), Err(Failure::NotFound(_))));
        assert_eq!(proposals.waiting(end).len(), 0);
    }

    #[test]
    fn what_waits_is_bounded_and_is_taken_once() {
        let proposals = Proposals::default();
        for _ in 0..WAITING_MAX {
            proposals.add(proposal()).unwrap();
        }
        let more = proposals.add(proposal());
        assert!(matches!(more, Err(Failure::Conflict(_))), "{more:?}");
        let at = Timestamp::from_seconds(1000);
        assert!(proposals.find("p", at).is_ok() && proposals.take("p", at).is_ok());
        assert!(matches!(proposals.take("q", at), Err(Failure::NotFound(_))));
        assert_eq!(proposals.waiting(at).len(), WAITING_MAX - 1);
    }
}
