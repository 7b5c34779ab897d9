//! What the calendar and the clock do to a limit.

use std::time::Duration;

use limits::{Meter, Plan};
use model::{Clock, Limit, Operation, Scope, Timestamp};
use proptest::prelude::*;

use crate::shop::{caller, clock, limit, operations, rate};

const MICROSECOND: Duration = Duration::from_micros(1);

/// A meter over one limit, called by one caller.
struct Fixture {
    clock: Clock,
    meter: Meter,
    plan: Plan,
    operations: Vec<Operation>,
}

impl Fixture {
    fn new(start: &str, limits: &[Limit]) -> Self {
        let (clock, operations) = (clock(start), operations(&["orders:get"]));
        let plan = Plan::compile(limits, rate("1/s"), &operations);
        Self { meter: Meter::new(clock.clone()), clock, plan, operations }
    }

    fn take(&self) -> Result<(), Duration> {
        let taken = self.meter.take(&self.plan, &caller("shop/x"), &self.operations[0]);
        taken.map(drop).map_err(|it| it.state().retry_after)
    }
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

#[test]
fn a_quota_starts_again_with_its_period_and_not_before() {
    for (quota, start, next) in [
        ("2/hour", "2026-12-31T23:30:00Z", "2027-01-01"),
        ("2/hour", "2027-03-28T01:59:59.999999Z", "2027-03-28T02:00:00Z"),
        ("2/day", "2026-12-31T12:00:00Z", "2027-01-01"),
        ("2/day", "2028-02-28T12:00:00Z", "2028-02-29"),
        ("2/week", "2026-12-31T12:00:00Z", "2027-01-04"),
        ("2/month", "2026-12-31T23:59:59.999999Z", "2027-01-01"),
        ("2/month", "2027-01-31T12:00:00Z", "2027-02-01"),
        ("2/month", "2027-02-28T12:00:00Z", "2027-03-01"),
        ("2/month", "2028-02-28T12:00:00Z", "2028-03-01"),
        ("2/month", "2027-04-30T12:00:00Z", "2027-05-01"),
    ] {
        let fixture = Fixture::new(start, &[limit("a", Scope::All, quota)]);
        let left = time(next).since(time(start));
        assert_eq!(fixture.take(), Ok(()), "{quota} {start}");
        assert_eq!(fixture.take(), Ok(()), "{quota} {start}");
        assert_eq!(fixture.take(), Err(left), "{quota} {start}");
        fixture.clock.advance(left - MICROSECOND);
        assert_eq!(fixture.take(), Err(MICROSECOND), "{quota} {start}");
        fixture.clock.advance(MICROSECOND);
        assert_eq!(fixture.take(), Ok(()), "{quota} {start}");
    }
}

#[test]
fn a_clock_that_is_put_back_gives_no_second_quota() {
    let fixture = Fixture::new("2027-01-01T00:00:01Z", &[limit("a", Scope::All, "1/day")]);
    assert_eq!(fixture.take(), Ok(()));
    let day = Duration::from_secs(86_400);
    for back in ["2026-12-31T23:59:59Z", "2026-12-25", "2027-01-01", "2020-02-29"] {
        fixture.clock.jump(time(back));
        assert!(fixture.take().is_err_and(|it| it <= 2 * day), "{back}");
        assert_eq!(fixture.meter.sweep(), 1, "{back}");
    }
    // Not for ever: a day that began in the future ends when a day has passed.
    let wait = fixture.take().unwrap_err();
    assert_eq!(wait, day - Duration::from_secs(1));
    fixture.clock.advance(wait - MICROSECOND);
    assert_eq!(fixture.take(), Err(MICROSECOND));
    fixture.clock.advance(MICROSECOND);
    assert_eq!(fixture.take(), Ok(()));
}

#[test]
fn a_clock_that_is_put_forward_starts_the_next_period() {
    let fixture = Fixture::new("2027-01-01", &[limit("a", Scope::All, "1/month")]);
    assert_eq!(fixture.take(), Ok(()));
    fixture.clock.jump(time("2027-02-01"));
    assert_eq!(fixture.take(), Ok(()));
    assert!(fixture.take().is_err());
}

#[test]
fn a_rate_does_not_care_what_time_of_day_it_is() {
    let fixture = Fixture::new("2027-01-01", &[limit("a", Scope::All, "1/m")]);
    assert_eq!(fixture.take(), Ok(()));
    for jump in ["2020-01-01", "2099-12-31", "2027-01-01"] {
        fixture.clock.jump(time(jump));
        assert_eq!(fixture.take(), Err(Duration::from_secs(60)), "{jump}");
    }
    fixture.clock.advance(Duration::from_secs(60));
    assert_eq!(fixture.take(), Ok(()));
}

proptest! {
    /// Whatever limits apply, and however much of them is used.
    #[test]
    fn a_call_right_after_the_wait_fits_and_a_microsecond_before_does_not(
        start in 0..4_000_000_000_000_000_i64,
        measures in prop::collection::vec(
            (1..30_u32, prop::sample::select(vec!["s", "m", "h", "hour", "day", "week", "month"])),
            1..5,
        ),
        pauses in prop::collection::vec(0..2_000_000_u64, 0..60),
    ) {
        let named = measures.iter().enumerate();
        let limits: Vec<_> = named
            .map(|(id, (count, unit))| limit(&id.to_string(), Scope::All, &format!("{count}/{unit}")))
            .collect();
        let fixture = Fixture::new(&Timestamp::from_micros(start).to_string(), &limits);
        for pause in pauses {
            fixture.take().unwrap_or_default();
            fixture.clock.advance(Duration::from_micros(pause));
        }
        while fixture.take().is_ok() {}
        let wait = fixture.take().unwrap_err();
        // The clock has microseconds; a rate may have to wait for a part of one.
        let micros = u64::try_from(wait.as_nanos().div_ceil(1000)).unwrap();
        fixture.clock.advance(Duration::from_micros(micros - 1));
        prop_assert!(fixture.take().is_err());
        fixture.clock.advance(MICROSECOND);
        prop_assert_eq!(fixture.take(), Ok(()));
    }
}
