//! The promises of `state`, through its public types.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod example;
mod faults;
mod hostile;
mod json;
mod library;
mod nouns;
mod reading;
mod round_trip;
mod uses;

use state::Folder;

/// A folder of these files.
fn folder<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Folder {
    let mut folder = Folder::new();
    for (path, text) in files {
        folder.insert(path, text.to_owned()).unwrap();
    }
    folder
}
