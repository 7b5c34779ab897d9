//! The command line that follows from the list of operations: a noun, a verb, and what the operation takes.

use admin::About;
use clap::{
    Arg, ArgAction, Command, ValueHint,
    builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser as _},
    value_parser,
};

use super::{
    evidence, examples,
    field::{Field, Form, Place, fields},
    folder, login,
};

/// What the options are called that every command has.
const COMMON: &str = "Connection and output";
/// What the options are called that make up the body.
const BODY: &str = "What to write";

/// `base`, with a command for every operation, and those for whole folders.
pub(super) fn command(base: Command, operations: &[About]) -> Command {
    let mut command = base;
    for about in operations {
        let [noun, verb] = about.command;
        let leaf = leaf(about, if verb.is_empty() { noun } else { verb });
        command = match (verb, command.find_subcommand(noun).is_some()) {
            ("", _) => command.subcommand(leaf),
            (_, true) => command.mut_subcommand(noun, |it| it.subcommand(leaf)),
            (_, false) => command.subcommand(branch(noun).subcommand(leaf)),
        };
    }
    if command.find_subcommand("audit").is_some() {
        command = command.mut_subcommand("audit", |it| it.subcommand(evidence::command()));
    }
    command.subcommands(folder::commands()).subcommands(login::commands()).subcommand(completions())
}

fn branch(noun: &'static str) -> Command {
    let about = examples::NOUNS.iter().find(|it| it.0 == noun).map_or("", |it| it.1);
    Command::new(noun).about(about).subcommand_required(true).arg_required_else_help(true)
}

fn leaf(about: &About, name: &'static str) -> Command {
    let fields = fields(about);
    let mut command = Command::new(name).about(about.summary);
    let mut long = format!("{}.", about.summary);
    if !about.description.is_empty() {
        long.push_str("\n\n");
        long.push_str(about.description);
    }
    let effect = about.effect.as_str();
    command =
        command.long_about(format!("{long}\n\nPermission: onedoor:{} ({effect})", about.name));
    if let Some(examples) = examples::of(about.name) {
        command = command.after_help(format!("Examples:\n{examples}"));
    }
    for field in &fields {
        if let Some(argument) = argument(field) {
            command = command.arg(argument);
        }
    }
    if about.body.is_some() {
        command = command.arg(file(&fields));
    }
    if is_paged(&fields) {
        let all = Arg::new("all").long("all").action(ArgAction::SetTrue);
        command = command.arg(all.help("All pages, one after the other"));
    }
    command.args(connection())
}

/// Whether the answer comes in pages.
pub(super) fn is_paged(fields: &[Field]) -> bool {
    fields.iter().any(|it| it.place == Place::Query && it.name == "cursor")
}

/// The options that every command has.
pub(super) fn connection() -> [Arg; 2] {
    let json = Arg::new("json").long("json").action(ArgAction::SetTrue);
    [url(), json.help("Print the answer as it came, for machines").help_heading(COMMON)]
}

/// Which door is meant.
pub(super) fn url() -> Arg {
    let url = Arg::new("url").long("url").value_name("URL").value_hint(ValueHint::Url);
    url.help("Where the door listens for management [default: ONEDOOR_URL, client.toml, or http://127.0.0.1:8081]")
        .help_heading(COMMON)
}

fn file(fields: &[Field]) -> Arg {
    let body = fields.iter().filter(|it| it.place == Place::Body);
    let is_needed = body.clone().any(|it| it.is_required && it.form == Form::Within);
    let only_there = body.clone().filter(|it| it.form == Form::Within);
    let only_there: Vec<&str> = only_there.map(|it| it.name.as_str()).collect();
    let has_options = body.clone().any(|it| it.form != Form::Within);
    let mut help = "All of it from a file, YAML or JSON; - is the standard input".to_owned();
    if has_options {
        help.push_str(". Options go over what it says");
    }
    if has_options && !only_there.is_empty() {
        help.push_str("; only there: ");
        help.push_str(&only_there.join(", "));
    }
    Arg::new("file")
        .short('f')
        .long("file")
        .value_name("FILE")
        .value_hint(ValueHint::FilePath)
        .required(is_needed)
        .help(help)
        .help_heading(BODY)
}

