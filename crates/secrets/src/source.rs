//! Where the values of secrets come from. All that touches the world is handed in.

mod vault;

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt,
    future::Future,
    io,
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::{Clock, DeclaredSecret, Secret, SecretId, SecretSource};

use crate::{Error, Keyring, Sealed, open};

/// What the values are sealed for that upstreams are shown.
pub const UPSTREAM_PURPOSE: &str = "upstream";

/// Longest value.
const VALUE_BYTES_MAX: usize = 64 * 1024;

/// How often a vault is asked again, unless a lease ends sooner.
const REFRESH: Duration = Duration::from_secs(5 * 60);

/// How soon a vault that failed is asked again.
const RETRY: Duration = Duration::from_secs(10);

/// How long a value without a lease is kept while its vault fails.
const HOLD: Duration = Duration::from_secs(3600);

/// What has to be waited for.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The process's environment.
pub trait Environment: Send + Sync {
    /// The variable of this name.
    fn variable(&self, name: &str) -> Option<Secret<String>>;
}

/// The machine's files.
pub trait Files: Send + Sync {
    /// The bytes of a file. More than 64 KiB need not be read: what is longer is no secret.
    ///
    /// # Errors
    /// What the system says.
    fn read(&self, path: &Path) -> io::Result<Secret<Vec<u8>>>;
}

/// The sealed values of the door's own store.
pub trait Stored: Send + Sync {
    /// The version that [`choose`](crate::choose) picks, and its sealed value; else why there is none.
    fn active<'a>(
        &'a self,
        secret: &'a SecretId,
    ) -> Pending<'a, Result<Option<(u32, Sealed)>, String>>;
}

/// What a vault answered.
#[derive(Debug)]
pub struct Fetched {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Secret<Vec<u8>>,
}

/// Asks vaults, bounded in size and time.
pub trait Fetch: Send + Sync {
    /// What a GET of `url` with these headers brings, whatever its status; else why there is no answer.
    fn get<'a>(
        &'a self,
        url: &'a str,
        headers: &'a [(&'static str, Secret<String>)],
    ) -> Pending<'a, Result<Fetched, String>>;
}

/// All places that values can come from.
#[derive(Clone)]
pub struct Sources {
    /// For `environment`.
    pub environment: Arc<dyn Environment>,
    /// For `file`.
    pub files: Arc<dyn Files>,
    /// For `store`.
    pub stored: Arc<dyn Stored>,
    /// For `vault`.
    pub fetch: Arc<dyn Fetch>,
    /// Opens what is in the store.
    pub keyring: Option<Arc<Keyring>>,
}

/// The value of a secret.
#[derive(Debug)]
pub struct Resolved {
    /// The value.
    pub value: Secret<Vec<u8>>,
    /// Which version it is, where the door's own store has it.
    pub version: Option<u32>,
    /// When to ask again; none where only a change of what is declared can change it.
    pub fresh_for: Option<Duration>,
}

/// Finds the values of secrets, and keeps those of vaults for as long as they may be kept.
pub struct Resolver {
    sources: Sources,
    clock: Clock,
    held: Mutex<BTreeMap<SecretId, Held>>,
}

/// A vault's value, for when the vault fails.
struct Held {
    source: SecretSource,
    value: Secret<Vec<u8>>,
    until: Duration,
}

impl Resolver {
    /// Finds values in `sources`. Holds nothing yet.
    #[must_use]
    pub fn new(sources: Sources, clock: Clock) -> Self {
        Self { sources, clock, held: Mutex::default() }
    }

    /// The value of `declared`. A vault's token is looked up among `others`.
    ///
    /// # Errors
    /// [`Error::NoValue`] where its place has none; for the store also what [`open`] says.
    pub async fn resolve(
        &self,
        declared: &DeclaredSecret,
        others: &[DeclaredSecret],
    ) -> Result<Resolved, Error> {
        let SecretSource::Vault { token, .. } = &declared.source else {
            return self.near(declared).await;
        };
        match self.in_vault(declared, token, others).await {
            Ok(vault::Found { value, lease }) => Ok(self.hold(declared, value, lease)),
            Err(error) => self.held(declared).ok_or(error),
        }
    }

