//! `onedoor password`: the hash of a password, which is never an argument.

use std::io::Read as _;

use anyhow::{Context as _, anyhow};
use model::Secret;

use super::Failure;
use crate::terminal::Terminal;

/// Longest input that is read: more than any password has.
const INPUT_BYTES_MAX: u64 = 4_096;

/// Reads a password from the standard input and prints its hash.
pub(super) fn run(terminal: Terminal) -> Result<(), Failure> {
    let mut typed = String::with_capacity(usize::try_from(INPUT_BYTES_MAX).unwrap_or(0));
    let read = std::io::stdin().take(INPUT_BYTES_MAX).read_to_string(&mut typed);
    read.context("the standard input is no text")?;
    let end = typed.trim_end_matches(['\r', '\n']).len();
    typed.truncate(end);
    let hash = oauth::hash_password(&Secret::new(typed)).map_err(|error| anyhow!(error))?;
    terminal.line(hash)?;
    Ok(())
}
