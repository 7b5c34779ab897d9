//! `collections/ID.yaml`: operations published together, over one upstream.

mod operations;
mod recording;

use std::sync::Arc;

use model::{Collection, CollectionId, Lifecycle, Path, Place};
use serde_json::Value;

use crate::{
    field::Field, folder::DOCUMENTS, openapi::is_document, references::Target, report::shown,
    upstream, writer::Writer,
};

const STATES: &[(&str, Lifecycle)] = &[
    ("draft", Lifecycle::Draft),
    ("published", Lifecycle::Published),
    ("retired", Lifecycle::Retired),
];
/// Paths of the door itself.
const RESERVED_BASES: &[&str] = &["/mcp", "/oauth", "/.well-known"];

/// Reads the collection `id`. What it names, an upstream or a document, is put in when it is linked.
pub(crate) fn read(id: CollectionId, root: Field<'_>) -> Option<Collection> {
    let place = root.place();
    if id.is_built_in() {
        root.fault(format_args!("the collection {id} is built in"), "give this file another name");
    }
    root.mapping(|it| {
        let title = it.optional("title").and_then(|it| it.text());
        let owner = it.required("owner", "name the person or team who answers for it");
        let owner = owner.and_then(|it| it.text());
        let state = it.optional("state").map(|it| it.one_of(STATES));
        let base = match it.optional("base") {
            Some(field) => read_base(&field),
            None => {
                let base = usual_base(&id);
                check_reserved(it.field(), &base);
                Some(base)
            }
        };
        let upstream = it.required(
            "upstream",
            "say where the operations are: {url: http://…}, or name one of upstreams/",
        );
        let upstream = upstream.and_then(upstream::read_named);
        let help = format!("name a file in {DOCUMENTS}/, or write the OpenAPI document here");
        let document = it.required("document", &help);
        let document = document.and_then(|it| read_document(&it));
        let select = it.optional("select").map(|it| operations::read_select(&it));
        let overrides = it.optional("operations").map(|it| operations::read_overrides(&it));
        let recording = it.optional("audit").map(recording::read);
        let (document, document_place) = document?;
        Some(Collection {
            title: title.map(str::to_owned),
            owner: owner?.to_owned(),
            state: state.unwrap_or(Some(Lifecycle::Published))?,
            base: base?,
            upstream: upstream?,
            document,
            document_place,
            select: select.flatten(),
            overrides: overrides.unwrap_or_default(),
            recording: recording.unwrap_or_default(),
            place,
            id,
        })
    })?
}

fn usual_base(id: &CollectionId) -> String {
    format!("/{id}")
}

fn read_base(field: &Field<'_>) -> Option<String> {
    let base = field.parse(|text| {
        let is_canonical = Path::parse(text).is_ok_and(|it| it.as_str() == text);
        if is_canonical && (text == "/" || !text.ends_with('/')) {
            Ok(text.to_owned())
        } else {
            let help =
                "write /orders, or / for the root, with no slash at the end and nothing encoded";
            Err(format!("{} is not a base path: {help}", shown(text)))
        }
    })?;
    check_reserved(field, &base);
    Some(base)
}

fn check_reserved(field: &Field<'_>, base: &str) {
    for reserved in RESERVED_BASES {
        if base.strip_prefix(reserved).is_some_and(|it| it.is_empty() || it.starts_with('/')) {
            let message = format!("the base {} belongs to the door itself", shown(base));
            field.fault(message, "write another base");
        }
    }
}

/// The document and its place, or nothing and the place of the file that is named.
fn read_document(field: &Field<'_>) -> Option<(Arc<Value>, Place)> {
    if field.is_mapping() {
        return Some((Arc::new(field.value()), field.place()));
    }
    let path = field.text()?;
    field.refer(Target::Document(path.to_owned()));
    Some((Arc::new(Value::Null), Place::new(&path.into(), 0)))
}

/// The file in which the document of `collection` stands, if it has one of its own.
pub(crate) fn document_file(collection: &Collection) -> Option<&str> {
    let Collection { document, document_place, .. } = collection;
    has_file(document, document_place).then_some(&*document_place.file)
}

/// A document that is not read yet is nothing; one that stands in its collection is a mapping.
fn has_file(document: &Value, place: &Place) -> bool {
    document.is_null() || is_document(&place.file)
}

/// The document of a collection. An OpenAPI document with a file of its own is named, not repeated.
#[must_use]
pub fn write_collection(collection: &Collection) -> String {
    let Collection {
        id,
        title,
        owner,
        state,
        base,
        upstream,
        document,
        document_place,
        select,
        overrides,
        recording,
        place: _,
    } = collection;
    let mut written = Writer::new();
    written.put_some("title", title.as_deref());
    written.put("owner", owner.as_str());
    let state = match state {
        Lifecycle::Draft => "draft",
        Lifecycle::Published => "published",
        Lifecycle::Retired => "retired",
    };
    written.put_if(state != "published", "state", state);
    written.put_if(*base != usual_base(id), "base", base.as_str());
    written.put("upstream", upstream::write_named(upstream));
    let names = select.as_ref().map(|it| it.iter().map(|it| it.0.clone()).collect::<Vec<_>>());
    let is_named = has_file(document, document_place);
    if is_named {
        written.put("document", &*document_place.file);
    }
    written.put_some("select", names);
    if !overrides.is_empty() {
        written.put("operations", operations::write_overrides(overrides));
    }
    written.put_some("audit", recording::write(recording));
    if !is_named {
        // Last, because it is long.
        written.put("document", Value::clone(document));
    }
    written.text()
}
