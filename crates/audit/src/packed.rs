//! A segment that was packed: members of gzip (RFC 1952), each of some whole lines, one behind the other.
//!
//! Any program that knows gzip unpacks such a file. Each member says in its head how long it is and how
//! much it holds, so a place within the lines is found without unpacking all before it.

mod member;
mod place;
mod source;

use std::{
    fs::File,
    io::{self, BufRead, ErrorKind, Write},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest;

pub(crate) use place::{Places, read_at};
pub(crate) use source::Source;

use self::member::Member;
pub(crate) use self::member::is_broken;

/// What the name of a packed segment ends in, behind the name that it had.
const ENDING: &str = "gz";
/// So many bytes of lines are in a member, and what is left of the last line.
const MEMBER_BYTES: usize = 1 << 20;

/// Whether the file at `path` is packed, by its name.
pub(crate) fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|it| it == ENDING)
}

/// The name that the segment at `path` has when it is packed.
pub(crate) fn packed_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ENDING);
    name.into()
}

/// Packs the file at `path` beside it, and reads that back: it holds the same, or this fails. Gives the
/// packed file as it is called until it is renamed.
pub(crate) fn pack(path: &Path) -> io::Result<PathBuf> {
    let mut draft = packed_path(path).into_os_string();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    let written = write(path, &draft);
    let is_same = written.and_then(|digest| Ok(digest.as_ref() == read(&draft)?.as_ref()));
    match is_same {
        Ok(true) => Ok(draft),
        Ok(false) => {
            std::fs::remove_file(&draft)?;
            Err(broken("it was not written as it is"))
        }
        Err(error) => {
            // As well as can be: the next try makes it anew.
            std::fs::remove_file(&draft).ok();
            Err(error)
        }
    }
}

fn write(from: &Path, to: &Path) -> io::Result<digest::Digest> {
    let mut lines = io::BufReader::with_capacity(MEMBER_BYTES, File::open(from)?);
    let mut packed = crate::journal::private().write(true).create(true).truncate(true).open(to)?;
    let (mut digest, mut text) = (digest::Context::new(&digest::SHA256), Vec::new());
    loop {
        let is_end = lines.read_until(b'\n', &mut text)? == 0;
        if text.len() >= MEMBER_BYTES || (is_end && !text.is_empty()) {
            digest.update(&text);
            packed.write_all(&Member::pack(&text)?)?;
            text.clear();
        }
        if is_end {
            packed.sync_all()?;
            return Ok(digest.finish());
        }
    }
}

fn read(path: &Path) -> io::Result<digest::Digest> {
    let (mut source, mut digest) =
        (Source::open_packed(path)?, digest::Context::new(&digest::SHA256));
    loop {
        let bytes = source.fill_buf()?;
        if bytes.is_empty() {
            return Ok(digest.finish());
        }
        digest.update(bytes);
        let length = bytes.len();
        source.consume(length);
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("a packed segment is broken: {what}"))
}
