//! A caller's own document shows what it may call, and no word of anything else.

use contract::{Document, Shown};
use serde_json::{Value, json};

use crate::{documents, read};

fn view(document: &Document, names: &[&str]) -> Value {
    let shown: Vec<_> = document
        .operations()
        .iter()
        .enumerate()
        .filter(|(_, it)| names.contains(&it.name.as_str()))
        .map(|(operation, it)| Shown { operation, name: &it.name, description: None })
        .collect();
    document.view("https://door.example/shop", &shown)
}

fn shop() -> Document {
    read(json!({
        "openapi": "3.1.0", "info": {"title": "Shop", "version": "2", "x-internal": "secret"},
        "servers": [{"url": "http://10.0.0.1"}], "x-internal": "secret",
        "security": [{"upstream": []}],
        "tags": [{"name": "orders"}, {"name": "secret"}],
        "webhooks": {"secret": {}},
        "paths": {
            "/orders/{id}": {
                "parameters": [{"$ref": "#/components/parameters/Id"},
                    {"name": "X-API-Key", "in": "header"}],
                "servers": [{"url": "http://10.0.0.2"}],
                "get": {"operationId": "get_order", "tags": ["orders"], "x-internal": "secret",
                    "security": [{"upstream": []}], "callbacks": {"secret": {}},
                    "responses": {"200": {"description": "", "links": {"x": {"operationId": "secret"}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}}}},
                "delete": {"operationId": "secret", "tags": ["secret"], "requestBody": {"content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Secret"}}}}}
            },
            "/secret": {"get": {"operationId": "secret2", "responses": {"200": {"description": "",
                "content": {"application/json": {"schema": {"type": "string", "title": "Shared"}}}}}}}
        },
        "components": {
            "parameters": {"Id": {"name": "id", "in": "path", "required": true,
                "schema": {"$ref": "#/components/schemas/Number~1Id"}}},
            "schemas": {
                "Order": {"type": "object", "discriminator": {"propertyName": "k",
                    "mapping": {"big": "#/components/schemas/Big"}},
                    "x-internal": "secret", "example": {"x-kept": {"$ref": "as it is"}},
                    "properties": {"links": {"type": "string"}, "x-kept": {"x-internal": "secret"}, "parent": {"$ref": "#/components/schemas/Order"},
                    "note": {"$ref": "#/paths/~1secret/get/responses/200/content/application~1json/schema"},
                    "far": {"$ref": "http://10.0.0.3/x.json"}}},
                "Big": {"type": "object"}, "Secret": {"type": "object"}, "Number/Id": {"type": "integer"}
            },
            "securitySchemes": {"upstream": {"type": "http", "scheme": "basic"}}
        }
    }))
}

#[test]
fn nothing_shows_that_was_not_asked_for() {
    let view = view(&shop(), &["get_order"]);
    let text = view.to_string();
    for hidden in ["secret", "Secret", "10.0.0", "upstream", "X-API-Key\",\"in\":\"header\"}]"] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    insta::assert_json_snapshot!("view", view);
}

#[test]
fn a_view_of_nothing_is_a_document() {
    let view = view(&shop(), &[]);
    assert_eq!(view["paths"], json!({}));
    assert!(read(view).operations().is_empty());
}

#[test]
fn a_view_reads_as_the_same_operations() {
    for (name, value) in documents::all() {
        let document = read(value);
        let names: Vec<_> = document.operations().iter().map(|it| it.name.as_str()).collect();
        let view = view(&document, &names);
        check_references(&view, &view);
        let again = read(view);
        assert_eq!(again.warnings(), [], "{name}");
        assert_eq!(again.servers(), ["https://door.example/shop"]);
        for operation in document.operations() {
            let same = crate::operation(&again, &operation.name);
            assert_eq!(same.template, operation.template);
            assert_eq!(same.input_schema, operation.input_schema, "{name} {}", operation.name);
            assert_eq!(same.output_schema, operation.output_schema, "{name} {}", operation.name);
        }
    }
}

/// Every reference leads somewhere within the document.
fn check_references(value: &Value, root: &Value) {
    let members: Vec<&Value> = match value {
        Value::Array(values) => values.iter().collect(),
        Value::Object(map) => map.values().collect(),
        _ => Vec::new(),
    };
    if let Some(reference) = value["$ref"].as_str() {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference}"));
        assert!(root.pointer(pointer).is_some(), "{reference}");
    }
    members.into_iter().for_each(|it| check_references(it, root));
}

#[test]
fn the_door_may_rename_and_describe() {
    let document = shop();
    let shown = [Shown { operation: 0, name: "read_order", description: Some("Reads one.") }];
    let view = document.view("/", &shown);
    let get = &view["paths"]["/orders/{id}"]["get"];
    assert_eq!(
        (&get["operationId"], &get["description"]),
        (&json!("read_order"), &json!("Reads one."))
    );
}
