//! Some of the proofs that were seen, each until it expires.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BinaryHeap, HashMap, hash_map::Entry},
};

use model::Timestamp;

use super::ReplayError;
use crate::fingerprint::Fingerprint;

/// How many expired entries go for each that comes: more than one, so that their number falls, and
/// few, so that nobody waits for all that expired in a quiet hour.
const FORGOTTEN_MAX: usize = 8;

#[derive(Default)]
pub(super) struct Shard {
    expiries: HashMap<Fingerprint, Timestamp>,
    /// The same entries, the first to expire on top.
    order: BinaryHeap<Reverse<Expiry>>,
}

/// When an entry expires.
struct Expiry {
    at: Timestamp,
    fingerprint: Fingerprint,
}

impl Shard {
    pub(super) fn first(
        &mut self,
        fingerprint: Fingerprint,
        expires: Timestamp,
        now: Timestamp,
        entries_max: usize,
    ) -> Result<(), ReplayError> {
        self.forget(now);
        let is_full = self.order.len() >= entries_max;
        match self.expiries.entry(fingerprint) {
            Entry::Occupied(entry) if *entry.get() > now => return Err(ReplayError::Again),
            Entry::Occupied(_) | Entry::Vacant(_) if is_full => {
                return Err(ReplayError::Full(self.order.len()));
            }
            entry => drop(entry.insert_entry(expires)),
        }
        self.order.push(Reverse(Expiry { at: expires, fingerprint }));
        Ok(())
    }

    fn forget(&mut self, now: Timestamp) {
        for _ in 0..FORGOTTEN_MAX {
            if self.order.peek().is_none_or(|Reverse(first)| first.at > now) {
                return;
            }
            let Some(Reverse(first)) = self.order.pop() else { return };
            // One that came again after its time has a later expiry now, and stays.
            if self.expiries.get(&first.fingerprint) == Some(&first.at) {
                self.expiries.remove(&first.fingerprint);
            }
        }
    }
}

impl Ord for Expiry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}

impl PartialOrd for Expiry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Expiry {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Expiry {}
