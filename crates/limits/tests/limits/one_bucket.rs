//! All limits or none, what a refusal says, a change of plan, and what is used.

use std::time::Duration;

use limits::{Meter, Plan, Usage};
use model::{ClientId, Operation, Refusal, RefusalKind, Scope};

use crate::shop::{caller, clock, limit, of_client, operations, rate};

fn plan(limits: &[(&str, Scope, &str)], operations: &[Operation]) -> Plan {
    let limits: Vec<_> =
        limits.iter().map(|(id, scope, measure)| limit(id, *scope, measure)).collect();
    Plan::compile(&limits, rate("1/s"), operations)
}

fn used(usage: &[Usage]) -> Vec<(String, u32, u32)> {
    usage.iter().map(|it| (it.limit.to_string(), it.used, it.size)).collect()
}

#[test]
fn a_call_debits_all_its_limits_or_none() {
    let operations = operations(&["orders:get"]);
    let plan = plan(
        &[("a", Scope::All, "10/day"), ("b", Scope::Client, "2/h"), ("c", Scope::All, "9/month")],
        &operations,
    );
    let meter = Meter::new(clock("2027-01-01"));
    for _ in 0..5 {
        drop(meter.take(&plan, &caller("shop/x"), &operations[0]));
    }
    let now = used(&meter.usage(&plan, None, 10));
    assert_eq!(now, [("a".into(), 2, 10), ("b".into(), 2, 2), ("c".into(), 2, 9)]);
}

#[test]
fn a_refusal_names_the_limit_that_takes_longest() {
    let operations = operations(&["orders:get"]);
    let plan = plan(
        &[("a", Scope::All, "1/s"), ("b", Scope::All, "1/day"), ("c", Scope::All, "1/h")],
        &operations,
    );
    let clock = clock("2027-01-01T23:59:00Z");
    let meter = Meter::new(clock.clone());
    assert!(meter.take(&plan, &caller("shop/x"), &operations[0]).is_ok());

    let exhausted = meter.take(&plan, &caller("shop/x"), &operations[0]).unwrap_err();
    let state = exhausted.state().clone();
    assert_eq!((&*state.limit, state.count), ("c", 1));
    let hour = Duration::from_secs(3600);
    assert_eq!((state.window, state.retry_after), (hour, hour));
    let refusal = Refusal::from(exhausted);
    assert_eq!(refusal.kind(), RefusalKind::LimitReached);
    assert_eq!(refusal.detail(), "limit \"c\" is reached; retry in 3600s");
    assert_eq!((refusal.rule(), refusal.limit()), (Some("c"), Some(&state)));

    clock.advance(Duration::from_micros(3_600_000_000 - 1));
    let exhausted = meter.take(&plan, &caller("shop/x"), &operations[0]).unwrap_err();
    assert_eq!(exhausted.to_string(), "limit \"c\" is reached; retry in 1s");
    clock.advance(Duration::from_micros(1));
    assert!(meter.take(&plan, &caller("shop/x"), &operations[0]).is_ok());
}

#[test]
fn another_plan_finds_the_counters_of_the_one_before() {
    let operations = operations(&["orders:get"]);
    let meter = Meter::new(clock("2027-01-01"));
    let before = plan(&[("a", Scope::All, "10/day"), ("b", Scope::All, "1000/h")], &operations);
    for _ in 0..4 {
        meter.take(&before, &caller("shop/x"), &operations[0]).unwrap();
    }
    let fits = |plan: &Plan| meter.take(plan, &caller("shop/x"), &operations[0]).is_ok();
    let smaller = plan(&[("a", Scope::All, "5/day")], &operations);
    assert_eq!([fits(&smaller), fits(&smaller)], [true, false]);
    assert!(fits(&before), "the plan before still has room");
    let rate = plan(&[("a", Scope::All, "7/h")], &operations);
    assert_eq!([fits(&rate), fits(&rate)], [true, false]);
    assert_eq!(used(&meter.usage(&rate, None, 10)), [("a".into(), 7, 7)]);
}

#[test]
fn a_limit_that_comes_back_finds_its_counter() {
    let operations = operations(&["orders:get"]);
    let meter = Meter::new(clock("2027-01-01"));
    let with = plan(&[("a", Scope::Client, "1/day")], &operations);
    let without = plan(&[], &operations);
    let fits = |plan: &Plan| meter.take(plan, &caller("shop/x"), &operations[0]).is_ok();
    assert_eq!([fits(&with), fits(&without), fits(&with)], [true, true, false]);
}

