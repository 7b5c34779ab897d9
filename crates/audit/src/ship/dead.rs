//! Records that a receiver refuses for good: kept with the reason, for a person to look at.

use std::{
    fs::OpenOptions,
    io::{self, ErrorKind, Write as _},
    path::PathBuf,
};

use model::Timestamp;
use serde::Serialize;

use super::Line;

/// Largest file. A receiver that refuses more is not one that refuses single records.
const BYTES_MAX: u64 = 64 << 20;

/// The file of what was refused: a line of JSON for each.
#[derive(Debug)]
pub(super) struct DeadLetters(pub(super) PathBuf);

#[derive(Serialize)]
struct Letter<'a> {
    refused: Timestamp,
    why: &'a str,
    seq: u64,
    hash: String,
    line: std::borrow::Cow<'a, str>,
}

impl DeadLetters {
    /// Keeps `line`, on the disk. A crash right after it may have it kept again.
    pub(super) fn keep(&self, line: &Line, why: &str, at: Timestamp) -> io::Result<()> {
        let letter = Letter {
            refused: at,
            why,
            seq: line.seq,
            hash: line.hash.to_string(),
            line: String::from_utf8_lossy(&line.json),
        };
        let mut bytes = serde_json::to_vec(&letter)?;
        bytes.push(b'\n');
        let mut file = OpenOptions::new().create(true).append(true).open(&self.0)?;
        let before = file.metadata()?.len();
        if before > BYTES_MAX {
            let what = format!(
                "{} is full: look why so much is refused, and move the file away",
                self.0.display()
            );
            return Err(io::Error::new(ErrorKind::StorageFull, what));
        }
        // What is written in part is taken away again, so that every line is whole.
        file.write_all(&bytes).and_then(|()| file.sync_all()).inspect_err(|_| {
            file.set_len(before).ok();
        })
    }
}
