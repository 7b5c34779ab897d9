//! What of a document is read, what is left out, and in which words schemas come out.

use std::sync::Arc;

use contract::{Document, Error};
use model::Effect;
use serde_json::{Value, json};

use crate::{operation, read};

/// The schema of a body's field `x`, as it comes out.
fn converted(version: &str, schema: &Value) -> Value {
    let body = json!({"type": "object", "properties": {"x": schema}});
    let document = read(json!({"openapi": version, "paths": {"/": {"post": {
        "operationId": "call", "requestBody": {"content": {"application/json": {"schema": body}}}
    }}}, "components": {"schemas": {
        "Name": {"type": "string", "description": "A name.", "minLength": 1},
        "Node": {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}},
        "Loop": {"allOf": [{"$ref": "#/components/schemas/Loop"}]},
        "Pet": {"type": "object", "required": ["id", "at"], "properties": {
            "id": {"type": "integer"}, "at": {"type": "string", "readOnly": true},
            "pin": {"type": "string", "writeOnly": true}}}
    }}}));
    operation(&document, "call").input_schema["properties"]["x"].clone()
}

#[test]
fn schemas_come_out_in_one_dialect() {
    for (schema, want) in [
        (json!(true), json!({})),
        (json!({}), json!({})),
        (json!({"type": "string", "nullable": true}), json!({"type": ["string", "null"]})),
        (json!({"type": ["string", "null"]}), json!({"type": ["string", "null"]})),
        (
            json!({"type": "string", "nullable": true, "enum": ["a"]}),
            json!({"type": ["string", "null"], "enum": ["a", null]}),
        ),
        (json!({"const": "a"}), json!({"enum": ["a"]})),
        (json!({"type": "string", "example": "a"}), json!({"type": "string", "examples": ["a"]})),
        (
            json!({"type": "integer", "minimum": 1, "exclusiveMinimum": true}),
            json!({"type": "integer", "exclusiveMinimum": 1}),
        ),
        (
            json!({"type": "integer", "exclusiveMaximum": 5, "minimum": "x", "maxLength": -1}),
            json!({"type": "integer", "exclusiveMaximum": 5}),
        ),
        (
            json!({"type": "string", "pattern": "(?<x>a)", "description": "An a."}),
            json!({"type": "string", "description": "An a. Pattern: (?<x>a)"}),
        ),
        (json!({"type": "array"}), json!({"type": "array", "items": {}})),
        (json!({"items": true}), json!({"type": "array", "items": {}})),
        (
            json!({"type": "array", "prefixItems": [{"type": "string"}], "items": false}),
            json!({"type": "array", "items": {}}),
        ),
        (
            json!({"$ref": "#/components/schemas/Name", "description": "Its name."}),
            json!({"type": "string", "description": "Its name.", "minLength": 1}),
        ),
        (
            json!({"allOf": [{"$ref": "#/components/schemas/Name"}], "nullable": true}),
            json!({"type": ["string", "null"], "description": "A name.", "minLength": 1}),
        ),
        (
            json!({"oneOf": [{"type": "string"}, {"type": "integer"}], "nullable": true}),
            json!({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}),
        ),
        (json!({"anyOf": [{"type": "string"}, {}]}), json!({})),
        (json!({"anyOf": [{"type": "string"}]}), json!({"type": "string"})),
        (
            json!({"$ref": "#/components/schemas/Pet"}),
            json!({"type": "object", "properties": {
                "id": {"type": "integer"}, "pin": {"type": "string"}}, "required": ["id"]}),
        ),
        (
            json!({"type": "object", "properties": {"+1": {}, "a": {}}, "required": ["+1"],
                "additionalProperties": false}),
            json!({"type": "object", "description": "Other properties: \"+1\".",
                "properties": {"a": {}}}),
        ),
        (
            json!({"$schema": "x", "$id": "y", "x-vendor": 1, "xml": {}, "if": {}, "type": "null"}),
            json!({"type": "null"}),
        ),
    ] {
        assert_eq!(converted("3.0.3", &schema), want, "{schema}");
    }
}

#[test]
fn all_of_brings_everything_together() {
    let schema = json!({
        "allOf": [
            {"$ref": "#/components/schemas/Pet"},
            {"type": "object", "required": ["tag"], "additionalProperties": false,
             "properties": {"tag": {"type": "string"}, "id": {"description": "Its number."}}}
        ],
        "description": "A pet."
    });
    assert_eq!(
        converted("3.1.0", &schema),
        json!({"type": "object", "description": "A pet.", "properties": {
            "id": {"type": "integer", "description": "Its number."}, "pin": {"type": "string"},
            "tag": {"type": "string"}}, "required": ["id", "tag"]})
    );
}

