//! The files of a state folder, as text: how many, how big, and what each of them is.

use std::{collections::BTreeMap, sync::Arc};

use crate::{Kind, suggestion};

/// The folder of OpenAPI documents, which collections name.
pub(crate) const DOCUMENTS: &str = "documents";

/// The files of a state folder: path, with `/` between its parts, and text. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    /// Shared with all copies until one of them changes.
    files: Arc<BTreeMap<Arc<str>, Arc<str>>>,
    bytes: usize,
}

/// A file that is not the same in two folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub path: Arc<str>,
    /// Its text in the first folder; none where it is not there.
    pub before: Option<Arc<str>>,
    /// Its text in the second folder; none where it is not there.
    pub after: Option<Arc<str>>,
}

/// Why a folder takes no further file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FolderFull {
    /// One file is too big.
    #[error("{path} has {bytes} bytes, more than {bytes_max}")]
    FileBytes {
        /// The file.
        path: String,
        /// Its size.
        bytes: usize,
        /// What is accepted.
        bytes_max: usize,
    },
    /// All files together are too big.
    #[error("the files up to {path} have more than {bytes_max} bytes together")]
    FolderBytes {
        /// The first file too many.
        path: String,
        /// What is accepted.
        bytes_max: usize,
    },
    /// There are too many files.
    #[error("{path} is one file too many: there are already {files_max}")]
    Files {
        /// The first file too many.
        path: String,
        /// What is accepted.
        files_max: usize,
    },
}

impl Folder {
    /// Most files in a folder.
    pub const FILES_MAX: usize = 250_000;
    /// Most bytes in one file: a big OpenAPI description fits twice.
    pub const FILE_BYTES_MAX: usize = 32 << 20;
    /// Most bytes in all files.
    pub const BYTES_MAX: usize = 512 << 20;

    /// A folder without files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file, or replaces its text. `path` is relative, with `/` between its parts.
    ///
    /// # Errors
    /// [`FolderFull`] where a bound would be passed; the folder stays as it was.
    pub fn insert(
        &mut self,
        path: impl Into<Arc<str>>,
        text: impl Into<Arc<str>>,
    ) -> Result<(), FolderFull> {
        let (path, text) = (path.into(), text.into());
        let full = || path.to_string();
        if text.len() > Self::FILE_BYTES_MAX {
            let (bytes, bytes_max) = (text.len(), Self::FILE_BYTES_MAX);
            return Err(FolderFull::FileBytes { path: full(), bytes, bytes_max });
        }
        let replaced = self.files.get(&path).map(|it| it.len());
        if replaced.is_none() && self.files.len() >= Self::FILES_MAX {
            return Err(FolderFull::Files { path: full(), files_max: Self::FILES_MAX });
        }
        let others = self.bytes.saturating_sub(replaced.unwrap_or(0));
        let bytes = others.saturating_add(text.len());
        if bytes > Self::BYTES_MAX {
            return Err(FolderFull::FolderBytes { path: full(), bytes_max: Self::BYTES_MAX });
        }
        self.bytes = bytes;
        Arc::make_mut(&mut self.files).insert(path, text);
        Ok(())
    }

    /// Takes the file at `path` away, and gives its text where it was there.
    pub fn remove(&mut self, path: &str) -> Option<Arc<str>> {
        if !self.files.contains_key(path) {
            return None;
        }
        let text = Arc::make_mut(&mut self.files).remove(path)?;
        self.bytes = self.bytes.saturating_sub(text.len());
        Some(text)
    }

    /// What is to be done to this folder to make it `after`, by path.
    #[must_use]
    pub fn diff(&self, after: &Self) -> Vec<Change> {
        let (mut olds, mut news) = (self.texts().peekable(), after.texts().peekable());
        let mut changes = Vec::new();
        loop {
            let next = match (olds.peek(), news.peek()) {
                (None, None) => return changes,
                (Some((old, _)), Some((new, _))) => *old.min(new),
                (Some((path, _)), None) | (None, Some((path, _))) => *path,
            };
            let old = olds.next_if(|(path, _)| *path == next).map(|(_, text)| text);
            let new = news.next_if(|(path, _)| *path == next).map(|(_, text)| text);
            if old != new {
                let (before, after) = (old.cloned(), new.cloned());
                changes.push(Change { path: Arc::clone(next), before, after });
            }
        }
    }

    /// Whether the text of the file at `path` says anything: of others the name alone is looked at.
    #[must_use]
    pub fn is_read(path: &str) -> bool {
        match Purpose::of(path) {
            Purpose::Document { .. } | Purpose::OpenApi => true,
            Purpose::Ignored | Purpose::Stray { .. } => false,
        }
    }

    /// All files, by path.
    pub fn files(&self) -> impl Iterator<Item = (&Arc<str>, &str)> {
        self.texts().map(|(path, text)| (path, &**text))
    }

    /// All files, by path, with their texts shared.
    pub fn texts(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<str>)> {
        self.files.iter()
    }

    /// The path, shared, and the text of the file at `path`.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<(&Arc<str>, &str)> {
        self.shared(path).map(|(path, text)| (path, &**text))
    }

    /// The path and the text of the file at `path`, shared.
    #[must_use]
    pub fn shared(&self, path: &str) -> Option<(&Arc<str>, &Arc<str>)> {
        self.files.get_key_value(path)
    }
}

