//! People whose account was disabled, removed or given a new password: what was given in their name
//! ends for good, and comes back with nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use model::{Change, User, difference};
use state::Desired;
use store::GrantFilter;

use crate::{
    Server,
    people::{LOCAL, SESSIONS},
    revocations,
    second_factor::FACTORS,
};

/// What ended with the accounts of people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Departed {
    /// How many grants.
    pub grants: usize,
    /// In how many browsers they were signed in.
    pub sign_ins: usize,
}

/// Those whose grants and sessions are still to end, and what ended lately.
#[derive(Debug, Default)]
pub(crate) struct Departures {
    waiting: Mutex<Waiting>,
    /// By person. Held while they end: whoever comes next finds it done.
    ended: tokio::sync::Mutex<BTreeMap<String, Departed>>,
}

#[derive(Debug, Default)]
struct Waiting {
    people: BTreeSet<String>,
    /// Those of whom nobody was told yet how much ended.
    untold: BTreeSet<String>,
}

impl Departures {
    /// Has what was given to those end who are not in `after` as they were `before`.
    pub(crate) fn note(&self, before: &Desired, after: &Desired) {
        let gone = departed(before, after);
        if !gone.is_empty() {
            let mut waiting = self.waiting();
            waiting.people.extend(gone.iter().cloned());
            waiting.untold.extend(gone);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The people of this door who may not go on as they did. Who is disabled is among them whenever the
/// account is looked at anew, and at the start: no crash and no other replica keeps anything alive.
fn departed(before: &Desired, after: &Desired) -> Vec<String> {
    let changes = difference(&before.users, &after.users, |it| &it.id);
    let gone = changes.filter(has_departed);
    let gone = gone.filter_map(|it| Some(format!("{LOCAL}{}", it.before.or(it.after)?.id)));
    gone.collect()
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
    /// Ends what is still to end since accounts were declared other than they were. How much it was, of
    /// `person` or of all; none where nobody departed of whom that was not told.
    ///
    /// # Errors
    /// What the store says: what has not ended is tried again every second.
    pub async fn end_departed(
        &self,
        person: Option<&str>,
    ) -> Result<Option<Departed>, store::Error> {
        let mut ended = self.departures.ended.lock().await;
        self.end_waiting(&mut ended).await?;
        let is_meant = |it: &String| person.is_none_or(|person| person == it);
        let mut waiting = self.departures.waiting();
        let (told, untold) = mem::take(&mut waiting.untold).into_iter().partition(is_meant);
        waiting.untold = untold;
        let departed = BTreeSet::into_iter(told).filter_map(|it| ended.remove(&it));
        Ok(departed.reduce(|one, other| Departed {
            grants: one.grants.saturating_add(other.grants),
            sign_ins: one.sign_ins.saturating_add(other.sign_ins),
        }))
    }

    /// The same for nobody who wants to be told.
    pub(crate) async fn tend_departed(&self) -> Result<(), store::Error> {
        if self.departures.waiting().people.is_empty() {
            return Ok(());
        }
        let mut ended = self.departures.ended.lock().await;
        self.end_waiting(&mut ended).await
    }

    async fn end_waiting(
        &self,
        ended: &mut BTreeMap<String, Departed>,
    ) -> Result<(), store::Error> {
        loop {
            let next = self.departures.waiting().people.first().cloned();
            let Some(person) = next else { return Ok(()) };
            let departed = self.end_all(&person).await?;
            self.departures.waiting().people.remove(&person);
            ended.insert(person, departed);
        }
    }

    /// Ends all grants and sessions of a person. A second factor stays: without it the account would be
    /// easier to get at than before.
    async fn end_all(&self, person: &str) -> Result<Departed, store::Error> {
        let now = self.clock.now();
        let sessions = GrantFilter::SubjectAndClient { subject: person, client: SESSIONS };
        let sign_ins = revocations::end(self, sessions, now).await?.len();
        let grants = GrantFilter::Given {
            subject: Some(person),
            client: None,
            profile: None,
            besides: &[FACTORS],
        };
        Ok(Departed { grants: revocations::end(self, grants, now).await?.len(), sign_ins })
    }
}
