//! `onedoor check`: every fault of a state folder, each with file, line and what to do; then warnings.

use super::Failure;
use crate::{
    cli, serving,
    terminal::{Faults, Look, Terminal, counted},
};

/// Reads and compiles the folder as `serve` would, and serves nothing.
pub(super) fn run(terminal: Terminal, arguments: &cli::Check) -> Result<(), Failure> {
    match serving::check(&arguments.state) {
        Ok((summary, warnings)) => {
            let good = terminal.paint(Look::Good, "no fault");
            terminal.line(format_args!("{good} in {}: {summary}", arguments.state.display()))?;
            // What is served is as it should be; whoever misses an operation finds here why.
            for warning in &warnings {
                let mark = terminal.paint(Look::Bold, "warning");
                terminal.line(format_args!("{mark}: {warning}"))?;
            }
            if !warnings.is_empty() {
                terminal.line(counted(warnings.len(), "warning"))?;
            }
            Ok(())
        }
        Err(faults) => {
            terminal.line(Faults(&faults))?;
            Err(Failure::Told)
        }
    }
}
