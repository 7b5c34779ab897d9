//! Manages a running door over its REST management API: every operation is a command.
//!
//! What can be typed? Read `tree`. What is sent? Read `input`. Where to, and as whom? Read `settings`.

mod door;
mod evidence;
mod examples;
mod failure;
mod field;
mod folder;
mod help;
mod input;
mod login;
mod paging;
mod private_file;
mod records;
mod rotation;
mod settings;
mod show;
mod tree;
mod wire;

use std::{
    io::{self, IsTerminal as _},
    process::ExitCode,
};

use admin::About;
use clap::{ArgMatches, Command};

use self::door::Door;
pub(crate) use self::failure::Failure;
pub(crate) use self::private_file::lock;
pub(crate) use self::settings::{client_config_path, write_client_config};
use crate::{logging, terminal::Terminal};

/// How a command ended that was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// As it should.
    Done,
    /// The folder and the door are not the same.
    Drift,
}

/// `base`, with every command of the running door.
pub(crate) fn command(base: &Command) -> Command {
    let operations = admin::operations();
    let command = records::command(tree::command(base.clone(), &operations), &operations);
    help::arranged(rotation::command(command), &operations)
}

/// Runs what was typed, if it is a command of the running door.
pub(crate) fn run(matches: &ArgMatches) -> Option<ExitCode> {
    let (noun, inner) = matches.subcommand()?;
    let terminal = Terminal::stdout();
    let (verb, innermost) = inner.subcommand().unwrap_or(("", inner));
    if noun == "audit"
        && let Some(ended) = records::run(verb, innermost)
    {
        return Some(code(ended));
    }
    let ended = match noun {
        "export" | "diff" | "apply" => folder::run(terminal, noun, inner),
        "audit" if verb == "evidence" => evidence::run(terminal, innermost),
        "login" => login::login(inner),
        "logout" => login::logout(inner),
        "completions" => completions(inner),
        _ => {
            let about = admin::operations().into_iter().find(|it| it.command == [noun, verb])?;
            let carry_out = |terminal| operation(terminal, &about, innermost);
            match rotation::is_meant(&about, innermost) {
                true => rotation::run(terminal, (&about, innermost), carry_out),
                false => carry_out(terminal),
            }
        }
    };
    Some(code(ended))
}

fn code(ended: Result<Ended, Failure>) -> ExitCode {
    match ended {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(Ended::Drift) => ExitCode::from(3),
        Err(failure) => {
            logging::tell(&failure);
            ExitCode::from(failure.code())
        }
    }
}

fn operation(terminal: Terminal, about: &About, matches: &ArgMatches) -> Result<Ended, Failure> {
    let fields = field::fields(about);
    if let Some(field) = input::waits_for_stdin(&fields, matches)
        && io::stdin().is_terminal()
    {
        let (name, option) = (&field.name, &field.option);
        return Err(Failure::Unclear(format!(
            "give the {name} by the standard input, `… <FILE`, or name its file with --{option}: a terminal would show it"
        )));
    }
    let input = input::read(about, &fields, matches, &mut io::stdin().lock())?;
    let door = Door::find(matches.get_one::<String>("url").map(String::as_str))?;
    let is_all = tree::is_paged(&fields) && matches.get_flag("all");
    let answer = match is_all {
        true => paging::all(&door, about, input)?,
        false => door.send(about, &input)?,
    };
    if matches.get_flag("json") {
        show::raw(terminal, &answer)?;
    } else {
        show::answer(terminal, about, &answer.value)?;
    }
    paging::tell_more(&answer.value, about);
    Ok(Ended::Done)
}

fn completions(matches: &ArgMatches) -> Result<Ended, Failure> {
    use clap::CommandFactory as _;
    if let Some(shell) = matches.get_one::<clap_complete::Shell>("shell") {
        let mut text = Vec::new();
        let mut command = command(&crate::cli::Cli::command());
        clap_complete::generate(*shell, &mut command, "onedoor", &mut text);
        Terminal::stdout().line(String::from_utf8_lossy(&text).trim_end())?;
    }
    Ok(Ended::Done)
}
