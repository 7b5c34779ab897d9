//! The values of secrets, handed to all who show them.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use http::HeaderValue;
use model::{Secret, SecretId};

use super::{Injector, NO_VALUE, form};

/// The values of the secrets of a fleet's upstreams. Nothing on a request's way looks here.
#[derive(Default)]
pub struct SecretSlots(Mutex<BTreeMap<SecretId, Slot>>);

/// How a receiver is shown a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `ApiKey`, as Elasticsearch has it.
    ApiKey,
    /// `Basic` (RFC 7617), where the secret is `USER:PASSWORD`.
    Basic,
    /// `Bearer` (RFC 6750).
    Bearer,
    /// `Splunk`, as its collector has it.
    Splunk,
}

#[derive(Default)]
struct Slot {
    value: Option<Secret<Vec<u8>>>,
    version: Option<u32>,
    injectors: Vec<Weak<Injector>>,
}

impl SecretSlots {
    /// Puts a value in, in place of any other. Requests that begin from now on show it, and tell its
    /// version where it has one.
    pub fn set(&self, secret: &SecretId, value: Secret<Vec<u8>>, version: Option<u32>) {
        let mut slots = self.slots();
        let slot = slots.entry(secret.clone()).or_default();
        (slot.value, slot.version) = (Some(value), version);
        slot.tell_all();
    }

    /// Takes the value out. Requests that would show it are refused from now on.
    pub fn clear(&self, secret: &SecretId) {
        let mut slots = self.slots();
        let Some(slot) = slots.get_mut(secret) else { return };
        (slot.value, slot.version) = (None, None);
        slot.tell_all();
        if slot.injectors.is_empty() {
            slots.remove(secret);
        }
    }

    /// The value of a secret that is shown elsewhere than to an upstream; none where it has none.
    #[must_use]
    pub fn value(&self, secret: &SecretId) -> Option<Secret<Vec<u8>>> {
        let slots = self.slots();
        let value = slots.get(secret)?.value.as_ref()?;
        Some(Secret::new(value.expose().clone()))
    }

    /// The secrets that have a value.
    #[must_use]
    pub fn held(&self) -> Vec<SecretId> {
        let slots = self.slots();
        slots.iter().filter(|(_, it)| it.value.is_some()).map(|(id, _)| id.clone()).collect()
    }

    /// The `Basic` by which the door itself is the client `client_id` of somebody (RFC 6749 section 2.3.1).
    ///
    /// # Errors
    /// Why the secret cannot be shown: it has no value, or none that fits.
    pub fn client_basic(
        &self,
        client_id: &str,
        secret: &SecretId,
    ) -> Result<HeaderValue, &'static str> {
        let slots = self.slots();
        let value = slots.get(secret).and_then(|it| it.value.as_ref()).ok_or(NO_VALUE)?;
        form::client_basic(client_id, value.expose())
    }

    /// The `Authorization` by which the door itself is known to a receiver, in its own scheme.
    ///
    /// # Errors
    /// Why the secret cannot be shown: it has no value, or none that fits.
    pub fn authorization(
        &self,
        scheme: Scheme,
        secret: &SecretId,
    ) -> Result<HeaderValue, &'static str> {
        let slots = self.slots();
        let value = slots.get(secret).and_then(|it| it.value.as_ref()).ok_or(NO_VALUE)?;
        let value = value.expose().trim_ascii_end();
        match scheme {
            Scheme::ApiKey => form::header(&[b"ApiKey ", value].concat()),
            Scheme::Basic => match value.iter().position(|it| *it == b':') {
                Some(at) => {
                    let (user, rest) = value.split_at(at);
                    form::basic(user, rest.strip_prefix(b":").unwrap_or(rest))
                }
                None => Err("is not USER:PASSWORD"),
            },
            Scheme::Bearer => form::bearer(value),
            Scheme::Splunk => form::header(&[b"Splunk ", value].concat()),
        }
    }

    /// Gives an injector its value, now and at each change.
    pub(super) fn tell(&self, injector: &Arc<Injector>) {
        let mut slots = self.slots();
        let slot = slots.entry(injector.secret().clone()).or_default();
        slot.injectors.retain(|it| it.strong_count() > 0);
        slot.injectors.push(Arc::downgrade(injector));
        injector.take(slot.value.as_ref(), slot.version);
    }

    fn slots(&self) -> MutexGuard<'_, BTreeMap<SecretId, Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn tell_all(&mut self) {
        self.injectors.retain(|it| it.strong_count() > 0);
        for injector in self.injectors.iter().filter_map(Weak::upgrade) {
            injector.take(self.value.as_ref(), self.version);
        }
    }
}

impl fmt::Debug for SecretSlots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretSlots").field(&self.held()).finish()
    }
}
