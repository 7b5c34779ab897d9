//! A result without the clothes that a surface gives it, so that they can be compared.

use admin::About;
use serde_json::{Map, Value};

use crate::prove::{client::Answer, command_line::Ran, masked::masked};

/// A result without the surface's clothes.
#[derive(Debug, PartialEq)]
pub(super) enum Plain {
    /// The operation's own answer.
    Answered(u16, Value),
    /// Refused before it was carried out: by status and detail.
    Refused(u16, String),
}

/// What must come of a command, and what came of it.
#[derive(Debug, PartialEq)]
pub(super) struct Ended {
    code: i32,
    /// What it printed, where it went well.
    printed: Value,
    /// What must be told and is not.
    untold: Vec<String>,
}

pub(super) fn of_rest(answer: &Answer) -> Plain {
    let body = answer.json();
    let kind = body.get("type").and_then(Value::as_str).unwrap_or_default();
    if kind.starts_with("urn:onedoor:refusal:") {
        let detail = body.get("detail").and_then(Value::as_str).unwrap_or_default();
        return Plain::Refused(answer.status, detail.to_owned());
    }
    Plain::Answered(answer.status, masked(&body))
}

pub(super) fn of_mcp(about: &About, answer: &Answer) -> Plain {
    let body = answer.json();
    if let Some(error) = body.get("error") {
        let code = error.get("code").and_then(Value::as_u64).and_then(|it| u16::try_from(it).ok());
        let detail = error.get("message").and_then(Value::as_str).unwrap_or_default();
        return Plain::Refused(code.unwrap_or_default(), detail.to_owned());
    }
    if let Some(data) = body.pointer("/result/structuredContent") {
        return Plain::Answered(about.status.as_u16(), masked(data));
    }
    let text = body.pointer("/result/content/0/text").and_then(Value::as_str).unwrap_or_default();
    if let Some(detail) = text.strip_prefix("invalid_arguments: ") {
        return Plain::Refused(400, detail.to_owned());
    }
    let (line, problem) = text.split_once('\n').unwrap_or((text, ""));
    let status = line.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or_default();
    Plain::Answered(status, masked(&serde_json::from_str(problem).unwrap_or_default()))
}

/// How a command must end, by what REST answered.
pub(super) fn wanted(about: &About, answer: &Answer) -> Ended {
    let is_done = (200..300).contains(&answer.status);
    let printed = if is_done { shown(about, &answer.json()) } else { Value::Null };
    let has_drift = about.name == "diff_state"
        && printed.get("changes").and_then(Value::as_array).is_some_and(|it| !it.is_empty());
    let code = match answer.status {
        200..300 if has_drift => 3,
        200..300 => 0,
        401 | 403 => 4,
        404 => 5,
        409 | 412 => 6,
        400 | 413 | 415 | 422 | 431 => 7,
        _ => 1,
    };
    Ended { code, printed, untold: Vec::new() }
}

/// How it ended: everything that is wrong has to be told, with the status.
pub(super) fn of_command(about: &About, ran: &Ran, answer: &Answer) -> Ended {
    let printed = serde_json::from_str(&ran.printed).unwrap_or_default();
    let printed = shown(about, &printed);
    let mut untold = Vec::new();
    if !(200..300).contains(&answer.status) {
        let told = masked(&Value::from(ran.told.as_str()));
        let told = told.as_str().unwrap_or_default();
        let mut must_tell = vec![format!("({})", answer.status)];
        let problem = masked(&answer.json());
        let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
        match problem.get("errors").and_then(Value::as_array) {
            Some(flaws) => {
                must_tell.extend(flaws.iter().filter_map(|it| text(it, "field")));
                must_tell.extend(flaws.iter().filter_map(|it| text(it, "message")));
            }
            None => must_tell.extend(text(&problem, "detail")),
        }
        untold.extend(must_tell.into_iter().filter(|it| !told.contains(it.as_str())));
        // Nothing may look like an answer.
        untold.extend(Some(ran.printed.clone()).filter(|it| !it.is_empty()));
    }
    Ended { code: ran.code, printed, untold }
}

/// What a command shows of an answer: an export is files.
fn shown(about: &About, answer: &Value) -> Value {
    match (about.name, answer.get("files")) {
        ("export_state", Some(files)) => {
            masked(&Value::Object(Map::from_iter([("files".to_owned(), files.clone())])))
        }
        _ => masked(answer),
    }
}
