//! One collection: its document read, its selection and changes applied.

use std::{collections::BTreeMap, sync::Arc};

use contract::{Document, Template};
use http::Method;
use model::{Collection, Effect, Fault, Lifecycle, Operation, OperationId, Override};
use serde_json::value::RawValue;
use state::nearest;

use super::recording;
use crate::{
    local,
    snapshot::{Destination, Route, Shelf, VIEW, Withheld, shelf::Draft},
};

/// Where the door itself answers, whatever the collections' bases are.
const RESERVED: [&str; 3] = ["/mcp", "/oauth", "/.well-known"];

/// Reads a collection whole, be it a draft.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn read(
    collection: &Arc<Collection>,
    destination: Destination,
) -> Result<Shelf, Vec<Fault>> {
    let document = document(collection).map_err(|it| vec![it])?;
    let mut faults = misfits(collection, &document);
    let (published, others): (Vec<_>, Vec<_>) = document
        .operations()
        .iter()
        .enumerate()
        .partition(|(_, it)| is_published(collection, &it.name));
    let hidden = others.iter().map(|(_, it)| (&it.method, &it.template));
    let left_out = document.left_out().iter().map(|it| (&it.0, &it.1));
    let withheld = hidden.chain(left_out).map(|it| withheld(collection, it)).collect();
    let names = final_names(collection, &published, &mut faults);
    let mut drafts = Vec::with_capacity(published.len());
    for ((index, operation), name) in published.into_iter().zip(names) {
        match draft(collection, index, operation, &name, &destination) {
            Ok(draft) => drafts.push(draft),
            Err(fault) => faults.push(fault),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let base = base(collection).to_owned();
    Ok(Shelf { from: Arc::clone(collection), destination, base, document, drafts, withheld })
}

/// What is wrong with the document of a collection that has faults already, and with what is said of it.
pub(super) fn faults(collection: &Collection) -> Vec<Fault> {
    match document(collection) {
        Ok(document) => misfits(collection, &document),
        Err(fault) => vec![fault],
    }
}

fn document(collection: &Collection) -> Result<Document, Fault> {
    Document::read(&collection.document).map_err(|error| {
        let message = format!("the OpenAPI document cannot be read: {error}");
        let help = "correct the document, or export it anew from where it comes from";
        Fault::new(&collection.document_place, message, help)
    })
}

/// What the collection says of things that its document does not have.
fn misfits(collection: &Collection, document: &Document) -> Vec<Fault> {
    let mut faults = unknown_names(collection, document);
    faults.extend(recording::faults(collection, document));
    faults
}

fn withheld(collection: &Collection, (method, template): (&Method, &Template)) -> Withheld {
    let (method, template) = (method.clone(), template.clone());
    Withheld { method, base: base(collection).to_owned(), template }
}

/// The base without a slash at the end: empty for the root.
fn base(collection: &Collection) -> &str {
    collection.base.trim_end_matches('/')
}

fn is_published(collection: &Collection, name: &str) -> bool {
    let is_selected =
        collection.select.as_ref().is_none_or(|it| it.iter().any(|(selected, _)| selected == name));
    is_selected && !collection.overrides.get(name).is_some_and(|it| it.is_hidden)
}

/// Names in `select` and `operations` that the document does not have.
fn unknown_names(collection: &Collection, document: &Document) -> Vec<Fault> {
    let known: Vec<&str> = document.operations().iter().map(|it| it.name.as_str()).collect();
    let selected = collection.select.iter().flatten().map(|(name, place)| (name, place));
    let changed = collection.overrides.iter().map(|(name, change)| (name, &change.place));
    selected
        .chain(changed)
        .filter(|(name, _)| !known.contains(&name.as_str()))
        .map(|(name, place)| {
            let message = format!("the document has no operation \"{name}\"");
            let help = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("it has {}", listed(&known)),
            };
            Fault::new(place, message, help)
        })
        .collect()
}

pub(super) fn listed(names: &[&str]) -> String {
    const SHOWN_MAX: usize = 12;
    let shown: Vec<_> = names.iter().copied().take(SHOWN_MAX).collect();
    match names.len().checked_sub(SHOWN_MAX) {
        Some(rest) if rest > 0 => format!("{} and {rest} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}

/// The names after renaming; two operations must not end up with one.
fn final_names(
    collection: &Collection,
    published: &[(usize, &contract::Operation)],
    faults: &mut Vec<Fault>,
) -> Vec<String> {
    let mut taken: BTreeMap<String, &str> = BTreeMap::new();
    let mut names = Vec::with_capacity(published.len());
    for (_, operation) in published {
        let change = collection.overrides.get(&operation.name);
        let name = change.and_then(|it| it.name.as_ref()).unwrap_or(&operation.name);
        if let Some(other) = taken.insert(name.clone(), &operation.name) {
            let place = change.map_or(&collection.place, |it| &it.place);
            let message =
                format!("\"{other}\" and \"{}\" are both named \"{name}\"", operation.name);
            faults.push(Fault::new(place, message, "give one of them another name"));
        }
        names.push(name.clone());
    }
    names
}

fn draft(
    collection: &Collection,
    index: usize,
    contract: &contract::Operation,
    name: &str,
    destination: &Destination,
) -> Result<Draft, Fault> {
    let unchanged = Override::default();
    let change = collection.overrides.get(&contract.name);
    let place = change.map_or(&collection.place, |it| &it.place).clone();
    let Override { name: _, description, is_hidden: _, effect, is_public, recording, place: _ } =
        change.unwrap_or(&unchanged);
    let id = OperationId::new(&collection.id, name)
        .map_err(|error| Fault::new(&place, error.to_string(), "set another `name`"))?;
    let template = format!("{}{}", base(collection), contract.template);
    let is_below = |reserved: &str| {
        template.strip_prefix(reserved).is_some_and(|it| it.is_empty() || it.starts_with('/'))
    };
    let is_taken = RESERVED.iter().any(|it| is_below(it))
        || (local::is_below_base(&template) && !destination.is_local());
    if contract.template.as_str() == VIEW || is_taken {
        let message = format!("{id} is at {template}, which the door itself answers");
        return Err(Fault::new(&place, message, "hide it, or give the collection another base"));
    }
    let operation = Operation {
        id,
        collection: collection.id.clone(),
        effect: effect.unwrap_or_else(|| Effect::of_method(&contract.method)),
        is_public: *is_public,
        level: recording.level.or(collection.recording.level),
        position: 0,
    };
    let texts = [description.as_ref(), contract.description.as_ref(), contract.summary.as_ref()];
    let route = Route {
        operation,
        contract: Arc::new(contract.clone()),
        base: base(collection).into(),
        template: template.into(),
        tool_name: "".into(),
        tool: RawValue::NULL.to_owned().into(),
        tool_digest: "".into(),
        description: texts.into_iter().flatten().next().map(|it| it.as_str().into()),
        index,
        redaction: Arc::new(recording::policy(collection, recording)),
        bodies: recording::bodies(collection, recording, contract),
        destination: destination.clone(),
        is_retired: collection.state == Lifecycle::Retired,
    };
    Ok(Draft { route, place })
}
