//! The help of the whole: commands of a folder first, then those of the running door.

use std::fmt::Write as _;

use clap::Command;

use super::examples;

/// `command` with its commands listed by what they are for. Those of `base` come first.
pub(super) fn arranged(command: Command, base: &Command) -> Command {
    let names: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
    let width = names.iter().map(|it| it.len()).max().unwrap_or(0);
    let (mut first, mut second) = (String::new(), String::new());
    for it in command.get_subcommands() {
        let is_first = base.find_subcommand(it.get_name()).is_some();
        let about = it.get_about().map(ToString::to_string).unwrap_or_default();
        let list = if is_first { &mut first } else { &mut second };
        // The text grows in memory: it cannot fail.
        let _ = writeln!(list, "  {:<width$}  {about}", it.get_name());
    }
    let template = format!(
        "{{before-help}}{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n\
         Set up and serve:\n{first}\n\
         Manage a running Onedoor:\n{second}\n\
         Options:\n{{options}}{{after-help}}"
    );
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let codes = examples::EXIT_CODES;
    command.help_template(template).after_help(format!("{examples}\n\n{codes}"))
}
