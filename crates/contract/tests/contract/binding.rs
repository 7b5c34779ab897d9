//! Arguments become the request that a REST caller would have sent, or are refused.

use contract::{ArgumentFault, Bound, Document};
use model::{Ambiguity, Refusal, RefusalKind};
use serde_json::{Map, Value, json};

use crate::{operation, read};

fn document(method: &str, path: &str, described: &Value) -> Document {
    let mut operation = described.clone();
    operation["operationId"] = json!("call");
    read(json!({"openapi": "3.1.0", "paths": {path: {method: operation}}}))
}

/// What is sent: `path?query`, and the body with its media type, if there is one.
fn send(document: &Document, arguments: &Value) -> Result<String, ArgumentFault> {
    operation(document, "call").bind(arguments.as_object().unwrap().clone()).map(written)
}

fn send_unchecked(document: &Document, arguments: &Value) -> Result<String, ArgumentFault> {
    let arguments = arguments.as_object().unwrap().clone();
    operation(document, "call").bind_unchecked(arguments).map(written)
}

fn written(bound: Bound) -> String {
    let query = bound.head.query.as_str();
    let mut sent = bound.head.path.to_string();
    if !query.is_empty() {
        sent = format!("{sent}?{query}");
    }
    if let Some(body) = bound.body {
        let media_type = bound.head.headers["content-type"].to_str().unwrap();
        sent = format!("{sent} {media_type} {}", String::from_utf8(body.to_vec()).unwrap());
    }
    sent
}

fn fault(document: &Document, arguments: &Value) -> String {
    send(document, arguments).unwrap_err().to_string()
}

fn parameter(place: &str, more: &Value) -> Value {
    let mut parameter = json!({"name": "a", "in": place});
    parameter.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "parameters": [parameter] })
}

#[test]
fn every_style_is_written_as_openapi_says() {
    let (array, object, text) = (json!(["x", "y z"]), json!({"r": 1, "g": true}), json!("x y"));
    for (more, value, want) in [
        (json!({}), &text, "/?a=x%20y"),
        (json!({}), &array, "/?a=x&a=y%20z"),
        (json!({}), &object, "/?r=1&g=true"),
        (json!({"explode": false}), &array, "/?a=x,y%20z"),
        (json!({"explode": false}), &object, "/?a=r,1,g,true"),
        (json!({"style": "spaceDelimited"}), &json!(["x", "y"]), "/?a=x%20y"),
        (json!({"style": "pipeDelimited"}), &array, "/?a=x%7Cy%20z"),
        (json!({"style": "deepObject"}), &object, "/?a%5Br%5D=1&a%5Bg%5D=true"),
        (json!({"style": "deepObject"}), &json!({"r": [1, 2]}), "/?a%5Br%5D=1&a%5Br%5D=2"),
        (json!({"content": {"application/json": {}}}), &object, "/?a=%7B%22r%22:1,%22g%22:true%7D"),
        (json!({}), &json!([]), "/"),
        (json!({"explode": false}), &json!([]), "/"),
        (json!({}), &json!(""), "/?a="),
        (json!({}), &json!(1.5), "/?a=1.5"),
        (json!({}), &json!("a&b=c#d?e+f%41"), "/?a=a%26b%3Dc%23d?e%2Bf%2541"),
    ] {
        let document = document("get", "/", &parameter("query", &more));
        assert_eq!(send(&document, &json!({ "a": value })).unwrap(), want, "{more}");
    }
    for (more, value, want) in [
        (json!({}), &array, "/p/x,y%20z"),
        (json!({"explode": true}), &array, "/p/x,y%20z"),
        (json!({}), &object, "/p/r,1,g,true"),
        (json!({"explode": true}), &object, "/p/r=1,g=true"),
    ] {
        let document = document("get", "/p/{a}", &parameter("path", &more));
        assert_eq!(send(&document, &json!({ "a": value })).unwrap(), want, "{more}");
    }
}

#[test]
fn a_header_is_sent_and_cannot_be_split() {
    let described = json!({"parameters": [{"name": "X-Trace", "in": "header"}]});
    let document = document("get", "/", &described);
    let call = operation(&document, "call");
    let bind = |value: Value| {
        let mut arguments = Map::new();
        arguments.insert("X-Trace".to_owned(), value);
        call.bind(arguments)
    };
    let headers = bind(json!(["a", 1])).unwrap().head.headers;
    assert_eq!(headers["x-trace"], "a,1");
    for bad in ["a\r\nAuthorization: x", "a\n", "é", " a", "\u{0}"] {
        assert!(matches!(bind(json!(bad)), Err(ArgumentFault::Header { .. })), "{bad:?}");
    }
}

