//! Which operation a method and a canonical path mean.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use contract::Template;
use http::Method;

use super::Route;

/// Method and path to the position of an operation. Built whole, never changed.
#[derive(Debug, Default)]
pub(crate) struct Router {
    paths: matchit::Router<Vec<Entry>>,
}

/// An operation that its document has and its collection does not publish, or that cannot be called.
///
/// It stays in the router, or its requests would reach another operation with a hole in its path.
#[derive(Debug)]
pub(crate) struct Withheld {
    pub(crate) method: Method,
    pub(crate) base: String,
    pub(crate) template: Template,
}

/// What one method does at one shape of path.
#[derive(Debug)]
struct Entry {
    method: Method,
    /// None where the operation is withheld.
    position: Option<usize>,
    /// The length of the base and the template, where the tree cannot tell the shape whole.
    mixed: Option<(usize, Template)>,
    /// How much of the template is fixed text.
    literal_bytes: usize,
    /// What is said of it where it clashes.
    label: String,
}

/// What a path and a method lead to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The operation at this position.
    Operation(usize),
    /// The path is known, but not with this method; these it has.
    OtherMethods(Vec<Method>),
    /// No such path.
    Nothing,
}

impl Router {
    /// Builds the table.
    ///
    /// # Errors
    /// The positions of operations that mean the same requests as another one, and why.
    pub(crate) fn new(
        routes: &[Arc<Route>],
        withheld: &[&Withheld],
    ) -> Result<Self, Vec<(usize, String)>> {
        let mut by_shape: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for route in routes {
            let (position, label) =
                (Some(route.operation.position), route.operation.id.to_string());
            let (base, contract) = (route.base(), &route.contract);
            let entry = Entry::new(&contract.method, base, &contract.template, position, label);
            by_shape.entry(shape(base, &contract.template)).or_default().push(entry);
        }
        for Withheld { method, base, template } in withheld {
            let entry = Entry::new(method, base, template, None, String::new());
            by_shape.entry(shape(base, template)).or_default().push(entry);
        }
        let (mut paths, mut faults) = (matchit::Router::new(), Vec::new());
        let mut by_shape: Vec<_> = by_shape.into_iter().collect();
        // What is withheld must not be what another collection's operation clashes with.
        by_shape.sort_by_key(|(_, entries)| entries.iter().all(|it| it.position.is_none()));
        for (shape, mut entries) in by_shape {
            // What says most about its path comes first, and what is published before what is not.
            entries.sort_by_key(|it| (Reverse(it.literal_bytes), it.position.is_none()));
            faults.extend(twins(&entries));
            let position = entries.iter().find_map(|it| it.position);
            if let (Err(error), Some(position)) = (paths.insert(shape, entries), position) {
                faults.push((position, error.to_string()));
            }
        }
        if faults.is_empty() { Ok(Self { paths }) } else { Err(faults) }
    }

    /// What `method` at `path` means. `HEAD` is `GET` where nothing else is said.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Found {
        let Ok(found) = self.paths.at(path) else { return Found::Nothing };
        let entries = || found.value.iter().filter(|it| it.fits(path));
        let with = |method: &Method| entries().find(|it| it.method == *method);
        let get = || (method == Method::HEAD).then(|| with(&Method::GET)).flatten();
        match with(method).or_else(get) {
            Some(Entry { position: Some(position), .. }) => Found::Operation(*position),
            Some(Entry { position: None, .. }) => Found::Nothing,
            None => {
                let published = entries().filter(|it| it.position.is_some());
                let methods: Vec<_> = published.map(|it| it.method.clone()).collect();
                if methods.is_empty() { Found::Nothing } else { Found::OtherMethods(methods) }
            }
        }
    }
}

impl Entry {
    fn new(
        method: &Method,
        base: &str,
        template: &Template,
        position: Option<usize>,
        label: String,
    ) -> Self {
        Self {
            method: method.clone(),
            position,
            mixed: (!template.is_exact()).then(|| (base.len(), template.clone())),
            literal_bytes: template.literal_bytes(),
            label,
        }
    }

    fn fits(&self, path: &str) -> bool {
        self.mixed
            .as_ref()
            .is_none_or(|(base, template)| template.fits(path.get(*base..).unwrap_or_default()))
    }
}

/// The whole path in the tree's syntax.
fn shape(base: &str, template: &Template) -> String {
    format!("{base}{}", template.for_router())
}

/// Published operations of one shape that no request can tell apart.
fn twins(entries: &[Entry]) -> Vec<(usize, String)> {
    let mut faults = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let Some(position) = entry.position else { continue };
        let twin = entries.iter().take(index).find(|it| {
            it.method == entry.method && it.position.is_some() && it.mixed == entry.mixed
        });
        if let Some(Entry { label, .. }) = twin {
            let what = format!("{} means the same requests as {label}", entry.method);
            faults.push((position, what));
        }
    }
    faults
}
