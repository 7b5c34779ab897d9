//! Documents of version 2.0 are the same documents.

use serde_json::{Value, json};

use crate::{operation, read};

fn convert(more: &Value) -> Value {
    let mut root = json!({"swagger": "2.0", "info": {"title": "Shop", "version": "1"}});
    root.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let document = read(root);
    assert_eq!(document.warnings(), []);
    let shown: Vec<_> = document
        .operations()
        .iter()
        .enumerate()
        .map(|(index, it)| (index, it.name.clone()))
        .collect();
    let shown: Vec<_> = shown
        .iter()
        .map(|(operation, name)| contract::Shown { operation: *operation, name, description: None })
        .collect();
    document.view("/", &shown)
}

#[test]
fn parameters_move_under_schemas_and_bodies() {
    let view = convert(&json!({
        "parameters": {"Limit": {"name": "limit", "in": "query", "type": "integer", "maximum": 9},
            "Pet": {"name": "pet", "in": "body", "required": true,
                "schema": {"$ref": "#/definitions/Pet"}}},
        "responses": {"Ok": {"description": "Fine.", "schema": {"$ref": "#/definitions/Pet"},
            "headers": {"X-Left": {"type": "integer", "description": "How many."}}}},
        "definitions": {"Pet": {"type": "object", "discriminator": "kind",
            "properties": {"kind": {"type": "string", "x-nullable": true}}}},
        "paths": {"/pets": {
            "parameters": [{"$ref": "#/parameters/Limit"}],
            "post": {"parameters": [{"$ref": "#/parameters/Pet"}],
                "responses": {"200": {"$ref": "#/responses/Ok"}}}
        }}
    }));
    assert_eq!(
        view["paths"]["/pets"]["post"],
        json!({
            "operationId": "post_pets",
            "parameters": [{"name": "limit", "in": "query",
                "schema": {"type": "integer", "maximum": 9}}],
            "requestBody": {"required": true, "content": {"application/json":
                {"schema": {"$ref": "#/components/schemas/Pet"}}}},
            "responses": {"200": {"description": "Fine.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}},
                "headers": {"X-Left": {"description": "How many.", "schema": {"type": "integer"}}}}}
        })
    );
    assert_eq!(
        view["components"]["schemas"]["Pet"],
        json!({"type": "object", "discriminator": {"propertyName": "kind"},
            "properties": {"kind": {"type": "string", "nullable": true}}})
    );
}

#[test]
fn collection_formats_are_styles() {
    for (place, format, want) in [
        ("query", Some("csv"), "/?a=x,y"),
        ("query", None, "/?a=x,y"),
        ("query", Some("multi"), "/?a=x&a=y"),
        ("query", Some("ssv"), "/?a=x%20y"),
        ("query", Some("pipes"), "/?a=x%7Cy"),
        ("path", Some("csv"), "/x,y?"),
    ] {
        let path = if place == "path" { "/{a}" } else { "/" };
        let document = read(json!({"swagger": "2.0", "paths": {path: {"get": {
            "operationId": "get",
            "parameters": [{"name": "a", "in": place, "required": place == "path",
                "type": "array", "items": {"type": "string"}, "collectionFormat": format}]
        }}}}));
        let arguments = json!({"a": ["x", "y"]}).as_object().unwrap().clone();
        let head = operation(&document, "get").bind(arguments).unwrap().head;
        assert_eq!(format!("{}?{}", head.path, head.query.as_str()), want);
    }
}

#[test]
fn a_form_is_a_body() {
    let document = |consumes: &[&str], kind: &str| {
        read(json!({"swagger": "2.0", "consumes": consumes, "paths": {"/": {"post": {
            "operationId": "post",
            "parameters": [
                {"name": "note", "in": "formData", "type": "string", "required": true},
                {"name": "list", "in": "formData", "type": "array", "collectionFormat": "csv"},
                {"name": "data", "in": "formData", "type": kind}
            ]
        }}}}))
    };
    let arguments = json!({"note": "x", "list": [1, 2], "data": "Zm9v"});
    let arguments = arguments.as_object().unwrap();
    for (consumes, kind, want_type, want) in [
        (&[][..], "string", "application/x-www-form-urlencoded", "note=x&list=1%2C2&data=Zm9v"),
        (&["multipart/form-data"], "string", "multipart/form-data", "\r\nZm9v\r\n"),
        (&[], "file", "multipart/form-data", "filename=\"data\""),
    ] {
        let document = document(consumes, kind);
        let post = operation(&document, "post");
        assert_eq!(post.input_schema["required"], json!(["note"]));
        let bound = post.bind(arguments.clone()).unwrap();
        let media_type = bound.head.headers["content-type"].to_str().unwrap();
        assert!(media_type.starts_with(want_type), "{media_type}");
        let body = String::from_utf8(bound.body.unwrap().to_vec()).unwrap();
        assert!(body.contains(want), "{body}");
    }
}

#[test]
fn media_types_and_servers_come_from_the_root_where_nothing_nearer_says_otherwise() {
    let root = json!({"swagger": "2.0", "host": "shop.example", "basePath": "/v1/",
    "schemes": ["https", "http"], "consumes": ["text/plain"], "produces": ["text/csv"],
    "paths": {
        "/a": {"post": {"parameters": [{"name": "x", "in": "body", "schema": {"type": "string"}}],
            "responses": {"200": {"schema": {"type": "string"}}}}},
        "/b": {"post": {"consumes": ["application/json"], "produces": ["application/json"],
            "parameters": [{"name": "x", "in": "body", "schema": {"type": "string"}}],
            "responses": {"200": {"schema": {"type": "string"}}}}}
    }});
    let document = read(root);
    assert_eq!(document.servers(), ["https://shop.example/v1", "http://shop.example/v1"]);
    for (name, accept, content_type) in
        [("post_a", "text/csv", "text/plain"), ("post_b", "application/json", "application/json")]
    {
        let arguments = json!({"body": "x"}).as_object().unwrap().clone();
        let head = operation(&document, name).bind(arguments).unwrap().head;
        assert_eq!(head.headers["accept"], accept);
        assert_eq!(head.headers["content-type"], content_type);
    }
}

#[test]
fn security_schemes_hide_their_parameters() {
    let document = read(json!({"swagger": "2.0",
        "securityDefinitions": {"a": {"type": "apiKey", "in": "query", "name": "door"},
            "b": {"type": "basic"}, "c": {"type": "oauth2", "flow": "accessCode",
                "authorizationUrl": "https://x", "tokenUrl": "https://y"}, "d": {"type": "new"}},
        "paths": {"/": {"get": {"operationId": "get", "parameters": [
            {"name": "door", "in": "query", "type": "string"},
            {"name": "page", "in": "query", "type": "string"}]}}}}));
    let get = operation(&document, "get");
    assert_eq!(get.input_schema["properties"], json!({"page": {"type": "string"}}));
    assert_eq!(document.warnings()[0].pointer, "/securityDefinitions/d");
}
