//! What makes a document unreadable, and what in it could not be used.

use std::collections::HashSet;

/// Why no operations could be read from a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The document is no mapping.
    #[error("the document is no mapping: an OpenAPI document begins with `openapi: 3.1.0`")]
    NotAMapping,
    /// It nests deeper than is read.
    #[error("the document nests deeper than {depth_max} levels")]
    TooDeep {
        /// How deep it may nest.
        depth_max: usize,
    },
    /// Its schemas, written out for tools, would be larger than is kept.
    #[error(
        "the document's schemas come to more than can be kept: split it, or select fewer paths"
    )]
    TooLarge,
    /// It has more operations than one collection may have.
    #[error("the document has {count} operations, more than {count_max}: split it")]
    TooManyOperations {
        /// How many it has.
        count: usize,
        /// How many it may have.
        count_max: usize,
    },
    /// It does not say which OpenAPI it is, or one that is not known.
    #[error(
        "unknown OpenAPI version {found}: 2.0, 3.0 and 3.1 are read; begin with `openapi: 3.1.0`"
    )]
    Version {
        /// What stands there, quoted; `(none)` where nothing does.
        found: String,
    },
}

/// Something in a document that could not be used. The rest was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Warning {
    /// Where: a JSON pointer into the document.
    pub pointer: String,
    /// What, and what was done instead.
    pub message: String,
}

/// Most warnings that are kept of one document.
const COUNT_MAX: usize = 1000;

/// Warnings as they are found: each once, and not too many.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    list: Vec<Warning>,
    seen: HashSet<Warning>,
}

impl Warnings {
    pub(crate) fn add(&mut self, pointer: &str, message: impl Into<String>) {
        if self.list.len() >= COUNT_MAX {
            return;
        }
        let warning = Warning { pointer: pointer.to_owned(), message: message.into() };
        if self.seen.insert(warning.clone()) {
            self.list.push(warning);
        }
    }

    pub(crate) fn into_list(self) -> Vec<Warning> {
        self.list
    }
}

/// `text`, bounded and quoted, for a message.
pub(crate) fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(80).collect();
    if cut.len() < text.len() { format!("{cut:?}…") } else { format!("{cut:?}") }
}
