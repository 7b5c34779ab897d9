//! Reads TOML tables key by key, collecting every fault with its line instead of stopping at the first.

use std::{ops::Range, sync::Arc};

use model::{Fault, Place};
use state::nearest;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A file being read, and what was wrong with it so far.
pub(super) struct Reader<'a> {
    text: &'a str,
    file: Arc<str>,
    root: Table<'a>,
    faults: Vec<Fault>,
    /// The lines that are no TOML: what was made of them is guesswork.
    broken: Vec<u32>,
}

/// A table of which keys are taken one after the other; what is left at the end is unknown.
pub(super) struct Table<'a> {
    name: &'static str,
    entries: DeTable<'a>,
    known: Vec<&'static str>,
}

impl<'a> Reader<'a> {
    /// Begins to read `text`; what is no TOML in it is a fault.
    pub(super) fn new(text: &'a str, file: &str) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        let root = Table { name: "", entries: root.into_inner(), known: Vec::new() };
        let mut reader =
            Self { text, file: file.into(), root, faults: Vec::new(), broken: Vec::new() };
        for error in errors {
            let span = error.span().unwrap_or_default();
            let message = error.message().replace('\n', ", ");
            reader.fault(span, message, "correct the TOML: https://toml.io shows the notation");
        }
        reader.broken = reader.faults.iter().map(|it| it.place.line).collect();
        reader
    }

    /// The table `[key]`; an empty one where there is none.
    pub(super) fn table(&mut self, key: &'static str) -> Table<'a> {
        self.root.known.push(key);
        let mut entries = DeTable::new();
        if let Some(value) = self.root.entries.remove(key) {
            let span = value.span();
            match value.into_inner() {
                DeValue::Table(table) => entries = table,
                other => {
                    let message = format!("{key}: expected a table, found {}", kind(&other));
                    let help = format!("write [{key}] on a line of its own and its keys below");
                    self.fault(span, message, help);
                }
            }
        }
        Table { name: key, entries, known: Vec::new() }
    }

    /// The tables `[[key]]`, and where each stands; none where there is none.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<(Table<'a>, Range<usize>)> {
        self.root.known.push(key);
        let Some(value) = self.root.entries.remove(key) else { return Vec::new() };
        let span = value.span();
        let items = match value.into_inner() {
            DeValue::Array(items) => items.into_iter().collect(),
            other => vec![Spanned::new(span, other)],
        };
        let mut tables = Vec::new();
        for item in items {
            let span = item.span();
            match item.into_inner() {
                DeValue::Table(entries) => {
                    tables.push((Table { name: key, entries, known: Vec::new() }, span));
                }
                other => {
                    let message = format!("{key}: expected tables, found {}", kind(&other));
                    let help = format!("write [[{key}]] on a line of its own and its keys below");
                    self.fault(span, message, help);
                }
            }
        }
        tables
    }

    /// # Errors
    /// All faults, in the order of their lines.
    pub(super) fn finish(mut self) -> Result<(), Vec<Fault>> {
        let nothing = Table { name: "", entries: DeTable::new(), known: Vec::new() };
        std::mem::replace(&mut self.root, nothing).finish(&mut self);
        self.faults.sort();
        self.faults.dedup();
        if self.faults.is_empty() { Ok(()) } else { Err(self.faults) }
    }

    /// Something that is wrong.
    pub(super) fn fault(&mut self, span: Range<usize>, message: String, help: impl Into<String>) {
        let before = self.text.get(..span.start).unwrap_or_default();
        let lines = before.bytes().filter(|it| *it == b'\n').count();
        let line = u32::try_from(lines).unwrap_or(u32::MAX).saturating_add(1);
        if self.broken.contains(&line) {
            return;
        }
        self.faults.push(Fault::new(&Place::new(&self.file, line), message, help));
    }
}

impl<'a> Table<'a> {
    /// Whether something stands under `key`, right or wrong, that was not taken yet.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The value under `key`, by `parse`; none where it is absent or wrong.
    pub(super) fn take<T>(
        &mut self,
        reader: &mut Reader<'a>,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.known.push(key);
        let value = self.entries.remove(key)?;
        read(reader, key, &value, &parse)
    }

    /// The values of the list under `key`, each by `parse`; empty where it is absent.
    pub(super) fn take_list<T>(
        &mut self,
        reader: &mut Reader<'a>,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        self.known.push(key);
        let Some(value) = self.entries.remove(key) else { return Vec::new() };
        match value.get_ref() {
            DeValue::Array(items) => {
                items.iter().filter_map(|it| read(reader, key, it, &parse)).collect()
            }
            other => {
                let message = format!("{key}: expected a list, found {}", kind(other));
                reader.fault(value.span(), message, "write the values in brackets: [\"a\", \"b\"]");
                Vec::new()
            }
        }
    }

    /// Every key that nobody took is unknown.
    pub(super) fn finish(self, reader: &mut Reader<'a>) {
        let place = match self.name {
            "" => "at the top".to_owned(),
            name => format!("in [{name}]"),
        };
        for key in self.entries.keys() {
            let typed = key.get_ref();
            let help = match nearest(typed, self.known.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("use one of: {}", self.known.join(", ")),
            };
            let message = format!("unknown key \"{}\" {place}", typed.escape_debug());
            reader.fault(key.span(), message, help);
        }
    }
}

fn read<T>(
    reader: &mut Reader<'_>,
    key: &str,
    value: &Spanned<DeValue<'_>>,
    parse: &impl Fn(&str) -> Result<T, String>,
) -> Option<T> {
    let parsed = match value.get_ref() {
        DeValue::String(text) => parse(text),
        DeValue::Integer(number) if number.radix() == 10 => {
            parse(&number.as_str().replace('_', ""))
        }
        other => Err(format!(
            "expected text or a whole number, found {}: write the value in quotes",
            kind(other)
        )),
    };
    parsed
        .map_err(|error| {
            // What is wrong, and what to write instead.
            let (message, help) = match error.split_once(": write ") {
                Some((message, help)) => (message, format!("write {help}")),
                None => (error.as_str(), "correct the value".to_owned()),
            };
            reader.fault(value.span(), format!("{key}: {message}"), help);
        })
        .ok()
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number that is not decimal",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
