//! Which operation a method and a canonical path mean.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use http::Method;

use super::Route;

/// Method and path to the position of an operation. Built whole, never changed.
#[derive(Debug, Default)]
pub(crate) struct Router {
    paths: matchit::Router<Vec<Entry>>,
}

/// An operation at one shape of path. Those whose segments are mixed with text come first.
#[derive(Debug)]
struct Entry {
    method: Method,
    position: usize,
    /// The length of the base, for templates whose shape the tree cannot tell whole.
    base: Option<usize>,
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
    pub(crate) fn new(routes: &[Arc<Route>]) -> Result<Self, Vec<(usize, String)>> {
        let mut by_shape: BTreeMap<String, Vec<&Arc<Route>>> = BTreeMap::new();
        for route in routes {
            by_shape.entry(route.router_path()).or_default().push(route);
        }
        let (mut paths, mut faults) = (matchit::Router::new(), Vec::new());
        for (shape, mut routes) in by_shape {
            routes.sort_by_key(|it| Reverse(it.contract.template.literal_bytes()));
            faults.extend(twins(&routes));
            let position = routes.first().map_or(0, |it| it.operation.position);
            let entries = routes.iter().map(|it| Entry {
                method: it.contract.method.clone(),
                position: it.operation.position,
                base: (!it.contract.template.is_exact()).then(|| it.base().len()),
            });
            if let Err(error) = paths.insert(shape, entries.collect()) {
                faults.push((position, error.to_string()));
            }
        }
        if faults.is_empty() { Ok(Self { paths }) } else { Err(faults) }
    }

    /// What `method` at `path` means. `HEAD` is `GET` where nothing else is said.
    pub(crate) fn find(&self, routes: &[Arc<Route>], method: &Method, path: &str) -> Found {
        let Ok(found) = self.paths.at(path) else { return Found::Nothing };
        let fits = |entry: &&Entry| {
            entry.base.is_none_or(|base| {
                let below = path.get(base..).unwrap_or_default();
                routes.get(entry.position).is_some_and(|it| it.contract.template.fits(below))
            })
        };
        let entries = || found.value.iter().filter(fits);
        let with = |method: &Method| entries().find(|it| it.method == *method);
        let get = || (method == Method::HEAD).then(|| with(&Method::GET)).flatten();
        if let Some(entry) = with(method).or_else(get) {
            return Found::Operation(entry.position);
        }
        let methods: Vec<_> = entries().map(|it| it.method.clone()).collect();
        if methods.is_empty() { Found::Nothing } else { Found::OtherMethods(methods) }
    }
}

/// Operations of one shape that no request can tell apart. They stand beside each other.
fn twins(routes: &[&Arc<Route>]) -> Vec<(usize, String)> {
    let mut faults = Vec::new();
    for (index, route) in routes.iter().enumerate() {
        let twin = routes.iter().take(index).find(|it| {
            let (one, other) = (&it.contract, &route.contract);
            let are_same = it.template == route.template
                || (one.template.is_exact() && other.template.is_exact());
            one.method == other.method && are_same
        });
        if let Some(twin) = twin {
            let (method, id) = (&route.contract.method, &twin.operation.id);
            let what = format!("{method} {} means the same requests as {id}", route.template);
            faults.push((route.operation.position, what));
        }
    }
    faults
}
