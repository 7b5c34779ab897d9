//! The meter: counts every call against all limits that apply to it, or against none.

mod spent;

use std::{collections::BTreeMap, time::Duration};

use model::{Caller, ClientId, Clock, LimitId, LimitState, Operation};

use crate::{
    Allowance, Balance, Exhausted, Plan, Usage,
    allowance::{Share, Shortage},
    bucket::{Bucket, Moment},
    counters::{Counters, Crowded},
    plan::Entry,
};

/// Most counters at once: some 500 MB of them.
const COUNTERS_MAX: usize = 1 << 21;

/// How soon to try again when there is no room for another counter.
const CROWDED_RETRY: Duration = Duration::from_secs(1);

/// What was used of all limits. Outlives snapshots: a new plan finds the old counters.
#[derive(Debug)]
pub struct Meter {
    clock: Clock,
    counters: Counters,
}

impl Meter {
    /// A meter that has counted nothing.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self::with_counters_max(clock, COUNTERS_MAX)
    }

    fn with_counters_max(clock: Clock, count_max: usize) -> Self {
        Self { clock, counters: Counters::new(count_max) }
    }

    /// Debits a call to every limit that applies to it; to none, where one of them is reached.
    ///
    /// # Errors
    /// [`Exhausted`] with the limit that takes longest, so that a call at that time fits them all.
    pub fn take(
        &self,
        plan: &Plan,
        caller: &Caller,
        operation: &Operation,
    ) -> Result<Allowance, Exhausted> {
        let moment = Moment::read(&self.clock);
        let mut shares = Vec::new();
        for entry in plan.applying(caller, operation) {
            let key = entry.key(caller, operation);
            let counter = self
                .counters
                .find(key, entry.measure, moment)
                .map_err(|crowded| no_room(entry, &crowded, moment))?;
            shares.push(Share { order: entry.order, measure: entry.measure, counter });
        }
        let balance = debit(&mut shares, moment)?;
        Ok(Allowance::new(shares, balance))
    }

    /// What is used of the plan's limits at present, by limit and subject, `max` at most.
    ///
    /// With a client, only its own counters and those of its profiles. Counters at which nothing is
    /// used are left out. For people and pages; it looks at every counter.
    #[must_use]
    pub fn usage(&self, plan: &Plan, client: Option<&ClientId>, max: usize) -> Vec<Usage> {
        let moment = Moment::read(&self.clock);
        let mut first = BTreeMap::new();
        self.counters.each(|key, mut bucket| {
            let is_meant = client.is_none_or(|it| key.is_of(it));
            let entry = plan.entry(&key.limit).filter(|it| is_meant && it.scope == key.scope());
            let Some(entry) = entry else { return };
            bucket.settle(entry.measure, moment);
            if bucket.used(moment) > 0 {
                first.insert(key.clone(), bucket);
            }
            if first.len() > max {
                first.pop_last();
            }
        });
        first.into_iter().map(|(key, bucket)| Usage::new(key, &bucket, moment)).collect()
    }

    /// Drops the counters that say no more than new ones would. Returns how many are left.
    ///
    /// It happens by itself while the number of counters grows; called now and then from outside the
    /// request path, it spares calls that work.
    pub fn sweep(&self) -> usize {
        self.counters.sweep(Moment::read(&self.clock))
    }
}

/// Debits all shares or none, in one step that no other call can see half of. Gives back what is left
/// of the one with least.
///
/// Each counter stays locked until all are known to fit. Counters without locks, debited one by one
/// and given back where a later one is reached, would let a caller who is over its own limit take from
/// a shared one for a moment, and others be refused for it.
fn debit(shares: &mut [Share], moment: Moment) -> Result<Option<Balance>, Exhausted> {
    // The same order for every call, or two could wait for each other.
    shares.sort_unstable_by_key(|it| it.order);
    let mut buckets: Vec<_> = shares.iter().map(|it| it.counter.lock()).collect();
    let mut longest: Option<LimitState> = None;
    for (share, bucket) in shares.iter().zip(&mut buckets) {
        bucket.settle(share.measure, moment);
        if let Some(wait) = bucket.wait(moment)
            && longest.as_ref().is_none_or(|it| wait > it.retry_after)
        {
            longest = Some(state(share.counter.limit(), bucket, wait));
        }
    }
    if let Some(state) = longest {
        return Err(Exhausted::new(state, Shortage::Calls));
    }
    let mut least: Option<(u32, &Share, &Bucket)> = None;
    for (share, bucket) in shares.iter().zip(&mut buckets) {
        bucket.debit(moment);
        let left = bucket.left(moment);
        if least.is_none_or(|it| left < it.0) {
            least = Some((left, share, &**bucket));
        }
    }
    Ok(least.map(|(left, share, bucket)| {
        let (count, window) = bucket.count_and_window();
        Balance { limit: share.counter.limit().clone(), left, count, window }
    }))
}

fn state(limit: &LimitId, bucket: &Bucket, retry_after: Duration) -> LimitState {
    let (count, window) = bucket.count_and_window();
    LimitState { limit: limit.as_str().into(), count, window, retry_after }
}

fn no_room(entry: &Entry, crowded: &Crowded, moment: Moment) -> Exhausted {
    let bucket = Bucket::new(entry.measure, moment);
    let state = state(&entry.id, &bucket, CROWDED_RETRY);
    Exhausted::new(state, Shortage::Counters(crowded.count))
}

#[cfg(test)]
mod tests {
    use model::{
        ClientKind, CollectionId, Effect, OperationId, ProfileId, Rate, Refusal, RefusalKind,
        Timestamp,
    };

    use super::*;

    #[test]
    fn a_caller_for_whom_there_is_no_counter_is_refused() {
        let meter = Meter::with_counters_max(Clock::fake(Timestamp::from_seconds(0)), 1);
        let orders = CollectionId::parse("orders").unwrap();
        let operation = Operation {
            id: OperationId::new(&orders, "get").unwrap(),
            collection: orders,
            effect: Effect::Read,
            is_public: false,
            level: None,
            position: 0,
        };
        let caller = |profile: &str| Caller {
            client: ClientId::parse("shop").unwrap(),
            kind: ClientKind::App,
            profile: ProfileId::parse(profile).unwrap(),
            ..Caller::anonymous()
        };
        let plan = Plan::compile(&[], Rate::parse("9/s").unwrap(), &[]);
        assert!(meter.take(&plan, &caller("shop/a"), &operation).is_ok());
        let refusal = Refusal::from(meter.take(&plan, &caller("shop/b"), &operation).unwrap_err());
        assert_eq!(refusal.kind(), RefusalKind::LimitReached);
        assert_eq!(refusal.limit().map(|it| it.retry_after), Some(CROWDED_RETRY));
        assert!(refusal.cause().unwrap().starts_with("1 counters are in use"));
        assert!(meter.take(&plan, &caller("shop/a"), &operation).is_ok());
    }
}
