//! Files of a pack, for our eyes only, and a list of their digests.

use std::{collections::BTreeMap, fs, io::ErrorKind, path::Path};

use anyhow::Context as _;
use aws_lc_rs::digest::{SHA256, digest};
use model::hex;
use serde_json::{Map, Value};

use super::{
    page,
    table::{Pack, text},
};
use crate::remote::{Failure, private_file};

/// The list of digests, as `sha256sum --check` reads it.
const SUMS: &str = "SHA256SUMS";

/// Whether a pack can be written to `folder`: it is not there yet, or is empty.
///
/// # Errors
/// Where it holds something.
pub(super) fn check_new(folder: &Path) -> Result<(), Failure> {
    let shown = folder.display();
    match fs::read_dir(folder).map(|mut it| it.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(Failure::Unclear(format!("{shown} holds something already: name a new folder")))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => {
            Err(error).with_context(|| format!("cannot list {shown}")).map_err(Failure::from)
        }
    }
}

/// Writes all files. Gives how many those are.
///
/// # Errors
/// What the disk says.
pub(super) fn write(folder: &Path, pack: &Pack) -> Result<usize, Failure> {
    let mut files = BTreeMap::new();
    for table in &pack.tables {
        files.insert(format!("{}.csv", table.name), table.csv());
        // Of changes there is more to tell than the table holds.
        if table.name != "changes" {
            files.insert(format!("{}.json", table.name), pretty(&table.json())?);
        }
    }
    files.insert("changes.json".to_owned(), pretty(&pack.changes)?);
    files.insert("log.json".to_owned(), pretty(&pack.log)?);
    let summary = pack.summary.iter().map(|(name, value)| (name_of(name), value.as_str().into()));
    let mut summary: Map<String, Value> = summary.collect();
    summary.insert("notes".to_owned(), pack.notes.iter().map(String::as_str).collect());
    files.insert("summary.json".to_owned(), pretty(&Value::Object(summary))?);
    files.insert("checkpoint.txt".to_owned(), text(&pack.log, "checkpoint"));
    files.insert("audit.pub".to_owned(), keys(&pack.log));
    files.extend(pack.proofs.files().map(|(name, proof)| (name, proof.clone())));
    files.insert("index.html".to_owned(), page::page(pack));
    let sums: String = files.iter().map(|(name, it)| format!("{}  {name}\n", sum(it))).collect();
    files.insert(SUMS.to_owned(), sums);
    for (name, content) in &files {
        let path = folder.join(name);
        private_file::write(&path, content.as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(files.len())
}

/// The public keys of the log, one on a line, the oldest first.
fn keys(log: &Value) -> String {
    let keys = log.get("keys").and_then(Value::as_array).into_iter().flatten();
    keys.filter_map(Value::as_str).map(|it| format!("{it}\n")).collect()
}

fn pretty(value: &Value) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value).context("a table is no JSON")?;
    Ok(format!("{text}\n"))
}

/// `Made by` as the name of a member.
fn name_of(title: &str) -> String {
    title.to_ascii_lowercase().replace(' ', "_")
}

fn sum(content: &str) -> String {
    hex(digest(&SHA256, content.as_bytes()).as_ref())
}
