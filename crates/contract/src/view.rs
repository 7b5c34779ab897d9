//! A document as one caller sees it: what it may call, and no word of anything else.

mod component;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::{Operation, read::Hidden, reference::References};
use component::Copy;

/// One operation of a caller's view.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// Its index among the document's operations.
    pub operation: usize,
    /// What the door calls it.
    pub name: &'a str,
    /// What the door says of it, where that is not what the document says.
    pub description: Option<&'a str>,
}

/// Keys of a path that go along.
const PATH_KEYS: [&str; 3] = ["summary", "description", "parameters"];
/// Keys of an operation that go along. Not `callbacks`, `servers` and `security`, which are the
/// upstream's, nor extensions, which often hold what is inside.
const OPERATION_KEYS: [&str; 8] = [
    "tags",
    "summary",
    "description",
    "externalDocs",
    "parameters",
    "requestBody",
    "responses",
    "deprecated",
];

/// The document with `shown` operations only.
pub(crate) fn view(
    root: &Value,
    operations: &[Operation],
    base_url: &str,
    shown: &[Shown<'_>],
) -> Value {
    let references = References::new(root);
    let hidden = Hidden::read(root, references);
    let mut copy = Copy::new(references, &hidden);
    let mut methods: BTreeMap<&str, Vec<(&Operation, &Shown<'_>)>> = BTreeMap::new();
    for one in shown {
        if let Some(operation) = operations.get(one.operation) {
            methods.entry(&operation.keys.0).or_default().push((operation, one));
        }
    }
    let mut paths = Map::new();
    let mut tags = BTreeSet::new();
    for (path, listed) in methods {
        let item = root.get("paths").and_then(|it| it.get(path));
        let Some(item) = item.and_then(|it| references.resolve(it).ok()?.as_object()) else {
            continue;
        };
        let mut shown_item = copy.picked(item, &PATH_KEYS);
        for (operation, one) in listed {
            let (_, method) = &operation.keys;
            let Some(source) = item.get(method).and_then(Value::as_object) else { continue };
            let mut shown_operation = Map::new();
            shown_operation.insert("operationId".to_owned(), json!(one.name));
            shown_operation.append(&mut copy.picked(source, &OPERATION_KEYS));
            if let Some(description) = one.description {
                shown_operation.insert("description".to_owned(), json!(description));
            }
            let own_tags = source.get("tags").and_then(Value::as_array).into_iter().flatten();
            tags.extend(own_tags.filter_map(Value::as_str));
            shown_item.insert(method.clone(), Value::Object(shown_operation));
        }
        paths.insert(path.to_owned(), Value::Object(shown_item));
    }
    let mut document = Map::new();
    let version = root.get("openapi").and_then(Value::as_str).unwrap_or("3.0.3");
    document.insert("openapi".to_owned(), json!(version));
    document.insert("info".to_owned(), info(root));
    document.insert("servers".to_owned(), json!([{ "url": base_url }]));
    // Either is enough.
    document.insert("security".to_owned(), json!([{"onedoor_bearer": []}, {"onedoor_key": []}]));
    if let Some(tags) = listed_tags(root, &tags) {
        document.insert("tags".to_owned(), tags);
    }
    document.insert("paths".to_owned(), Value::Object(paths));
    let mut components = copy.components();
    components.insert(
        "securitySchemes".to_owned(),
        json!({
            "onedoor_bearer": {"type": "http", "scheme": "bearer",
                "description": "An access token or an API key."},
            "onedoor_key": {"type": "apiKey", "in": "header", "name": "X-API-Key",
                "description": "An API key."},
        }),
    );
    document.insert("components".to_owned(), Value::Object(components));
    Value::Object(document)
}

fn info(root: &Value) -> Value {
    let text = |key: &str| root.get("info").and_then(|it| it.get(key)).and_then(Value::as_str);
    let mut info = Map::new();
    info.insert("title".to_owned(), json!(text("title").unwrap_or("API")));
    info.insert("version".to_owned(), json!(text("version").unwrap_or("1")));
    for key in ["summary", "description"] {
        if let Some(text) = text(key) {
            info.insert(key.to_owned(), json!(text));
        }
    }
    Value::Object(info)
}

/// The document's tags, of those that are used.
fn listed_tags(root: &Value, used: &BTreeSet<&str>) -> Option<Value> {
    let is_used = |tag: &&Value| {
        tag.get("name").and_then(Value::as_str).is_some_and(|name| used.contains(name))
    };
    let tags: Vec<Value> = root.get("tags")?.as_array()?.iter().filter(is_used).cloned().collect();
    (!tags.is_empty()).then_some(Value::Array(tags))
}
