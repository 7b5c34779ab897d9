//! The answers, as clients see them. Checked once against the official Python clients' models.

use bytes::Bytes;
use http::Method;
use mcp::{
    Era, Id, Page, ProtocolError, Server, Tool, ToolResult, Version, answer, json,
    tool::Annotations,
};
use model::Effect;
use serde_json::{Value, value::RawValue};

const SESSION: Era = Era::Session(Version::V2025_11_25);

fn server() -> Server {
    Server {
        name: "onedoor".to_owned(),
        title: None,
        version: "0.1.0".to_owned(),
        instructions: Some("orders".to_owned()),
    }
}

fn text(answer: &Bytes) -> String {
    let value: Value = serde_json::from_slice(answer).unwrap();
    assert_eq!(value.get("jsonrpc"), Some(&Value::from("2.0")));
    String::from_utf8(answer.to_vec()).unwrap()
}

#[test]
fn initialize_answers_the_version_agreed_on() {
    let answer = server().initialize(&Id::Integer(0), Version::V2025_06_18);
    insta::assert_snapshot!(text(&answer), @r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"onedoor","version":"0.1.0"},"instructions":"orders"}}"#);
}

#[test]
fn discover_names_every_version() {
    let answer = server().discover(&Id::Text("d".into()), 60_000);
    insta::assert_snapshot!(text(&answer), @r#"{"jsonrpc":"2.0","id":"d","result":{"supportedVersions":["2026-07-28","2025-11-25","2025-06-18","2025-03-26"],"capabilities":{"tools":{}},"instructions":"orders","ttlMs":60000,"cacheScope":"private","resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"onedoor","version":"0.1.0"}}}}"#);
}

#[test]
fn a_list_of_tools_is_private_in_the_stateless_era() {
    let schema = serde_json::json!({"type": "object"});
    let tool = Tool {
        name: "orders_list",
        title: Some("List orders"),
        description: None,
        input_schema: &schema,
        output_schema: Some(&schema),
        annotations: Annotations::of(Effect::Read, &Method::GET),
    };
    let tools = [tool.to_json().unwrap(), RawValue::from_string("{}".to_owned()).unwrap()];
    let page =
        |next_cursor| Page { tools: tools.iter().map(|it| &**it), next_cursor, ttl_ms: 5000 };
    let answer = server().tools_list(SESSION, &Id::Integer(1), &page(Some("c".to_owned())));
    insta::assert_snapshot!(text(&answer), @r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"orders_list","title":"List orders","inputSchema":{"type":"object"},"outputSchema":{"type":"object"},"annotations":{"readOnlyHint":true,"destructiveHint":false,"idempotentHint":true,"openWorldHint":true}},{}],"nextCursor":"c"}}"#);
    let answer = server().tools_list(Era::Stateless, &Id::Integer(1), &page(None));
    insta::assert_snapshot!(text(&answer), @r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"orders_list","title":"List orders","inputSchema":{"type":"object"},"outputSchema":{"type":"object"},"annotations":{"readOnlyHint":true,"destructiveHint":false,"idempotentHint":true,"openWorldHint":true}},{}],"ttlMs":5000,"cacheScope":"private","resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"onedoor","version":"0.1.0"}}}}"#);
}

#[test]
fn a_result_has_text_and_data_of_one_shape_in_both_eras() {
    let structured = |text: &'static str| json::passable(text.as_bytes()).ok();
    let ok = |text| ToolResult { text, structured: structured(text), is_error: false };
    let answer = server().tool_result(SESSION, &Id::Integer(1), &ok("{\"a\":\"\\n\"}"));
    insta::assert_snapshot!(text(&answer), @r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"{\"a\":\"\\n\"}"}],"structuredContent":{"a":"\n"},"isError":false}}"#);
    let answer = server().tool_result(Era::Stateless, &Id::Integer(1), &ok("[1]"));
    insta::assert_snapshot!(text(&answer), @r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"[1]"}],"structuredContent":{"result":[1]},"isError":false,"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"onedoor","version":"0.1.0"}}}}"#);
    for scalar in ["1", "\"x\"", "null", "12345678901234567890123"] {
        let answer = text(&server().tool_result(SESSION, &Id::Integer(1), &ok(scalar)));
        let want = format!("\"structuredContent\":{{\"result\":{scalar}}}");
        assert!(answer.contains(&want), "{answer}");
    }
    let answer = text(&server().tool_result(SESSION, &Id::Integer(1), &ok("no json")));
    assert!(!answer.contains("structuredContent"), "{answer}");
}

#[test]
fn an_error_has_text_only() {
    let structured = json::passable(b"{\"a\":1}").ok();
    for era in [SESSION, Era::Stateless] {
        let failed = ToolResult { text: "404", structured, is_error: true };
        let answer = text(&server().tool_result(era, &Id::Integer(1), &failed));
        assert!(!answer.contains("structuredContent"), "{answer}");
        assert!(answer.contains("\"isError\":true"), "{answer}");
    }
}

#[test]
fn no_text_breaks_out_of_its_string() {
    for hostile in ["\"}]}", "\u{0}\u{1f}\u{7f}\u{85}\u{2028}", "\\\"", "\r\n\r\ndata: x"] {
        let result = ToolResult { text: hostile, structured: None, is_error: false };
        let id = Id::Text(hostile.into());
        let answer = server().tool_result(Era::Stateless, &id, &result);
        let value: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(value["result"]["content"][0]["text"], hostile);
        assert_eq!(value["id"], hostile);
        assert!(answer.iter().all(|it| *it >= b' '), "{answer:?}");
    }
}

#[test]
fn the_small_answers() {
    insta::assert_snapshot!(text(&answer::ping(&Id::Text("1".into()))), @r#"{"jsonrpc":"2.0","id":"1","result":{}}"#);
    let error = ProtocolError::unknown_tool(&"x".repeat(100)).for_request(&Id::Integer(-1));
    insta::assert_snapshot!(text(&error.body()), @r#"{"jsonrpc":"2.0","id":-1,"error":{"code":-32602,"message":"unknown tool \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\""}}"#);
    let error = ProtocolError::session_not_found();
    insta::assert_snapshot!(text(&error.body()), @r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"unknown session; begin with initialize"}}"#);
    assert_eq!(answer::batch(&[]), None);
    let joined = answer::batch(&[answer::ping(&Id::Integer(1)), answer::ping(&Id::Integer(2))]);
    insta::assert_snapshot!(str::from_utf8(&joined.unwrap()).unwrap(), @r#"[{"jsonrpc":"2.0","id":1,"result":{}},{"jsonrpc":"2.0","id":2,"result":{}}]"#);
}
