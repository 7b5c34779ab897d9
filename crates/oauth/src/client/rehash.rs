//! Secrets of clients that registered themselves: which pepper each depends on, and the way to the newest.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use model::{PepperId, Rehash};

use super::register;
use crate::Server;

/// Most that wait to be kept: the others are noted again when they are used again.
const WAITING_MAX: usize = 10_000;

/// Registrations that are read at once.
const PAGE: u32 = 1_000;

/// Clients that showed a secret whose hash is under an older pepper.
#[derive(Debug, Default)]
pub(crate) struct Outdated(Mutex<BTreeMap<String, Rehash>>);

impl Outdated {
    pub(super) fn note(&self, client: &str, rehash: Rehash) {
        let mut waiting = self.waiting();
        if waiting.len() < WAITING_MAX {
            waiting.insert(client.to_owned(), rehash);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<String, Rehash>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the hashes under the newest pepper of secrets that were shown since.
///
/// # Errors
/// What the store says. The hashes that are there stay good.
pub(crate) async fn keep(server: &Server) -> Result<(), store::Error> {
    let waiting = std::mem::take(&mut *server.outdated.waiting());
    for (id, rehash) in waiting {
        let Some(found) = server.store.registration(&id).await? else { continue };
        if let Some(body) = register::rehashed(&found.body, &rehash) {
            server.store.change_registration(&id, &found.body, &body).await?;
        }
    }
    Ok(())
}

impl Server {
    /// How many clients that registered themselves have a secret whose hash is under each pepper, and
    /// that has not ended.
    ///
    /// # Errors
    /// What the store says.
    pub async fn registrations_under_peppers(
        &self,
    ) -> Result<BTreeMap<PepperId, u64>, store::Error> {
        let (mut counts, now) = (BTreeMap::new(), self.clock.now());
        let mut after: Option<String> = None;
        loop {
            let page = self.store.registrations(after.as_deref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(counts) };
            let good = page.iter().filter(|it| register::secret_end(it.created) > now);
            for hash in good.filter_map(|it| register::hash(&it.body)) {
                let count = counts.entry(hash.pepper).or_insert(0_u64);
                *count = count.saturating_add(1);
            }
            after = Some(last.id.clone());
        }
    }
}
