//! People whose account was disabled, removed or given a new password: what was given in their name
//! ends for good, and comes back with nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use model::{Change, User, difference};
use state::Desired;
use store::GrantFilter;

use crate::{Server, people::SESSIONS, revocations, second_factor::FACTORS};

/// What ended with the accounts of people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Departed {
    /// How many grants.
    pub grants: usize,
    /// In how many browsers they were signed in.
    pub sign_ins: usize,
}

/// Those whose grants and sessions are still to end.
#[derive(Debug, Default)]
pub(crate) struct Departures {
    waiting: Mutex<BTreeSet<String>>,
    /// What ended in the last round of all who waited, by person: who changed an account just before
    /// that is told of it. Held while they end.
    ended: tokio::sync::Mutex<BTreeMap<String, Departed>>,
}

impl Departures {
    /// Has what was given to those end who are not in `after` as they were `before`.
    pub(crate) fn note(&self, before: &Desired, after: &Desired) {
        self.waiting().extend(departed(before, after));
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Departed {
    fn and(self, other: Self) -> Self {
        Self {
            grants: self.grants.saturating_add(other.grants),
            sign_ins: self.sign_ins.saturating_add(other.sign_ins),
        }
    }
}

/// The people of this door who may not go on as they did. Who is disabled is among them whenever the
/// account is looked at anew, and at the start: no crash and no other replica keeps anything alive.
fn departed(before: &Desired, after: &Desired) -> Vec<String> {
    let changes = difference(&before.users, &after.users, |it| &it.id);
    let gone = changes.filter(has_departed).filter_map(|it| it.before.or(it.after));
    gone.map(|it| format!("{}{}", User::PREFIX, it.id)).collect()
}

fn has_departed(change: &Change<'_, User>) -> bool {
    match (change.before, change.after) {
        (Some(_), None) => true,
        (_, Some(is)) if !is.is_enabled => true,
        (Some(was), Some(is)) => was.password.is_some() && was.password != is.password,
        (None, _) => false,
    }
}

impl Server {
    /// Ends what was given to those who are not in `after` as they were `before`, which was put in force.
    /// How much it was; none where nobody departed.
    ///
    /// # Errors
    /// What the store says: what has not ended is tried again every second.
    pub async fn end_departed(
        &self,
        before: &Desired,
        after: &Desired,
    ) -> Result<Option<Departed>, store::Error> {
        let mut ended = self.departures.ended.lock().await;
        let (now, mut all) = (departed(before, after), None::<Departed>);
        // Who still waits since an earlier change: to repeat that says that all is well only when it is.
        let waiting = self.departures.waiting().clone();
        for person in waiting.into_iter().filter(|it| !now.contains(it)) {
            let departed = self.end_all(&person).await?;
            ended.insert(person, departed);
        }
        for person in now {
            let earlier = ended.remove(&person).unwrap_or_default();
            let departed = self.end_all(&person).await?.and(earlier);
            all = Some(all.unwrap_or_default().and(departed));
        }
        Ok(all)
    }

    /// Ends what was given to all who wait for it: whose account another replica changed, or a file, or
    /// who was disabled before this process began.
    pub(crate) async fn tend_departed(&self) -> Result<(), store::Error> {
        let mut ended = self.departures.ended.lock().await;
        ended.clear();
        let waiting = self.departures.waiting().clone();
        for person in waiting {
            let departed = self.end_all(&person).await?;
            ended.insert(person, departed);
        }
        Ok(())
    }

    /// Ends all grants and sessions of a person. A second factor stays: without it the account would be
    /// easier to get at than before.
    async fn end_all(&self, person: &str) -> Result<Departed, store::Error> {
        // First: who departs once more meanwhile has to end once more.
        self.departures.waiting().remove(person);
        let ended = self.end_given(person).await;
        if ended.is_err() {
            self.departures.waiting().insert(person.to_owned());
        }
        ended
    }

    async fn end_given(&self, person: &str) -> Result<Departed, store::Error> {
        let now = self.clock.now();
        let sessions = GrantFilter::SubjectAndClient { subject: person, client: SESSIONS };
        let sign_ins = revocations::end(self, sessions, now).await?.len();
        let grants = GrantFilter::Given {
            subject: Some(person),
            client: None,
            profile: None,
            besides: &[FACTORS],
        };
        let grants = revocations::end(self, grants, now).await?.len();
        Ok(Departed { grants, sign_ins })
    }
}
