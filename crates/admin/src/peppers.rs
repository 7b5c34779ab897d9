//! Which peppers are in use, so that none is taken out too early.

use std::{collections::BTreeMap, fmt, future::Future, pin::Pin};

use model::{PepperId, Proof, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use state::Desired;

use crate::{Admin, Plane, failure::Failure, working};

/// How much is under each key of a sort, once it is counted.
pub type Counted<'a, K> =
    Pin<Box<dyn Future<Output = Result<BTreeMap<K, u64>, String>> + Send + 'a>>;

/// A pepper, and what depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct UnderPepper {
    /// The pepper's id.
    pub(crate) pepper: String,
    /// What it is good for.
    pub(crate) state: PepperState,
    /// API keys that are good and hashed under it.
    api_keys: u64,
    /// Client secrets that are good and hashed under it.
    client_secrets: u64,
    /// Clients that registered themselves and whose secret is hashed under it.
    registered_clients: u64,
}

/// What a pepper is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PepperState {
    /// The newest: hashes are made under it.
    Making,
    /// An older one: it still knows what was hashed under it.
    Checking,
    /// It is not there, though something is hashed under it: that gets nobody in.
    Missing,
}

impl UnderPepper {
    pub(crate) fn new(pepper: &PepperId, state: PepperState) -> Self {
        let pepper = pepper.to_string();
        Self { pepper, state, api_keys: 0, client_secrets: 0, registered_clients: 0 }
    }

    /// How much depends on it.
    fn all(&self) -> u64 {
        self.api_keys.saturating_add(self.client_secrets).saturating_add(self.registered_clients)
    }
}

impl Admin {
    /// The peppers, the newest first, then those that are missing.
    ///
    /// # Errors
    /// `Unavailable` where the store does not say what is registered.
    pub(crate) async fn peppers(&self) -> Result<Vec<UnderPepper>, Failure> {
        let registered = self.plane.registrations_under_peppers().await;
        let registered = registered.map_err(Failure::Unavailable)?;
        let desired = &self.working().desired;
        let mut peppers = of_credentials(&*self.plane, desired, self.clock.now());
        for (pepper, count) in registered {
            entry(&mut peppers, &pepper).registered_clients = count;
        }
        Ok(peppers)
    }

    /// The peppers without which something that is good would get nobody in.
    ///
    /// # Errors
    /// A sentence, where the store does not say what is registered.
    pub async fn peppers_in_use(&self) -> Result<Vec<String>, String> {
        let peppers = self.peppers().await.map_err(|it| it.problem().detail)?;
        Ok(peppers.into_iter().filter(|it| it.all() > 0).map(|it| it.pepper).collect())
    }

    /// Warns of credentials that get nobody in because their pepper is gone.
    pub(crate) fn tell_missing_peppers(&self, desired: &Desired) {
        let peppers = of_credentials(&*self.plane, desired, self.clock.now());
        peppers.iter().filter(|it| it.state == PepperState::Missing).for_each(warn);
    }
}

/// The peppers, and the credentials that depend on each.
fn of_credentials(plane: &dyn Plane, desired: &Desired, now: Timestamp) -> Vec<UnderPepper> {
    let states =
        std::iter::once(PepperState::Making).chain(std::iter::repeat(PepperState::Checking));
    let ids = plane.peppers();
    let mut peppers: Vec<_> =
        ids.iter().zip(states).map(|(id, state)| UnderPepper::new(id, state)).collect();
    for credential in &desired.credentials {
        let Some(hash) = credential.proof.hash() else { continue };
        let ends = working::rotation(desired, &credential.profile).end(credential);
        if !credential.state.is_good() || ends <= now {
            continue;
        }
        let under = entry(&mut peppers, &hash.pepper);
        let count = match credential.proof {
            Proof::ClientSecret { .. } => &mut under.client_secrets,
            Proof::ApiKey { .. }
            | Proof::External { .. }
            | Proof::Mtls { .. }
            | Proof::PrivateKeyJwt { .. } => &mut under.api_keys,
        };
        *count = count.saturating_add(1);
    }
    peppers
}

fn entry<'a>(peppers: &'a mut Vec<UnderPepper>, id: &PepperId) -> &'a mut UnderPepper {
    match peppers.iter().position(|it| it.pepper == id.as_str()) {
        #[expect(clippy::indexing_slicing, reason = "it was found there")]
        Some(index) => &mut peppers[index],
        None => peppers.push_mut(UnderPepper::new(id, PepperState::Missing)),
    }
}

/// The peppers in one sentence, and whether none is missing.
pub(crate) fn told(peppers: &[UnderPepper]) -> (String, bool) {
    let said: Vec<_> = peppers.iter().map(ToString::to_string).collect();
    (said.join("; "), peppers.iter().all(|it| it.state != PepperState::Missing))
}

impl fmt::Display for UnderPepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let does = match self.state {
            PepperState::Making => "makes hashes",
            PepperState::Checking => "still knows",
            PepperState::Missing => "is missing",
        };
        let plural = if self.all() == 1 { "" } else { "s" };
        let with = if self.state == PepperState::Checking { "" } else { ", with" };
        write!(f, "{} {does}{with} {} key{plural}", self.pepper, self.all())
    }
}

fn warn(missing: &UnderPepper) {
    let pepper = &missing.pepper;
    tracing::warn!(
        pepper,
        "{} credentials get nobody in: the pepper {pepper} is not there, put it back",
        missing.all()
    );
}
