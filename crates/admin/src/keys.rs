//! Which key-encryption keys are in use, so that none is dropped too early.

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use secrets::Keyring;
use serde::Serialize;
use store::Store;

use crate::{Admin, failure::Failure};

/// A key-encryption key, and how much is sealed under it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct UnderKey {
    /// The key's id.
    pub(crate) key: String,
    /// How many versions of secrets are sealed under it.
    pub(crate) versions: u64,
    /// How many keys that sign tokens.
    signing_keys: u64,
    /// How many second factors of accounts, those that are being set up among them.
    second_factors: u64,
    /// How many keys of bodies that are kept beside the audit log, in the data folder of this door.
    body_keys: u64,
}

/// The keys of the keyring and of what is stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    /// The newest key, which seals.
    pub(crate) sealing: Option<UnderKey>,
    /// The older keys, which still open.
    older: Vec<UnderKey>,
    /// The keys that are not in the keyring though something is sealed under them.
    pub(crate) unknown: Vec<UnderKey>,
}

/// What is sealed under which key, by the key's id.
#[derive(Debug, Default)]
struct Sealed(BTreeMap<String, UnderKey>);

impl Admin {
    /// Which keys are there, and which are used.
    ///
    /// # Errors
    /// `Unavailable` where something that is sealed cannot be counted, and whatever the store says.
    pub(crate) async fn keys(&self) -> Result<Keys, Failure> {
        let mut sealed = Sealed::default();
        if let Some(store) = &self.store {
            sealed.add(store.sealing_keys().await?, |it| &mut it.versions);
        }
        if let Some(keys) = self.plane.signing_keys() {
            let keys = keys.list().await;
            let keys = keys.map_err(|fault| Failure::Unavailable(fault.to_string()))?;
            sealed.add(keys.into_iter().map(|it| (it.sealed_under, 1)), |it| &mut it.signing_keys);
        }
        let factors = self.plane.second_factors_under_keys().await.map_err(Failure::Unavailable)?;
        sealed.add(factors, |it| &mut it.second_factors);
        let bodies = self.plane.body_keys_under_keys().map_err(Failure::Unavailable)?;
        sealed.add(bodies, |it| &mut it.body_keys);
        Ok(Keys::of(self.keyring.as_deref(), sealed))
    }

    /// The key-encryption keys without which something that is kept could not be opened.
    ///
    /// # Errors
    /// A sentence, where something that is sealed cannot be counted.
    pub async fn sealing_keys_in_use(&self) -> Result<Vec<String>, String> {
        let keys = self.keys().await.map_err(|it| it.problem().detail)?;
        let Keys { sealing, older, unknown } = keys;
        let all = sealing.into_iter().chain(older).chain(unknown);
        Ok(all.filter(|it| it.all() > 0).map(|it| it.key).collect())
    }

    /// Warns of what cannot be opened because its key is gone.
    pub(crate) async fn tell_missing_keys(&self) {
        match self.keys().await {
            Ok(keys) => keys.unknown.iter().for_each(warn),
            Err(failure) => warn_uncounted(&failure.problem().detail),
        }
    }

    /// The store, where there is one that keeps values.
    ///
    /// # Errors
    /// `ReadOnly` where a folder is served.
    pub(crate) fn sealed_store(&self) -> Result<&Store, Failure> {
        self.store.as_ref().ok_or_else(|| {
            Failure::ReadOnly("what is served is a folder: it keeps no values".to_owned())
        })
    }
}

impl Sealed {
    /// Adds how much of one sort is sealed under each key.
    fn add(
        &mut self,
        counts: impl IntoIterator<Item = (String, u64)>,
        of: fn(&mut UnderKey) -> &mut u64,
    ) {
        for (key, count) in counts {
            let under = self.0.entry(key.clone()).or_insert_with(|| UnderKey::new(key));
            let all = of(under);
            *all = all.saturating_add(count);
        }
    }
}

impl Keys {
    fn of(keyring: Option<&Keyring>, Sealed(mut sealed): Sealed) -> Self {
        let known = keyring.into_iter().flat_map(Keyring::ids);
        let mut known = known.map(|id| sealed.remove(&id).unwrap_or_else(|| UnderKey::new(id)));
        let (sealing, older) = (known.next(), known.collect());
        Self { sealing, older, unknown: sealed.into_values().collect() }
    }
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sealing, older, unknown } = self;
        let said = sealing.iter().map(|it| format!("{} seals, with {}", it.key, it.told()));
        let said = said.chain(older.iter().map(|it| format!("{} opens {}", it.key, it.told())));
        let missing = |it: &UnderKey| format!("{} is missing, with {}", it.key, it.told());
        let said: Vec<_> = said.chain(unknown.iter().map(missing)).collect();
        f.write_str(&said.join("; "))
    }
}

impl UnderKey {
    fn new(key: String) -> Self {
        Self { key, ..Self::default() }
    }

    /// Each sort of what is sealed, with the word for one.
    fn sorts(&self) -> [(u64, &'static str); 4] {
        let Self { key: _, versions, signing_keys, second_factors, body_keys } = self;
        [
            (*versions, "version"),
            (*signing_keys, "signing key"),
            (*second_factors, "second factor"),
            (*body_keys, "body key"),
        ]
    }

    /// How much depends on it.
    fn all(&self) -> u64 {
        self.sorts().into_iter().fold(0, |all, it| all.saturating_add(it.0))
    }

    /// `0 versions, 1 second factor`: versions in any case, the rest where there is some.
    fn told(&self) -> String {
        let told = self.sorts().into_iter().enumerate().filter(|(at, it)| *at == 0 || it.0 > 0);
        let told = told.map(|(_, (count, one))| match count {
            1 => format!("1 {one}"),
            several => format!("{several} {one}s"),
        });
        told.collect::<Vec<_>>().join(", ")
    }
}

fn warn(unknown: &UnderKey) {
    let key = &unknown.key;
    tracing::warn!(
        key,
        "what is sealed cannot be read ({}): the key-encryption key {key} is not in the keyring, put it back",
        unknown.told()
    );
}

fn warn_uncounted(why: &str) {
    tracing::warn!("whether a key-encryption key is missing is not known: {why}");
}
