//! Purges of the audit log that were asked for: who may agree, and until when.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::{Caller, ClientId, Timestamp};

use crate::failure::Failure;

/// So long a purge waits for somebody to agree.
pub(crate) const WAITS_FOR: Duration = Duration::from_secs(24 * 3600);
/// Most that wait.
const WAITING_MAX: usize = 20;

/// Who asks or agrees: a client, and the person behind it where that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    client: ClientId,
    user: Option<String>,
    shown: String,
}

impl Person {
    pub(crate) fn of(caller: &Caller) -> Self {
        let user = caller.user.clone();
        let shown = match &user {
            Some(user) => format!("{user} by {}", caller.profile),
            None => caller.profile.to_string(),
        };
        Self { client: caller.client.clone(), user, shown }
    }

    /// As it is told and recorded.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// Whether it may be one and the same who uses both. People are told apart by what they are called;
    /// where one of the two is not known, by their clients.
    fn may_be(&self, other: &Self) -> bool {
        match (&self.user, &other.user) {
            (Some(one), Some(other)) => one == other,
            (Some(_) | None, Some(_) | None) => self.client == other.client,
        }
    }
}

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

    /// Takes one away to carry it out, if `approver` is somebody else than who asked for it.
    pub(crate) fn approve(
        &self,
        id: &str,
        approver: &Person,
        now: Timestamp,
    ) -> Result<Proposal, Failure> {
        let mut waiting = self.lock(now);
        let index = index(&waiting, id)?;
        let by_same = waiting.get(index).is_some_and(|it| it.by.may_be(approver));
        if by_same {
            let detail = "who asked for a purge does not approve it: another person does, by another client or login";
            return Err(Failure::NotHeld(detail.to_owned()));
        }
        Ok(waiting.remove(index))
    }

    /// Takes one away.
    pub(crate) fn reject(&self, id: &str, now: Timestamp) -> Result<Proposal, Failure> {
        let mut waiting = self.lock(now);
        let index = index(&waiting, id)?;
        Ok(waiting.remove(index))
    }

    fn lock(&self, now: Timestamp) -> MutexGuard<'_, Vec<Proposal>> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|it| it.expires() > now);
        waiting
    }
}

fn index(waiting: &[Proposal], id: &str) -> Result<usize, Failure> {
    let found = waiting.iter().position(|it| it.id == id);
    found.ok_or_else(|| Failure::no_such("purge that waits", id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(client: &str, user: Option<&str>) -> Person {
        let shown = client.to_owned();
        let client = ClientId::parse(client).unwrap();
        Person { client, user: user.map(str::to_owned), shown }
    }

    fn proposal(by: Person) -> Proposal {
        let (id, reason) = ("p".to_owned(), "old".to_owned());
        let at = Timestamp::from_seconds(1000);
        Proposal { id, before: 9, first: 0, segments: 1, bytes: 1, reason, by, at }
    }

    #[test]
    fn nobody_approves_what_may_be_their_own_wish() {
        let check = |by: Person, approver: Person, want: bool| {
            let proposals = Proposals::default();
            proposals.add(proposal(by.clone())).unwrap();
            let at = Timestamp::from_seconds(2000);
            let approved = proposals.approve("p", &approver, at);
            assert_eq!(approved.is_ok(), want, "{by:?} {approver:?}");
            // What was refused waits on.
            assert_eq!(proposals.waiting(at).len(), usize::from(!want));
        };
        check(person("a", None), person("a", None), false);
        check(person("a", None), person("b", None), true);
        check(person("a", Some("ann")), person("a", Some("ann")), false);
        check(person("a", Some("ann")), person("b", Some("ann")), false);
        check(person("a", Some("ann")), person("a", Some("bob")), true);
        check(person("a", Some("ann")), person("a", None), false);
        check(person("a", None), person("a", Some("bob")), false);
    }

    #[test]
    fn what_nobody_approves_in_a_day_is_forgotten() {
        let proposals = Proposals::default();
        proposals.add(proposal(person("a", None))).unwrap();
        let end = Timestamp::from_seconds(1000).plus(WAITS_FOR);
        let late = proposals.approve("p", &person("b", None), end);
        assert!(matches!(late, Err(Failure::NotFound(_))), "{late:?}");
        assert_eq!(proposals.waiting(end).len(), 0);
    }

    #[test]
    fn what_waits_is_bounded_and_can_be_rejected() {
        let proposals = Proposals::default();
        for _ in 0..WAITING_MAX {
            proposals.add(proposal(person("a", None))).unwrap();
        }
        let more = proposals.add(proposal(person("a", None)));
        assert!(matches!(more, Err(Failure::Conflict(_))), "{more:?}");
        let at = Timestamp::from_seconds(1000);
        assert!(proposals.reject("p", at).is_ok());
        assert!(matches!(proposals.reject("q", at), Err(Failure::NotFound(_))));
        assert_eq!(proposals.waiting(at).len(), WAITING_MAX - 1);
    }
}
