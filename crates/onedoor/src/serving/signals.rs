//! The signals of the operating system: stop, and look again.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGHUP: look again.
pub(crate) struct Hangup(Signal);

/// SIGTERM and SIGINT: stop.
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Hangup {
    /// Takes the signal over. Needs a runtime.
    ///
    /// # Errors
    /// What the operating system says.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(signal(SignalKind::hangup())?))
    }

    /// Waits until somebody asks to look again.
    pub(crate) async fn asked(&mut self) {
        // None only after the runtime's end, and then nobody asks.
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

impl Stop {
    /// Takes the signals over. Needs a runtime.
    ///
    /// # Errors
    /// What the operating system says.
    pub(crate) fn new() -> io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits until somebody asks to stop.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