/// What a file is, by its path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Purpose<'a> {
    /// It declares something, whose id is the stem of its name.
    Document { kind: Kind, stem: &'a str },
    /// Nobody's business: a dot file, an editor's backup, a README.
    Ignored,
    /// Something that a collection may name.
    OpenApi,
    /// It should not be here. `part` is what is wrong about it: the file, or the folder it is in.
    Stray { part: &'a str, message: String, help: String },
}

impl<'a> Purpose<'a> {
    /// What the file at `path` is.
    pub(crate) fn of(path: &'a str) -> Self {
        if path.split('/').any(is_ignored) {
            return Self::Ignored;
        }
        let Some((folder, name)) = path.split_once('/') else { return Self::in_root(path) };
        if folder == DOCUMENTS {
            return Self::OpenApi;
        }
        let Some(kind) = Kind::ALL.into_iter().find(|it| it.folder() == folder) else {
            return Self::in_unknown_folder(folder);
        };
        let expected = format!("write {}, or move it out of the state folder", kind.path("ID"));
        match document_stem(name) {
            Some(_) if name.contains('/') => Self::Stray {
                part: path,
                message: format!("{folder} has no folders in it"),
                help: expected,
            },
            Some(stem) => Self::Document { kind, stem },
            None => Self::Stray {
                part: path,
                message: format!("not a document of a {}", kind.as_str()),
                help: expected,
            },
        }
    }

    fn in_root(path: &'a str) -> Self {
        if document_stem(path).is_none() {
            return Self::Ignored;
        }
        Self::Stray {
            part: path,
            message: "a document outside of the folders".to_owned(),
            help: format!("move it to one of {}", folders()),
        }
    }

    fn in_unknown_folder(folder: &'a str) -> Self {
        let known = Kind::ALL.iter().map(|it| it.folder()).chain([DOCUMENTS]);
        let help = match suggestion::nearest(folder, known) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("the folders are {}", folders()),
        };
        Self::Stray { part: folder, message: "unknown folder".to_owned(), help }
    }
}

fn folders() -> String {
    let mut folders: Vec<_> = Kind::ALL.iter().map(|it| it.folder()).collect();
    folders.push(DOCUMENTS);
    folders.join(", ")
}

/// Dot files, and what editors leave beside a file.
fn is_ignored(part: &str) -> bool {
    part.starts_with('.') || part.starts_with('#') || part.ends_with('~')
}

/// The name without the ending of a document, if it has one.
fn document_stem(name: &str) -> Option<&str> {
    [".yaml", ".yml", ".json"].iter().find_map(|it| name.strip_suffix(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_what_a_file_is() {
        let client = |stem| Purpose::Document { kind: Kind::Client, stem };
        assert_eq!(Purpose::of("clients/shop.yaml"), client("shop"));
        assert_eq!(Purpose::of("clients/shop.yml"), client("shop"));
        assert_eq!(Purpose::of("clients/shop.json"), client("shop"));
        assert_eq!(Purpose::of("documents/v1/orders.txt"), Purpose::OpenApi);
        for ignored in
            [".git/config.yaml", "clients/.shop.yaml.swp", "clients/shop.yaml~", "README.md"]
        {
            assert_eq!(Purpose::of(ignored), Purpose::Ignored, "{ignored}");
        }
        for stray in
            ["clients/shop.txt", "clients/a/b.yaml", "clinets/a.yaml", "a.yaml", "/clients/a.yaml"]
        {
            assert!(matches!(Purpose::of(stray), Purpose::Stray { .. }), "{stray}");
        }
    }

    #[test]
    fn a_folder_is_bounded() {
        let mut folder = Folder::new();
        let big = "x".repeat(Folder::FILE_BYTES_MAX + 1);
        let full = folder.insert("documents/a", big).unwrap_err();
        assert!(matches!(full, FolderFull::FileBytes { .. }), "{full}");

        folder.bytes = Folder::BYTES_MAX - 10;
        folder.insert("documents/a", "1234567890".to_owned()).unwrap();
        // Replacing a file does not count it twice.
        folder.insert("documents/a", "0987654321".to_owned()).unwrap();
        let full = folder.insert("documents/b", "x".to_owned()).unwrap_err();
        let want = "the files up to documents/b have more than 536870912 bytes together";
        assert_eq!(full.to_string(), want);
        assert_eq!(folder.files().count(), 1);
    }

    #[test]
    fn two_folders_differ_in_what_was_changed_in_one() {
        let folder = |files: &[(&str, &str)]| {
            let mut folder = Folder::new();
            for (path, text) in files {
                folder.insert(*path, *text).unwrap();
            }
            folder
        };
        let before = folder(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let mut after = before.clone();
        assert_eq!((before.diff(&after), &before), (Vec::new(), &after));
        assert_eq!(after.remove("a").as_deref(), Some("1"));
        assert_eq!(after.remove("a"), None);
        after.insert("c", "4").unwrap();
        after.insert("d", "5").unwrap();
        assert_eq!(after, folder(&[("b", "2"), ("c", "4"), ("d", "5")]));
        assert_eq!(before, folder(&[("a", "1"), ("b", "2"), ("c", "3")]));
        let changes = before.diff(&after);
        let changes: Vec<_> = changes
            .iter()
            .map(|it| (&*it.path, it.before.as_deref(), it.after.as_deref()))
            .collect();
        assert_eq!(
            changes,
            [("a", Some("1"), None), ("c", Some("3"), Some("4")), ("d", None, Some("5"))]
        );
    }

    #[test]
    fn a_folder_has_a_bounded_number_of_files() {
        let mut folder = Folder::new();
        for number in 0..Folder::FILES_MAX {
            folder.insert(number.to_string(), "").unwrap();
        }
        folder.insert("0", "replaced".to_owned()).unwrap();
        let full = folder.insert("one more", String::new()).unwrap_err();
        assert!(matches!(full, FolderFull::Files { .. }), "{full}");
    }
}
