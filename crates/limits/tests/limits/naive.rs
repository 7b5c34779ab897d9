//! The meter agrees with a model that keeps every limit as it is written down.

use std::{collections::BTreeMap, time::Duration};

use limits::{Meter, Plan};
use model::{Caller, Limit, Measure, Operation, Period, Rate, Scope, Timestamp};
use proptest::{prelude::*, sample::select};

use crate::shop::{caller, limit, of_client, of_operations, of_profile, operations, rate};

/// A bucket with a hole: how full it was at a time, in calls times nanoseconds of the rate's period.
#[derive(Clone, Copy)]
struct Leaking {
    level: i128,
    at: i128,
}

#[derive(Default)]
struct Naive {
    quotas: BTreeMap<(String, String), u32>,
    rates: BTreeMap<String, Leaking>,
}

impl Naive {
    fn take(&mut self, limits: &[Limit], call: &(Caller, Operation), now: Timestamp) -> bool {
        let named = |it: &Limit| format!("{}|{}", it.id, subject(it.scope, call));
        let (mut quotas, mut rates) = (Vec::new(), Vec::new());
        for limit in limits {
            match limit.measure {
                Measure::Quota(quota) => quotas.push((named(limit), quota)),
                Measure::Rate(rate) => rates.push((named(limit), rate)),
            }
        }
        let keyed =
            quotas.into_iter().map(|(name, quota)| ((name, period(quota.period, now)), quota));
        let counted = keyed.map(|(key, quota)| {
            let used = self.quotas.get(&key).copied().unwrap_or(0) + 1;
            (used <= quota.count.get()).then_some((key, used))
        });
        let counted: Option<Vec<_>> = counted.collect();
        let leaking =
            rates.into_iter().map(|(name, rate)| Some((self.leak(&name, rate, now)?, name)));
        let leaking: Option<Vec<_>> = leaking.collect();
        let (Some(counted), Some(leaking)) = (counted, leaking) else { return false };
        self.quotas.extend(counted);
        self.rates.extend(leaking.into_iter().map(|(leaking, name)| (name, leaking)));
        true
    }

    /// The bucket after another call, if that fits.
    fn leak(&self, subject: &str, rate: Rate, now: Timestamp) -> Option<Leaking> {
        let now = i128::from(now.as_micros()) * 1000;
        let call = i128::try_from(rate.per.as_nanos()).unwrap();
        let before = self.rates.get(subject).copied().unwrap_or(Leaking { level: 0, at: now });
        let leaked = (now - before.at) * i128::from(rate.count.get());
        let level = (before.level - leaked).max(0) + call;
        let fits = level <= call * i128::from(rate.burst.get());
        fits.then_some(Leaking { level, at: now })
    }
}

fn subject(scope: Scope, (caller, operation): &(Caller, Operation)) -> String {
    match scope {
        Scope::All => "all".to_owned(),
        Scope::Client => caller.client.to_string(),
        Scope::ClientOperation => format!("{} {}", caller.client, operation.id),
        Scope::Operation => operation.id.to_string(),
        Scope::Profile => caller.profile.to_string(),
        Scope::ProfileOperation => format!("{} {}", caller.profile, operation.id),
    }
}

/// A name for the period, cut from the time as people write it.
fn period(period: Period, now: Timestamp) -> String {
    let cut = |length| now.to_string().chars().take(length).collect::<String>();
    match period {
        Period::Hour => cut("2027-01-31T12".len()),
        Period::Day => cut("2027-01-31".len()),
        Period::Week => {
            let date: jiff::civil::Date = cut("2027-01-31".len()).parse().unwrap();
            format!("{}w{}", date.iso_week_date().year(), date.iso_week_date().week())
        }
        Period::Month => cut("2027-01".len()),
    }
}

fn applies(limit: &Limit, (caller, operation): &(Caller, Operation)) -> bool {
    limit.client.as_ref().is_none_or(|it| *it == caller.client)
        && limit.profile.as_ref().is_none_or(|it| *it == caller.profile)
        && (limit.operations.is_empty() || limit.operations.iter().any(|it| it.matches(operation)))
}

const PROFILES: [&str; 4] = ["a/x", "a/y", "b/x", "c/x"];
const OPERATIONS: [&str; 4] = ["orders:get", "orders:put", "customers:get", "customers:put"];

fn any_limit() -> impl Strategy<Value = Limit> {
    let scope = select(vec![
        Scope::All,
        Scope::Client,
        Scope::ClientOperation,
        Scope::Operation,
        Scope::Profile,
        Scope::ProfileOperation,
    ]);
    let unit = select(vec!["s", "m", "h", "hour", "day", "week", "month"]);
    let client = prop::option::weighted(0.2, select(vec!["a", "b"]));
    let profile = prop::option::weighted(0.2, select(vec!["a/x", "b/x"]));
    let patterns = select(vec!["orders:*", "orders:get", "customers:put", "*:*", "none:*"]);
    let patterns = prop::collection::vec(patterns, 0..3);
    let burst = prop::option::of(1..8_u32);
    (scope, 1..12_u32, unit, burst, client, profile, patterns).prop_map(
        |(scope, count, unit, burst, client, profile, patterns)| {
            let mut limit = limit("id", scope, &format!("{count}/{unit}"));
            if let (Measure::Rate(rate), Some(burst)) = (&mut limit.measure, burst) {
                rate.burst = burst.try_into().unwrap();
            }
            if let Some(client) = client {
                limit = of_client(limit, client);
            }
            if let Some(profile) = profile {
                limit = of_profile(limit, profile);
            }
            of_operations(limit, &patterns)
        },
    )
}

/// A pause before a call, in microseconds: from none at all to a fortnight.
fn any_pause() -> impl Strategy<Value = u64> {
    prop_oneof![
        3 => Just(0),
        3 => 0..500_000_u64,
        2 => 0..90_000_000_u64,
        1 => 0..10_000_000_000_u64,
        1 => 0..1_200_000_000_000_u64,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_meter_lets_pass_what_the_words_say(
        start in 0..4_000_000_000_000_000_i64,
        limits in prop::collection::vec(any_limit(), 0..6),
        calls in prop::collection::vec((any_pause(), 0..PROFILES.len(), 0..OPERATIONS.len()), 1..150),
    ) {
        let mut limits = limits;
        for (index, limit) in limits.iter_mut().enumerate() {
            limit.id = model::LimitId::parse(&format!("limit-{index}")).unwrap();
        }
        let operations = operations(&OPERATIONS);
        let plan = Plan::compile(&limits, rate("3/m"), &operations);
        let default = [limit("default", Scope::Profile, "3/m")];
        let clock = model::Clock::fake(Timestamp::from_micros(start));
        let (meter, mut naive) = (Meter::new(clock.clone()), Naive::default());
        for (index, (pause, profile, operation)) in calls.into_iter().enumerate() {
            clock.advance(Duration::from_micros(pause));
            let call = (caller(PROFILES[profile]), operations[operation].clone());
            let got = meter.take(&plan, &call.0, &call.1);
            let covering: Vec<_> = limits.iter().filter(|it| applies(it, &call)).cloned().collect();
            let covering = if covering.is_empty() { default.to_vec() } else { covering };
            let want = naive.take(&covering, &call, clock.now());
            prop_assert_eq!(got.is_ok(), want, "call {} at {}", index, clock.now());
            if let Ok(allowance) = got {
                prop_assert_eq!(allowance.limits().count(), covering.len());
            }
            // A sweep in between must never show.
            if index % 10 == 0 {
                meter.sweep();
            }
        }
    }
}
