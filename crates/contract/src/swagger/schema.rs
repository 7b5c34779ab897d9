//! Schemas of 2.0: their references, and the few words that changed.

use serde_json::{Map, Value, json};

/// Keys whose values are maps from a name to a schema: a name there is no keyword.
const MAPS: [&str; 4] = ["properties", "patternProperties", "definitions", "dependencies"];
/// Keys whose values are data, and hold no schema.
const DATA: [&str; 4] = ["default", "enum", "example", "x-example"];

/// The same schema in 3.0.
pub(super) fn convert(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => Value::Object(map.iter().filter_map(keyword).collect()),
        Value::Array(values) => Value::Array(values.iter().map(convert).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}

fn keyword((key, value): (&String, &Value)) -> Option<(String, Value)> {
    let converted = match (key.as_str(), value) {
        ("$ref", Value::String(reference)) => json!(moved(reference)),
        ("type", Value::String(name)) if name == "file" => json!("string"),
        ("discriminator", Value::String(property)) => json!({"propertyName": property}),
        ("x-nullable", value) => return Some(("nullable".to_owned(), value.clone())),
        (key, value) if DATA.contains(&key) => value.clone(),
        (key, Value::Object(map)) if MAPS.contains(&key) => {
            let schemas = map.iter().map(|(name, schema)| (name.clone(), convert(schema)));
            Value::Object(schemas.collect::<Map<_, _>>())
        }
        (_, value) => convert(value),
    };
    Some((key.clone(), converted))
}

/// Where what a reference points to stands in 3.0.
fn moved(reference: &str) -> String {
    match reference.strip_prefix("#/definitions/") {
        Some(rest) => format!("#/components/schemas/{rest}"),
        None => reference.to_owned(),
    }
}
