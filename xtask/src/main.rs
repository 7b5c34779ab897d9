//! The project's own chores: is the house in order, does it pass, how fast is it?
#![expect(clippy::print_stdout, reason = "a command line tool speaks to its terminal")]

mod bench;
mod crowd;
mod install;
mod prove;
mod release;
mod run;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

/// The project's own chores.
///
/// `tidy` reads the sources and takes a second; `test` runs every check a change must pass and
/// installs what they need; `bench` measures the door against nginx and others; `prove` shows that
/// what is promised holds of the built program; `release` builds the program as it is fastest.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    Tidy(tidy::Command),
    Test(test::Command),
    Bench(bench::Command),
    Prove(prove::Command),
    Release(release::Command),
    #[command(hide = true)]
    OpenLoop(bench::OpenLoop),
}

fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::Tidy(command) => command.run(),
        Command::Test(command) => command.run(),
        Command::Bench(command) => command.run(),
        Command::Prove(command) => command.run(),
        Command::Release(command) => command.run(),
        Command::OpenLoop(command) => command.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
