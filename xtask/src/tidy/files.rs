//! The files of the project, and what holds for each: its length, its first line, its name.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result};
use model::{Fault, Place};

use super::house::House;

/// Folders that are made, not written.
const MADE_FOLDERS: &[&str] = &[".git", "__pycache__", "node_modules", "target"];
/// A larger file is data and is not read.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Shortest line that says what a file is: `//! ` and a few words.
const OPENING_CHARACTERS_MIN: usize = 16;

/// One text file of the project.
#[derive(Debug)]
pub(crate) struct File {
    /// Its path, relative to the project.
    pub(crate) path: Arc<str>,
    /// What it holds; nothing where that is no text.
    pub(crate) text: String,
}

impl File {
    /// Whether it is a Rust source.
    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&*self.path).extension().is_some_and(|it| it == "rs")
    }

    /// Whether all of it is test: in a folder `tests` or `benches`, or a module `tests`.
    pub(crate) fn is_test(&self) -> bool {
        let is_test = |part: &str| matches!(part, "benches" | "tests" | "tests.rs");
        self.path.split('/').any(is_test)
    }

    /// The source before its tests, which stand at its end.
    pub(crate) fn code(&self) -> &str {
        self.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
    }

    /// A line of it; 0 means the whole.
    pub(crate) fn line(&self, line: usize) -> Place {
        Place::new(&self.path, u32::try_from(line).unwrap_or(0))
    }
}

/// All files below `root`, sorted by path.
pub(crate) fn read(root: &Path) -> Result<Vec<File>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let is_made = MADE_FOLDERS.iter().any(|it| entry.file_name() == *it);
            let kind = entry.file_type()?;
            if kind.is_dir() && !is_made {
                folders.push(entry.path());
            } else if kind.is_file() && entry.metadata()?.len() <= FILE_BYTES_MAX {
                files.push(read_one(root, &entry.path())?);
            }
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

fn read_one(root: &Path, path: &PathBuf) -> Result<File> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    let shown = path.strip_prefix(root).unwrap_or(path).display().to_string();
    Ok(File { path: shown.into(), text: String::from_utf8(bytes).unwrap_or_default() })
}

/// The faults of a Rust source as a file.
pub(crate) fn check(file: &File, house: &House) -> Vec<Fault> {
    [length(file, house), opening(file), name(file, house)].into_iter().flatten().collect()
}

fn length(file: &File, house: &House) -> Option<Fault> {
    let (lines, most) = (file.code().lines().count(), house.file_lines_max);
    let is_long = !file.is_test() && lines > most;
    is_long.then(|| {
        let message = format!("{lines} lines before its tests, {most} at most");
        Fault::new(&file.line(0), message, "find the second idea in it and give that its own file")
    })
}

fn opening(file: &File) -> Option<Fault> {
    let first = file.text.lines().next().unwrap_or_default();
    let is_said = first.starts_with("//! ") && first.chars().count() >= OPENING_CHARACTERS_MIN;
    (!is_said).then(|| {
        let is_root = file.path.ends_with("/src/lib.rs") || file.path.ends_with("/src/main.rs");
        let what = if is_root { "crate" } else { "file" };
        let message = format!("does not open by saying what this {what} is");
        let help = format!("begin with a //! line that tells a newcomer what the {what} is for");
        Fault::new(&file.line(1), message, help)
    })
}

fn name(file: &File, house: &House) -> Option<Fault> {
    let mut parts = file.path.split('/').map(|it| it.strip_suffix(".rs").unwrap_or(it));
    if file.path.ends_with("/mod.rs") {
        let help = "name the file after its folder and put it beside that";
        return Some(Fault::new(&file.line(0), "named mod.rs", help));
    }
    let empty = parts.find(|it| house.empty_names.contains(it))?;
    let message = format!("\"{empty}\" says nothing about what is in it");
    Some(Fault::new(&file.line(0), message, "name it for the one thing it holds"))
}
