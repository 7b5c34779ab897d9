//! Which record an event is of: read back from where the table has it, out of what is around it.

use serde_json::Value;

use super::{Format, cef, member::member, tree};

/// What receivers have an event in. Elasticsearch exports it as `_source`, Splunk as `_raw` of a
/// `result`, and takes it as `event`; what passes lines on has each as a `message`.
const WRAPPERS: [&str; 5] = ["_source", "result", "_raw", "event", "message"];
/// So many of them may be around each other.
const WRAPPERS_MAX: usize = 4;

/// What an event says of the record that it is of.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// The number of the record.
    pub seq: u64,
    /// Its hash.
    pub hash: Option<String>,
    /// The name of its log; a line of the log does not say it.
    pub log: Option<String>,
    /// The line of the log, where the event is that.
    pub(crate) line: Option<Value>,
}

impl Held {
    /// What a line says that a receiver holds, in any format; `None` where it is no event of ours.
    ///
    /// The event may stand in JSON of the receiver, and behind a header of syslog.
    #[must_use]
    pub fn read(line: &str) -> Option<Self> {
        of_text(line, WRAPPERS_MAX)
    }
}

fn of_text(text: &str, wrappers: usize) -> Option<Held> {
    // No header of syslog holds either, and both may stand in a value: the first one is the event's.
    let start = [text.find('{'), text.find(cef::MARK)].into_iter().flatten().min()?;
    let (_, event) = text.split_at_checked(start)?;
    match event.starts_with('{') {
        true => of_json(serde_json::from_str(event).ok()?, wrappers),
        false => of_cef(event.trim_end_matches(['\n', '\r'])),
    }
}

fn of_json(value: Value, wrappers: usize) -> Option<Held> {
    // Its own members first: `event` is one of them in two formats.
    for format in Format::ALL.into_iter().filter(|it| *it != Format::Cef) {
        let at = |name| tree::get(&value, member(name)?.place(format));
        let text = |name| at(name)?.as_str().map(str::to_owned);
        let Some(seq) = at("seq").and_then(Value::as_u64) else { continue };
        let (hash, is_line) = (text("hash"), format == Format::Native);
        // None of a line's own: a receiver added it.
        let log = text("log").filter(|_| !is_line);
        return Some(Held { seq, hash, log, line: is_line.then_some(value) });
    }
    let (Value::Object(mut members), inside) = (value, wrappers.checked_sub(1)?) else {
        return None;
    };
    WRAPPERS.iter().find_map(|it| match members.remove(*it)? {
        Value::String(text) => of_text(&text, inside),
        inner => of_json(inner, inside),
    })
}

fn of_cef(event: &str) -> Option<Held> {
    let cef::Cef { header: [_, vendor, ..], extension } = cef::read(event)?;
    let at = |name| extension.get(member(name)?.place(Format::Cef));
    let seq = at("seq").filter(|_| vendor == cef::VENDOR)?.parse::<u64>().ok()?;
    let log = at("log").and_then(|it| cef::without_ours(it));
    Some(Held { seq, hash: at("hash").cloned(), log, line: None })
}
