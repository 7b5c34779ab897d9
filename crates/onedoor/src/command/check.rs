//! `onedoor check`: every fault of a state folder, each with file, line and what to do.

use super::Failure;
use crate::{
    cli, serving,
    terminal::{Faults, Look, Terminal},
};

/// Reads and compiles the folder as `serve` would, and serves nothing.
pub(super) fn run(terminal: Terminal, arguments: &cli::Check) -> Result<(), Failure> {
    match serving::check(&arguments.state) {
        Ok(summary) => {
            let good = terminal.paint(Look::Good, "no fault");
            terminal.line(format_args!("{good} in {}: {summary}", arguments.state.display()))?;
            Ok(())
        }
        Err(faults) => {
            terminal.line(Faults(&faults))?;
            Err(Failure::Told)
        }
    }
}
