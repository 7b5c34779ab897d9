//! Secrets of second factors come under the newest key-encryption key by themselves. Those that are not
//! yet are counted: until then an older key is needed.

use std::{collections::BTreeMap, time::Duration};

use model::User;
use store::Handle;
use tokio::time::{MissedTickBehavior, interval};

use super::{
    FACTORS,
    enrolment::{Begun, LIFE},
    sealed::SealedSecret,
};
use crate::{Server, error::Denied, ticket::Ticket};

/// Most handles that are read at once.
const PAGE: u32 = 1_000;

/// How often it is looked for a newer key, and at which of these looks all is read again though there is
/// none: another replica may have sealed something when it did not have the key yet.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const READ_LOOKS: u64 = 600;

/// Where the store has secrets of second factors.
#[derive(Debug, Clone, Copy)]
enum Shelf {
    /// Those that are being set up.
    Begun,
    /// Those in force.
    Kept,
}

/// Has all that is sealed come under each newer key, for ever.
pub(crate) async fn keep_rewrapped(server: &Server) {
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // With which keys that was done last.
    let mut done: Option<Vec<String>> = None;
    for tick in 0_u64.. {
        ticks.tick().await;
        let keys = server.keyring.ids();
        if done.as_ref() == Some(&keys) && !tick.is_multiple_of(READ_LOOKS) {
            continue;
        }
        done = match rewrap(server, &keys).await {
            Ok(()) => Some(keys),
            Err(error) => {
                tell_not_rewrapped(&error);
                None
            }
        };
    }
}

/// Brings under the newest of `keys` what is under the others. What is under none of them stays.
async fn rewrap(server: &Server, keys: &[String]) -> Result<(), store::Error> {
    let older = keys.get(1..).unwrap_or_default();
    if older.is_empty() {
        return Ok(());
    }
    let mut broken = 0_usize;
    for shelf in Shelf::ALL {
        let mut after = None;
        loop {
            let page = shelf.page(server, after.as_ref()).await?;
            let Some(last) = page.last().cloned() else { break };
            broken = broken.saturating_add(shelf.rewrap(server, page, older).await?);
            after = Some(last);
        }
    }
    if broken > 0 {
        tell_broken(broken);
    }
    Ok(())
}

impl Server {
    /// How many secrets of second factors, in force or being set up, are sealed under each
    /// key-encryption key, by its id.
    ///
    /// # Errors
    /// What the store says.
    pub async fn second_factors_under_keys(&self) -> Result<BTreeMap<String, u64>, store::Error> {
        let mut counts = BTreeMap::new();
        for shelf in Shelf::ALL {
            shelf.count(self, &mut counts).await?;
        }
        Ok(counts)
    }
}

impl Shelf {
    /// In the order in which a secret goes from one to the other, so that none is missed on its way.
    const ALL: [Self; 2] = [Self::Begun, Self::Kept];

    /// The next handles behind `after`.
    async fn page(
        self,
        server: &Server,
        after: Option<&Handle>,
    ) -> Result<Vec<Handle>, store::Error> {
        let (store, now) = (&server.store, server.clock.now());
        match self {
            Self::Begun => {
                // Longer than they live: the clock of another replica may be ahead.
                let within = (now, now.plus(LIFE.saturating_mul(2)));
                store.handles_ending(Ticket::Enrolment.kind(), within, after, PAGE).await
            }
            Self::Kept => {
                let what = (FACTORS, Ticket::SecondFactor.kind());
                store.handles_of_client(what, now, after, PAGE).await
            }
        }
    }

    /// Adds how many there are under each key.
    async fn count(
        self,
        server: &Server,
        counts: &mut BTreeMap<String, u64>,
    ) -> Result<(), store::Error> {
        let mut after = None;
        loop {
            let page = self.page(server, after.as_ref()).await?;
            for sealed in page.iter().filter_map(|it| self.sealed(it)) {
                let count = counts.entry(sealed.key().to_owned()).or_default();
                *count = count.saturating_add(1);
            }
            match page.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => return Ok(()),
            }
        }
    }

    /// What is sealed in a handle; none where it has another form, which no key helps.
    fn sealed(self, handle: &Handle) -> Option<SealedSecret> {
        match self {
            Self::Begun => Begun::read(&handle.body).ok().map(|it| it.secret),
            Self::Kept => SealedSecret::read(&handle.body).ok(),
        }
    }

    /// Brings those of a page that are sealed under one of `older` under the newest key, and says how
    /// many of them do not open, or are nobody's.
    async fn rewrap(
        self,
        server: &Server,
        page: Vec<Handle>,
        older: &[String],
    ) -> Result<usize, store::Error> {
        let mut broken = 0_usize;
        for handle in page {
            let sealed = self.sealed(&handle);
            let Some(sealed) = sealed.filter(|it| older.iter().any(|key| key == it.key())) else {
                continue;
            };
            let Some(account) = self.account(server, &handle).await? else {
                broken = broken.saturating_add(1);
                continue;
            };
            let new = sealed.rewrapped(server, &account);
            match new.and_then(|it| it.map(|it| self.text(account, it)).transpose()) {
                Ok(Some(body)) => {
                    // Where it is another by now, somebody was faster, or it is gone.
                    let Handle { digest, kind, body: old, .. } = &handle;
                    server.store.replace_body(digest, kind, &body, old).await?;
                }
                Ok(None) => {}
                Err(_) => broken = broken.saturating_add(1),
            }
        }
        Ok(broken)
    }

    /// Whose it is: what it is sealed for.
    async fn account(
        self,
        server: &Server,
        handle: &Handle,
    ) -> Result<Option<String>, store::Error> {
        match (self, &handle.grant) {
            (Self::Begun, _) => Ok(Begun::read(&handle.body).ok().map(|it| it.account)),
            (Self::Kept, None) => Ok(None),
            (Self::Kept, Some(grant)) => {
                let person = server.store.grant(grant).await?.and_then(|it| it.subject);
                Ok(person.and_then(|it| it.strip_prefix(User::PREFIX).map(str::to_owned)))
            }
        }
    }

    /// The body of a handle that holds this.
    fn text(self, account: String, secret: SealedSecret) -> Result<String, Denied> {
        match self {
            Self::Begun => Begun { account, secret }.text(),
            Self::Kept => secret.text(),
        }
    }
}

fn tell_not_rewrapped(error: &store::Error) {
    tracing::warn!("second factors stay under an older key-encryption key for now: {error}");
}

fn tell_broken(count: usize) {
    tracing::warn!(
        "{count} second factors do not open with the key-encryption key that they name, or are nobody's: that key cannot go; who has one can sign in by a recovery code and set up anew"
    );
}
