//! Onedoor: one front door for apps, partners, scripts and AI agents. Reads the command line and runs it.

mod api_key;
mod cli;
mod command;
mod config;
mod data;
mod demo;
mod folder;
mod logging;
mod management;
mod serving;
mod terminal;

use std::process::ExitCode;

use clap::Parser as _;

// No statics, but for this one: the allocator has no other place.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A wrong command line ends here, with exit code 2.
    let cli = cli::Cli::parse();
    command::run(cli.command)
}