    /// The value of a secret that is not in a vault.
    async fn near(&self, declared: &DeclaredSecret) -> Result<Resolved, Error> {
        let DeclaredSecret { id, source, .. } = declared;
        let (value, version) = match source {
            SecretSource::Environment { variable } => (self.in_environment(id, variable)?, None),
            SecretSource::File { path } => (self.in_file(id, path)?, None),
            SecretSource::Store => {
                let (value, version) = self.in_store(id).await?;
                (value, Some(version))
            }
            SecretSource::Vault { .. } => {
                return Err(no_value(id, "its token", "must not be in a vault itself"));
            }
        };
        Ok(Resolved { value, version, fresh_for: None })
    }

    fn in_environment(&self, id: &SecretId, variable: &str) -> Result<Secret<Vec<u8>>, Error> {
        let place = || format!("environment variable {variable}");
        let value = self.sources.environment.variable(variable);
        let value = value.ok_or_else(|| no_value(id, place(), "is not set"))?;
        checked(id, place, Secret::new(value.expose().as_bytes().to_vec()))
    }

    fn in_file(&self, id: &SecretId, path: &Path) -> Result<Secret<Vec<u8>>, Error> {
        let place = || format!("file {}", path.display());
        let bytes = self.sources.files.read(path);
        let bytes = bytes.map_err(|it| no_value(id, place(), it.kind().to_string()))?;
        if bytes.expose().len() > VALUE_BYTES_MAX {
            return Err(no_value(id, place(), TOO_LONG));
        }
        let line = bytes.expose();
        let line = line
            .strip_suffix(b"\n")
            .map_or(line.as_slice(), |it| it.strip_suffix(b"\r").unwrap_or(it));
        checked(id, place, Secret::new(line.to_vec()))
    }

    async fn in_store(&self, id: &SecretId) -> Result<(Secret<Vec<u8>>, u32), Error> {
        let place = "store";
        let Some(keyring) = &self.sources.keyring else {
            return Err(no_value(id, place, "there are no key-encryption keys: configure them"));
        };
        match self.sources.stored.active(id).await {
            Ok(Some((version, sealed))) => {
                Ok((open(keyring, id, version, UPSTREAM_PURPOSE, &sealed)?, version))
            }
            Ok(None) => Err(no_value(id, place, "no version is active")),
            Err(reason) => Err(no_value(id, place, reason)),
        }
    }

    async fn in_vault(
        &self,
        declared: &DeclaredSecret,
        token: &SecretId,
        others: &[DeclaredSecret],
    ) -> Result<vault::Found, Error> {
        let other = others.iter().find(|it| it.id == *token).ok_or_else(|| {
            no_value(&declared.id, format!("token \"{token}\""), "there is no such secret")
        })?;
        let token = self.near(other).await?.value;
        vault::ask(&*self.sources.fetch, declared, &token).await
    }

    fn hold(
        &self,
        declared: &DeclaredSecret,
        value: Secret<Vec<u8>>,
        lease: Option<Duration>,
    ) -> Resolved {
        let kept = Held {
            source: declared.source.clone(),
            value: Secret::new(value.expose().clone()),
            until: self.clock.elapsed().saturating_add(lease.unwrap_or(HOLD)),
        };
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(declared.id.clone(), kept);
        let fresh_for = Some(lease.unwrap_or(REFRESH).min(REFRESH));
        Resolved { value, version: None, fresh_for }
    }

    fn held(&self, declared: &DeclaredSecret) -> Option<Resolved> {
        let now = self.clock.elapsed();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, it| now < it.until);
        let it = held.get(&declared.id).filter(|it| it.source == declared.source)?;
        let value = Secret::new(it.value.expose().clone());
        let fresh_for = Some(it.until.saturating_sub(now).min(RETRY));
        Some(Resolved { value, version: None, fresh_for })
    }
}

const TOO_LONG: &str = "is longer than 64 KiB";

/// A value that is neither empty nor too long.
fn checked(
    id: &SecretId,
    place: impl Fn() -> String,
    value: Secret<Vec<u8>>,
) -> Result<Secret<Vec<u8>>, Error> {
    match value.expose().len() {
        0 => Err(no_value(id, place(), "is empty")),
        length if length > VALUE_BYTES_MAX => Err(no_value(id, place(), TOO_LONG)),
        _ => Ok(value),
    }
}

fn no_value(
    secret: &SecretId,
    place: impl Into<String>,
    reason: impl Into<Cow<'static, str>>,
) -> Error {
    Error::NoValue { secret: secret.clone(), place: place.into(), reason: reason.into() }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("keyring", &self.keyring).finish_non_exhaustive()
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("sources", &self.sources).finish_non_exhaustive()
    }
}
