//! Credentials whose end is near or over: every replica notices, one tells, once.

use std::{collections::HashSet, sync::Arc, time::Duration};

use model::{Credential, CredentialId, CredentialState, Timestamp};
use state::Desired;
use store::Announcement;

use crate::{
    Admin, CredentialEvent,
    event::{self, Event},
    working,
};

/// How often it is looked for them.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// What ended longer ago was told, or happened before there was anybody to tell it.
pub(crate) const PAST_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// How many are told in one transaction.
const AT_ONCE: usize = 100;

/// Ends that were told, for as long as they can be noticed. With another end it is another one.
pub(crate) type Told = HashSet<(CredentialEvent, CredentialId, Timestamp)>;

impl Admin {
    /// Tells which credentials are due and which have ended, for ever.
    pub async fn watch_ends(&self) {
        let mut is_told = true;
        loop {
            let told = Box::pin(self.tell_ends()).await;
            if let Err(error) = &told
                && is_told
            {
                warn_untold(error);
            }
            is_told = told.is_ok();
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Tells which credentials are due and which have ended, unless they were told before.
    ///
    /// # Errors
    /// What the store says: what was not told is told the next time.
    pub async fn tell_ends(&self) -> Result<(), store::Error> {
        let now = self.clock.now();
        let found = ends(&self.working().desired, now);
        let mut told = self.told.lock().await;
        let known: HashSet<_> = found.iter().map(key).collect();
        told.retain(|it| known.contains(it));
        let news: Vec<_> = found.iter().filter(|it| !told.contains(&key(it))).collect();
        for events in news.chunks(AT_ONCE) {
            let is_new = match &self.store {
                Some(store) => {
                    let announced: Vec<_> =
                        events.iter().map(|it| self.announcement(it, now)).collect();
                    store.announce(&announced).await?
                }
                None => vec![true; events.len()],
            };
            for (event, _) in events.iter().zip(is_new).filter(|(_, is_new)| *is_new) {
                event.tell(&*self.plane, None);
            }
            told.extend(events.iter().map(|it| key(it)));
        }
        Ok(())
    }

    fn announcement(&self, event: &Event, now: Timestamp) -> Announcement {
        Announcement {
            event: event.kind.as_str().to_owned(),
            subject: event.credential.id.to_string(),
            at: event.end,
            messages: event::messages(std::slice::from_ref(event), &self.webhooks, now),
        }
    }
}

/// The credentials that are due, and those that have ended by themselves, in the order of their ids.
fn ends(desired: &Desired, now: Timestamp) -> Vec<Event> {
    let told = |it: &Arc<Credential>| Some(Event::new(end(it, desired, now)?, it, desired));
    desired.credentials.iter().filter_map(told).collect()
}

fn end(credential: &Credential, desired: &Desired, now: Timestamp) -> Option<CredentialEvent> {
    let rotation = working::rotation(desired, &credential.profile);
    let end = rotation.end(credential);
    if !credential.state.is_good() || end <= now.minus(PAST_MAX) {
        return None;
    }
    if end <= now {
        return Some(CredentialEvent::Expired);
    }
    // Of one that is retiring the successor is out.
    let is_due = credential.state == CredentialState::Active && rotation.is_due(credential, now);
    is_due.then_some(CredentialEvent::Due)
}

fn key(event: &Event) -> (CredentialEvent, CredentialId, Timestamp) {
    (event.kind, event.credential.id.clone(), event.end)
}

fn warn_untold(error: &store::Error) {
    tracing::warn!("which credentials end is not told for now: {error}");
}
