//! What of quotas outlives a process: what was counted, handed out and taken back.

use std::time::Duration;

use model::{Caller, Measure, Operation, Timestamp};

use super::Meter;
use crate::{
    Plan, Spent,
    bucket::{Bucket, Moment},
    calendar::Window,
};

/// So much later than it came a call may have been counted: a guard had its body read first. One that
/// came so shortly before a period counts in it, or it might count in none.
const LATE: Duration = Duration::from_secs(60);

impl Meter {
    /// What was counted of quotas in periods that are not over. It looks at every counter.
    ///
    /// Rates are not among it: what fits into one comes back by itself, as time passes in one process.
    #[must_use]
    pub fn spent(&self) -> Vec<Spent> {
        let moment = Moment::read(&self.clock);
        let mut all = Vec::new();
        self.counters.each(|key, bucket| {
            let Bucket::Quota(mut bucket) = bucket else { return };
            bucket.roll(moment);
            if bucket.used() > 0 {
                all.push(Spent::new(key.clone(), &bucket));
            }
        });
        all
    }

    /// Takes back what an earlier process counted, unless its period is over or no limit of `plan`
    /// counts so any more. A limit with another measure goes on with what was used.
    pub fn restore(&self, plan: &Plan, spent: Spent) {
        let (key, used, until) = spent.into_parts();
        let moment = Moment::read(&self.clock);
        let entry = plan.entry(&key.limit).filter(|it| it.scope == key.scope());
        let Some(entry) = entry.filter(|_| moment.now < until) else { return };
        let Ok(counter) = self.counters.find(key.as_ref(), entry.measure, moment) else { return };
        let mut bucket = counter.lock();
        bucket.settle(entry.measure, moment);
        // The same counter may have been handed out twice: the map grew meanwhile.
        if used > bucket.used(moment) {
            *bucket = Bucket::with_used(entry.measure, used, moment);
        }
    }

    /// Counts a call again that an earlier process let through, and that came `at` this time: in every
    /// quota that applies to it and whose period is not over, however much is used.
    pub fn recount(&self, plan: &Plan, caller: &Caller, operation: &Operation, at: Timestamp) {
        let moment = Moment::read(&self.clock);
        for entry in plan.applying(caller, operation) {
            let Measure::Quota(quota) = entry.measure else { continue };
            if at.plus(LATE) < Window::at(quota.period, moment.now).start {
                continue;
            }
            let key = entry.key(caller, operation);
            // Where there is no room for a counter, calls are refused.
            let Ok(counter) = self.counters.find(key, entry.measure, moment) else { continue };
            let mut bucket = counter.lock();
            bucket.settle(entry.measure, moment);
            bucket.debit(moment);
        }
    }
}
