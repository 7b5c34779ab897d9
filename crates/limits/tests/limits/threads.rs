//! However many threads call at once, exactly as many calls pass as fit.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use limits::{Meter, Plan};
use model::{Caller, Scope};

use crate::shop::{caller, clock, limit, of_client, operations, rate};

const THREADS: usize = 8;

/// Lets every thread call `times` times, by turns as each of the callers; counts what passes by caller.
fn storm(callers: &[Caller], times: usize, take: impl Fn(&Caller) -> bool + Sync) -> Vec<usize> {
    let barrier = Barrier::new(THREADS);
    let calls = |offset: usize| {
        barrier.wait();
        let mut passed = vec![0; callers.len()];
        for call in 0..times {
            let index = (call + offset) % callers.len();
            passed[index] += usize::from(take(&callers[index]));
        }
        passed
    };
    let passed: Vec<_> = thread::scope(|scope| {
        let calls = &calls;
        let start = |offset| scope.spawn(move || calls(offset));
        let threads: Vec<_> = (0..THREADS).map(start).collect();
        threads.into_iter().map(|it| it.join().unwrap()).collect()
    });
    (0..callers.len()).map(|index| passed.iter().map(|it| it[index]).sum()).collect()
}

#[test]
fn a_shared_limit_lets_exactly_its_count_pass() {
    let operations = operations(&["orders:get"]);
    for measure in ["1000/day", "1000/h"] {
        let plan = Plan::compile(&[limit("a", Scope::All, measure)], rate("1/s"), &operations);
        let meter = Meter::new(clock("2027-01-01"));
        let passed = storm(&[caller("shop/x")], 2000, |caller| {
            meter.take(&plan, caller, &operations[0]).is_ok()
        });
        assert_eq!(passed, [1000], "{measure}");
    }
}

#[test]
fn a_caller_over_its_own_limit_takes_nothing_from_a_shared_one() {
    let operations = operations(&["orders:get"]);
    let room = THREADS * 100;
    let limits = [
        limit("m-all", Scope::All, &format!("{}/day", room + 1)),
        limit("n-all", Scope::All, &format!("{}/h", room + 1)),
        of_client(limit("z-greedy", Scope::Client, "1/day"), "greedy"),
        of_client(limit("a-greedy", Scope::Client, "2/day"), "greedy"),
    ];
    let plan = Plan::compile(&limits, rate("1/s"), &operations);
    let callers = ["greedy/x", "fair/x"].map(caller);
    for _ in 0..50 {
        let meter = Meter::new(clock("2027-01-01"));
        let take = |caller: &Caller| meter.take(&plan, caller, &operations[0]).is_ok();
        assert!(take(&callers[0]), "greedy has had its one");
        // The fair client calls exactly as often as must fit: one wrong refusal, and one is missing.
        assert_eq!(storm(&callers, 200, take), [0, room]);
    }
}

#[test]
fn several_limits_at_once_are_all_exact() {
    let operations = operations(&["orders:get"]);
    let limits = [
        limit("b-client", Scope::Client, "300/day"),
        limit("a-all", Scope::All, "1000/h"),
        limit("c-profile", Scope::Profile, "250/month"),
    ];
    let plan = Plan::compile(&limits, rate("1/s"), &operations);
    let meter = Meter::new(clock("2027-01-01"));
    let callers = ["a/x", "a/y", "b/x", "b/y", "c/x", "c/y", "d/x", "d/y"].map(caller);
    let passed = storm(&callers, 8000, |caller| meter.take(&plan, caller, &operations[0]).is_ok());
    assert_eq!(passed.iter().sum::<usize>(), 1000);
    assert!(passed.chunks(2).all(|it| it.iter().sum::<usize>() <= 300), "{passed:?}");
    assert!(passed.iter().all(|it| *it <= 250), "{passed:?}");
    let used = |id: &str| -> u32 {
        let usage = meter.usage(&plan, None, 100);
        usage.iter().filter(|it| it.limit.as_str() == id).map(|it| it.used).sum()
    };
    assert_eq!([used("a-all"), used("b-client"), used("c-profile")], [1000; 3]);
}

#[test]
fn sweeps_readings_and_changes_of_plan_lose_no_debit() {
    for measures in [["1000/day", "1000/month"], ["1000/h", "1000/m"], ["1000/day", "1000/m"]] {
        assert_eq!(passed_while_swept_and_read(measures), 1000, "{measures:?}");
    }
}

/// Half of the callers still have the plan before, the others the one after.
fn passed_while_swept_and_read(measures: [&str; 2]) -> usize {
    let operations = operations(&["orders:get"]);
    let plans = measures.map(|measure| {
        let limits = [limit("a", Scope::All, measure), limit("b", Scope::Client, "500/day")];
        Plan::compile(&limits, rate("1/s"), &operations)
    });
    let meter = Meter::new(clock("2027-01-01"));
    let is_done = AtomicBool::new(false);
    let disturb = || {
        while !is_done.load(Ordering::Relaxed) {
            meter.sweep();
            drop(meter.usage(&plans[0], None, 10));
        }
    };
    let callers = ["a/x", "b/x", "c/x", "d/x"].map(caller);
    let take = |caller: &Caller| {
        let plan = &plans[usize::from(caller.client.as_str() > "b")];
        meter.take(plan, caller, &operations[0]).is_ok()
    };
    thread::scope(|scope| {
        scope.spawn(disturb);
        let passed = storm(&callers, 1000, take);
        is_done.store(true, Ordering::Relaxed);
        passed.iter().sum()
    })
}

#[test]
fn each_period_lets_exactly_its_count_pass_while_the_clock_runs() {
    let operations = operations(&["orders:get"]);
    let plan = Plan::compile(&[limit("a", Scope::All, "100/hour")], rate("1/s"), &operations);
    let clock = clock("2026-12-31T22:00:00Z");
    let meter = Meter::new(clock.clone());
    for _ in 0..10 {
        let passed = storm(&[caller("shop/x")], 50, |caller| {
            clock.advance(Duration::from_secs(1));
            meter.take(&plan, caller, &operations[0]).is_ok()
        });
        assert_eq!(passed, [100]);
        clock.advance(Duration::from_secs(3600 - 8 * 50));
    }
}
