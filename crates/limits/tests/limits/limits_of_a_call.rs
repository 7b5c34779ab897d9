//! Which limits apply to which calls, and who shares a counter.

use std::time::Duration;

use limits::{Meter, Plan};
use model::{Caller, Limit, Operation, Scope};

use crate::shop::{caller, clock, limit, of_client, of_operations, of_profile, operations, rate};

fn applying(plan: &Plan, caller: &Caller, operation: &Operation) -> Vec<String> {
    let allowance = Meter::new(clock("2027-01-01")).take(plan, caller, operation).unwrap();
    allowance.limits().map(ToString::to_string).collect()
}

#[test]
fn a_limit_applies_to_the_callers_and_operations_it_names() {
    let operations = operations(&["orders:get", "orders:put", "customers:get"]);
    let any = |id: &str| limit(id, Scope::All, "9/s");
    let plan = Plan::compile(
        &[
            any("z-all"),
            of_client(any("shop"), "shop"),
            of_profile(any("read-only"), "shop/ro"),
            of_client(of_profile(any("both"), "shop/ro"), "shop"),
            of_client(of_profile(any("nobody"), "shop/ro"), "bank"),
            of_operations(any("orders"), &["orders:*"]),
            of_operations(any("everything"), &["orders:get", "*:*"]),
            of_client(of_operations(any("put"), &["orders:put", "gone:*"]), "shop"),
            of_operations(any("gone"), &["gone:*"]),
        ],
        rate("1/s"),
        &operations,
    );
    let check = |profile: &str, operation: usize, want: &[&str]| {
        let got = applying(&plan, &caller(profile), &operations[operation]);
        assert_eq!(got, want, "{profile} {operation}");
    };
    check("shop/ro", 0, &["both", "everything", "orders", "read-only", "shop", "z-all"]);
    check("shop/rw", 0, &["everything", "orders", "shop", "z-all"]);
    check("shop/rw", 1, &["everything", "orders", "put", "shop", "z-all"]);
    check("bank/ro", 2, &["everything", "z-all"]);
}

#[test]
fn a_call_that_no_limit_covers_has_the_default_rate_for_its_profile() {
    let operations = operations(&["orders:get", "customers:get"]);
    let limits = [of_operations(limit("orders", Scope::All, "100/s"), &["orders:*"])];
    let plan = Plan::compile(&limits, rate("2/s"), &operations);
    let meter = Meter::new(clock("2027-01-01"));
    let fits = |profile: &str, operation: usize| {
        meter.take(&plan, &caller(profile), &operations[operation]).is_ok()
    };
    assert_eq!([fits("a/x", 1), fits("a/x", 1), fits("a/x", 1)], [true, true, false]);
    assert!(fits("a/y", 1), "another profile has its own");
    assert!(fits("a/x", 0), "another limit covers this one");
    let refused = meter.take(&plan, &caller("a/x"), &operations[1]).unwrap_err();
    assert_eq!(&*refused.state().limit, "(default)");
}

#[test]
fn callers_without_a_credential_share_the_default_rate() {
    let operations = operations(&["orders:get"]);
    let plan = Plan::compile(&[], rate("1/s"), &operations);
    let meter = Meter::new(clock("2027-01-01"));
    assert!(meter.take(&plan, &Caller::anonymous(), &operations[0]).is_ok());
    assert!(meter.take(&plan, &Caller::anonymous(), &operations[0]).is_err());
}

#[test]
fn an_operation_of_another_snapshot_has_the_default_rate() {
    let mut operations = operations(&["orders:get"]);
    let limits = [of_operations(limit("orders", Scope::All, "100/s"), &["orders:*"])];
    let plan = Plan::compile(&limits, rate("1/s"), &operations);
    operations[0].position = usize::MAX;
    assert_eq!(applying(&plan, &caller("a/x"), &operations[0]), ["(default)"]);
}

#[test]
fn of_two_limits_with_one_id_the_first_counts() {
    let operations = operations(&["orders:get"]);
    let twice: [Limit; 2] =
        [limit("twice", Scope::All, "2/day"), limit("twice", Scope::Client, "1/day")];
    let plan = Plan::compile(&twice, rate("1/s"), &operations);
    let meter = Meter::new(clock("2027-01-01"));
    let got = [(); 3].map(|()| meter.take(&plan, &caller("a/x"), &operations[0]).is_ok());
    assert_eq!(got, [true, true, false]);
}

#[test]
fn a_scope_says_who_shares_a_counter() {
    let operations = operations(&["orders:get", "orders:put"]);
    let calls = [("a/x", 0), ("a/x", 1), ("a/y", 0), ("b/x", 0), ("b/x", 1), ("a/x", 0)];
    for (scope, want) in [
        (Scope::All, [true, false, false, false, false, false]),
        (Scope::Client, [true, false, false, true, false, false]),
        (Scope::ClientOperation, [true, true, false, true, true, false]),
        (Scope::Operation, [true, true, false, false, false, false]),
        (Scope::Profile, [true, false, true, true, false, false]),
        (Scope::ProfileOperation, [true, true, true, true, true, false]),
    ] {
        let plan = Plan::compile(&[limit("one", scope, "1/h")], rate("1/s"), &operations);
        let meter = Meter::new(clock("2027-01-01"));
        let got = calls.map(|(profile, operation)| {
            meter.take(&plan, &caller(profile), &operations[operation]).is_ok()
        });
        assert_eq!(got, want, "{scope:?}");
    }
}

#[test]
fn an_allowance_tells_what_is_left_of_the_limit_of_which_least_is_left() {
    let operations = operations(&["orders:get"]);
    let limits = [limit("all", Scope::All, "5/s"), limit("daily", Scope::Client, "4/day")];
    let plan = Plan::compile(&limits, rate("1/s"), &operations);
    let clock = clock("2027-01-01");
    let meter = Meter::new(clock.clone());
    let check = |profile: &str, want: (&str, u32, u32, u64)| {
        let allowance = meter.take(&plan, &caller(profile), &operations[0]).unwrap();
        let balance = allowance.balance().unwrap();
        let (limit, window) = (balance.limit.as_str(), balance.window.as_secs());
        assert_eq!((limit, balance.left, balance.count, window), want);
    };
    check("a/x", ("daily", 3, 4, 86_400));
    check("a/x", ("daily", 2, 4, 86_400));
    check("b/x", ("all", 2, 5, 1));
    clock.advance(Duration::from_secs(1));
    check("a/x", ("daily", 1, 4, 86_400));
}

#[test]
fn a_hundred_thousand_limits_of_others_do_not_apply() {
    let operations = operations(&["orders:get"]);
    let of_another = |number: u32| {
        of_client(limit(&format!("limit-{number}"), Scope::Client, "1/s"), &format!("c{number}"))
    };
    let limits: Vec<_> = (0..100_000).map(of_another).collect();
    let plan = Plan::compile(&limits, rate("1/s"), &operations);
    assert_eq!(applying(&plan, &caller("c77/x"), &operations[0]), ["limit-77"]);
    assert_eq!(applying(&plan, &caller("other/x"), &operations[0]), ["(default)"]);
}
