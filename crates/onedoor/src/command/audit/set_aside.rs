//! `onedoor audit set-aside`: a damaged log is kept as evidence, and a new one that names it can begin.

use audit::SetAsideError;
use model::Clock;

use super::read_key;
use crate::{
    cli,
    command::Failure,
    terminal::{Look, Terminal},
};

pub(super) fn run(terminal: Terminal, arguments: &cli::SetAside) -> Result<(), Failure> {
    let cli::SetAside { folder, key } = arguments;
    let key = read_key(key)?;
    let aside = audit::set_aside(folder, &key, Clock::system().now()).map_err(failed)?;
    let shown = terminal.paint(Look::Name, aside.display());
    terminal.line(format_args!("the damaged log is kept in {shown}"))?;
    terminal.line("  the next start begins a new one, whose first records name it")?;
    Ok(())
}

fn failed(error: SetAsideError) -> Failure {
    match error {
        SetAsideError::Foreign { .. } | SetAsideError::Unchecked(_) => {
            Failure::Unchecked(error.into())
        }
        SetAsideError::Disk { .. } | SetAsideError::Held { .. } | SetAsideError::Whole { .. } => {
            Failure::Stopped(error.into())
        }
    }
}
