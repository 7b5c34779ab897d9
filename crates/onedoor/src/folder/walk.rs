//! Finds the documents of a state folder: bounded in depth and number, dot files left out.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use model::{Fault, Place};
use state::Folder;

use super::File;

/// Folders within folders: `documents/a/b/…`.
const DEPTH_MAX: usize = 8;
/// Most files and folders that are looked at.
const ENTRIES_MAX: usize = Folder::FILES_MAX;

/// The documents below `root`, by name, with every fault of the disk added to `faults`.
pub(super) fn files(root: &Path, faults: &mut Vec<Fault>) -> Vec<File> {
    let mut walk = Walk { faults, files: Vec::new(), directories: Vec::new(), entries: 0 };
    walk.directory(root, "", 0);
    walk.files.sort_by(|a, b| a.name.cmp(&b.name));
    walk.files
}

/// `root` and every folder below it that can hold documents.
pub(super) fn directories(root: &Path) -> Vec<PathBuf> {
    let mut faults = Vec::new();
    let mut walk =
        Walk { faults: &mut faults, files: Vec::new(), directories: Vec::new(), entries: 0 };
    walk.directory(root, "", 0);
    walk.directories
}

struct Walk<'a> {
    faults: &'a mut Vec<Fault>,
    files: Vec<File>,
    directories: Vec<PathBuf>,
    entries: usize,
}

impl Walk<'_> {
    fn directory(&mut self, path: &Path, name: &str, depth: usize) {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => {
                let shown = if name.is_empty() { path.display().to_string() } else { name.into() };
                return self.fault(&shown, format!("cannot be listed: {error}"));
            }
        };
        self.directories.push(path.to_owned());
        for entry in entries {
            self.entries = self.entries.saturating_add(1);
            if self.entries > ENTRIES_MAX {
                return self.fault("", format!("more than {ENTRIES_MAX} files and folders"));
            }
            match entry {
                Ok(entry) => self.entry(&entry, name, depth),
                Err(error) => self.fault(name, format!("cannot be listed: {error}")),
            }
        }
    }

    fn entry(&mut self, entry: &fs::DirEntry, parent: &str, depth: usize) {
        let path = entry.path();
        let shown = entry.file_name();
        let shown = shown.to_string_lossy();
        // Editors, Kubernetes (`..data`) and the data folder live in dot files.
        if shown.starts_with('.') {
            return;
        }
        let name = if parent.is_empty() { shown.to_string() } else { format!("{parent}/{shown}") };
        if entry.file_name().to_str().is_none() {
            return self.fault(&name, "its name is not UTF-8".to_owned());
        }
        match kind(entry, &path) {
            Ok(it) if it.is_dir() && depth >= DEPTH_MAX => {
                self.fault(&name, format!("more than {DEPTH_MAX} folders deep"));
            }
            Ok(it) if it.is_dir() => self.directory(&path, &name, depth.saturating_add(1)),
            Ok(_) if is_document(&name, parent) => {
                self.files.push(File { name: Arc::from(name), path });
            }
            Ok(_) => {}
            Err(error) => self.fault(&name, format!("cannot be read: {error}")),
        }
    }

    fn fault(&mut self, name: &str, message: String) {
        // Once is enough for what is said of the whole folder.
        if name.is_empty() && self.faults.iter().any(|it| it.message == message) {
            return;
        }
        let place = Place::new(&Arc::from(name), 0);
        self.faults.push(Fault::new(&place, message, "repair it, or remove it from the folder"));
    }
}

/// What an entry is; what it leads to where it is a link, for a mounted folder may be one.
fn kind(entry: &fs::DirEntry, path: &Path) -> io::Result<fs::FileType> {
    match entry.file_type()? {
        it if it.is_symlink() => Ok(fs::metadata(path)?.file_type()),
        it => Ok(it),
    }
}

/// At the top, only what looks like a misplaced document: a README may stand there.
fn is_document(name: &str, parent: &str) -> bool {
    !parent.is_empty() || name.ends_with(".yaml") || name.ends_with(".yml")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(root: &Path) -> (Vec<String>, Vec<String>) {
        let mut faults = Vec::new();
        let files = files(root, &mut faults);
        let names = files.iter().map(|it| it.name.to_string()).collect();
        (names, faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn dot_files_and_a_readme_are_left_out() {
        let root = tempfile::tempdir().unwrap();
        for name in
            ["roles/b.yaml", "roles/a.yaml", ".git/x.yaml", "roles/.a.yaml.swp", "README.md"]
        {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        assert_eq!(
            names(root.path()),
            (vec!["roles/a.yaml".into(), "roles/b.yaml".into()], vec![])
        );
    }

    #[test]
    fn a_link_to_its_own_folder_ends() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("documents")).unwrap();
        std::os::unix::fs::symlink("..", root.path().join("documents/up")).unwrap();
        let (_, faults) = names(root.path());
        assert!(faults.iter().any(|it| it.contains("more than 8 folders deep")), "{faults:?}");
    }

    #[test]
    fn a_dangling_link_and_a_missing_folder_are_faults() {
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("nowhere", root.path().join("roles.yaml")).unwrap();
        assert!(names(root.path()).1[0].starts_with("roles.yaml: cannot be read"));
        assert!(names(&root.path().join("no")).1[0].contains("cannot be listed"));
    }
}
