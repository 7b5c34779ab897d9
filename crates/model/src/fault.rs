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
}

impl Fault {
    /// `message` at `place`, and what to do.
    #[must_use]
    pub fn new(place: &Place, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { place: place.clone(), message: message.into(), help: help.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    help: {}", self.place, self.message, self.help)
    }
}

/// The name among `known` that `typed` was most likely meant to be: at most a third of it differs.
#[must_use]
pub fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = typed.chars().count().div_ceil(3);
    known
        .map(|name| (distance(typed, name), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, name)| name)
}

/// How many characters must be put in, taken out or changed (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (index, left) in one.chars().enumerate() {
        let mut diagonal = index;
        let mut last = index.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = last;
        }
        for (cell, right) in row.iter_mut().skip(1).zip(other.chars()) {
            let changed = diagonal.saturating_add(usize::from(left != right));
            diagonal = *cell;
            last = changed.min(last.saturating_add(1)).min(cell.saturating_add(1));
            *cell = last;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_one_typing_error_away() {
        let known = || ["get_order", "list_orders", "delete_order"].into_iter();
        assert_eq!(nearest("get_ordr", known()), Some("get_order"));
        assert_eq!(nearest("list_order", known()), Some("list_orders"));
        assert_eq!(nearest("ping", known()), None);
        assert_eq!(
            (distance("", "abc"), distance("abc", ""), distance("kitten", "sitting")),
            (3, 3, 3)
        );
    }
}
