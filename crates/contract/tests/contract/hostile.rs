//! Documents that mean harm: nothing panics, nothing hangs, nothing grows without bound.

use std::{fmt, sync::Arc};

use contract::{Document, Error, Shown};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::{checker, documents, operation, read};

/// Reads, checks and shows a document, if it can be read at all.
fn digest(value: Value) {
    let Ok(document) = Document::read(&Arc::new(value)) else { return };
    checker::check(&document, true);
    let shown: Vec<_> = document
        .operations()
        .iter()
        .enumerate()
        .map(|(operation, it)| Shown { operation, name: &it.name, description: None })
        .collect();
    assert!(document.view("/", &shown).is_object());
    drop(document.servers());
}

fn with_body(schema: &Value, schemas: &Value) -> Value {
    json!({"openapi": "3.1.0", "paths": {"/": {"post": {"operationId": "call",
        "requestBody": {"content": {"application/json": {"schema": schema}}},
        "responses": {"200": {"content": {"application/json": {"schema": schema}}}}}}},
        "components": {"schemas": schemas}})
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

#[test]
fn cycles_of_every_kind_end() {
    for schemas in [
        json!({"A": reference("A")}),
        json!({"A": reference("B"), "B": reference("A")}),
        json!({"A": {"allOf": [reference("A"), reference("A")]}}),
        json!({"A": {"anyOf": [reference("A"), reference("B")]}, "B": {"oneOf": [reference("A"), reference("B")]}}),
        json!({"A": {"properties": {"a": reference("A"), "b": reference("B")}},
            "B": {"items": reference("A"), "additionalProperties": reference("B")}}),
        json!({"A": {"$ref": "#"}}),
        json!({"A": {"$ref": "#/components"}}),
        json!({"A": {"$ref": "#/components/schemas/A/properties/a", "properties": {"a": reference("A")}}}),
        json!({"A": {"properties": {"p": {"$ref": "#/paths/~1/post/requestBody/content/application~1json/schema"}}}}),
    ] {
        digest(with_body(&reference("A"), &schemas));
    }
    digest(
        json!({"openapi": "3.0.0", "paths": {"/": {"$ref": "#/paths/~1"}, "/a": {"$ref": "#/paths/~1b"},
        "/b": {"$ref": "#/paths/~1a"}, "/c": {"get": {"parameters": [{"$ref": "#/paths/~1c/get/parameters/0"}],
        "requestBody": {"$ref": "#/paths/~1c/get/requestBody"}}}}}),
    );
    digest(json!({"swagger": "2.0", "parameters": {"A": {"$ref": "#/parameters/A"}},
        "paths": {"/": {"post": {"parameters": [{"$ref": "#/parameters/A"}]}}}}));
}

#[test]
fn growth_by_references_is_cut() {
    // Each level refers to the next twenty times: 20^30 values, written out.
    let mut schemas = Map::new();
    for level in 0..30 {
        let properties: Map<String, Value> =
            (0..20).map(|it| (format!("p{it}"), reference(&format!("L{}", level + 1)))).collect();
        let any_of: Vec<_> = (0..20).map(|_| reference(&format!("L{}", level + 1))).collect();
        schemas.insert(
            format!("L{level}"),
            json!({"type": "object", "properties": properties, "anyOf": any_of, "allOf": any_of}),
        );
    }
    digest(with_body(&reference("L0"), &Value::Object(schemas)));
    // A chain of references, and a chain of `allOf`.
    let chain: Map<String, Value> =
        (0..20_000).map(|it| (format!("L{it}"), reference(&format!("L{}", it + 1)))).collect();
    digest(with_body(&reference("L0"), &Value::Object(chain)));
    let chain: Map<String, Value> = (0..20_000)
        .map(|it| (format!("L{it}"), json!({"allOf": [reference(&format!("L{}", it + 1))]})))
        .collect();
    digest(with_body(&reference("L0"), &Value::Object(chain)));
}

#[test]
fn wide_schemas_are_cut() {
    let text = "x".repeat(10_000);
    let property = json!({"type": "string", "description": text, "default": text, "example": text,
        "enum": [text, text], "pattern": text, "format": text, "title": text});
    let properties: Map<String, Value> =
        (0..1000).map(|it| (format!("p{it}"), property.clone())).collect();
    digest(with_body(&json!({"type": "object", "properties": properties}), &json!({})));
    let parameters: Vec<_> = (0..1000)
        .map(|it| json!({"name": format!("q{it}"), "in": "query", "schema": property}))
        .collect();
    digest(json!({"openapi": "3.0.0", "paths": {"/": {"get": {"parameters": parameters}}}}));
}

#[test]
fn a_document_that_nests_too_deep_is_refused() {
    for key in ["items", "not", "x"] {
        let mut schema = json!({});
        for _ in 0..500 {
            schema = json!({ key: schema });
        }
        let document = Arc::new(with_body(&schema, &json!({})));
        assert_eq!(Document::read(&document).unwrap_err(), Error::TooDeep { depth_max: 200 });
    }
    let mut schema = json!({});
    for _ in 0..150 {
        schema = json!({"allOf": [], "properties": {"a": schema}});
        schema = if schema.to_string().len() > 3500 { json!({}) } else { schema };
    }
    digest(with_body(&schema, &json!({})));
}

#[test]
fn too_many_operations_are_refused_at_once() {
    let paths: Map<String, Value> =
        (0..100_000).map(|it| (format!("/p{it}"), json!({"get": {}}))).collect();
    let document = Arc::new(json!({"openapi": "3.0.0", "paths": paths}));
    assert_eq!(
        Document::read(&document).unwrap_err(),
        Error::TooManyOperations { count: 100_000, count_max: 50_000 }
    );
}

#[test]
fn many_operations_over_one_vast_schema_are_refused_and_do_not_fill_memory() {
    let properties: Map<String, Value> = (0..400)
        .map(|it| {
            (
                format!("property_with_a_long_name_{it}"),
                json!({"type": "string", "enum": ["x".repeat(8000)]}),
            )
        })
        .collect();
    let post =
        json!({"requestBody": {"content": {"application/json": {"schema": reference("A")}}}});
    let paths: Map<String, Value> =
        (0..2000).map(|it| (format!("/p{it}"), json!({ "post": post }))).collect();
    let document = json!({"openapi": "3.0.0", "paths": paths,
        "components": {"schemas": {"A": {"type": "object", "properties": properties}}}});
    assert_eq!(Document::read(&Arc::new(document)).unwrap_err(), Error::TooLarge);
}

#[test]
fn wrong_types_everywhere_are_ignored() {
    let junk =
        [json!(null), json!(1), json!("x"), json!([1, null, "x"]), json!({"a": 1}), json!(true)];
    for wrong in &junk {
        for key in ["paths", "components", "info", "servers", "tags", "security"] {
            digest(json!({"openapi": "3.0.0", key: wrong}));
            digest(json!({"swagger": "2.0", key: wrong, "host": wrong, "basePath": wrong,
                "schemes": wrong, "consumes": wrong, "definitions": wrong, "securityDefinitions": wrong}));
        }
        for key in [
            "parameters",
            "requestBody",
            "responses",
            "operationId",
            "tags",
            "summary",
            "deprecated",
        ] {
            digest(
                json!({"openapi": "3.0.0", "paths": {"/{a}": {"post": {key: wrong}, key: wrong}}}),
            );
            digest(
                json!({"swagger": "2.0", "paths": {"/{a}": {"post": {key: wrong}, key: wrong}}}),
            );
        }
        for key in
            ["name", "in", "schema", "style", "explode", "required", "content", "description"]
        {
            let mut parameter = json!({"name": "a", "in": "query"});
            parameter[key] = wrong.clone();
            digest(
                json!({"openapi": "3.0.0", "paths": {"/{a}": {"get": {"parameters": [parameter]}}}}),
            );
        }
        for key in [
            "type",
            "properties",
            "required",
            "items",
            "allOf",
            "anyOf",
            "oneOf",
            "enum",
            "const",
            "additionalProperties",
            "description",
            "default",
            "example",
            "examples",
            "nullable",
            "minimum",
            "exclusiveMinimum",
            "maxLength",
            "format",
            "pattern",
            "readOnly",
            "$ref",
            "prefixItems",
            "patternProperties",
            "discriminator",
            "title",
            "multipleOf",
        ] {
            let schema = json!({"type": "object", "properties": {"a": {key: wrong}}});
            digest(with_body(&schema, &json!({})));
            digest(with_body(&json!({key: wrong}), &json!({})));
        }
    }
}

#[test]
fn a_regular_document_survives_beside_a_broken_one() {
    let document = read(json!({"openapi": "3.0.0", "paths": {
        "/{broken": {"get": {}}, "/good": {"get": {"operationId": "good"}}, "/null": null
    }}));
    assert_eq!(operation(&document, "good").template.as_str(), "/good");
}

/// Something that does not belong there.
fn junk() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!(true)),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        prop::sample::select(vec![
            "#/components/schemas/Pet",
            "#/definitions/Pet",
            "#/paths",
            "#",
            "x.yaml",
            "http://x/",
            "array",
            "object",
            "path",
            "query",
            "header",
            "body",
            "formData",
            "deepObject",
        ])
        .prop_map(Value::from),
        Just(json!({"$ref": "#/components/schemas/Pet"})),
        Just(json!({"$ref": "#/components/schemas"})),
        Just(json!({"$ref": "#"})),
        Just(json!([])),
        Just(json!({})),
    ]
}

