//! Onedoor: one front door for apps, partners, scripts and AI agents. Reads the command line and runs it.

mod api_key;
mod authorization;
mod cli;
mod command;
mod config;
mod data;
mod demo;
mod first;
mod folder;
mod logging;
mod management;
mod remote;
mod serving;
mod socket;
mod terminal;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

// No statics, but for this one: the allocator has no other place.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A wrong command line ends here, with exit code 2.
    let matches = remote::command(&cli::Cli::command()).get_matches();
    if let Some(code) = remote::run(&matches) {
        return code;
    }
    match cli::Cli::from_arg_matches(&matches) {
        Ok(cli) => command::run(cli.command),
        Err(error) => error.exit(),
    }
}
