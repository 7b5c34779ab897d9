//! The help of the whole: its commands by what they are for, and the exit codes.

use admin::About;
use clap::Command;

use super::examples;

/// `command` with its commands listed by what they are for.
pub(super) fn arranged(command: Command, operations: &[About]) -> Command {
    let width = command.get_subcommands().map(|it| it.get_name().len()).max().unwrap_or(0);
    let [mut setup, mut nouns, mut whole] = [const { Vec::new() }; 3];
    for it in command.get_subcommands() {
        let name = it.get_name();
        let about = it.get_about().map(ToString::to_string).unwrap_or_default();
        let list = match name {
            "apply" | "diff" | "export" => &mut whole,
            "login" | "logout" => &mut nouns,
            _ if operations.iter().any(|it| it.command[0] == name) => &mut nouns,
            _ => &mut setup,
        };
        list.push(format!("  {name:<width$}  {about}\n"));
    }
    nouns.sort();
    let (setup, nouns, whole) = (setup.concat(), nouns.concat(), whole.concat());
    let template = format!(
        "{{before-help}}{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n\
         Set up and serve:\n{setup}\n\
         Manage a running Onedoor:\n{nouns}\n\
         Its whole state, as a folder:\n{whole}\n\
         Options:\n{{options}}{{after-help}}"
    );
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let codes = examples::EXIT_CODES;
    command.help_template(template).after_help(format!("{examples}\n\n{codes}"))
}