/// A document that shows its name only: it is long, and the damages say the rest.
#[derive(Clone)]
struct Named(String, Value);

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn named() -> Vec<Named> {
    documents::all().into_iter().map(|(name, value)| Named(name, value)).collect()
}

/// Puts `junk` in place of the value that is number `index` of the document, or under another key.
fn mutate(value: &mut Value, index: &mut usize, junk: &Value, rename: Option<&str>) -> bool {
    if *index == 0 {
        match (rename, &mut *value) {
            (Some(name), Value::Object(map)) => drop(map.insert(name.to_owned(), junk.clone())),
            _ => *value = junk.clone(),
        }
        return true;
    }
    *index -= 1;
    match value {
        Value::Array(values) => values.iter_mut().any(|it| mutate(it, index, junk, rename)),
        Value::Object(map) => map.values_mut().any(|it| mutate(it, index, junk, rename)),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_document_never_panics_and_never_makes_a_bad_tool(
        document in prop::sample::select(named()),
        damages in prop::collection::vec(
            (0_usize..400, junk(), prop::option::of(prop::sample::select(vec![
                "$ref", "allOf", "oneOf", "properties", "items", "type", "required", "parameters",
                "requestBody", "nullable", "/{a}/{b", "/{x}.{y}", "get", "content", "enum",
            ]))),
            1..6,
        ),
    ) {
        let Named(_, mut value) = document;
        for (mut index, junk, rename) in damages {
            mutate(&mut value, &mut index, &junk, rename);
        }
        digest(value);
    }

    #[test]
    fn arguments_never_panic_and_never_leave_the_path(
        id in "\\PC{0,12}|[./%\\\\;]{1,6}|\\.\\.",
        query in prop::option::of("\\PC{0,12}"),
        extra in junk(),
    ) {
        let document = read(json!({"openapi": "3.0.0", "paths": {"/orders/{id}/lines": {"get": {
            "operationId": "get", "parameters": [{"name": "q", "in": "query"}, {"name": "r", "in": "query"}]}}}}));
        let get = operation(&document, "get");
        let arguments = json!({"id": id, "q": query, "r": extra});
        if let Ok(bound) = get.bind(arguments.as_object().unwrap().clone()) {
            let path = bound.head.path.as_str();
            prop_assert!(get.template.fits(path), "{}", path);
            let segments: Vec<_> = path.split('/').collect();
            prop_assert_eq!(segments.len(), 4);
            prop_assert_eq!(model::Path::decode(segments[2]), id);
            let sent = bound.head.query.pairs().iter().find(|it| it.0 == "q").and_then(|it| it.1.clone());
            prop_assert_eq!(sent, query);
        }
    }
}
