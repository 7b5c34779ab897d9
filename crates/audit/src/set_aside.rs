//! A damaged log is set aside as evidence, and the one that begins in its place names it.

use std::{
    fs::{self, DirBuilder, File, Metadata},
    io::{self, ErrorKind, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, chown},
    path::{Path, PathBuf},
};

use model::Timestamp;
use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    process::geteuid,
};

use crate::{
    Damage, Hash, Unchecked, VerifyingKey, WalkError, frame,
    journal::{lock, private, sync_folder},
    lines::Lines,
    segment::{self, Header, Segment},
    verify, walk,
};

/// What stands in a folder in which no log has begun yet: which one it is in place of.
const PREDECESSOR: &str = "predecessor.txt";
/// Most of it that is told.
const TOLD_BYTES_MAX: u64 = 1024;

/// Why a log is not set aside. It is where it was then.
#[derive(Debug, thiserror::Error)]
pub enum SetAsideError {
    /// What the disk says.
    #[error("{folder} cannot be set aside: {source}")]
    Disk {
        /// Which folder.
        folder: String,
        /// What the system said.
        source: io::Error,
    },
    /// By this key everything would be wrong with it.
    #[error("{folder} holds the log {origin}, and the key is one of the log {name}")]
    Foreign {
        /// Which folder.
        folder: String,
        /// What its log is called.
        origin: String,
        /// What the log of the key is called.
        name: String,
    },
    /// A process writes to it.
    #[error("{folder} is written to by another process: stop the door first")]
    Held {
        /// Which folder.
        folder: String,
    },
    /// It could not be checked.
    #[error(transparent)]
    Unchecked(#[from] Unchecked),
    /// It is what was written.
    #[error("nothing is wrong with {folder}, so nothing was set aside")]
    Whole {
        /// Which folder.
        folder: String,
    },
}

/// Renames the folder of a damaged log, and gives back what it is called now. The folder in its place is
/// empty but for what the record of the next start says of that.
///
/// # Errors
/// [`SetAsideError`]
pub fn set_aside(
    folder: &Path,
    key: &VerifyingKey,
    at: Timestamp,
) -> Result<PathBuf, SetAsideError> {
    let shown = || folder.display().to_string();
    let disk = |source| SetAsideError::Disk { folder: shown(), source };
    let place = folder.canonicalize().map_err(disk)?;
    let segments = segment::list(&place).map_err(disk)?;
    if segments.is_empty() {
        return Err(Unchecked::Empty { folder: shown() }.into());
    }
    if let Some(origin) = origin(&segments).filter(|it| it != key.name()) {
        return Err(SetAsideError::Foreign {
            folder: shown(),
            origin,
            name: key.name().to_owned(),
        });
    }
    let _lock = lock(&place).map_err(|error| match error.kind() == ErrorKind::WouldBlock {
        true => SetAsideError::Held { folder: shown() },
        false => disk(error),
    })?;
    let report = verify(&place, key, None)?;
    let damage = report.damage.ok_or_else(|| SetAsideError::Whole { folder: shown() })?;
    let aside = beside(&place, at).map_err(disk)?;
    let told = told(&aside, (&damage, last_good(&place, damage.seq)), at);
    swap(&place, &aside, &told).map_err(disk)?;
    Ok(aside)
}

/// What is told of the log in whose place the one in `folder` begins; none where it is in nobody's.
pub(crate) fn predecessor(folder: &Path) -> io::Result<Option<String>> {
    let file = match File::open(folder.join(PREDECESSOR)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let mut told = String::new();
    file.take(TOLD_BYTES_MAX).read_to_string(&mut told)?;
    Ok(Some(told))
}

/// Takes away what is told, once a record says it.
pub(crate) fn forget(folder: &Path) -> io::Result<()> {
    match fs::remove_file(folder.join(PREDECESSOR)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// What the log is called, as far as a segment says it.
fn origin(segments: &[Segment]) -> Option<String> {
    let first = |it: &Segment| Header::read(&Lines::first(&it.path).ok()??);
    segments.iter().find_map(first).map(|it| it.origin)
}

/// The hash of the record before `seq`; none where that is not there.
fn last_good(folder: &Path, seq: u64) -> Option<Hash> {
    let mut last = None;
    let span = seq.saturating_sub(1)..seq;
    let walked = walk::<WalkError>(folder, &span, |it| {
        last = frame::read(it.line).map(|it| it.hash);
        Ok(())
    });
    walked.ok().and(last)
}

fn beside(place: &Path, at: Timestamp) -> io::Result<PathBuf> {
    let at = at.to_string();
    let second = at.chars().take_while(|it| *it != '.').filter(|it| !matches!(it, '-' | ':'));
    let mut name = place.file_name().ok_or(ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".damaged-{}Z", second.collect::<String>()));
    Ok(place.with_file_name(name))
}

fn told(aside: &Path, (damage, last): (&Damage, Option<Hash>), at: Timestamp) -> String {
    let name = aside.file_name().unwrap_or_default().to_string_lossy();
    let user = geteuid().as_raw();
    let good = match last {
        Some(hash) => {
            let seq = damage.seq.saturating_sub(1);
            format!("its last good record is {seq}, where its chain stands at {hash}")
        }
        None => "which record of it is the last good one could not be told".to_owned(),
    };
    format!("in place of the log in {name}, set aside at {at} for user {user}: {damage}; {good}")
}

/// Puts a folder with what is `told` in the place of the log, which is `aside` from then on: in one step,
/// so that no crash leaves a place that tells nothing.
fn swap(place: &Path, aside: &Path, told: &str) -> io::Result<()> {
    let owner = place.metadata()?;
    DirBuilder::new().mode(0o700).create(aside)?;
    let file = aside.join(PREDECESSOR);
    let swapped = write(&file, told, &owner)
        .and_then(|()| Ok(renameat_with(CWD, aside, CWD, place, RenameFlags::EXCHANGE)?));
    if swapped.is_err() {
        // What is left of them is in nobody's way, and the log is where it was.
        fs::remove_file(&file).ok();
        fs::remove_dir(aside).ok();
    }
    swapped?;
    // It is done. Where the disk does not take that, a loss of power puts the log back to where it was.
    place.parent().and_then(|it| sync_folder(it).ok());
    Ok(())
}

fn write(file: &Path, told: &str, owner: &Metadata) -> io::Result<()> {
    let mut opened = private().write(true).create_new(true).open(file)?;
    opened.write_all(told.as_bytes())?;
    opened.sync_all()?;
    let folder = file.parent().unwrap_or(file);
    // Root may do this for a door that has to write there.
    for it in [folder, file] {
        chown(it, Some(owner.uid()), Some(owner.gid()))?;
    }
    sync_folder(folder)
}
