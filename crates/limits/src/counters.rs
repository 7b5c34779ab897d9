//! All counters that are running, by limit and subject: bounded, and swept of those that say nothing.

use std::{
    hash::Hash,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use foldhash::fast::RandomState;
use model::{ClientId, LimitId, Measure, OperationId, ProfileId, Scope};

use crate::bucket::{Bucket, Moment};

/// Below this many counters a sweep is not worth its time.
const SWEEP_AT_LEAST: usize = 4096;

/// New counters do not sweep more often than this.
const SWEEP_PAUSE: Duration = Duration::from_secs(1);

/// Names a counter: the limit, and what its scope makes a subject of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) limit: LimitId,
    pub(crate) client: Option<ClientId>,
    pub(crate) profile: Option<ProfileId>,
    pub(crate) operation: Option<OperationId>,
}

/// A [`Key`] for looking up, made of what a call already holds. Hashes as the key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct KeyRef<'a> {
    pub(crate) limit: &'a LimitId,
    pub(crate) client: Option<&'a ClientId>,
    pub(crate) profile: Option<&'a ProfileId>,
    pub(crate) operation: Option<&'a OperationId>,
}

impl Key {
    pub(crate) fn as_ref(&self) -> KeyRef<'_> {
        let Self { limit, client, profile, operation } = self;
        KeyRef {
            limit,
            client: client.as_ref(),
            profile: profile.as_ref(),
            operation: operation.as_ref(),
        }
    }

    /// Whether it counts calls of this client, or of a profile of it, alone.
    pub(crate) fn is_of(&self, client: &ClientId) -> bool {
        let of_profile = self.profile.as_ref().map(ProfileId::client);
        of_profile.or(self.client.as_ref().map(ClientId::as_str)) == Some(client.as_str())
    }

    /// The scope that makes such a counter.
    pub(crate) fn scope(&self) -> Scope {
        match (&self.client, &self.profile, &self.operation) {
            (None, None, None) => Scope::All,
            (None, None, Some(_)) => Scope::Operation,
            (Some(_), _, None) => Scope::Client,
            (Some(_), _, Some(_)) => Scope::ClientOperation,
            (None, Some(_), None) => Scope::Profile,
            (None, Some(_), Some(_)) => Scope::ProfileOperation,
        }
    }
}

impl KeyRef<'_> {
    fn to_key(self) -> Key {
        let Self { limit, client, profile, operation } = self;
        Key {
            limit: limit.clone(),
            client: client.cloned(),
            profile: profile.cloned(),
            operation: operation.cloned(),
        }
    }
}

impl scc::Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self == key.as_ref()
    }
}

/// What one limit has counted for one subject, and the lock that makes a debit one step.
#[derive(Debug)]
pub(crate) struct Counter {
    limit: LimitId,
    bucket: Mutex<Bucket>,
}

impl Counter {
    pub(crate) fn limit(&self) -> &LimitId {
        &self.limit
    }

    /// Held for a few comparisons, and by one call for several counters in the order of their limits.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Bucket> {
        // Nothing panics under this lock, and a bucket is whole between any two steps.
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Too many counters are in use for another one.
#[derive(Debug)]
pub(crate) struct Crowded {
    pub(crate) count: usize,
}

/// All counters that are running.
#[derive(Debug)]
pub(crate) struct Counters {
    // Keyed by ids that were declared, so the hash need not withstand callers.
    map: scc::HashMap<Key, Arc<Counter>, RandomState>,
    /// How many there are: the map would count them one by one.
    count: AtomicUsize,
    count_max: usize,
    next_sweep: Mutex<NextSweep>,
}

#[derive(Debug)]
struct NextSweep {
    at_count: usize,
    not_before: Duration,
}

impl Counters {
    pub(crate) fn new(count_max: usize) -> Self {
        let at_count = SWEEP_AT_LEAST.min(count_max);
        Self {
            // Room from the start, because the map locks its entries by the handful.
            map: scc::HashMap::with_capacity_and_hasher(1024, RandomState::default()),
            count: AtomicUsize::new(0),
            count_max,
            next_sweep: Mutex::new(NextSweep { at_count, not_before: Duration::ZERO }),
        }
    }

    /// The counter of this name; a new one where there is none yet.
    ///
    /// # Errors
    /// [`Crowded`] where a new one would be one too many.
    pub(crate) fn find(
        &self,
        key: KeyRef<'_>,
        measure: Measure,
        moment: Moment,
    ) -> Result<Arc<Counter>, Crowded> {
        match self.map.read_sync(&key, |_, counter| Arc::clone(counter)) {
            Some(counter) => Ok(counter),
            None => self.make(key, measure, moment),
        }
    }

