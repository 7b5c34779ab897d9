//! How long to wait after a failure: anything up to a ceiling that doubles. Pure.

use std::time::Duration;

/// The ceiling after the first failure.
const FIRST: Duration = Duration::from_millis(500);
/// The highest ceiling.
const LAST: Duration = Duration::from_secs(60);
/// The least wait, so that no chance makes it a busy loop.
const LEAST: Duration = Duration::from_millis(10);

/// The wait after so many failures; `chance` is all of a `u16`, and evenly distributed.
pub(super) fn wait(attempts: u32, chance: u16) -> Duration {
    let doubled = FIRST.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)));
    let share = f64::from(chance) / f64::from(u16::MAX);
    doubled.min(LAST).mul_f64(share).max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_spread_below_a_ceiling_that_doubles_and_ends() {
        let full = |attempts| wait(attempts, u16::MAX);
        assert_eq!([1, 2, 3].map(full), [500, 1000, 2000].map(Duration::from_millis));
        assert_eq!([8, 100, u32::MAX].map(full), [LAST; 3]);
        assert_eq!(wait(8, 0), LEAST);
        assert!(wait(8, u16::MAX / 2) < LAST.mul_f64(0.51));
    }
}
