//! Who is woken where a connection can go on: whoever drives it, and nobody while it is idle.

use std::{
    sync::Arc,
    task::{Context, Wake, Waker},
};

use futures_util::task::AtomicWaker;

/// The one waker that a connection is ever driven with. It wakes whoever drove the connection last.
///
/// hyper and the socket keep the waker that they saw last. Were that the task's own, the next request on the
/// connection would wake the task of the one before, and what is read of a body that is there already
/// would wake its reader: each for nothing, and at the price of another turn of everything that the task does.
///
/// A ring that is lost would hang a call. None is, because:
/// - Who gives back `Pending` has driven the connection in the same poll, and what happens from
///   [`Bell::called_by`] on finds whom to wake. Who gives back anything else is asked again without a ring.
/// - A ring takes the driver out, whichever part of the connection rang. The driver is woken by it, and
///   drives again before it waits for the connection again.
/// - [`Bell::leave`] is for a connection that nobody waits for. What happens to it then is kept where it
///   happened, by the socket and by hyper's channels, and seen by whoever drives next.
/// - Where the connection is handed to a task, it is polled with that task's own waker, and once at least.
#[derive(Debug)]
pub(super) struct Bell {
    driver: Arc<Driver>,
    waker: Waker,
}

#[derive(Debug, Default)]
struct Driver(AtomicWaker);

impl Wake for Driver {
    fn wake(self: Arc<Self>) {
        self.0.wake();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.wake();
    }
}

impl Bell {
    pub(super) fn new() -> Self {
        let driver = Arc::new(Driver::default());
        Self { waker: Waker::from(Arc::clone(&driver)), driver }
    }

    /// What to drive the connection with, so that the task of `cx` is woken from now on.
    pub(super) fn called_by(&self, cx: &Context<'_>) -> &Waker {
        self.driver.0.register(cx.waker());
        &self.waker
    }

    /// Wakes nobody until the connection is driven again.
    pub(super) fn leave(&self) {
        drop(self.driver.0.take());
    }
}
