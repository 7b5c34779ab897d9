//! The rules that every tool must keep, checked on every operation of every document.

use std::collections::{BTreeMap, HashSet};

use contract::{Document, Operation, tool_names};
use model::{Effect, id};
use serde_json::{Map, Value, json};

use crate::generator::Generator;

const DEPTH_MAX: usize = 12;
const BYTES_MAX: usize = 64 * 1024;

/// The only keywords that a tool's schema is made of.
const KEYWORDS: [&str; 25] = [
    "additionalProperties",
    "anyOf",
    "contentEncoding",
    "contentMediaType",
    "default",
    "description",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "multipleOf",
    "not",
    "properties",
    "required",
    "title",
    "type",
    "uniqueItems",
];
const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];

/// Checks everything that is promised of all operations of `document`.
///
/// Of a document that is `damaged`, arguments may not fit: it may demand what no path can hold.
pub(crate) fn check(document: &Document, is_damaged: bool) {
    let operations = document.operations();
    let names: HashSet<&str> = operations.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names.len(), operations.len(), "names are unique");
    let ids: Vec<_> = operations.iter().map(|it| ("collection", it.name.as_str())).collect();
    let tools = tool_names(&ids);
    assert_eq!(tools.iter().collect::<HashSet<_>>().len(), tools.len(), "tools are unique");
    for (operation, tool) in operations.iter().zip(&tools) {
        let name = &operation.name;
        assert!(id::is_operation_name(name), "{name}");
        assert!(id::is_operation_name(tool) && !tool.contains("__"), "{tool}");
        assert_eq!(operation.effect, Effect::of_method(&operation.method), "{name}");
        check_schemas(operation);
        check_binding(operation, is_damaged);
    }
    check_routes(document);
}

fn check_schemas(operation: &Operation) {
    let name = &operation.name;
    check_root(&operation.input_schema, name);
    assert!(operation.input_schema["properties"].is_object(), "{name}");
    assert_eq!(operation.input_schema["additionalProperties"], json!(false), "{name}");
    if let Some(schema) = &operation.output_schema {
        check_root(schema, name);
        let demands = ["\"required\":[", "\"additionalProperties\":false"];
        let text = schema.to_string();
        assert!(!demands.iter().any(|it| text.contains(it)), "{name} demands of answers: {text}");
    }
}

fn check_root(schema: &Value, place: &str) {
    assert_eq!(schema["type"], json!("object"), "{place}: root");
    for key in ["anyOf", "oneOf", "allOf", "enum", "not", "items"] {
        assert!(schema.get(key).is_none(), "{place}: {key} at the root");
    }
    let bytes = schema.to_string().len();
    assert!(bytes <= BYTES_MAX, "{place}: {bytes} bytes");
    check_schema(schema, place, 0);
}

fn check_schema(schema: &Value, place: &str, depth: usize) {
    assert!(depth <= DEPTH_MAX, "{place}: deeper than {DEPTH_MAX}");
    let Value::Object(schema) = schema else { panic!("{place}: {schema} is no schema") };
    for (key, value) in schema {
        assert!(KEYWORDS.contains(&key.as_str()), "{place}: keyword {key}");
        let place = format!("{place}/{key}");
        match (key.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                check_properties(properties, schema.get("required"), &place, depth);
            }
            ("anyOf", Value::Array(alternatives)) => {
                assert!(alternatives.len() > 1, "{place}: no choice");
                alternatives.iter().for_each(|it| check_schema(it, &place, depth + 1));
            }
            ("items", value) => check_schema(value, &place, depth + 1),
            ("additionalProperties", Value::Bool(false)) => {}
            ("additionalProperties", value) => check_schema(value, &place, depth + 1),
            ("not", value) => assert_eq!(*value, json!({}), "{place}"),
            ("type", Value::String(name)) => assert!(TYPES.contains(&name.as_str()), "{place}"),
            ("type", Value::Array(names)) => {
                assert!(names.len() > 1, "{place}: {value}");
                assert!(names.iter().all(|it| TYPES.iter().any(|known| it == known)), "{place}");
            }
            ("enum" | "examples" | "required", Value::Array(values)) => {
                assert!(!values.is_empty(), "{place}: empty");
            }
            ("anyOf" | "properties" | "type" | "enum" | "examples" | "required", value) => {
                panic!("{place}: {value}")
            }
            _ => {}
        }
    }
}

