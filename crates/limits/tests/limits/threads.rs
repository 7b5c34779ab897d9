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
    let limits = [
        limit("m-all", Scope::All, "1/m"),
        of_client(limit("z-greedy", Scope::Client, "1/month"), "greedy"),
    ];
    let plan = Plan::compile(&limits, rate("1/s"), &operations);
    let clock = clock("2027-01-01");
    let meter = Meter::new(clock.clone());
    let take = |client: &Caller| meter.take(&plan, client, &operations[0]).is_ok();
    let [greedy, fair] = ["greedy/x", "fair/x"].map(caller);
    assert!(take(&greedy), "greedy has had its one");

    let is_done = AtomicBool::new(false);
    let barrier = Barrier::new(3);
    let keep_trying = || {
        let mut passed = 0;
        barrier.wait();
        while !is_done.load(Ordering::Relaxed) {
            passed += usize::from(take(&greedy));
        }
        passed
    };
    // One call fits each minute, and greedy does not get it, not even for a moment.
    let each_minute = || {
        clock.advance(Duration::from_secs(60));
        thread::yield_now();
        take(&fair)
    };
    let (greedy_passed, fair_passed) = thread::scope(|scope| {
        let greedy = [(); 2].map(|()| scope.spawn(keep_trying));
        barrier.wait();
        let fair_passed = (0..2_000).filter(|_| each_minute()).count();
        is_done.store(true, Ordering::Relaxed);
        (greedy.map(|it| it.join().unwrap()), fair_passed)
    });
    assert_eq!((greedy_passed, fair_passed), ([0; 2], 2_000));
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
