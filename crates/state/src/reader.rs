//! Reads a mapping key by key: what is missing, and what nobody asked for, becomes a fault.

use crate::{
    field::Field,
    node::{Content, Entry},
    report::shown,
    suggestion,
};

/// A mapping that is being read. [`Field::mapping`] makes one and finishes it.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    field: Field<'a>,
    entries: Vec<&'a Entry>,
    known: Vec<&'static str>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(field: Field<'a>, entries: Vec<&'a Entry>) -> Self {
        Self { field, entries, known: Vec::new() }
    }

    /// The mapping itself, for faults between its keys.
    pub(crate) fn field(&self) -> &Field<'a> {
        &self.field
    }

    /// The value of `key`, where there is one.
    pub(crate) fn optional(&mut self, key: &'static str) -> Option<Field<'a>> {
        self.known.push(key);
        let entry = self.entries.iter().find(|it| it.key == key)?;
        // A key without a value says nothing.
        (entry.value.content != Content::Null).then(|| self.field.child(entry))
    }

    /// The value of `key`. `help` says what to write where it is missing.
    pub(crate) fn required(&mut self, key: &'static str, help: &str) -> Option<Field<'a>> {
        let value = self.optional(key);
        if value.is_none() {
            self.field.missing(key, help);
        }
        value
    }

    /// Tells of the keys that nobody asked for.
    pub(crate) fn finish(self) {
        for entry in &self.entries {
            if self.known.contains(&&*entry.key) {
                continue;
            }
            let known = self.known.join(", ");
            let help = match suggestion::nearest(&entry.key, self.known.iter().copied()) {
                Some(near) => format!("did you mean {near}? known here: {known}"),
                None => format!("known here: {known}"),
            };
            let message = format!("unknown key {}", shown(&entry.key));
            self.field.fault_at(entry, message, help);
        }
    }
}