fn check_properties(
    properties: &Map<String, Value>,
    required: Option<&Value>,
    place: &str,
    depth: usize,
) {
    let is_key = |key: &str| {
        (1..=64).contains(&key.len())
            && key.bytes().all(|it| it.is_ascii_alphanumeric() || b"_.-".contains(&it))
    };
    for (key, value) in properties {
        assert!(is_key(key), "{place}: the key {key:?}");
        check_schema(value, &format!("{place}/{key}"), depth + 1);
    }
    for name in required.and_then(Value::as_array).into_iter().flatten() {
        let name = name.as_str().unwrap_or_default();
        assert!(properties.contains_key(name), "{place}: requires {name:?}, which is not there");
    }
}

/// What can be said in arguments arrives in the request, all of it, and in the right place.
fn check_binding(operation: &Operation, is_damaged: bool) {
    let name = &operation.name;
    let schema = &operation.input_schema;
    for is_complete in [true, false] {
        let mut generator = Generator::new(is_complete);
        let Value::Object(arguments) = generator.object(schema) else { panic!("{name}") };
        let bound = match operation.bind(arguments.clone()) {
            Ok(bound) => bound,
            Err(_) if is_damaged => continue,
            Err(fault) => panic!("{name}: {fault}: {arguments:?}"),
        };
        assert_eq!(bound.head.method, operation.method, "{name}");
        let path = bound.head.path.as_str();
        assert!(operation.template.fits(path), "{name}: {path} is no {}", operation.template);
        let body = bound.body.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        let sent = format!("{path}\n{:?}\n{:?}\n{body}", bound.head.query, bound.head.headers);
        for token in &generator.tokens {
            assert!(sent.contains(token), "{name}: {token} of {arguments:?} is lost in {sent}");
        }
        if let Some(whole) = arguments.get("body").filter(|it| it.is_array()) {
            assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), *whole, "{name}");
        }
        let mut reversed: Vec<_> = arguments.into_iter().collect();
        reversed.reverse();
        let again = operation.bind(reversed.into_iter().collect()).unwrap();
        assert_eq!(again.body, bound.body, "{name}: the order of arguments changes the body");
        assert_eq!(again.head.query, bound.head.query, "{name}: … or the query");
    }
    let mut unknown = Map::new();
    unknown.insert("no such argument".to_owned(), json!(1));
    assert!(operation.bind(unknown).is_err(), "{name}: takes anything");
}

/// The router takes all templates, and finds the operation that a request was made for.
fn check_routes(document: &Document) {
    let mut routes: BTreeMap<String, Vec<&Operation>> = BTreeMap::new();
    for operation in document.operations() {
        routes.entry(operation.template.for_router()).or_default().push(operation);
    }
    let mut router = matchit::Router::new();
    for (text, operations) in &routes {
        router.insert(text, operations).unwrap_or_else(|fault| panic!("{text}: {fault}"));
    }
    for operation in document.operations() {
        let Value::Object(arguments) = Generator::new(true).object(&operation.input_schema) else {
            panic!("{}", operation.name)
        };
        let Ok(bound) = operation.bind(arguments) else { continue };
        let path = bound.head.path.as_str();
        let found = router.at(path).unwrap_or_else(|fault| panic!("{path}: {fault}"));
        let meant = found
            .value
            .iter()
            .filter(|it| it.method == operation.method && it.template.fits(path))
            .max_by_key(|it| it.template.literal_bytes());
        assert_eq!(meant.map(|it| &it.name), Some(&operation.name), "{path}");
    }
}
