//! What all egress clients of a fleet share: the rule for addresses, and how much strangers may have fetched at once.

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    Error,
    connect::{AddressRule, Guard, Origin, Trust},
};

/// Most documents at once that strangers named, so that slow servers of theirs hold up nothing but each other.
const STRANGERS_MAX: usize = 32;

/// What holds for all egress clients together.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(super) rule: AddressRule,
    strangers: Semaphore,
}

/// A place among the fetches that go on at the same time.
pub(super) struct Place<'a> {
    _permit: Option<SemaphorePermit<'a>>,
}

impl Gate {
    pub(crate) fn new(rule: AddressRule) -> Self {
        Self { rule, strangers: Semaphore::new(STRANGERS_MAX) }
    }

    /// Lets a fetch begin, or refuses it at once: who waits in line can be made to wait by others.
    pub(super) fn enter(&self, trust: Trust) -> Result<Place<'_>, Error> {
        let permit = match trust {
            Trust::Operator => None,
            Trust::Stranger => Some(
                self.strangers
                    .try_acquire()
                    .map_err(|_| Error::StrangersBusy { fetches_max: STRANGERS_MAX })?,
            ),
        };
        Ok(Place { _permit: permit })
    }

    /// What is asked of the addresses of `origin`.
    pub(super) fn guard(&self, trust: Trust, origin: &Origin) -> Guard<'_> {
        if origin.is_https() { Guard::Rule(&self.rule, trust) } else { Guard::Loopback }
    }
}
