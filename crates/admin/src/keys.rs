//! Which key-encryption keys are in use, so that none is dropped too early.

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use secrets::Keyring;
use serde::Serialize;
use store::Store;

use crate::{Admin, failure::Failure};

/// A key-encryption key, and how much is sealed under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct UnderKey {
    /// The key's id.
    pub(crate) key: String,
    /// How many versions of secrets are sealed under it.
    pub(crate) versions: u64,
}

/// The keys of the keyring and of what is stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    /// The newest key, which seals.
    pub(crate) sealing: Option<UnderKey>,
    /// The older keys, which still open.
    pub(crate) older: Vec<UnderKey>,
    /// The keys that are not in the keyring though something is sealed under them.
    pub(crate) unknown: Vec<UnderKey>,
}

impl Admin {
    /// Which keys are there, and which are used.
    ///
    /// # Errors
    /// `ReadOnly` where a folder is served, and whatever the store says.
    pub(crate) async fn keys(&self) -> Result<Keys, Failure> {
        let used = self.sealed_store()?.sealing_keys().await?;
        Ok(Keys::of(self.keyring.as_deref(), used))
    }

    /// The key-encryption keys without which something that is stored could not be opened.
    ///
    /// # Errors
    /// A sentence, where the store does not say.
    pub async fn sealing_keys_in_use(&self) -> Result<Vec<String>, String> {
        let sealed = match &self.store {
            Some(store) => store.sealing_keys().await.map_err(|error| error.to_string())?,
            None => BTreeMap::new(),
        };
        let sealed = sealed.into_iter().filter(|(_, versions)| *versions > 0);
        let mut used: Vec<_> = sealed.map(|(key, _)| key).collect();
        if let Some(keys) = self.plane.signing_keys() {
            let keys = keys.list().await.map_err(|fault| fault.to_string())?;
            used.extend(keys.into_iter().map(|it| it.sealed_under));
        }
        Ok(used)
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

impl Keys {
    fn of(keyring: Option<&Keyring>, mut used: BTreeMap<String, u64>) -> Self {
        let known = keyring.into_iter().flat_map(Keyring::ids);
        let mut known = known.map(|id| {
            let versions = used.remove(&id).unwrap_or(0);
            UnderKey { key: id, versions }
        });
        let (sealing, older) = (known.next(), known.collect());
        let unknown = used.into_iter().map(|(key, versions)| UnderKey { key, versions });
        Self { sealing, older, unknown: unknown.collect() }
    }
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sealing, older, unknown } = self;
        let said = sealing.iter().map(|it| format!("{} seals, with {}", it.key, versions(it)));
        let said = said.chain(older.iter().map(|it| format!("{} opens {}", it.key, versions(it))));
        let missing = |it: &UnderKey| format!("{} is missing, with {}", it.key, versions(it));
        let said: Vec<_> = said.chain(unknown.iter().map(missing)).collect();
        f.write_str(&said.join("; "))
    }
}

/// Warns of values that cannot be read because their key is gone.
///
/// # Errors
/// What the store says.
pub(crate) async fn tell_unknown(
    store: &Store,
    keyring: Option<&Keyring>,
) -> Result<(), store::Error> {
    Keys::of(keyring, store.sealing_keys().await?).unknown.iter().for_each(warn);
    Ok(())
}

fn warn(unknown: &UnderKey) {
    let key = &unknown.key;
    tracing::warn!(
        key,
        "{} of secrets cannot be read: the key-encryption key {key} is not in the keyring, put it back",
        versions(unknown)
    );
}

fn versions(it: &UnderKey) -> String {
    match it.versions {
        1 => "1 version".to_owned(),
        several => format!("{several} versions"),
    }
}
