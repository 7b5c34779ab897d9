//! The door's own authorization server, as who checks its tokens sees it: keys, and what it took back.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use model::{Collection, Resources, Timestamp};
use scc::HashMap;
use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::{
    key_set::{KeySet, Keys},
    reference::{self, ReferenceStore, References},
    token::Defect,
};

/// Issuer of tokens, in this process or another that shares its keys. It outlives directories.
pub struct OwnIssuer {
    url: Arc<str>,
    /// Where the door is managed, if that has an address of its own.
    management: Option<Arc<str>>,
    pub(crate) keys: Arc<KeySet>,
    pub(crate) references: References,
    /// Grants and tokens that were taken back, and until when somebody could still show them.
    revoked: HashMap<Box<str>, Timestamp>,
    /// How many these are: most of the time none, and then nothing is looked up.
    revoked_count: AtomicUsize,
    /// Who is told of what is taken back: calls under way.
    news: OnceLock<watch::Sender<u64>>,
}

impl OwnIssuer {
    /// The issuer at `url`, a scheme and a host without a slash at the end. It has no keys yet.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self {
            url: url.into(),
            management: None,
            keys: KeySet::inline(Keys::none()),
            references: References::new(),
            revoked: HashMap::new(),
            revoked_count: AtomicUsize::new(0),
            news: OnceLock::new(),
        }
    }

    /// The same, of a door that is managed at `url`: its tokens can be for that, too.
    #[must_use]
    pub fn managed_at(mut self, url: Option<&str>) -> Self {
        self.management = url.map(Into::into);
        self
    }

    /// What its tokens can be for, with these collections.
    #[must_use]
    pub fn resources(&self, collections: &[Arc<Collection>]) -> Resources {
        Resources::new(&self.url, collections).managed_at(self.management.as_ref())
    }

    /// Its URL: the `iss` of its tokens.
    #[must_use]
    pub fn url(&self) -> &Arc<str> {
        &self.url
    }

    /// Counts in `news` what is taken back from now on. There is one at most: a second one changes nothing.
    pub fn tell(&self, news: watch::Sender<u64>) {
        self.news.get_or_init(|| news);
    }

    /// Replaces the public keys by which its tokens are checked: a JWK Set.
    ///
    /// # Errors
    /// A sentence, where that is none; then the keys stay as they are.
    pub fn publish(&self, keys: &Value) -> Result<(), String> {
        self.keys.replace(&Keys::read(keys)?);
        Ok(())
    }

    /// Looks up in `store` what opaque tokens stand for that were not made here.
    pub fn keep_references_in(&self, store: Arc<dyn ReferenceStore>) {
        self.references.keep_in(store);
    }

    /// Knows an opaque token that was made here, until its end, by all that a signed one would say.
    pub fn know_reference(&self, token: &str, claims: Map<String, Value>) {
        self.references.know(token, claims);
    }

    /// Forgets what an opaque token stands for: whoever shows it has it looked up.
    pub fn forget_reference(&self, token: &str) {
        self.references.forget(token);
    }

    /// What an opaque token of this issuer says, where it is one and has not ended. That it was not
    /// taken back is for the caller to ask.
    ///
    /// # Errors
    /// A sentence, where that cannot be told now.
    pub async fn reference(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Map<String, Value>>, String> {
        if !reference::is_meant(token) {
            return Ok(None);
        }
        match self.references.find(token, now).await {
            Ok((claims, _)) => Ok(Some(claims.as_ref().clone())),
            Err(defect @ Defect::ReferencesOutOfReach) => Err(defect.to_string()),
            Err(_) => Ok(None),
        }
    }

    /// Refuses what belongs to the grant or token `id` from now on. It can be forgotten at
    /// `expires`, when nothing of it is good any more.
    pub fn revoke(&self, id: &str, expires: Timestamp) {
        let is_new = self.revoked.upsert_sync(id.into(), expires).is_none();
        if is_new {
            self.revoked_count.fetch_add(1, Ordering::Release);
            // Last: who hears of it finds it.
            if let Some(news) = self.news.get() {
                news.send_modify(|it| *it = it.wrapping_add(1));
            }
        }
    }

    /// Whether the grant or token `id` was taken back. No lock where nothing was.
    #[must_use]
    pub fn is_revoked(&self, id: &str) -> bool {
        self.revoked_count.load(Ordering::Acquire) > 0 && self.revoked.contains_sync(id)
    }

    /// Forgets what nobody can show any more. For an interval of minutes, not for a call.
    pub fn forget_expired(&self, now: Timestamp) {
        let mut forgotten = 0_usize;
        self.revoked.retain_sync(|_, expires| {
            let stays = *expires > now;
            forgotten = forgotten.saturating_add(usize::from(!stays));
            stays
        });
        self.revoked_count.fetch_sub(forgotten, Ordering::Release);
    }
}

impl fmt::Debug for OwnIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnIssuer").field("url", &self.url).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_back_stays_so_until_nobody_can_show_it() {
        let issuer = OwnIssuer::new("https://door.example");
        assert!(!issuer.is_revoked("g1"));
        issuer.revoke("g1", Timestamp::from_seconds(10));
        issuer.revoke("g1", Timestamp::from_seconds(20));
        issuer.revoke("g2", Timestamp::from_seconds(5));
        assert!(issuer.is_revoked("g1") && issuer.is_revoked("g2") && !issuer.is_revoked("g3"));
        issuer.forget_expired(Timestamp::from_seconds(10));
        assert!(issuer.is_revoked("g1") && !issuer.is_revoked("g2"));
        issuer.forget_expired(Timestamp::from_seconds(20));
        assert!(!issuer.is_revoked("g1"));
        assert_eq!(issuer.revoked_count.load(Ordering::Acquire), 0);
    }
}