#[test]
fn what_cannot_be_sent_as_what_it_is_is_refused() {
    let text = json!({"schema": {"type": "string"}});
    let list = json!({"explode": false, "schema": {"type": "array"}});
    let deep = json!({"style": "deepObject"});
    for (more, value, want) in [
        (&text, json!({}), "argument \"a\" must be a string, a number or a boolean"),
        (&text, json!(["x"]), "argument \"a\" must be a string, a number or a boolean"),
        (&text, json!("\u{7}"), "argument \"a\" cannot stand in the query: a control character"),
        (&list, json!({}), "argument \"a\" must be an array"),
        (&list, json!([["x"]]), "argument \"a\" must be a flat value"),
        (
            &list,
            json!(["x,y"]),
            "argument \"a\" has an element with a ',' in it, which cannot be sent",
        ),
        (&deep, json!("x"), "argument \"a\" must be an object"),
        (&deep, json!({"x": {"y": 1}}), "argument \"a\" must be a flat value"),
        (&deep, json!({"x]&b[y": 1}), "argument \"a\" must not set \"x]&b[y\""),
        (&json!({}), json!({"api_key": "x"}), "argument \"a\" must not set \"api_key\""),
        (&json!({}), json!({"a": "x"}), "argument \"a\" must not set \"a\""),
    ] {
        let document = document("get", "/", &parameter("query", more));
        assert_eq!(fault(&document, &json!({ "a": value })), want);
    }
    let document = document("get", "/p/{a}/x", &parameter("path", &json!({})));
    for (value, want) in [
        (json!("../admin"), Ambiguity::EncodedSlash),
        (json!(".."), Ambiguity::DotSegment),
        (json!(""), Ambiguity::EmptySegment),
        (json!("%2e%2e"), Ambiguity::DoubleEncoding),
        (json!("a;b"), Ambiguity::Semicolon),
        (json!("a\u{0}"), Ambiguity::ControlCharacter),
        (json!([]), Ambiguity::EmptySegment),
    ] {
        let name = "a".into();
        let want = ArgumentFault::Path { name, ambiguity: want };
        assert_eq!(send(&document, &json!({ "a": value })), Err(want), "{value}");
    }
}

#[test]
fn unknown_and_missing_arguments_are_named() {
    let described = json!({"parameters": [
        {"name": "a", "in": "query", "required": true}, {"name": "b", "in": "query"}
    ]});
    let document = document("get", "/", &described);
    for (arguments, want) in [
        (json!({"b": 1}), "argument \"a\" is missing"),
        (json!({"a": null}), "argument \"a\" is missing"),
        (json!({"a": 1, "c": 2}), "unknown argument \"c\": the operation takes a, b"),
    ] {
        assert_eq!(fault(&document, &arguments), want);
    }
    assert_eq!(send(&document, &json!({"a": 1, "b": null})).unwrap(), "/?a=1");
    let fault = send(&document, &json!({"secret-value": 1})).unwrap_err();
    assert_eq!(Refusal::from(fault).kind(), RefusalKind::InvalidArguments);
}

