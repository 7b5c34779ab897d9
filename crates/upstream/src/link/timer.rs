//! One timer per link, used again for every wait: on the usual path it takes no lock and no memory.

use std::{
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    task::coop::unconstrained,
    time::{Instant, Sleep, sleep_until},
};

/// As good as for ever for one wait.
const FOR_EVER: Duration = Duration::from_secs(86_400);

/// A deadline that moves. Timers run on the runtime's time, and so does this; nothing is decided by it.
///
/// The runtime's timer is left where it is while the deadline moves away from it, as it does from request
/// to request; where it goes off too early it is set again.
#[derive(Debug)]
pub(crate) struct Timer {
    sleep: Pin<Box<Sleep>>,
    deadline: Instant,
    after: Duration,
}

impl Timer {
    pub(crate) fn new() -> Self {
        // Far away, so that it does not go off before the first wait is set.
        let deadline = later(FOR_EVER);
        Self { sleep: Box::pin(sleep_until(deadline)), deadline, after: Duration::ZERO }
    }

    /// Sets the deadline, counted from now.
    pub(crate) fn set(&mut self, after: Duration) {
        self.deadline = later(after.min(FOR_EVER));
        self.after = after;
        if self.sleep.deadline() > self.deadline {
            self.sleep.as_mut().reset(self.deadline);
        }
    }

    /// The wait that was set last.
    pub(crate) fn after(&self) -> Duration {
        self.after
    }

    /// Ready when the deadline is over.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            // An upstream that floods us uses up the task's budget; its deadline must still be seen.
            ready!(pin!(unconstrained(self.sleep.as_mut())).poll(cx));
            if Instant::now() >= self.deadline {
                return Poll::Ready(());
            }
            self.sleep.as_mut().reset(self.deadline);
        }
    }
}

fn later(after: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(after).unwrap_or(now)
}
