//! A walk over the records of a log, in their order, along its chain.

use std::{io, ops::Range, path::Path};

use crate::{
    Damage, Hash,
    lines::{Lines, Next},
    segment::{self, Header},
};

/// A record as it stands in a log.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    /// Its number.
    pub seq: u64,
    /// The hash of the record before it.
    pub before: Hash,
    /// Its line, without the newline.
    pub line: &'a [u8],
    /// The name of the log.
    pub log: &'a str,
}

/// Why a walk ended early.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The log is not what was written.
    #[error("the log is damaged, {0}: `onedoor audit verify` says more")]
    Damaged(Damage),
    /// There is no segment.
    #[error("the folder holds no segment of a log")]
    Empty,
    /// The log cannot be read.
    #[error("the log cannot be read: {0}")]
    Read(#[from] io::Error),
}

/// Shows each record of `span` in the log in `folder` to `look`. Its chain is followed, and no signature
/// is looked at: [`crate::verify()`] does that.
///
/// # Errors
/// [`WalkError`]; what `look` says, too.
pub fn walk<E: From<WalkError>>(
    folder: &Path,
    span: &Range<u64>,
    mut look: impl FnMut(Stored<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let segments = segment::list(folder).map_err(WalkError::Read)?;
    let first = segments.first().ok_or(WalkError::Empty)?;
    let header = Lines::first(&first.path).map_err(WalkError::Read)?;
    let header = header.and_then(|it| Header::read(&it)).ok_or(WalkError::Empty)?;
    let (mut chain, log) = (header.chain(), header.origin);
    for segment in &segments {
        let mut lines = Lines::open(&segment.path).map_err(WalkError::Read)?;
        loop {
            let (seq, before) = (chain.next(), chain.last());
            if seq >= span.end {
                return Ok(());
            }
            match lines.next(&mut chain).map_err(WalkError::Read)? {
                Next::Record(_) if span.contains(&seq) => {
                    look(Stored { seq, before, line: lines.line(), log: &log })?;
                }
                Next::Record(_) => {}
                // What is cut off within a segment shows at the next one.
                Next::Tail(_) | Next::End => break,
                Next::Damage(damage) => return Err(WalkError::Damaged(damage).into()),
            }
        }
    }
    Ok(())
}
