//! Runs one command, and turns how it ended into an exit code.

mod audit;
mod check;
mod credential;
mod import;
mod init;
mod password;
mod serve;

use std::process::ExitCode;

use model::Fault;

use crate::{
    cli::{Command, Credential},
    demo, logging,
    terminal::{Faults, Terminal},
};

/// Why a command did not end well.
pub(crate) enum Failure {
    /// These are wrong in what was to be read.
    Faults(Vec<Fault>),
    /// It could not be carried out.
    Stopped(anyhow::Error),
    /// It has said so itself already.
    Told,
    /// What was to be checked could not be.
    Unchecked(anyhow::Error),
}

impl From<Vec<Fault>> for Failure {
    fn from(faults: Vec<Fault>) -> Self {
        Self::Faults(faults)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Stopped(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Stopped(error.into())
    }
}

/// The exit code of what could not be checked: neither good nor bad.
const UNCHECKED: u8 = 2;

/// Runs `command` to its end: 0 done, 1 faults found or not carried out, 2 not checked.
pub(crate) fn run(command: Command) -> ExitCode {
    let terminal = Terminal::stdout();
    let ended = match command {
        Command::Audit(command) => audit::run(terminal, &command),
        Command::Check(arguments) => check::run(terminal, &arguments),
        Command::Credential(Credential::New(arguments)) => credential::new(terminal, &arguments),
        Command::Demo(arguments) => demo::run(terminal, &arguments),
        Command::Import(arguments) => import::run(terminal, &arguments),
        Command::Init(arguments) => init::run(terminal, &arguments),
        Command::Password => password::run(terminal),
        Command::Serve(arguments) => serve::run(&arguments),
    };
    match ended {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Faults(faults)) => logging::tell(Faults(&faults)),
        Err(Failure::Stopped(error)) => logging::tell(format_args!("error: {error:#}")),
        Err(Failure::Told) => {}
        Err(Failure::Unchecked(error)) => {
            logging::tell(format_args!("error: {error:#}"));
            return ExitCode::from(UNCHECKED);
        }
    }
    ExitCode::FAILURE
}
