//! Times the heads of a connection's requests with one timer, where hyper would make one for each.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use tokio::time;

/// The timer of one connection. The runtime's timer stays where it is while deadlines move away from it, as
/// they do from request to request; where it goes off too early it is set again.
// hyper waits for one head at a time, so nobody else sets it meanwhile.
#[derive(Debug, Clone, Default)]
pub(super) struct HeadTimer(Arc<Mutex<Option<Pin<Box<time::Sleep>>>>>);

impl hyper::rt::Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        let now = self.now();
        self.sleep_until(now.checked_add(duration).unwrap_or(now))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(Wait { timer: self.clone(), deadline: deadline.into() })
    }

    fn now(&self) -> Instant {
        time::Instant::now().into()
    }
}

/// A wait for one head.
#[derive(Debug)]
struct Wait {
    timer: HeadTimer,
    deadline: time::Instant,
}

impl hyper::rt::Sleep for Wait {}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut timer = self.timer.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sleep = timer.get_or_insert_with(|| Box::pin(time::sleep_until(self.deadline)));
        if sleep.deadline() > self.deadline {
            sleep.as_mut().reset(self.deadline);
        }
        loop {
            ready!(sleep.as_mut().poll(context));
            if time::Instant::now() >= self.deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(self.deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::rt::Timer as _;

    use super::*;

    // The runtime's clock is paused: it jumps when all that is left to do is to wait.
    #[tokio::test(start_paused = true)]
    async fn every_wait_ends_at_its_own_deadline() {
        let timer = HeadTimer::default();
        let start = timer.now();
        let after = |seconds| start.checked_add(Duration::from_secs(seconds)).unwrap();
        for (seconds, is_head_in_time, want) in [
            (10, true, 1),
            (25, false, 25),
            (90, false, 90),
            (80, false, 90),
            (300, true, 91),
            (95, false, 95),
        ] {
            let wait = timer.sleep_until(after(seconds));
            let came = time::timeout(Duration::from_secs(1), std::future::pending::<()>());
            tokio::select! {
                () = wait => assert!(!is_head_in_time),
                _ = came, if is_head_in_time => {}
            }
            assert_eq!(timer.now().duration_since(start).as_secs(), want, "{seconds}");
        }
    }
}
