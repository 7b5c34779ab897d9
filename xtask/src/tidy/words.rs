//! Texts that no committed file may hold.

use model::Fault;

use super::{files::File, house::House};

/// The faults of a file's text.
pub(crate) fn check(file: &File, house: &House) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for banned in house.banned_texts {
            if line.contains(banned.text) {
                let message = format!("holds \"{}\"", banned.text);
                let place = file.line(index.saturating_add(1));
                faults.push(Fault::new(&place, message, banned.instead));
            }
        }
    }
    faults
}