/// How the field is given; not at all where it can only stand in a file.
pub(super) fn argument(field: &Field) -> Option<Arg> {
    let argument = Arg::new(field.id()).help(field.help.clone());
    let argument = match field.place {
        Place::Path => argument.required(true),
        Place::Query | Place::Header => {
            argument.long(field.option.clone()).required(field.is_required)
        }
        Place::Body => {
            let argument = argument.long(field.option.clone()).help_heading(BODY);
            // A missing value comes by the standard input, a missing document has to be named.
            let is_needed = field.is_required && !field.is_unseen();
            match is_needed {
                true => argument
                    .required_unless_present("file")
                    .help(format!("{} (needed without -f)", field.help)),
                false => argument,
            }
        }
    };
    let name = field.option.to_ascii_uppercase().replace('-', "_");
    let name = if field.place == Place::Path { field.name.to_ascii_uppercase() } else { name };
    Some(match &field.form {
        Form::Within => return None,
        Form::Choice(words) => {
            argument.value_name(name).value_parser(PossibleValuesParser::new(words.clone()))
        }
        Form::Flag => argument
            .value_parser(value_parser!(bool))
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .hide_possible_values(true)
            .value_name("true|false"),
        Form::Number => argument.value_name(name).value_parser(value_parser!(u64)),
        Form::Content => argument
            .value_name("FILE")
            .value_hint(ValueHint::FilePath)
            .help(format!("The file that holds the {}; - is the standard input", field.name)),
        Form::Text if field.place == Place::Path => {
            argument.value_name(name).value_parser(NonEmptyStringValueParser::new().try_map(part))
        }
        Form::Text => argument.value_name(name),
        Form::Texts => argument
            .value_name(name)
            .action(ArgAction::Append)
            .help(format!("{} (once for each)", field.help)),
    })
}

/// A part of a path is never one that leads elsewhere.
fn part(text: String) -> Result<String, &'static str> {
    match text.as_str() {
        "." | ".." => Err("is no id"),
        _ => Ok(text),
    }
}

fn completions() -> Command {
    let shell = Arg::new("shell").value_name("SHELL").required(true);
    Command::new("completions")
        .about("Print completions for a shell")
        .arg(shell.value_parser(value_parser!(clap_complete::Shell)).help("Which shell"))
        .after_help(examples::COMPLETIONS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    fn tree() -> Command {
        command(Cli::command(), &admin::operations())
    }

    #[test]
    fn the_command_line_is_sound() {
        tree().debug_assert();
    }

    #[test]
    fn every_operation_is_a_command_that_explains_itself() {
        let tree = tree();
        for about in admin::operations() {
            let [noun, verb] = about.command;
            let mut leaf = tree.find_subcommand(noun).unwrap();
            if !verb.is_empty() {
                assert!(!leaf.get_about().unwrap().to_string().is_empty(), "{noun}");
                leaf = leaf.find_subcommand(verb).unwrap();
            }
            let help = leaf.clone().render_long_help().to_string();
            assert!(help.contains(about.summary), "{help}");
            assert!(help.contains(&format!("onedoor:{}", about.name)), "{help}");
            for argument in leaf.get_arguments() {
                let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(!help.is_empty(), "{noun} {verb} {}", argument.get_id());
            }
        }
    }

    #[test]
    fn no_two_operations_are_the_same_command() {
        let operations = admin::operations();
        let commands: BTreeSet<_> = operations.iter().map(|it| it.command).collect();
        assert_eq!(commands.len(), operations.len());
    }

    #[test]
    fn commands_of_a_folder_and_of_the_door_share_a_noun() {
        let tree = tree();
        let credential = tree.find_subcommand("credential").unwrap();
        for verb in ["new", "issue", "list", "revoke"] {
            assert!(credential.find_subcommand(verb).is_some(), "{verb}");
        }
    }

    #[test]
    fn what_is_needed_is_asked_for_before_anything_is_sent() {
        for (arguments, is_good) in [
            (&["client", "get"][..], false),
            (&["client", "get", ".."], false),
            (&["client", "get", ""], false),
            (&["client", "put", "a"], false),
            (&["client", "put", "a", "--kind", "robot", "--owner", "me"], false),
            (&["client", "put", "a", "--kind", "app", "--owner", "me"], true),
            (&["role", "put", "a", "--description", "b"], false),
            (&["role", "put", "a", "-f", "b.yaml"], true),
            (&["upstream", "put", "a", "--url", "https://stock.example"], false),
            (&["upstream", "put", "a", "--upstream-url", "https://stock.example"], true),
            (&["credential", "issue"], false),
            (&["secret", "set", "a"], true),
            (&["credential", "report"], true),
            (&["credential", "report", "--key-file", "it.txt", "--reason", "a paste"], true),
            (&["credential", "report", "hunter2"], false),
            (&["credential", "report", "--key", "hunter2"], false),
            (&["secret", "set", "a", "hunter2"], false),
            (&["secret", "set", "a", "--value", "hunter2"], false),
            (&["access", "explain", "--profile", "a/b"], false),
            (&["revision", "get", "last"], false),
        ] {
            let found = tree().try_get_matches_from([&["onedoor"], arguments].concat());
            assert_eq!(found.is_ok(), is_good, "{arguments:?}");
        }
    }
}
