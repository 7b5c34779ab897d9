//! A whole state folder against the running door: exported, compared, applied. Same files, same rules as `serve --state`.

mod export;

use std::path::PathBuf;

use admin::About;
use anyhow::anyhow;
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};
use serde_json::{Map, Value, json};
use state::Folder;

use super::{
    Ended, Failure,
    door::{Answer, Door},
    examples,
    input::Input,
    show, tree,
};
use crate::{
    folder,
    terminal::{Look, Terminal, counted},
};

/// `onedoor export`, `diff` and `apply`.
pub(super) fn commands() -> [Command; 3] {
    let directory = || {
        Arg::new("directory")
            .value_name("DIR")
            .value_hint(ValueHint::DirPath)
            .value_parser(value_parser!(PathBuf))
    };
    let given = || directory().short('f').long("file").required(true).help("The state folder");
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    let [url, json] = tree::connection();
    let export = Command::new("export")
        .about("Write the state of the running door to a folder")
        .arg(directory().default_value("state").help("The folder, new or empty"))
        .arg(flag("force", "Write into a folder that holds something already"))
        .arg(flag("prune", "Remove documents that the door does not have").requires("force"))
        .arg(url.clone())
        .after_help(examples::EXPORT);
    let diff = Command::new("diff")
        .about("Show what applying a folder would change in the running door")
        .arg(given())
        .args([url.clone(), json.clone()])
        .after_help(examples::DIFF);
    let reason = Arg::new("reason").long("reason").value_name("TEXT");
    let base = Arg::new("base").long("base").value_name("REVISION");
    let apply = Command::new("apply")
        .about("Make the running door like a folder, all or nothing")
        .arg(given())
        .arg(flag("prune", "Remove what is not in the folder"))
        .arg(flag("dry-run", "Check everything and change nothing"))
        .arg(reason.help("Why, for the revision"))
        .arg(
            base.value_parser(value_parser!(u64))
                .help("Only if this is still the revision in force"),
        )
        .args([url, json])
        .after_help(examples::APPLY);
    [export, diff, apply]
}

/// Runs one of them.
///
/// # Errors
/// What the disk or the door says.
pub(super) fn run(terminal: Terminal, name: &str, matches: &ArgMatches) -> Result<Ended, Failure> {
    let url = matches.get_one::<String>("url").map(String::as_str);
    let directory = matches.get_one::<PathBuf>("directory");
    let directory = directory.ok_or_else(|| anyhow!("no folder is named"))?;
    match name {
        "export" => {
            let target = export::Target::new(directory, matches)?;
            let door = Door::find(url)?;
            export::run(terminal, &target, &send(&door, "export_state", None)?.value)
        }
        "diff" => {
            let body = json!({"files": files(directory)?});
            let answer = send(&Door::find(url)?, "diff_state", Some(body))?;
            diff(terminal, matches, &answer)
        }
        _ => {
            let mut body = Map::new();
            body.insert("files".to_owned(), files(directory)?);
            body.insert("prune".to_owned(), matches.get_flag("prune").into());
            body.insert("dry_run".to_owned(), matches.get_flag("dry-run").into());
            if let Some(reason) = matches.get_one::<String>("reason") {
                body.insert("reason".to_owned(), reason.as_str().into());
            }
            if let Some(base) = matches.get_one::<u64>("base") {
                body.insert("base".to_owned(), (*base).into());
            }
            let answer = send(&Door::find(url)?, "apply_state", Some(body.into()))?;
            apply(terminal, matches, &answer)
        }
    }
}

fn send(door: &Door, name: &str, body: Option<Value>) -> Result<Answer, Failure> {
    let about = operation(name)?;
    door.send(&about, &Input::plain(&about, body))
}

fn operation(name: &str) -> anyhow::Result<About> {
    let found = admin::operations().into_iter().find(|it| it.name == name);
    found.ok_or_else(|| anyhow!("there is no operation {name}"))
}

/// The documents in the folder, by path.
fn files(directory: &std::path::Path) -> Result<Value, Failure> {
    let loaded = folder::load(directory)?;
    let files = loaded.folder.files().filter(|(path, _)| Folder::is_read(path));
    let files: Map<String, Value> =
        files.map(|(path, text)| (path.to_string(), Value::from(text))).collect();
    Ok(Value::Object(files))
}

fn changes(answer: &Answer) -> &[Value] {
    let changes = answer.value.get("changes").and_then(Value::as_array);
    changes.map(Vec::as_slice).unwrap_or_default()
}

fn revision(answer: &Answer) -> String {
    answer.value.get("revision").map(ToString::to_string).unwrap_or_default()
}

fn diff(terminal: Terminal, matches: &ArgMatches, answer: &Answer) -> Result<Ended, Failure> {
    let changes = changes(answer);
    if matches.get_flag("json") {
        show::raw(terminal, answer)?;
    } else if changes.is_empty() {
        let good = terminal.paint(Look::Good, "no drift");
        terminal.line(format_args!("{good} from revision {}", revision(answer)))?;
    } else {
        terminal.line(show::changes(terminal, changes).trim_end())?;
    }
    Ok(if changes.is_empty() { Ended::Done } else { Ended::Drift })
}

fn apply(terminal: Terminal, matches: &ArgMatches, answer: &Answer) -> Result<Ended, Failure> {
    if matches.get_flag("json") {
        show::raw(terminal, answer)?;
        return Ok(Ended::Done);
    }
    let changes = changes(answer);
    for change in changes {
        terminal.line(show::change(terminal, change))?;
    }
    let (count, number) = (counted(changes.len(), "document"), revision(answer));
    let is_applied = answer.value.get("applied").and_then(Value::as_bool).unwrap_or_default();
    match (is_applied, matches.get_flag("dry-run")) {
        (true, _) => {
            let good = terminal.paint(Look::Good, "applied");
            terminal.line(format_args!("{good}: {count} changed, revision {number} is in force"))?;
        }
        (false, true) => terminal.line(format_args!(
            "dry run: no fault, {count} to change, nothing was changed; revision {number} is in force"
        ))?,
        (false, false) => {
            terminal.line(format_args!("nothing to change: revision {number} is in force"))?;
        }
    }
    if let Some(ended) = answer.value.get("ended") {
        terminal.line(show::ended(ended))?;
    }
    Ok(Ended::Done)
}
