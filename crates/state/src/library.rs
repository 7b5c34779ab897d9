//! Reads a whole folder, and the next one with only what changed: every document, then what they
//! say of each other.

use std::{
    collections::{BTreeSet, HashMap},
    mem,
    ops::Range,
    sync::Arc,
};

use model::{Collection, CollectionId, Fault, Place, Upstream};
use serde_json::Value;

use crate::{
    Desired, Folder, Kind, Reading,
    collection::document_file,
    folder::Purpose,
    openapi::Documents,
    parsed::Parsed,
    references::{self, Declared},
    rotation,
};

/// The documents that were read, and what came of each: kept for as long as its text is the same.
#[derive(Debug, Default)]
pub struct Library {
    /// By path.
    files: Vec<File>,
    documents: Documents,
    linked: HashMap<CollectionId, Linked>,
}

#[derive(Debug)]
struct File {
    path: Arc<str>,
    text: Arc<str>,
    kind: Kind,
    /// Where the id stands in the path.
    stem: Range<usize>,
    parsed: Parsed,
}

/// A collection as its document has it, and what that names.
#[derive(Debug)]
struct Parts {
    from: Arc<Collection>,
    upstream: Option<Arc<Upstream>>,
    document: Option<Arc<Value>>,
}

/// A collection with all its parts in it.
#[derive(Debug)]
struct Linked {
    parts: Parts,
    collection: Arc<Collection>,
}

impl Library {
    /// A library in which nothing was read yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads `folder`: the same result as [`read`](crate::read), with less work where documents
    /// are as they were the last time.
    ///
    /// # Errors
    /// All faults of all files, sorted by place.
    pub fn read(&mut self, folder: &Folder) -> Result<Desired, Vec<Fault>> {
        self.read_sound(folder, &[]).whole()
    }

    /// Reads `folder` as far as that goes.
    ///
    /// `unread` are the faults of files and folders that could not be put into it, each in its place:
    /// they are there, so that whatever names them is not at fault.
    pub fn read_sound(&mut self, folder: &Folder, unread: &[Fault]) -> Reading {
        let mut faults = self.renew(folder);
        let (mut desired, mut declared) = (Desired::default(), Declared::beside(unread));
        let mut references = Vec::new();
        for file in &self.files {
            let Some(stem) = file.path.get(file.stem.clone()) else { continue };
            if let Some(first) = declared.insert(file.kind, stem, &file.path) {
                let message = format!("{} {stem} has a file already: {first}", file.kind.as_str());
                let place = Place::new(&file.path, 0);
                faults.push(Fault::new(&place, message, "delete one of the two"));
                continue;
            }
            let Parsed { noun, faults: found, references: named } = &file.parsed;
            if file.kind == Kind::Client && !found.is_empty() {
                declared.is_unclear(stem);
            }
            faults.extend_from_slice(found);
            references.extend(named);
            if let Some(noun) = noun {
                desired.add(noun);
            }
        }
        desired.sort();
        self.documents.open(folder, &references::documents(&references));
        link(&mut desired, &self.documents, &mut self.linked);
        faults.extend(self.documents.faults().cloned());
        references::check(&references, &declared, folder, &desired, &mut faults);
        references::check_unique(&desired, &mut faults);
        rotation::check(&desired, &mut faults);
        faults.extend_from_slice(unread);
        faults.sort();
        let collections = self.files.iter().filter(|it| it.kind == Kind::Collection).count();
        Reading::new(desired, faults, collections)
    }

    /// Reads the documents that are new or changed, and forgets those that are gone. The faults
    /// are of files that should not be there.
    fn renew(&mut self, folder: &Folder) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut strays = BTreeSet::new();
        let mut before = mem::take(&mut self.files).into_iter().peekable();
        for (path, text) in folder.texts() {
            while before.next_if(|it| it.path < *path).is_some() {}
            if let Some(same) = before.next_if(|it| it.path == *path && it.text == *text) {
                self.files.push(same);
                continue;
            }
            match Purpose::of(path) {
                Purpose::Ignored | Purpose::OpenApi => {}
                Purpose::Document { kind, stem } => {
                    let begin = kind.folder().len().saturating_add(1);
                    self.files.push(File {
                        parsed: Parsed::read(kind, stem, path, text),
                        path: Arc::clone(path),
                        text: Arc::clone(text),
                        kind,
                        stem: begin..begin.saturating_add(stem.len()),
                    });
                }
                // One fault for a folder, however many files are in it.
                Purpose::Stray { part, .. } if !strays.insert(part) => {}
                Purpose::Stray { part, message, help } => {
                    faults.push(Fault::new(&Place::new(&part.into(), 0), message, help));
                }
            }
        }
        faults
    }
}

/// Puts the upstreams and documents into the collections that name them. Leaves away those
/// collections whose upstream or document is not there; that is told elsewhere.
fn link(desired: &mut Desired, documents: &Documents, linked: &mut HashMap<CollectionId, Linked>) {
    let mut before = mem::take(linked);
    let upstreams: HashMap<_, _> =
        desired.upstreams.iter().filter_map(|it| Some((it.id.as_ref()?, it))).collect();
    let collections = mem::take(&mut desired.collections).into_iter();
    desired.collections = collections
        .filter_map(|from| {
            let upstream = match &from.upstream.id {
                Some(id) => Some(Arc::clone(upstreams.get(id)?)),
                None => None,
            };
            let document = match document_file(&from) {
                Some(file) => Some(documents.get(file)?),
                None => None,
            };
            let parts = Parts { from, upstream, document };
            let same = before.remove(&parts.from.id).filter(|it| it.parts.is_same(&parts));
            let whole = same.unwrap_or_else(|| Linked::new(parts));
            let collection = Arc::clone(&whole.collection);
            linked.insert(collection.id.clone(), whole);
            Some(collection)
        })
        .collect();
}

impl Linked {
    fn new(parts: Parts) -> Self {
        let mut collection = Arc::clone(&parts.from);
        if let Some(upstream) = &parts.upstream {
            Arc::make_mut(&mut collection).upstream = Upstream::clone(upstream);
        }
        if let Some(document) = &parts.document {
            Arc::make_mut(&mut collection).document = Arc::clone(document);
        }
        Self { parts, collection }
    }
}

impl Parts {
    fn is_same(&self, other: &Self) -> bool {
        fn is_same<T>(one: Option<&Arc<T>>, other: Option<&Arc<T>>) -> bool {
            match (one, other) {
                (Some(one), Some(other)) => Arc::ptr_eq(one, other),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            }
        }
        Arc::ptr_eq(&self.from, &other.from)
            && is_same(self.upstream.as_ref(), other.upstream.as_ref())
            && is_same(self.document.as_ref(), other.document.as_ref())
    }
}
