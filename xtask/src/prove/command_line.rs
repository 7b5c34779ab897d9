//! Calls of operations by the real command line: what is typed follows from the operation's inputs.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use admin::About;
use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::{
    door::{Door, Home},
    example::Example,
};

/// What every command has of its own: an option of that name has the noun before it.
const TAKEN: [&str; 6] = ["all", "file", "help", "json", "url", "version"];
/// A value of a secret is never typed, nor a key.
const NEVER_TYPED: [&str; 2] = ["key", "value"];
/// What is wrong in ways that cannot be typed: options are known ones, numbers are numbers, and
/// what an operation cannot do without is asked for.
const NOT_TYPED: [&str; 5] = [
    "a page that is no number",
    "a parameter is missing",
    "a parameter is missing, and one is unknown",
    "an unknown parameter",
    "an unknown parameter of another shape",
];

/// Types commands for one door, with one key.
#[derive(Debug, Clone, Copy)]
pub(super) struct CommandLine<'a> {
    pub(super) home: &'a Home,
    pub(super) door: &'a Door,
    pub(super) key: &'a str,
}

/// How a command ended, and what it said.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) code: i32,
    pub(super) printed: String,
    pub(super) told: String,
}

/// Whether an input with this flaw can be typed at all.
pub(super) fn can_type(example: &Example) -> bool {
    !NOT_TYPED.contains(&example.flaw)
}

impl CommandLine<'_> {
    /// Carries an operation out. Of a whole state, people use the commands for folders.
    pub(super) fn call(&self, about: &About, example: &Example) -> Result<Ran> {
        if !example.flaw.is_empty() {
            let body = Some(&example.body).filter(|it| !it.is_null());
            return self.run(&arguments(about, example), body);
        }
        let folder = self.home.data.with_extension("folder");
        match about.name {
            "apply_state" | "diff_state" => {
                let [_, verb] = about.command;
                write_files(&folder, &example.body)?;
                let folder = folder.display().to_string();
                let typed = [verb, "-f", &folder, "--json"].map(ToOwned::to_owned);
                self.run(&typed, None)
            }
            "export_state" => {
                let folder = folder.with_extension("exported");
                let typed = ["export".to_owned(), folder.display().to_string()];
                let mut ran = self.run(&typed, None)?;
                if ran.code == 0 {
                    ran.printed = json!({"files": read_files(&folder)?}).to_string();
                    // The next one may export into it as well.
                    fs::remove_dir_all(&folder)?;
                }
                Ok(ran)
            }
            _ => {
                let mut typed = arguments(about, example);
                let mut fields = example.body.as_object().cloned().unwrap_or_default();
                typed.extend(take_typed(about, &mut fields));
                let rest = Some(Value::Object(fields)).filter(|it| *it != json!({}));
                self.run(&typed, rest.as_ref())
            }
        }
    }

    /// What is not typed comes by the standard input, as a file.
    fn run(&self, arguments: &[String], body: Option<&Value>) -> Result<Ran> {
        let mut command = self.home.command();
        command.args(arguments);
        command.env("ONEDOOR_URL", format!("http://{}", self.door.management));
        command.env("ONEDOOR_TOKEN", self.key);
        if body.is_some() {
            command.args(["-f", "-"]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context("onedoor cannot be started")?;
        if let Some(mut stdin) = child.stdin.take() {
            let body = body.map(ToString::to_string).unwrap_or_default();
            // A command line that is wrong ends before it reads.
            drop(stdin.write_all(body.as_bytes()));
        }
        let output = child.wait_with_output()?;
        Ok(Ran {
            code: output.status.code().context("onedoor was killed")?,
            printed: String::from_utf8_lossy(&output.stdout).into_owned(),
            told: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

/// Noun, verb, and the parameters: those of the path by their places, all others by name.
fn arguments(about: &About, example: &Example) -> Vec<String> {
    let words = about.command.into_iter().filter(|it| !it.is_empty()).map(ToOwned::to_owned);
    let mut arguments: Vec<String> = words.collect();
    let names = about.segments().filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'));
    arguments.extend(names.filter_map(|name| example.parameters.get(name)).map(text));
    let others = example.parameters.iter().filter(|(name, _)| about.place(name) != "path");
    arguments.extend(others.map(|(name, value)| option(about, name, value)));
    arguments.push("--json".to_owned());
    arguments
}

/// Takes those fields out of a body that can be typed.
fn take_typed(about: &About, fields: &mut Map<String, Value>) -> Vec<String> {
    let mut typed = Vec::new();
    fields.retain(|name, value| {
        let texts = match value {
            Value::Array(values) if values.iter().all(Value::is_string) => values.as_slice(),
            Value::Array(_) | Value::Object(_) | Value::Null => return true,
            _ if NEVER_TYPED.contains(&name.as_str()) => return true,
            one => std::slice::from_ref(one),
        };
        typed.extend(texts.iter().map(|it| option(about, name, it)));
        false
    });
    typed
}

fn option(about: &About, name: &str, value: &Value) -> String {
    let kebab = name.to_ascii_lowercase().replace('_', "-");
    let [noun, _] = about.command;
    let taken = if TAKEN.contains(&kebab.as_str()) { format!("{noun}-") } else { String::new() };
    format!("--{taken}{kebab}={}", text(value))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// Makes the folder that a body of files is about.
fn write_files(folder: &Path, body: &Value) -> Result<()> {
    let files = body.get("files").and_then(Value::as_object).context("there are no files")?;
    for (path, content) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().context("a file is in a folder")?)?;
        fs::write(path, content.as_str().unwrap_or_default())?;
    }
    Ok(())
}

/// All files below a folder, by path.
fn read_files(folder: &Path) -> Result<Map<String, Value>> {
    let mut files = Map::new();
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder)?.display().to_string();
            files.insert(name, Value::from(fs::read_to_string(&path)?));
        }
    }
    Ok(files)
}
