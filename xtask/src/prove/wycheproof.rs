//! The vectors of project Wycheproof, which tests of `identity` read.

use anyhow::{Result, ensure};

use super::{
    Done,
    tested::{self, WORKSPACE},
};

/// Each test says how that went in a line that begins so.
const TOLD: &str = "wycheproof: ";
/// Of signatures, of keys, and of what is encrypted.
const FILES: usize = 3;

pub(super) fn prove() -> Result<Done> {
    let filter = "package(identity) and test(/^token::wycheproof::/)";
    let told = tested::told(&mut tested::each(WORKSPACE, filter)?, TOLD)?;
    ensure!(told.len() == FILES, "{} of {FILES} files of vectors were told of", told.len());
    Ok(Done::Held(told.join("; ")))
}
