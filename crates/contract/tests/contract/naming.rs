//! Names of operations and of arguments: valid, unique, and the same whatever stands around them.

use serde_json::{Value, json};

use crate::{operation, read};

fn names(paths: &Value) -> Vec<String> {
    let document = read(json!({"openapi": "3.0.0", "paths": paths}));
    document.operations().iter().map(|it| it.name.clone()).collect()
}

#[test]
fn an_operation_is_named_by_its_author_or_by_its_path() {
    for (id, want) in [
        (json!("getOrder"), "getOrder"),
        (json!("get__order-1"), "get__order-1"),
        (json!("repos/list for user"), "repos_list_for_user"),
        (json!("取得"), "get_orders_id"),
        (json!(""), "get_orders_id"),
        (json!(7), "get_orders_id"),
        (Value::Null, "get_orders_id"),
    ] {
        assert_eq!(names(&json!({"/orders/{id}": {"get": {"operationId": id}}})), [want]);
    }
    assert_eq!(names(&json!({"/": {"get": {}}})), ["get"]);
}

#[test]
fn a_name_does_not_change_when_another_operation_appears() {
    let one = names(
        &json!({"/a": {"get": {"operationId": "x/y"}}, "/b": {"get": {"operationId": "x y"}}}),
    );
    let two = names(
        &json!({"/b": {"get": {"operationId": "x y"}}, "/a": {"get": {"operationId": "x/y"}}}),
    );
    assert_ne!(one[0], one[1]);
    assert_eq!([&one[0], &one[1]], [&two[1], &two[0]]);
    let long = "x".repeat(200);
    let names = names(&json!({"/a": {"get": {"operationId": long}, "put": {"operationId": long}}}));
    assert!(names.iter().all(|it| it.len() == 64) && names[0] != names[1], "{names:?}");
}

#[test]
fn arguments_that_share_a_name_say_where_they_go() {
    let document = read(json!({"openapi": "3.0.0", "paths": {"/{id}": {"put": {
        "operationId": "put",
        "parameters": [
            {"name": "id", "in": "header"}, {"name": "id", "in": "query"},
            {"name": "id", "in": "path", "required": true},
            {"name": "filter[name]", "in": "query"}, {"name": "filter name", "in": "query"},
            {"name": "é", "in": "query"}
        ],
        "requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {
            "id": {}, "id_body": {}, "@type": {}
        }}}}}
    }}}}));
    let put = operation(&document, "put");
    let keys: Vec<_> = put.input_schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(keys[..4], ["id", "id_query", "filter_name", "filter_name_query"]);
    assert_eq!(keys[4..6], ["query", "id_header"]);
    assert!(keys[6].starts_with("id_") && keys[6].len() == 11, "{keys:?}");
    assert_eq!(keys[7..], ["id_body", "type"]);
    let arguments = json!({
        "id": "p", "id_query": "q", "filter_name": 1, "filter_name_query": 2, "query": 3,
        "id_header": "h", keys[6]: "b", "id_body": "c", "type": "t"
    });
    let bound = put.bind(arguments.as_object().unwrap().clone()).unwrap();
    assert_eq!(bound.head.path.as_str(), "/p");
    assert_eq!(bound.head.query.as_str(), "id=q&filter%5Bname%5D=1&filter%20name=2&%C3%A9=3");
    assert_eq!(bound.head.headers["id"], "h");
    assert_eq!(bound.body.unwrap(), r#"{"id":"b","id_body":"c","@type":"t"}"#);
}

#[test]
fn a_credential_is_never_an_argument() {
    let document = read(json!({"openapi": "3.0.0", "paths": {"/": {"get": {
        "operationId": "get",
        "parameters": [
            {"name": "Authorization", "in": "header", "required": true},
            {"name": "X-API-Key", "in": "header"}, {"name": "X-Shop", "in": "header"},
            {"name": "session", "in": "cookie"}, {"name": "api_key", "in": "query"},
            {"name": "door", "in": "query"}, {"name": "page", "in": "query"},
            {"name": "Content-Type", "in": "header"}, {"name": "Host", "in": "header"},
            {"name": "bad name", "in": "header"}
        ]
    }}}, "components": {"securitySchemes": {
        "a": {"type": "apiKey", "in": "header", "name": "x-shop"},
        "b": {"type": "apiKey", "in": "query", "name": "door"}
    }}}));
    let get = operation(&document, "get");
    assert_eq!(get.input_schema["properties"], json!({"page": {}}));
    assert_eq!(get.input_schema.get("required"), None);
}
