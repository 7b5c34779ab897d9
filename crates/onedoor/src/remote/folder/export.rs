//! `onedoor export`: the door's documents as files.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context as _, anyhow, bail};
use clap::ArgMatches;
use serde_json::Value;
use state::Folder;

use crate::{
    folder, logging,
    remote::{Ended, Failure},
    terminal::{Look, Terminal, counted},
};

/// Where files are written, and what may happen there.
pub(super) struct Target {
    directory: PathBuf,
    /// What the folder holds already.
    before: Folder,
    is_pruned: bool,
}

impl Target {
    /// Looks at the folder before anything is asked of the door.
    ///
    /// # Errors
    /// Where it holds something that was not meant to be touched, or cannot be read.
    pub(super) fn new(directory: &Path, matches: &ArgMatches) -> Result<Self, Failure> {
        let shown = directory.display();
        let is_empty = match fs::read_dir(directory) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => {
                return Err(anyhow!(error).context(format!("cannot list {shown}")).into());
            }
        };
        if !is_empty && !matches.get_flag("force") {
            return Err(Failure::Unclear(format!(
                "{shown} holds something already: name a new folder, or add --force to write into it"
            )));
        }
        let before = if is_empty { Folder::new() } else { folder::load(directory)?.folder };
        let is_pruned = matches.get_flag("prune");
        Ok(Self { directory: directory.to_owned(), before, is_pruned })
    }
}

/// Writes what is different, and tells what is left over.
///
/// # Errors
/// What the disk says. What is written by then stays.
pub(super) fn run(terminal: Terminal, target: &Target, answer: &Value) -> Result<Ended, Failure> {
    let files = files(answer)?;
    let directory = &target.directory;
    fs::create_dir_all(directory)
        .with_context(|| format!("cannot make {}", directory.display()))?;
    let mut written: usize = 0;
    for (name, text) in &files {
        if target.before.file(name).is_some_and(|(_, it)| it == *text) {
            continue;
        }
        let path = directory.join(name);
        folder::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        written = written.saturating_add(1);
    }
    let stale = target.before.files().map(|it| it.0);
    let stale =
        stale.filter(|it| Folder::is_read(it) && !files.iter().any(|(name, _)| *name == &***it));
    for name in stale {
        let path = directory.join(&**name);
        if target.is_pruned {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            terminal.line(format_args!("removed {name}"))?;
        } else {
            logging::tell(format_args!("the door has no {name}: --prune removes it"));
        }
    }
    let revision = answer.get("revision").map(ToString::to_string).unwrap_or_default();
    let (all, written) = (counted(files.len(), "document"), counted(written, "file"));
    let shown = terminal.paint(Look::Name, directory.display());
    terminal.line(format_args!("revision {revision}: {all} in {shown}, {written} written"))?;
    Ok(Ended::Done)
}

/// The files of the answer. A door that names anything but documents is not believed.
fn files(answer: &Value) -> anyhow::Result<Vec<(&str, &str)>> {
    let Some(files) = answer.get("files").and_then(Value::as_object) else {
        bail!("the door did not answer with files: is it a Onedoor of this version?");
    };
    let files = files.iter().map(|(name, text)| match text.as_str() {
        Some(text) if is_document(name) => Ok((name.as_str(), text)),
        _ => {
            Err(anyhow!("the door names a file {name:?} that is no document: nothing was written"))
        }
    });
    files.collect()
}

fn is_document(name: &str) -> bool {
    let path = Path::new(name);
    let is_plain = path.components().all(|it| match it {
        Component::Normal(part) => !part.as_encoded_bytes().starts_with(b"."),
        Component::CurDir | Component::ParentDir | Component::Prefix(_) | Component::RootDir => {
            false
        }
    });
    is_plain && !name.contains(['\\', '\0']) && !name.contains("//") && Folder::is_read(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_outside_the_folder() {
        for (name, want) in [
            ("clients/a.yaml", true),
            ("documents/a/b.json", true),
            ("README.md", false),
            ("../clients/a.yaml", false),
            ("documents/../../a.yaml", false),
            ("documents/./a.yaml", false),
            ("documents//a.yaml", false),
            ("/clients/a.yaml", false),
            ("documents/.ssh/a.yaml", false),
            (".onedoor/pepper", false),
            ("documents\\..\\a.yaml", false),
            ("", false),
        ] {
            assert_eq!(is_document(name), want, "{name:?}");
        }
    }
}
