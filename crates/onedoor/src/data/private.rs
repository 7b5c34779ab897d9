//! Files of the data folder that hold a secret: readable by us alone, and small.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use anyhow::{Context as _, anyhow, bail};
use identity::api_key::{SecureRandom as _, SystemRandom};
use model::{Secret, hex_digits};

/// What is told of a file that is not as it should be.
pub(super) struct Advice {
    /// Largest file that is read.
    pub(super) bytes_max: u64,
    /// What it is not, and what to do: `is no pepper: restore it from a backup`.
    pub(super) wrong: &'static str,
    /// What to do where others may have read it.
    pub(super) seen: &'static str,
}

/// Reads the secret in `path`.
///
/// # Errors
/// Where it cannot be read, is too long, or can be read by others.
pub(super) fn read(path: &Path, advice: &Advice) -> anyhow::Result<Secret<String>> {
    let (shown, Advice { bytes_max, wrong, seen }) = (path.display(), advice);
    let metadata = fs::metadata(path).with_context(|| format!("cannot look at {shown}"))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!(
            "{shown} can be read by others (mode {mode:o}): chmod 600 it; if others did read it, {seen}"
        );
    }
    if !metadata.is_file() || metadata.len() > *bytes_max {
        bail!("{shown} {wrong}");
    }
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    Ok(Secret::new(text))
}

/// Sees to it that there is a file at `path`: with what `make` makes where there is none. Another process
/// may make one at the same time: whoever comes second takes the first's.
///
/// # Errors
/// Where there is none and it cannot be made.
pub(super) fn ensure(
    path: &Path,
    make: impl FnOnce() -> anyhow::Result<Secret<String>>,
) -> anyhow::Result<()> {
    let shown = path.display();
    if path.try_exists().with_context(|| format!("cannot look at {shown}"))? {
        return Ok(());
    }
    let made = make().and_then(|text| match create(path, text.expose().as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => Ok(other?),
    });
    made.with_context(|| format!("cannot make {shown}"))
}

/// So many random bytes, as hexadecimal digits with a line end.
///
/// # Errors
/// Where there are none to be had.
pub(super) fn random(bytes: usize) -> anyhow::Result<Secret<String>> {
    let mut made = vec![0; bytes];
    SystemRandom::new().fill(&mut made).map_err(|_| anyhow!("no random bytes are to be had"))?;
    Ok(Secret::new(hex(Secret::new(made).expose())))
}

/// Writes a new file that only we can read. It is there whole or not at all.
///
/// # Errors
/// `AlreadyExists` where there is one, and what the disk says.
pub(super) fn create(path: &Path, content: &[u8]) -> io::Result<()> {
    if path.try_exists()? {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", uuid::Uuid::new_v4().simple()));
    let draft = path.with_file_name(name);
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        // A link, not a rename: of two that start together, the second must not replace the first's.
        .and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    written.and(removed)
}

/// As hexadecimal digits, with a line end.
fn hex(bytes: &[u8]) -> String {
    // The capacity is final: growing would leave copies behind.
    let mut text = String::with_capacity(bytes.len().saturating_mul(2).saturating_add(1));
    for byte in bytes {
        text.extend(hex_digits(*byte).map(char::from));
    }
    text.push('\n');
    text
}

pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut digits = text.bytes().map(|it| char::from(it).to_digit(16));
    while let Some(high) = digits.next() {
        let byte = high?.checked_mul(16)?.checked_add(digits.next()??)?;
        bytes.push(u8::try_from(byte).ok()?);
    }
    Some(bytes)
}