    #[cold]
    fn make(
        &self,
        key: KeyRef<'_>,
        measure: Measure,
        moment: Moment,
    ) -> Result<Arc<Counter>, Crowded> {
        self.sweep_when_due(moment);
        let count = self.count.load(Ordering::Relaxed);
        let vacant = match self.map.entry_sync(key.to_key()) {
            scc::hash_map::Entry::Occupied(occupied) => return Ok(Arc::clone(occupied.get())),
            scc::hash_map::Entry::Vacant(vacant) => vacant,
        };
        // Threads that come here at once may each add one past the bound. It is there for the memory.
        if count >= self.count_max {
            return Err(Crowded { count });
        }
        let bucket = Mutex::new(Bucket::new(measure, moment));
        let counter = Arc::new(Counter { limit: key.limit.clone(), bucket });
        let _entry = vacant.insert_entry(Arc::clone(&counter));
        self.count.fetch_add(1, Ordering::Relaxed);
        Ok(counter)
    }

    fn sweep_when_due(&self, moment: Moment) {
        // Whoever finds it locked need not wait: another call is sweeping.
        let Ok(mut next) = self.next_sweep.try_lock() else { return };
        if self.count.load(Ordering::Relaxed) < next.at_count || moment.elapsed < next.not_before {
            return;
        }
        let left = self.sweep(moment);
        // At twice what is left, so that sweeping costs each new counter a constant share.
        next.at_count = left.saturating_mul(2).max(SWEEP_AT_LEAST).min(self.count_max);
        next.not_before = moment.elapsed.saturating_add(SWEEP_PAUSE);
    }

    /// Drops the counters that say no more than new ones would. Returns how many are left.
    pub(crate) fn sweep(&self, moment: Moment) -> usize {
        self.map.retain_sync(|_, counter| {
            // A call that holds the counter may be about to debit it, and the debit must not be lost.
            // Under the map's lock nobody can come to hold it, so this cannot change meanwhile.
            let Some(counter) = Arc::get_mut(counter) else { return true };
            let bucket = counter.bucket.get_mut().unwrap_or_else(PoisonError::into_inner);
            let is_kept = !bucket.is_spent(moment);
            if !is_kept {
                self.count.fetch_sub(1, Ordering::Relaxed);
            }
            is_kept
        });
        self.count.load(Ordering::Relaxed)
    }

    /// Shows every counter to `visit`.
    pub(crate) fn each(&self, mut visit: impl FnMut(&Key, Bucket)) {
        self.map.iter_sync(|key, counter| {
            // A call looks up all its counters before it locks any: none waits for this one's entry.
            let bucket = *counter.lock();
            visit(key, bucket);
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use model::{Quota, Timestamp};

    use super::*;

    fn at(text: &str, elapsed: Duration) -> Moment {
        Moment { now: Timestamp::parse(text).unwrap(), elapsed }
    }

    fn key(number: usize) -> Key {
        Key {
            limit: LimitId::parse("a").unwrap(),
            client: Some(ClientId::parse(&format!("client-{number}")).unwrap()),
            profile: None,
            operation: None,
        }
    }

    fn find(counters: &Counters, number: usize, moment: Moment) -> Result<Arc<Counter>, Crowded> {
        let measure = Measure::Quota(Quota::parse("5/day").unwrap());
        counters.find(key(number).as_ref(), measure, moment)
    }

    #[test]
    fn a_key_is_found_by_its_parts() {
        let counters = Counters::new(10);
        let now = at("2027-01-01", Duration::ZERO);
        let first = find(&counters, 1, now).unwrap();
        assert!(Arc::ptr_eq(&first, &find(&counters, 1, now).unwrap()));
        assert!(!Arc::ptr_eq(&first, &find(&counters, 2, now).unwrap()));
    }

    #[test]
    fn no_more_counters_are_kept_than_the_bound() {
        let counters = Counters::new(10);
        let day = Duration::from_secs(86_400);
        let now = at("2027-01-01", Duration::ZERO);
        for number in 0..10 {
            find(&counters, number, now).unwrap();
        }
        assert_eq!(find(&counters, 10, now).unwrap_err().count, 10);
        assert!(find(&counters, 9, now).is_ok(), "those that are there go on");
        // The day after, they say nothing any more, and make room.
        let later = at("2027-01-02T12:00:00Z", day.saturating_mul(2));
        let held = find(&counters, 0, later).unwrap();
        find(&counters, 10, later).unwrap();
        assert_eq!(counters.sweep(later), 2);
        assert!(Arc::ptr_eq(&held, &find(&counters, 0, later).unwrap()), "a call holds it");
    }

    #[test]
    fn new_counters_sweep_before_they_grow() {
        let counters = Counters::new(usize::MAX);
        let mut now = at("2027-01-01", Duration::ZERO);
        for number in 0..10 * SWEEP_AT_LEAST {
            find(&counters, number, now).unwrap();
            // Nobody keeps one for longer than two days of calls.
            now.now = now.now.plus(Duration::from_secs(60));
            now.elapsed = now.elapsed.saturating_add(Duration::from_secs(60));
            assert!(counters.count.load(Ordering::Relaxed) <= 2 * SWEEP_AT_LEAST);
        }
    }
}
