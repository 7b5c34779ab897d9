//! Leaves an issuer alone for a while that failed several times in a row.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Failures in a row after which it is left alone.
const FAILURES_MAX: u32 = 3;

/// For how long. Then one question goes through, and decides.
const PAUSE: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(super) struct Breaker(Mutex<Row>);

#[derive(Default)]
struct Row {
    failures: u32,
    /// On the clock's elapsed time.
    shut_until: Duration,
}

impl Breaker {
    /// Whether a question may be asked `now`.
    pub(super) fn lets_through(&self, now: Duration) -> bool {
        let mut row = self.row();
        if row.failures < FAILURES_MAX {
            return true;
        }
        let is_over = now >= row.shut_until;
        if is_over {
            // This one decides. Should it be given up, another may after the next pause.
            row.shut_until = now.saturating_add(PAUSE);
        }
        is_over
    }

    /// A question was answered.
    pub(super) fn closes(&self) {
        self.row().failures = 0;
    }

    /// A question was not answered. True where that is what shuts it.
    pub(super) fn fails(&self, now: Duration) -> bool {
        let mut row = self.row();
        row.failures = row.failures.saturating_add(1);
        row.shut_until = now.saturating_add(PAUSE);
        row.failures == FAILURES_MAX
    }

    fn row(&self) -> MutexGuard<'_, Row> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_failures_in_a_row_one_question_a_pause_goes_through() {
        let breaker = Breaker::default();
        let at = Duration::from_secs;
        assert!(!breaker.fails(at(0)) && !breaker.fails(at(0)));
        breaker.closes();
        assert!(!breaker.fails(at(0)) && !breaker.fails(at(0)) && breaker.lets_through(at(0)));
        assert!(breaker.fails(at(1)));
        assert!(!breaker.lets_through(at(5)));
        assert!(breaker.lets_through(at(6)) && !breaker.lets_through(at(6)));
        assert!(!breaker.fails(at(7)), "it was shut before");
        assert!(!breaker.lets_through(at(11)) && breaker.lets_through(at(12)));
        breaker.closes();
        assert!(breaker.lets_through(at(12)) && breaker.lets_through(at(12)));
    }
}
