//! A value of a document, asked for what it should be. What it is not becomes a fault.

use std::{collections::BTreeMap, fmt, num::NonZeroU32, ops::RangeInclusive, time::Duration};

use model::{Place, quantity::parse_duration};
use serde_json::{Map, Value};

use crate::{
    node::{Content, Entry, Node},
    reader::Reader,
    references::Target,
    report::{Report, shown},
    suggestion, writer,
};

/// Longest text on one line, in bytes.
const LINE_BYTES_MAX: usize = 2_048;
/// Longest text for people to read, in bytes.
const PROSE_BYTES_MAX: usize = 64 * 1024;

/// A value, its path from the document's root, and where what it says is written down.
#[derive(Debug, Clone)]
pub(crate) struct Field<'a> {
    node: &'a Node,
    line: u32,
    path: String,
    report: &'a Report,
}

impl<'a> Field<'a> {
    /// The whole of a document.
    pub(crate) fn root(node: &'a Node, report: &'a Report) -> Self {
        Self { node, line: node.line.max(1), path: String::new(), report }
    }

    /// The value of `entry`, which is inside of this one.
    pub(crate) fn child(&self, entry: &'a Entry) -> Self {
        let path = self.path_of(&entry.key);
        // A list or a mapping begins lines below its key, and nothing stands nowhere.
        let line = match entry.value.content {
            Content::Bool(_) | Content::Number(_) | Content::Text(_) => entry.value.line,
            Content::List(_) | Content::Mapping(_) | Content::Null => entry.line,
        };
        Self { node: &entry.value, line, path, report: self.report }
    }

    /// The path of `key`, which is or should be inside of this.
    fn path_of(&self, key: &str) -> String {
        match &*self.path {
            "" => short(key),
            path => format!("{path}.{}", short(key)),
        }
    }

    /// Where this is.
    pub(crate) fn place(&self) -> Place {
        self.report.place(self.line)
    }

    /// The line `line` of the same file.
    pub(crate) fn place_at(&self, line: u32) -> Place {
        self.report.place(line)
    }

