//! The process's own log: lines on the standard error, without colours unless a terminal shows them.

use std::io::{self, IsTerminal as _, Write as _};

use tracing::Level;

use crate::terminal;

/// Starts the log at `level`. Call it once.
pub(crate) fn start(level: Level) {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .with_ansi(terminal::has_colours(io::stderr().is_terminal()))
        .with_target(false)
        .finish();
    // It fails only where there is one already, and then that one is as good.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Tells a person at the terminal something that is no log line: on the standard error, as it is.
pub(crate) fn tell(text: impl std::fmt::Display) {
    // Nobody is left to be told where this fails.
    drop(writeln!(io::stderr().lock(), "{text}"));
}