#[test]
fn another_scope_starts_counters_of_its_own() {
    let operations = operations(&["orders:get"]);
    let meter = Meter::new(clock("2027-01-01"));
    let plans = [Scope::All, Scope::Client].map(|it| plan(&[("a", it, "3/day")], &operations));
    let counted = plans.each_ref().map(|plan| {
        meter.take(plan, &caller("shop/x"), &operations[0]).unwrap();
        used(&meter.usage(plan, None, 10))
    });
    assert_eq!(counted, [[("a".into(), 1, 3)], [("a".into(), 1, 3)]]);
}

#[test]
fn usage_is_what_is_used_now_of_the_plan_s_limits() {
    let operations = operations(&["orders:get", "orders:put"]);
    let clock = clock("2027-01-01T12:00:00Z");
    let meter = Meter::new(clock.clone());
    let limits = [
        limit("a", Scope::ProfileOperation, "10/day"),
        limit("b", Scope::All, "60/m"),
        of_client(limit("c", Scope::Client, "5/day"), "bank"),
    ];
    let plan = Plan::compile(&limits, rate("1/s"), &operations);
    for (profile, operation, times) in [("shop/x", 0, 3), ("shop/y", 1, 1), ("bank/x", 0, 2)] {
        for _ in 0..times {
            meter.take(&plan, &caller(profile), &operations[operation]).unwrap();
        }
    }
    let all = meter.usage(&plan, None, 100);
    let text = |it: &Usage| {
        let client = it.client.as_ref().map_or("-", |it| it.as_str());
        let profile = it.profile.as_ref().map_or("-", |it| it.as_str());
        let operation = it.operation.as_ref().map_or("-", |it| it.as_str());
        let (limit, used, size, renews_in) = (&it.limit, it.used, it.size, it.renews_in);
        format!("{limit} {client} {profile} {operation} {used}/{size} {renews_in:?}")
    };
    let want = [
        "a - bank/x orders.get 2/10 43200s",
        "a - shop/x orders.get 3/10 43200s",
        "a - shop/y orders.put 1/10 43200s",
        "b - - - 6/60 6s",
        "c bank - - 2/5 43200s",
    ];
    assert_eq!(all.iter().map(text).collect::<Vec<_>>(), want);

    let bank = meter.usage(&plan, Some(&ClientId::parse("bank").unwrap()), 100);
    assert_eq!(bank.iter().map(text).collect::<Vec<_>>(), [want[0], want[4]]);
    assert_eq!(meter.usage(&plan, None, 2), all[..2]);
    assert_eq!(meter.usage(&plan, None, 0), []);

    clock.advance(Duration::from_secs(12 * 3600));
    assert_eq!(meter.usage(&plan, None, 100), []);
    let another = Plan::compile(&limits[1..2], rate("1/s"), &operations);
    meter.take(&plan, &caller("shop/x"), &operations[0]).unwrap();
    assert_eq!(used(&meter.usage(&another, None, 100)), [("b".into(), 1, 60)]);
}

#[test]
fn a_sweep_drops_what_says_nothing_and_keeps_what_is_used() {
    let operations = operations(&["orders:get"]);
    let clock = clock("2027-01-01T12:00:00Z");
    let meter = Meter::new(clock.clone());
    let plan = plan(&[("a", Scope::Client, "5/day"), ("b", Scope::Client, "5/s")], &operations);
    let allowance = meter.take(&plan, &caller("shop/x"), &operations[0]).unwrap();
    drop(meter.take(&plan, &caller("bank/x"), &operations[0]));
    assert_eq!(meter.sweep(), 4, "all four are in use");
    clock.advance(Duration::from_secs(1));
    assert_eq!(meter.sweep(), 3, "a call holds the rate of shop");
    drop(allowance);
    assert_eq!(meter.sweep(), 2);
    assert_eq!(used(&meter.usage(&plan, None, 9)), [("a".into(), 1, 5), ("a".into(), 1, 5)]);
    clock.advance(Duration::from_secs(13 * 3600));
    assert_eq!(meter.sweep(), 0);
}
