//! What a person reads of an answer: a table of several things, a document of one, a diff of changes.

mod table;
mod unified;

use std::io;

use admin::About;
use serde_json::Value;

use super::{door::Answer, failure::visible};
use crate::terminal::{Look, Terminal};

/// Prints the answer as it came.
pub(super) fn raw(terminal: Terminal, answer: &Answer) -> io::Result<()> {
    terminal.line(String::from_utf8_lossy(&answer.text).trim_end())
}

/// Prints the answer for a person.
pub(super) fn answer(terminal: Terminal, about: &About, value: &Value) -> io::Result<()> {
    if let Some(items) = value.get("items").and_then(Value::as_array) {
        if items.is_empty() {
            return terminal.line(terminal.paint(Look::Dim, "none"));
        }
        let text = table::Table::new(about, items).text(terminal, width());
        return terminal.line(text.trim_end());
    }
    if let Some(list) = value.get("changes").and_then(Value::as_array) {
        terminal.line(head(value).trim_end())?;
        return terminal.line(changes(terminal, list).trim_end());
    }
    terminal.line(one(about, value).trim_end())
}

/// One thing as YAML. A document comes out so that it can be edited and written back.
fn one(about: &About, value: &Value) -> String {
    let member = |name: &str| value.get(name).and_then(Value::as_str);
    match (member("id"), member("etag"), value.get("document")) {
        (Some(id), Some(etag), Some(document)) => {
            let [noun, _] = about.command;
            let (id, etag) = (visible(id), visible(etag));
            let ended = value.get("ended").map(|it| format!("# {}\n", ended(it)));
            let ended = ended.unwrap_or_default();
            format!("# {noun} {id}, version {etag}\n{ended}{}", yaml(document))
        }
        _ => yaml(value),
    }
}

/// What ended with a change of people's accounts.
pub(super) fn ended(ended: &Value) -> String {
    let count = |name: &str| ended.get(name).and_then(Value::as_u64).unwrap_or_default();
    format!("ended for good: grants {}, sign-ins {}", count("grants"), count("sign_ins"))
}

fn yaml(value: &Value) -> String {
    let lines = state::to_yaml(value);
    lines.lines().map(|it| format!("{}\n", visible(it))).collect()
}

/// All of an answer but its changes.
fn head(value: &Value) -> String {
    let mut head = value.clone();
    if let Some(members) = head.as_object_mut() {
        members.remove("changes");
    }
    yaml(&head)
}

/// All changes as one unified diff.
pub(super) fn changes(terminal: Terminal, changes: &[Value]) -> String {
    let mut text = String::new();
    for change in changes {
        let member = |name: &str| change.get(name).and_then(Value::as_str);
        let path = visible(member("path").unwrap_or_default());
        let diff = unified::diff(&path, member("before"), member("after"));
        for line in diff.lines() {
            let line = visible(line);
            let painted = match line.as_bytes().first() {
                Some(b'+') => terminal.paint(Look::Good, line).to_string(),
                Some(b'-') => terminal.paint(Look::Bad, line).to_string(),
                Some(b'@') => terminal.paint(Look::Name, line).to_string(),
                _ => line,
            };
            text.push_str(&painted);
            text.push('\n');
        }
    }
    text
}

/// One change as a unified diff, without colours.
pub(super) fn difference(change: &Value) -> String {
    let member = |name: &str| change.get(name).and_then(Value::as_str);
    unified::diff(member("path").unwrap_or_default(), member("before"), member("after"))
}

/// One change in a line.
pub(super) fn change(terminal: Terminal, change: &Value) -> String {
    let member = |name: &str| change.get(name).and_then(Value::as_str).unwrap_or_default();
    let path = visible(member("path"));
    match member("action") {
        "added" => format!("{} {path}", terminal.paint(Look::Good, "added  ")),
        "removed" => format!("{} {path}", terminal.paint(Look::Bad, "removed")),
        other => format!("{} {path}", terminal.paint(Look::Name, visible(other))),
    }
}

/// How wide the terminal is; none where it is none.
fn width() -> Option<usize> {
    terminal_size::terminal_size_of(io::stdout()).map(|it| usize::from(it.0.0))
}
