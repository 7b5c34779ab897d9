//! What was used of quotas outlives a process: handed out by one meter, taken back by the next.

use std::time::Duration;

use limits::{Meter, Plan, Spent};
use model::{CollectionId, Effect, Operation, OperationId, Scope, Timestamp};

use crate::shop::{caller, clock, limit, of_operations, operations, rate};

/// A process: a meter over some limits, with one operation.
struct Process {
    meter: Meter,
    plan: Plan,
    operations: Vec<Operation>,
}

impl Process {
    fn new(start: &str, limits: &[(&str, Scope, &str)]) -> Self {
        let operations = operations(&["orders:get"]);
        let limits: Vec<_> = limits.iter().map(|(id, of, what)| limit(id, *of, what)).collect();
        let plan = Plan::compile(&limits, rate("1/s"), &operations);
        Self { meter: Meter::new(clock(start)), plan, operations }
    }

    fn is_let_in(&self, profile: &str) -> bool {
        self.meter.take(&self.plan, &caller(profile), &self.operations[0]).is_ok()
    }

    fn used(&self) -> Vec<(String, u32)> {
        let usage = self.meter.usage(&self.plan, None, 10);
        usage.iter().map(|it| (it.limit.to_string(), it.used)).collect()
    }

    fn restore(&self, spent: &[Spent]) {
        spent.iter().for_each(|it| self.meter.restore(&self.plan, it.clone()));
    }

    fn recount(&self, profile: &str, operation: &Operation, at: &str) {
        let at = Timestamp::parse(at).unwrap();
        self.meter.recount(&self.plan, &caller(profile), operation, at);
    }
}

#[test]
fn the_next_process_goes_on_with_what_was_used_of_quotas_and_not_of_rates() {
    let limits = [
        ("a", Scope::All, "5/day"),
        ("b", Scope::Client, "9/month"),
        ("c", Scope::ProfileOperation, "9/hour"),
        ("d", Scope::All, "100/h"),
    ];
    let first = Process::new("2027-01-31T12:00:00Z", &limits);
    assert!((0..3).all(|_| first.is_let_in("shop/x")));
    let spent = first.meter.spent();
    assert_eq!(spent.len(), 3, "{spent:?}");
    let next = Process::new("2027-01-31T12:30:00Z", &limits);
    next.restore(&spent);
    // A counter may be handed out twice.
    next.restore(&spent);
    let want = ["a", "b", "c"].map(|it| (it.to_owned(), 3));
    assert_eq!(next.used(), want);
    let mut again = next.meter.spent();
    let mut before = spent;
    again.sort_by(|a, b| a.limit.cmp(&b.limit));
    before.sort_by(|a, b| a.limit.cmp(&b.limit));
    assert_eq!(again, before);
    assert_eq!([0; 3].map(|_| next.is_let_in("shop/x")), [true, true, false]);
}

#[test]
fn a_period_that_is_over_is_not_taken_back_and_one_that_is_not_is() {
    let limits = [("a", Scope::All, "1/day"), ("b", Scope::All, "2/month")];
    let first = Process::new("2027-01-30T23:59:59Z", &limits);
    assert!(first.is_let_in("shop/x"));
    for (start, want) in [
        ("2027-01-30T23:59:59Z", vec![("a", 1), ("b", 1)]),
        ("2027-01-31", vec![("b", 1)]),
        ("2027-02-01", vec![]),
    ] {
        let next = Process::new(start, &limits);
        next.restore(&first.meter.spent());
        let want: Vec<_> = want.iter().map(|(id, used)| ((*id).to_owned(), *used)).collect();
        assert_eq!(next.used(), want, "{start}");
    }
}

