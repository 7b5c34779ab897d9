//! Parameters of 2.0: where they stand, their schemas, and the bodies that some of them are.

use serde_json::{Map, Value, json};

use super::{copy, schema};
use crate::error::Warnings;

/// What of a parameter became part of its schema.
const SCHEMA: [&str; 18] = [
    "type",
    "format",
    "items",
    "default",
    "enum",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "multipleOf",
    "x-nullable",
    "x-example",
];

/// What a parameter becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The body.
    Body,
    /// A field of the body.
    Form,
    /// A parameter.
    Other,
}

/// What a parameter becomes.
pub(super) fn place(parameter: &Map<String, Value>) -> Place {
    match parameter.get("in").and_then(Value::as_str) {
        Some("body") => Place::Body,
        Some("formData") => Place::Form,
        _ => Place::Other,
    }
}

/// A parameter that stays one.
pub(super) fn convert(
    parameter: &Map<String, Value>,
    pointer: &str,
    warnings: &mut Warnings,
) -> Value {
    let mut converted = Map::new();
    for key in ["name", "in", "description", "required", "allowEmptyValue", "x-multi-segment"] {
        copy(parameter, key, &mut converted);
    }
    converted.insert("schema".to_owned(), own_schema(parameter));
    let is_query = parameter.get("in") == Some(&json!("query"));
    if parameter.get("type") == Some(&json!("array"))
        && let Some((style, explode)) = style(parameter, is_query, pointer, warnings)
    {
        converted.insert("style".to_owned(), json!(style));
        converted.insert("explode".to_owned(), json!(explode));
    }
    Value::Object(converted)
}

/// The header of a response.
pub(super) fn header(header: &Value) -> Value {
    let Value::Object(header) = header else { return header.clone() };
    let mut converted = Map::new();
    copy(header, "description", &mut converted);
    converted.insert("schema".to_owned(), own_schema(header));
    Value::Object(converted)
}

/// The body parameter as a request body.
pub(super) fn body(parameter: &Map<String, Value>, consumes: &[&str]) -> Value {
    let schema = parameter.get("schema").map_or_else(|| json!({}), schema::convert);
    let types = if consumes.is_empty() { &["application/json"] } else { consumes };
    let mut content = Map::new();
    for media_type in types {
        content.insert((*media_type).to_owned(), json!({ "schema": schema }));
    }
    let mut converted = Map::new();
    copy(parameter, "description", &mut converted);
    copy(parameter, "required", &mut converted);
    converted.insert("content".to_owned(), Value::Object(content));
    Value::Object(converted)
}

/// The fields of a form as a request body.
pub(super) fn form(
    fields: &[&Map<String, Value>],
    consumes: &[&str],
    pointer: &str,
    warnings: &mut Warnings,
) -> Value {
    const FORM: &str = "application/x-www-form-urlencoded";
    const MULTIPART: &str = "multipart/form-data";
    let (mut properties, mut encoding) = (Map::new(), Map::new());
    let mut required = Vec::new();
    let mut has_file = false;
    for field in fields {
        let Some(name) = field.get("name").and_then(Value::as_str) else { continue };
        has_file |= field.get("type") == Some(&json!("file"));
        let mut schema = own_schema(field);
        if let Some(map) = schema.as_object_mut() {
            copy(field, "description", map);
        }
        properties.insert(name.to_owned(), schema);
        if field.get("required") == Some(&Value::Bool(true)) {
            required.push(json!(name));
        }
        if field.get("type") == Some(&json!("array"))
            && let Some((style, explode)) = style(field, true, pointer, warnings)
        {
            encoding.insert(name.to_owned(), json!({"style": style, "explode": explode}));
        }
    }
    // Only a multipart body can carry a file; otherwise what the operation says it takes.
    let is_multipart = has_file || (consumes.contains(&MULTIPART) && !consumes.contains(&FORM));
    let is_required = !required.is_empty();
    let mut schema = json!({"type": "object", "properties": properties});
    if let Some(map) = schema.as_object_mut().filter(|_| is_required) {
        map.insert("required".to_owned(), Value::Array(required));
    }
    let mut media = json!({ "schema": schema });
    if let Some(map) = media.as_object_mut().filter(|_| !encoding.is_empty()) {
        map.insert("encoding".to_owned(), Value::Object(encoding));
    }
    let media_type = if is_multipart { MULTIPART } else { FORM };
    json!({"required": is_required, "content": {media_type: media}})
}

fn own_schema(parameter: &Map<String, Value>) -> Value {
    let mut own = Map::new();
    for key in SCHEMA {
        copy(parameter, key, &mut own);
    }
    if own.get("type") == Some(&json!("file")) {
        own.insert("format".to_owned(), json!("binary"));
    }
    if let Some(example) = own.remove("x-example") {
        own.insert("example".to_owned(), example);
    }
    schema::convert(&Value::Object(own))
}

/// The style that a collection format is called in 3.0, and whether it explodes.
fn style(
    parameter: &Map<String, Value>,
    is_query: bool,
    pointer: &str,
    warnings: &mut Warnings,
) -> Option<(&'static str, bool)> {
    let format = parameter.get("collectionFormat").and_then(Value::as_str).unwrap_or("csv");
    match (format, is_query) {
        ("csv", true) => Some(("form", false)),
        ("csv", false) => Some(("simple", false)),
        ("multi", true) => Some(("form", true)),
        ("ssv", true) => Some(("spaceDelimited", false)),
        ("pipes", true) => Some(("pipeDelimited", false)),
        // The rest has no name in 3.0. What is not known cannot be written.
        ("tsv", _) => Some(("tabDelimited", false)),
        ("ssv" | "pipes" | "multi", false) => Some((format_name(format), false)),
        _ => {
            warnings.add(pointer, "an unknown collectionFormat is taken for csv");
            Some((if is_query { "form" } else { "simple" }, false))
        }
    }
}

fn format_name(format: &str) -> &'static str {
    match format {
        "ssv" => "spaceDelimited",
        "pipes" => "pipeDelimited",
        _ => "form",
    }
}
