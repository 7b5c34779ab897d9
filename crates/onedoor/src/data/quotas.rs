//! The file of what was used of quotas: one line that says how far the audit log was, then one for each count.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, BufWriter, ErrorKind, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use limits::Spent;
use model::{ClientId, CollectionId, LimitId, OperationId, ProfileId, Timestamp};
use serde::{Deserialize, Serialize};

/// The version of the format.
const VERSION: u32 = 1;
/// Largest file that is read. A meter has no more counters than have room in it.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// The file of what was used of quotas, which is replaced as a whole.
#[derive(Debug)]
pub(crate) struct QuotaFile(PathBuf);

/// What a process knew of its quotas.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// From this record of the audit log on there may be calls that are not counted.
    pub(crate) from: u64,
    /// What was counted.
    pub(crate) counts: Vec<Spent>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    version: u32,
    from: u64,
    counts: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Count<'a> {
    limit: &'a str,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    client: Option<&'a str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    operation: Option<&'a str>,
    used: u32,
    until_us: i64,
}

impl QuotaFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// What it says; none where there is no file.
    ///
    /// # Errors
    /// `InvalidData` where it is damaged or of a newer Onedoor, and what the disk says.
    pub(crate) fn read(&self) -> io::Result<Option<Known>> {
        let file = match File::open(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        if file.metadata()?.len() > FILE_BYTES_MAX {
            return Err(bad("is too large"));
        }
        let mut lines = BufReader::new(file).lines();
        let head = lines.next().transpose()?;
        let head = head.and_then(|it| serde_json::from_str::<Head>(&it).ok());
        let Some(Head { version: VERSION, from, counts: count }) = head else {
            return Err(bad("does not begin as such a file does"));
        };
        let mut counts = Vec::new();
        for line in lines {
            counts.push(spent(&line?).ok_or_else(|| bad("has a line that is no count"))?);
        }
        match counts.len() == count {
            true => Ok(Some(Known { from, counts })),
            false => Err(bad("does not have all of its lines")),
        }
    }

    /// Replaces it; when this returns, the disk holds the new one.
    ///
    /// # Errors
    /// What the disk says. The one that was there stays.
    pub(crate) fn write(&self, from: u64, counts: &[Spent]) -> io::Result<()> {
        let draft = self.0.with_extension("new");
        let written = write_to(&draft, from, counts).and_then(|()| fs::rename(&draft, &self.0));
        if written.is_err() {
            // It may take room that the log beside it needs.
            fs::remove_file(&draft).ok();
        }
        written?;
        self.0.parent().map_or(Ok(()), |it| File::open(it)?.sync_all())
    }
}

impl<'a> Count<'a> {
    fn of(spent: &'a Spent) -> Self {
        let Spent { limit, client, profile, operation, used, until } = spent;
        Self {
            limit: limit.as_str(),
            client: client.as_ref().map(ClientId::as_str),
            profile: profile.as_ref().map(ProfileId::as_str),
            operation: operation.as_ref().map(OperationId::as_str),
            used: *used,
            until_us: until.as_micros(),
        }
    }
}

fn write_to(draft: &Path, from: u64, counts: &[Spent]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    // What a crash left of a draft is written over.
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(draft)?;
    let mut out = BufWriter::new(file);
    line(&mut out, &Head { version: VERSION, from, counts: counts.len() })?;
    for spent in counts {
        line(&mut out, &Count::of(spent))?;
    }
    out.into_inner()?.sync_all()
}

fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

fn spent(line: &str) -> Option<Spent> {
    let count: Count<'_> = serde_json::from_str(line).ok()?;
    let Count { limit, client, profile, operation, used, until_us } = count;
    Some(Spent {
        limit: LimitId::parse(limit).ok()?,
        client: client.map(ClientId::parse).transpose().ok()?,
        profile: profile.map(ProfileId::parse).transpose().ok()?,
        operation: match operation {
            None => None,
            Some(operation) => Some(operation_of(operation)?),
        },
        used,
        until: Timestamp::from_micros(until_us),
    })
}

fn operation_of(text: &str) -> Option<OperationId> {
    let (collection, name) = text.split_once('.')?;
    OperationId::new(&CollectionId::parse(collection).ok()?, name).ok()
}

fn bad(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("it {what}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn spent(client: Option<&str>, operation: Option<&str>) -> Spent {
        Spent {
            limit: LimitId::parse("day").unwrap(),
            client: client.map(|it| ClientId::parse(it).unwrap()),
            profile: None,
            operation: operation.map(|it| operation_of(it).unwrap()),
            used: 7,
            until: Timestamp::parse("2027-02-01").unwrap(),
        }
    }

    #[test]
    fn counts_read_back_and_are_ours_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = QuotaFile::new(folder.path().join("quotas.jsonl"));
        assert_eq!(file.read().unwrap(), None);
        let counts = vec![
            spent(None, None),
            spent(Some("shop"), Some("orders.getOrder")),
            Spent { profile: Some(ProfileId::parse("shop/x").unwrap()), ..spent(None, None) },
        ];
        for counts in [counts, Vec::new()] {
            file.write(42, &counts).unwrap();
            assert_eq!(file.read().unwrap(), Some(Known { from: 42, counts }));
        }
        let mode = fs::metadata(file.path()).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode, fs::read_dir(folder.path()).unwrap().count()), (0o600, 1));
    }

    #[test]
    fn a_file_that_is_not_whole_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = QuotaFile::new(folder.path().join("quotas.jsonl"));
        file.write(42, &[spent(None, None), spent(Some("shop"), None)]).unwrap();
        let good = fs::read_to_string(file.path()).unwrap();
        let cut = good.lines().take(2).map(|it| format!("{it}\n")).collect();
        for bad in [
            String::new(),
            "nothing\n".to_owned(),
            cut,
            good.replace("\"version\":1", "\"version\":2"),
            good.replace("\"shop\"", "\"no client\""),
            good.replace("\"used\"", "\"user\""),
        ] {
            fs::write(file.path(), &bad).unwrap();
            let error = file.read().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData, "{bad}: {error}");
        }
    }
}