#[test]
fn unchecked_arguments_go_along_as_they_are_but_for_the_path() {
    let described = json!({"parameters": [
        {"name": "a", "in": "path", "required": true, "schema": {"type": "string"}},
        {"name": "b", "in": "query", "required": true, "schema": {"type": "integer"}},
    ]});
    let plain = document("get", "/p/{a}", &described);
    for (arguments, want) in [
        (json!({"a": "x"}), "/p/x"),
        (json!({"a": "x", "b": [1]}), "/p/x?b=%5B1%5D"),
        (json!({"a": "x", "b": "y", "c": {"d": 1}}), "/p/x?b=y&c=%7B%22d%22:1%7D"),
    ] {
        assert_eq!(send_unchecked(&plain, &arguments).unwrap(), want);
    }
    let missing = send_unchecked(&plain, &json!({"b": 1})).unwrap_err();
    assert_eq!(missing, ArgumentFault::Missing { name: "a".into() });
    assert!(matches!(send_unchecked(&plain, &json!({"a": ".."})), Err(ArgumentFault::Path { .. })));

    let schema = json!({"type": "object", "required": ["name"], "properties": {"name": {}}});
    let with_body = with_body("application/json", &schema, true);
    let sent = send_unchecked(&with_body, &json!({"c": null})).unwrap();
    assert_eq!(sent, r#"/ application/json {"c":null}"#);
}

fn with_body(media_type: &str, schema: &Value, is_required: bool) -> Document {
    let content = json!({media_type: {"schema": schema}});
    document("post", "/", &json!({"requestBody": {"required": is_required, "content": content}}))
}

#[test]
fn the_fields_of_a_plain_object_stand_beside_the_parameters() {
    let schema = json!({"type": "object", "required": ["name", "id"], "properties": {
        "id": {"type": "integer", "readOnly": true}, "name": {"type": "string"}, "tag": {}
    }});
    let document = with_body("application/json", &schema, true);
    assert_eq!(operation(&document, "call").input_schema["required"], json!(["name"]));
    let sent = send(&document, &json!({"tag": {"x": null}, "name": "n"})).unwrap();
    assert_eq!(sent, r#"/ application/json {"name":"n","tag":{"x":null}}"#);
    assert_eq!(fault(&document, &json!({})), "argument \"name\" is missing");
    assert!(fault(&document, &json!({"name": "n", "id": 1})).starts_with("unknown argument"));
}

#[test]
fn an_optional_body_is_sent_whole_or_not_at_all() {
    let schema = json!({"type": "object", "required": ["name"], "properties": {
        "name": {"type": "string"}, "tag": {}
    }});
    let document = with_body("application/json", &schema, false);
    assert_eq!(operation(&document, "call").input_schema.get("required"), None);
    assert_eq!(send(&document, &json!({})).unwrap(), "/");
    assert_eq!(fault(&document, &json!({"tag": 1})), "argument \"name\" is missing");
    let schema = json!({"type": "object", "properties": {"tag": {}}});
    let document = with_body("application/json", &schema, true);
    assert_eq!(send(&document, &json!({})).unwrap(), "/ application/json {}");
}

#[test]
fn a_body_that_is_no_plain_object_is_one_argument() {
    let choice = json!({"oneOf": [
        {"type": "object", "properties": {"a": {}}}, {"type": "array", "items": {"type": "string"}}
    ]});
    let map = json!({"type": "object", "properties": {"a": {}},
        "additionalProperties": {"type": "string"}});
    for schema in [choice, map, json!({"type": "array"}), json!({"type": "object"}), json!({})] {
        let document = with_body("application/json", &schema, true);
        let call = operation(&document, "call");
        assert_eq!(call.input_schema["required"], json!(["body"]), "{schema}");
        let sent = send(&document, &json!({"body": ["x"]})).unwrap();
        assert_eq!(sent, r#"/ application/json ["x"]"#);
        assert_eq!(fault(&document, &json!({})), "argument \"body\" is missing");
    }
}

#[test]
fn alternatives_that_only_narrow_do_not_hide_the_fields() {
    let schema = json!({"type": "object", "properties": {"a": {}, "b": {}}, "oneOf": [
        {"required": ["a"]}, {"required": ["b"], "properties": {"b": {"enum": ["x"]}}}
    ]});
    let document = with_body("application/json", &schema, true);
    let schema = &operation(&document, "call").input_schema;
    assert_eq!(schema["properties"], json!({"a": {}, "b": {}}));
}

#[test]
fn forms_text_and_bytes_are_written_in_their_media_type() {
    let schema = json!({"type": "object", "properties": {
        "a": {"type": "string"}, "b": {"type": "array"}, "c": {"type": "object"}
    }});
    let document = with_body("application/x-www-form-urlencoded", &schema, true);
    let sent = send(&document, &json!({"c": {"x": 1}, "b": [1, "é"], "a": "x y&z=1"})).unwrap();
    let form = "a=x+y%26z%3D1&b=1&b=%C3%A9&c=%7B%22x%22%3A1%7D";
    assert_eq!(sent, format!("/ application/x-www-form-urlencoded {form}"));

    let document = with_body("text/plain", &json!({"type": "string"}), true);
    assert_eq!(send(&document, &json!({"body": "# x\n"})).unwrap(), "/ text/plain # x\n");
    assert_eq!(fault(&document, &json!({"body": 1})), "argument \"body\" must be a string");

    let document = with_body("image/png", &json!({}), true);
    assert_eq!(send(&document, &json!({"body": "Zm9v"})).unwrap(), "/ image/png foo");
    assert_eq!(fault(&document, &json!({"body": "?"})), "argument \"body\" is not base64");

    let schema = json!({"type": "object", "properties": {
        "note": {"type": "string"}, "file": {"type": "string", "format": "binary"}
    }});
    let document = with_body("multipart/form-data", &schema, true);
    let sent = send(&document, &json!({"file": "Zm9v", "note": "x"})).unwrap();
    assert_eq!(
        sent,
        "/ multipart/form-data; boundary=onedoor-00000000 --onedoor-00000000\r\n\
         Content-Disposition: form-data; name=\"note\"\r\n\r\nx\r\n--onedoor-00000000\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"file\"\r\n\
         Content-Type: application/octet-stream\r\n\r\nfoo\r\n--onedoor-00000000--\r\n"
    );
}

#[test]
fn json_is_preferred_among_media_types() {
    let content = json!({
        "multipart/form-data": {"schema": {"type": "object", "properties": {"f": {}}}},
        "application/xml": {}, "application/vnd.shop+json": {"schema": {"type": "array"}}
    });
    let document = document("post", "/", &json!({"requestBody": {"content": content}}));
    let sent = send(&document, &json!({"body": []})).unwrap();
    assert_eq!(sent, "/ application/vnd.shop+json []");
}