#[test]
fn recursion_ends_and_says_so() {
    let next = json!({"type": "object", "description": "Recursive: like an object around it."});
    assert_eq!(
        converted("3.1.0", &json!({"$ref": "#/components/schemas/Node"})),
        json!({"type": "object", "properties": {"next": next}})
    );
    assert_eq!(
        converted("3.1.0", &json!({"$ref": "#/components/schemas/Loop"})),
        json!({"description": "Recursive: like an object around it."})
    );
}

#[test]
fn a_reference_to_elsewhere_is_named_and_not_followed() {
    let document = read(json!({"openapi": "3.1.0", "paths": {
        "/a": {"post": {"requestBody": {"$ref": "bodies.yaml#/a"}}},
        "/b": {"$ref": "http://169.254.169.254/latest"},
        "/c/{id}": {"get": {"parameters": [{"$ref": "file:///etc/passwd"}]}},
        "/d": {"get": {"parameters": [{"name": "q", "in": "query",
            "schema": {"$ref": "http://127.0.0.1:1/x.json"}}]}}
    }}));
    let names: Vec<_> = document.operations().iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["post_a", "get_c_id", "get_d"]);
    assert_eq!(
        operation(&document, "get_d").input_schema["properties"]["q"],
        json!({"description": "Described elsewhere."})
    );
    assert!(
        operation(&document, "get_c_id")
            .bind(json!({"id": "x"}).as_object().unwrap().clone())
            .is_ok()
    );
    let warnings: Vec<_> = document.warnings().iter().map(|it| it.pointer.as_str()).collect();
    assert_eq!(
        warnings,
        [
            "/paths/~1b",
            "/paths/~1a/post",
            "/paths/~1c~1{id}/get",
            "/paths/~1c~1{id}/get",
            "/paths/~1d/get"
        ]
    );
}

#[test]
fn what_cannot_be_called_is_left_out_with_a_reason() {
    for (path, item, want) in [
        ("/a?b=c", json!({"get": {}}), "left out: the path has a query or a fragment"),
        ("/{a", json!({"get": {}}), "left out: the braces of the path do not match"),
        (
            "/a/../b",
            json!({"get": {}}),
            "left out: the path is not canonical: a \".\" or \"..\" segment",
        ),
        ("/a", json!({"get": 1}), "left out: no mapping"),
        ("/a", json!(1), "left out: no mapping"),
        ("/a", json!({"trace": {}}), "left out: trace, which is not carried on"),
        (
            "/{a}",
            json!({"get": {"parameters": [{"name": "a", "in": "path", "style": "matrix"}]}}),
            "left out: the parameter \"a\" has the style \"matrix\", which is not carried on",
        ),
    ] {
        let document = read(json!({"openapi": "3.0.0", "paths": {path: item}}));
        assert!(document.operations().is_empty(), "{path}");
        assert_eq!(document.warnings()[0].message, want);
    }
}

#[test]
fn of_what_is_left_out_it_is_known_which_requests_it_is_for() {
    let matrix = json!([{"name": "a", "in": "query", "style": "matrix", "required": true}]);
    let document = read(json!({"openapi": "3.0.0", "paths": {
        "/a": {"get": {"parameters": matrix}, "put": {}},
        "/b": {"post": 1},
        "/c?x=1": {"get": {}},
        "/d/../e": {"get": {}},
        "/f": {"$ref": "other.yaml"},
        "g": {"get": {}},
        "/h/{a}{b}/i": {"get": {}},
        "/j": {"trace": {}},
        "/k": {"get": {}, "trace": {}},
    }}));
    let mut shown: Vec<_> = document
        .left_out()
        .iter()
        .map(|(method, template)| format!("{method} {template}"))
        .collect();
    shown.sort();
    let all = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY"];
    let mut want =
        ["GET /a", "POST /b", "GET /c", "GET /g", "GET /h/{ab}/i"].map(str::to_owned).to_vec();
    want.extend(["/f", "/j"].iter().flat_map(|path| all.map(|it| format!("{it} {path}"))));
    want.sort();
    assert_eq!(shown, want);
}

#[test]
fn one_request_means_one_operation() {
    let document = read(json!({"openapi": "3.0.0", "paths": {
        "/a/{x}": {"get": {}}, "/a/{y}": {"get": {}, "put": {}}, "/a/{x}:run": {"get": {}}
    }}));
    let shown: Vec<_> =
        document.operations().iter().map(|it| format!("{} {}", it.method, it.template)).collect();
    assert_eq!(shown, ["GET /a/{x}", "PUT /a/{y}", "GET /a/{x}:run"]);
    assert_eq!(document.warnings()[0].message, "left out: the same requests as \"/a/{x}\"");
}

