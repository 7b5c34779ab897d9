//! Patterns of roles and limits that mean no operation at all: most often a typing error.

use std::collections::HashSet;

use model::{Fault, Pattern, Place};
use state::Desired;

use crate::snapshot::shelf::Draft;

/// A pattern that names an operation must find it, in a collection that is there to be called.
pub(super) fn check(desired: &Desired, drafts: &[&Draft]) -> Vec<Fault> {
    let known: HashSet<(&str, &str)> = drafts
        .iter()
        .map(|it| (it.route.operation.collection.as_str(), it.route.operation.id.name()))
        .collect();
    let collections: HashSet<&str> = known.iter().map(|(collection, _)| *collection).collect();
    let of_roles = desired.roles.iter().flat_map(|role| {
        let patterns = role.grants.iter().flat_map(|it| &it.operations);
        patterns.map(move |it| (it, &role.place, format!("role {}", role.id)))
    });
    let of_limits = desired.limits.iter().flat_map(|limit| {
        limit.operations.iter().map(move |it| (it, &limit.place, format!("limit {}", limit.id)))
    });
    of_roles
        .chain(of_limits)
        .filter_map(|(pattern, place, who)| fault(pattern, place, &who, &known, &collections))
        .collect()
}

fn fault(
    pattern: &Pattern,
    place: &Place,
    who: &str,
    known: &HashSet<(&str, &str)>,
    collections: &HashSet<&str>,
) -> Option<Fault> {
    let (collection, operation) = (pattern.collection()?, pattern.operation()?);
    // Not there at all: a draft, one with faults of its own, which are enough to say, or `onedoor`
    // while it is not mounted: once it is, its operations are among the drafts and are checked.
    if !collections.contains(collection) || known.contains(&(collection, operation)) {
        return None;
    }
    let names = known.iter().filter(|(it, _)| *it == collection).map(|(_, name)| *name);
    let message = format!("{who}: {collection} has no operation \"{operation}\"");
    let help = match state::nearest(operation, names) {
        Some(near) => format!("did you mean {collection}:{near}?"),
        None => format!("name one that it has, or write {collection}:*"),
    };
    Some(Fault::new(place, message, help))
}
