//! Drives a connection to its end, and shuts it down once it is to stop.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Wake, Waker},
};

use futures_util::task::AtomicWaker;
use tokio_util::sync::CancellationToken;

/// Rings when the token is cancelled. To ask the token itself takes two locks that all connections
/// share, and a connection is driven several times for each call.
struct Bell {
    has_rung: AtomicBool,
    connection: AtomicWaker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.has_rung.store(true, Ordering::Release);
        self.connection.wake();
    }
}

/// Drives `connection` to its end. Once `stop` is given, it is shut down and driven on.
pub(super) async fn until_stopped<C: Future>(
    mut connection: Pin<&mut C>,
    stop: &CancellationToken,
    shut_down: impl Fn(Pin<&mut C>),
) -> C::Output {
    // As if it had rung: so the token is asked once, and knows whom to wake.
    let bell = Bell { has_rung: AtomicBool::new(true), connection: AtomicWaker::new() };
    let bell = Arc::new(bell);
    let waker = Waker::from(Arc::clone(&bell));
    let mut stopped = pin!(stop.cancelled());
    poll_fn(|context| {
        // Before the look at the bell, so that no ring falls between.
        bell.connection.register(context.waker());
        if bell.has_rung.load(Ordering::Acquire) {
            bell.has_rung.store(false, Ordering::Release);
            if stopped.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                shut_down(connection.as_mut());
            }
        }
        connection.as_mut().poll(context)
    })
    .await
}
