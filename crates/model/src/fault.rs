//! What is wrong in a state folder: where, what, and what to do.

use std::{fmt, sync::Arc};

/// A line of a file of desired state.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// The file, relative to the state folder.
    pub file: Arc<str>,
    /// The line, from 1; 0 where the whole file is meant.
    pub line: u32,
}

impl Place {
    /// The line `line` of `file`.
    #[must_use]
    pub fn new(file: &Arc<str>, line: u32) -> Self {
        Self { file: Arc::clone(file), line }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One thing that is wrong in desired state.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What is wrong, with name and value.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// Which part of the document: `profiles.default.roles[0]`; empty where all of it is meant.
    pub field: String,
}

impl Fault {
    /// `message` at `place`, and what to do.
    #[must_use]
    pub fn new(place: &Place, message: impl Into<String>, help: impl Into<String>) -> Self {
        let (place, field) = (place.clone(), String::new());
        Self { place, message: message.into(), help: help.into(), field }
    }

    /// The same, of this part of the document.
    #[must_use]
    pub fn of(self, field: impl Into<String>) -> Self {
        Self { field: field.into(), ..self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    help: {}", self.place, self.message, self.help)
    }
}