#[test]
fn a_last_parameter_takes_the_rest_only_where_no_path_goes_on() {
    let rest = |name: &str| json!([{"name": name, "in": "path", "x-multi-segment": true}]);
    let document = read(json!({"openapi": "3.0.0", "paths": {
        "/files/{path}": {"get": {"parameters": rest("path")}},
        "/commits/{ref}": {"get": {"parameters": rest("ref")}},
        "/commits/{ref}/status": {"get": {"parameters": rest("ref")}}
    }}));
    let texts: Vec<_> = document.operations().iter().map(|it| it.template.for_router()).collect();
    assert_eq!(texts, ["/files/{*p1}", "/commits/{p1}", "/commits/{p1}/status"]);
    assert_eq!(document.warnings()[0].pointer, "/paths/~1commits~1{ref}/get");
}

#[test]
fn an_effect_follows_from_the_method() {
    let document = read(json!({"openapi": "3.2.0", "paths": {"/": {
        "get": {}, "post": {}, "delete": {}, "query": {}
    }}}));
    let effects: Vec<_> = document.operations().iter().map(|it| it.effect).collect();
    assert_eq!(effects, [Effect::Read, Effect::Write, Effect::Destructive, Effect::Read]);
}

#[test]
fn an_output_schema_is_promised_only_where_every_answer_keeps_it() {
    let json_of = |schema: Value| json!({"content": {"application/json": {"schema": schema}}});
    let pet = json!({"type": "object", "required": ["id"], "properties": {
        "id": {"type": "integer", "minimum": 1}, "pin": {"writeOnly": true},
        "kind": {"type": "string", "enum": ["cat"], "nullable": true}}});
    let shown = json!({"type": "object", "properties": {"id": {"type": "integer"},
        "kind": {"type": ["string", "null"], "examples": ["cat"]}}});
    for (responses, want) in [
        (json!({"200": json_of(pet.clone())}), Some(shown.clone())),
        (json!({"200": json_of(pet.clone()), "404": {}}), Some(shown.clone())),
        (json!({"default": json_of(pet.clone())}), Some(shown)),
        (json!({"200": json_of(pet.clone()), "204": {"description": ""}}), None),
        (json!({"200": json_of(pet.clone()), "201": json_of(json!({"type": "object"}))}), None),
        (json!({"200": {"content": {"text/csv": {"schema": pet}}}}), None),
        (json!({"200": {"content": {"application/json": {}}}}), None),
        (json!({}), None),
        (
            json!({"200": json_of(json!({"type": "array", "items": {"type": "string"}}))}),
            Some(json!({"type": "object", "properties": {
                "result": {"type": "array", "items": {"type": "string"}}}})),
        ),
        (
            json!({"200": json_of(json!({"oneOf": [{"type": "object"}, {"type": "array"}]}))}),
            Some(json!({"type": "object"})),
        ),
    ] {
        let document = read(json!({"openapi": "3.0.0", "paths": {"/": {"get": {
            "operationId": "get", "responses": responses}}}}));
        assert_eq!(operation(&document, "get").output_schema, want, "{responses}");
    }
}

#[test]
fn a_document_says_which_openapi_it_is() {
    for (value, want) in [
        (json!([]), Err(Error::NotAMapping)),
        (json!(null), Err(Error::NotAMapping)),
        (json!({}), Err(Error::Version { found: "(none)".to_owned() })),
        (json!({"openapi": "4.0.0"}), Err(Error::Version { found: "\"4.0.0\"".to_owned() })),
        (json!({"openapi": {}}), Err(Error::Version { found: "\"{}\"".to_owned() })),
        (json!({"swagger": "1.2"}), Err(Error::Version { found: "\"1.2\"".to_owned() })),
        (json!({"openapi": 3.1}), Ok(0)),
        (json!({"swagger": 2.0}), Ok(0)),
        (json!({"openapi": "3.2.0", "paths": {"/": {"get": {}}}}), Ok(1)),
    ] {
        let read = Document::read(&Arc::new(value.clone()));
        assert_eq!(read.map(|it| it.operations().len()), want, "{value}");
    }
}

#[test]
fn servers_are_told_with_their_defaults() {
    let document = read(json!({"openapi": "3.0.0", "info": {"title": "Shop"}, "servers": [
        {"url": "{scheme}://shop.example/{v}", "variables": {
            "scheme": {"default": "https"}, "v": {"default": "v1"}}},
        {"url": "/relative"}, {"url": 1}, 2
    ]}));
    assert_eq!(document.servers(), ["https://shop.example/v1", "/relative"]);
    assert_eq!((document.title(), document.description()), (Some("Shop"), None));
}