#[test]
fn a_limit_that_changed_goes_on_with_what_was_used_and_one_that_is_gone_does_not() {
    let first = Process::new("2027-01-31", &[("a", Scope::Client, "5/day")]);
    assert!((0..3).all(|_| first.is_let_in("shop/x")));
    let used = |id: &str, scope: Scope, measure: &str| {
        let next = Process::new("2027-01-31T12:00:00Z", &[(id, scope, measure)]);
        next.restore(&first.meter.spent());
        next.used().first().map(|it| it.1)
    };
    assert_eq!(used("a", Scope::Client, "2/day"), Some(3));
    assert_eq!(used("a", Scope::Client, "9/month"), Some(3));
    assert_eq!(used("a", Scope::Client, "100/h"), Some(3), "as where a reload makes it a rate");
    assert_eq!(used("a", Scope::Profile, "5/day"), None, "another subject");
    assert_eq!(used("b", Scope::Client, "5/day"), None);
}

#[test]
fn a_call_of_this_period_counts_again_also_beyond_the_quota() {
    let limits = [("a", Scope::Client, "2/day"), ("b", Scope::All, "9/month")];
    let next = Process::new("2027-01-31T12:00:00Z", &limits);
    let get = &next.operations[0];
    for at in ["2027-01-01", "2027-01-30T23:58:00Z"] {
        next.recount("shop/x", get, at);
    }
    assert_eq!(next.used(), [("b".to_owned(), 2)], "those were of other days");
    // The last may have been counted when its body had come.
    for at in ["2027-01-31T01:00:00Z", "2027-01-31T02:00:00Z", "2027-01-30T23:59:30Z"] {
        next.recount("shop/x", get, at);
    }
    assert_eq!(next.used(), [("a".to_owned(), 3), ("b".to_owned(), 5)]);
    assert!(!next.is_let_in("shop/x") && next.is_let_in("store/x"));
}

#[test]
fn a_call_of_an_operation_that_is_gone_counts_where_all_are_counted() {
    let operations = operations(&["orders:get"]);
    let day = |id: &str| limit(id, Scope::All, "5/day");
    let limits = [day("all"), of_operations(day("some"), &["orders:get"])];
    let plan = Plan::compile(&limits, rate("1/s"), &operations);
    let next = Process { meter: Meter::new(clock("2027-01-31")), plan, operations };
    let collection = CollectionId::parse("orders").unwrap();
    let gone = Operation {
        id: OperationId::new(&collection, "put").unwrap(),
        collection,
        effect: Effect::Write,
        is_public: false,
        level: None,
        position: usize::MAX,
    };
    next.recount("shop/x", &gone, "2027-01-31");
    assert_eq!(next.used(), [("all".to_owned(), 1)]);
}

#[test]
fn the_longest_period_says_since_when_calls_count() {
    let since = |limits: &[(&str, Scope, &str)]| {
        let process = Process::new("2027-01-31T12:30:00Z", limits);
        process.plan.counts_since(Timestamp::parse("2027-01-31T12:30:00Z").unwrap())
    };
    assert_eq!(since(&[("a", Scope::All, "5/s")]), None);
    for (more, want) in
        [("9/day", "2027-01-31"), ("9/week", "2027-01-25"), ("9/month", "2027-01-01")]
    {
        let limits = [("a", Scope::All, "5/hour"), ("b", Scope::All, more)];
        assert_eq!(since(&limits), Some(Timestamp::parse(want).unwrap()), "{more}");
    }
}

#[test]
fn a_count_of_a_clock_that_was_far_ahead_locks_out_for_a_period_at_most() {
    let limits = [("a", Scope::All, "1/day")];
    let first = Process::new("2099-06-15", &limits);
    assert!(first.is_let_in("shop/x"));
    let next_clock = clock("2027-01-31T12:00:00Z");
    let next =
        Process { meter: Meter::new(next_clock.clone()), ..Process::new("2027-01-31", &limits) };
    next.restore(&first.meter.spent());
    assert!(!next.is_let_in("shop/x"));
    next_clock.advance(Duration::from_secs(12 * 3600));
    assert!(next.is_let_in("shop/x"));
}
