//! What came to light while one file was read: its faults, and the names it refers to.

use std::{cell::RefCell, sync::Arc};

use model::{Fault, Place};

use crate::references::{Reference, Target};

/// Most faults that are told of one file.
const FAULTS_MAX: usize = 100;
/// Most characters of a name or a value that are shown in a fault.
const SHOWN_MAX: usize = 80;

/// Collects the faults and the references of one file.
#[derive(Debug)]
pub(crate) struct Report {
    file: Arc<str>,
    found: RefCell<Found>,
}

#[derive(Debug, Default)]
struct Found {
    faults: Vec<Fault>,
    untold: u64,
    references: Vec<Reference>,
}

impl Report {
    pub(crate) fn new(file: &Arc<str>) -> Self {
        Self { file: Arc::clone(file), found: RefCell::default() }
    }

    /// The line `line` of this file.
    pub(crate) fn place(&self, line: u32) -> Place {
        Place::new(&self.file, line)
    }

    /// Writes down that `message` is wrong with `field` at `line`, and what to do.
    pub(crate) fn fault(
        &self,
        (line, field): (u32, &str),
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let mut found = self.found.borrow_mut();
        if found.faults.len() < FAULTS_MAX {
            found.faults.push(Fault::new(&self.place(line), message, help).of(field));
        } else {
            found.untold = found.untold.saturating_add(1);
        }
    }

    /// Writes down that the value of `path` at `line` names something.
    pub(crate) fn refer(&self, line: u32, path: &str, target: Target) {
        let reference = Reference { place: self.place(line), path: path.to_owned(), target };
        self.found.borrow_mut().references.push(reference);
    }

    /// All that was found.
    // Without room for more: most files have none or one, and there may be many files.
    pub(crate) fn finish(self) -> (Box<[Fault]>, Box<[Reference]>) {
        let Found { mut faults, untold, references } = self.found.into_inner();
        if untold > 0 {
            let last = faults.iter().map(|it| it.place.line).max().unwrap_or(0);
            let message = format!("{untold} more faults in this file");
            faults.push(Fault::new(
                &Place::new(&self.file, last),
                message,
                "correct those above first",
            ));
        }
        (faults.into(), references.into())
    }
}

/// `text` in quotes, without control characters, and cut where it is long.
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{:?}…", text.split_at_checked(end).map_or("", |it| it.0)),
        None => format!("{text:?}"),
    }
}