    /// Whether this is text.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self.node.content, Content::Text(_))
    }

    /// Whether this is a mapping.
    pub(crate) fn is_mapping(&self) -> bool {
        matches!(self.node.content, Content::Mapping(_))
    }

    /// Writes down that this is wrong.
    pub(crate) fn fault(&self, message: impl fmt::Display, help: impl Into<String>) {
        self.report.fault((self.line, &self.path), self.said(message), help);
    }

    /// Writes down that the key of `entry`, inside of this, is wrong.
    pub(crate) fn fault_at(
        &self,
        entry: &Entry,
        message: impl fmt::Display,
        help: impl Into<String>,
    ) {
        let path = self.path_of(&entry.key);
        self.report.fault((entry.line, &path), self.said(message), help);
    }

    /// Writes down that `key` is missing inside of this.
    pub(crate) fn missing(&self, key: &str, help: &str) {
        let message = self.said(format_args!("{key} is missing"));
        self.report.fault((self.line, &self.path_of(key)), message, help);
    }

    fn said(&self, message: impl fmt::Display) -> String {
        match &*self.path {
            "" => message.to_string(),
            path => format!("{path}: {message}"),
        }
    }

    /// Writes down that this names something that must exist.
    pub(crate) fn refer(&self, target: Target) {
        self.report.refer(self.line, &self.path, target);
    }

    fn wrong_type(&self, expected: &str, help: impl Into<String>) {
        let found = self.node.content.describe();
        self.fault(format_args!("expected {expected}, found {found}"), help);
    }

    /// Text on one line, with something in it.
    pub(crate) fn text(&self) -> Option<&'a str> {
        self.checked_text(LINE_BYTES_MAX, |it| !it.is_control())
    }

    /// Text for people to read, on one line or more.
    pub(crate) fn prose(&self) -> Option<&'a str> {
        self.checked_text(PROSE_BYTES_MAX, |it| !it.is_control() || it == '\n' || it == '\t')
    }

    fn checked_text(&self, bytes_max: usize, is_good: fn(char) -> bool) -> Option<&'a str> {
        let text = match &self.node.content {
            Content::Text(text) => text,
            Content::Bool(_) | Content::Number(_) => {
                self.wrong_type("text", "put it in quotes");
                return None;
            }
            Content::List(_) | Content::Mapping(_) | Content::Null => {
                self.wrong_type("text", "write text here");
                return None;
            }
        };
        if text.trim().is_empty() {
            self.fault("the text is empty", "write something, or leave the key away");
        } else if text.len() > bytes_max {
            let message = format!("{} bytes are more than {bytes_max}", text.len());
            self.fault(message, "make it shorter");
        } else if !text.chars().all(is_good) {
            self.fault("there is a control character in it", "take it out");
        } else {
            return Some(text);
        }
        None
    }

    /// Text that `parse` understands. Its error is a sentence: what is wrong, a colon, what to do.
    pub(crate) fn parse<T, E: fmt::Display>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        // `rate: 10` is not text, but what is wrong with it is the missing unit.
        let number = match &self.node.content {
            Content::Number(number) => Some(number.to_string()),
            Content::Bool(_) | Content::List(_) | Content::Mapping(_) => None,
            Content::Null | Content::Text(_) => None,
        };
        let text = match &number {
            Some(number) => number,
            None => self.text()?,
        };
        match parse(text) {
            Ok(value) if number.is_none() => Some(value),
            // It is text that looks like a number: an id of digits, say.
            Ok(_) => {
                self.wrong_type("text", "put it in quotes");
                None
            }
            Err(error) => {
                let error = error.to_string();
                let (message, help) = error.rsplit_once(": ").unwrap_or((&error, "correct it"));
                self.fault(message, help);
                None
            }
        }
    }

    /// One of these words.
    pub(crate) fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        let known = known.join(", ");
        let help = match suggestion::nearest(text, words.iter().map(|(word, _)| *word)) {
            Some(near) => format!("did you mean {near}? known here: {known}"),
            None => format!("known here: {known}"),
        };
        self.fault(format_args!("{} is not known", shown(text)), help);
        None
    }

    /// True or false.
    pub(crate) fn bool(&self) -> Option<bool> {
        if let Content::Bool(value) = self.node.content {
            return Some(value);
        }
        self.wrong_type("true or false", "write true or false, without quotes");
        None
    }

    /// A whole number within `range`.
    pub(crate) fn number(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let (least, most) = (range.start(), range.end());
        let help = format!("write a whole number from {least} to {most}");
        let Content::Number(number) = &self.node.content else {
            self.wrong_type("a number", help);
            return None;
        };
        let small = number.as_u64().and_then(|it| u32::try_from(it).ok());
        let value = small.filter(|it| range.contains(it));
        if value.is_none() {
            self.fault(format_args!("{number} is out of bounds"), help);
        }
        value
    }

    /// A whole number from 1.
    pub(crate) fn count(&self) -> Option<NonZeroU32> {
        self.number(1..=u32::MAX).and_then(NonZeroU32::new)
    }

    /// A duration within `range`.
    pub(crate) fn duration(&self, range: RangeInclusive<Duration>) -> Option<Duration> {
        self.parse(|text| {
            let duration = parse_duration(text)?;
            if range.contains(&duration) {
                return Ok(duration);
            }
            let (least, most) = (writer::duration(*range.start()), writer::duration(*range.end()));
            Err(format!("{text} is out of bounds: write a duration from {least} to {most}"))
        })
    }

    /// The items of a list.
    pub(crate) fn list(&self) -> Option<Vec<Self>> {
        let Content::List(items) = &self.node.content else {
            self.wrong_type("a list", "write a list: [first, second]");
            return None;
        };
        let item = |(index, node): (usize, &'a Node)| Self {
            node,
            line: if node.line == 0 { self.line } else { node.line },
            path: format!("{}[{index}]", self.path),
            report: self.report,
        };
        Some(items.iter().enumerate().map(item).collect())
    }

    /// The items of a list of texts, none of them twice, as `read` understands them.
    pub(crate) fn set<T>(&self, read: impl Fn(&Self) -> Option<T>) -> Option<Vec<T>> {
        let mut first = BTreeMap::new();
        let mut set = Vec::new();
        for item in self.list()? {
            let Some(text) = item.text() else { continue };
            match first.insert(text, item.line) {
                Some(_) => {
                    item.fault(format_args!("{} is named twice", shown(text)), "once will do");
                }
                None => set.extend(read(&item)),
            }
        }
        Some(set)
    }

    /// As [`Field::set`], and not empty: `absent` says what to do instead of writing `[]`, which
    /// must not be taken for "no restriction".
    pub(crate) fn filled_set<T>(
        &self,
        absent: &str,
        read: impl Fn(&Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        if matches!(&self.node.content, Content::List(items) if items.is_empty()) {
            self.fault("the list is empty", absent);
            return None;
        }
        self.set(read)
    }

    /// A list of texts, with at least one in it, none of them twice.
    pub(crate) fn texts(&self, absent: &str) -> Option<Vec<String>> {
        self.filled_set(absent, |it| it.text().map(str::to_owned))
    }

    /// A mapping whose keys are known to `read`. All others are faults.
    pub(crate) fn mapping<T>(self, read: impl FnOnce(&mut Reader<'a>) -> T) -> Option<T> {
        let entries = self.entries()?;
        let mut reader = Reader::new(self, entries);
        let value = read(&mut reader);
        reader.finish();
        Some(value)
    }

    /// A mapping whose keys are names that somebody chose, none of them twice.
    pub(crate) fn entries(&self) -> Option<Vec<&'a Entry>> {
        let entries = match &self.node.content {
            Content::Mapping(entries) => entries.as_slice(),
            // `default:` with nothing behind it is how people write an empty mapping.
            Content::Null => &[],
            Content::Bool(_) | Content::List(_) | Content::Number(_) | Content::Text(_) => {
                self.wrong_type("a mapping", "write keys and values: key: value");
                return None;
            }
        };
        let mut first = BTreeMap::new();
        let mut unique = Vec::with_capacity(entries.len());
        for entry in entries {
            match first.get(&*entry.key) {
                Some(line) => self.fault_at(
                    entry,
                    format_args!("key {} is named twice", shown(&entry.key)),
                    format!("it stands on line {line} too: leave one of them"),
                ),
                None => {
                    first.insert(&*entry.key, entry.line);
                    unique.push(entry);
                }
            }
        }
        Some(unique)
    }

    /// Whatever it is, as JSON.
    pub(crate) fn value(&self) -> Value {
        match &self.node.content {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(number) => Value::Number(number.clone()),
            Content::Text(text) => Value::String(text.clone()),
            Content::List(_) => {
                Value::Array(self.list().into_iter().flatten().map(|it| it.value()).collect())
            }
            Content::Mapping(_) => {
                let entries = self.entries().into_iter().flatten();
                let member = |it: &'a Entry| (it.key.clone(), self.child(it).value());
                Value::Object(entries.map(member).collect::<Map<_, _>>())
            }
        }
    }
}

/// A key that somebody chose, as a part of a path.
fn short(key: &str) -> String {
    key.chars().take(80).flat_map(char::escape_debug).collect()
}
