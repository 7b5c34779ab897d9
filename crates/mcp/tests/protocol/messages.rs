//! What is a message, what its members must be, and which of them are believed.

use mcp::{
    CallParams, Era, Id, Incoming, InitializeParams, ListParams, Message, Method, Notice, Version,
    parse,
};
use proptest::prelude::*;
use serde_json::json;

use crate::{request, verdict};

fn kind(body: &str) -> Result<&'static str, (u16, i32, Option<Id>)> {
    match parse(body.as_bytes()) {
        Ok(Incoming::Batch(_)) => Ok("batch"),
        Ok(Incoming::One(Message::Notification(_))) => Ok("notification"),
        Ok(Incoming::One(Message::Request(_))) => Ok("request"),
        Ok(Incoming::One(Message::Response(_))) => Ok("response"),
        Err(error) => Err((error.status.as_u16(), error.code, error.id)),
    }
}

#[test]
fn the_members_of_a_message_say_what_it_is() {
    let one = Some(Id::Integer(1));
    let invalid = Err((400, -32600, None));
    let invalid_one = Err((400, -32600, one));
    let table = [
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, Ok("request")),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#, Ok("request")),
        (r#"{"\u006asonrpc":"2.0","id":1,"m\u0065thod":"ping"}"#, Ok("request")),
        (r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, Ok("notification")),
        (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, Ok("response")),
        (r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}}"#, Ok("response")),
        (r#"[{"jsonrpc":"2.0","method":"x"}]"#, Ok("batch")),
        // No message.
        ("null", invalid.clone()),
        ("\"ping\"", invalid.clone()),
        ("[]", invalid.clone()),
        ("[1]", invalid.clone()),
        ("[[]]", invalid.clone()),
        ("{}", invalid.clone()),
        (r#"["2.0",1,"ping",null,null,null]"#, invalid.clone()),
        (r#"{"id":1,"method":"ping"}"#, invalid_one.clone()),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, invalid_one.clone()),
        (r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, invalid_one.clone()),
        (r#"{"jsonrpc":"2.0","id":1}"#, invalid_one.clone()),
        (r#"{"jsonrpc":"2.0","id":1,"method":""}"#, invalid_one.clone()),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, invalid_one.clone()),
        (r#"{"jsonrpc":"2.0","id":1,"method":null}"#, invalid_one.clone()),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, invalid_one.clone()),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":"x"}"#, invalid_one.clone()),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#, invalid_one.clone()),
        (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, invalid_one.clone()),
        (r#"{"jsonrpc":"2.0","result":{}}"#, invalid.clone()),
        // Another case is another name.
        (r#"{"jsonrpc":"2.0","id":1,"Method":"ping"}"#, invalid_one.clone()),
        (r#"{"JSONRPC":"2.0","id":1,"method":"ping"}"#, invalid_one.clone()),
        (r#"{"jsonrpc":"2.0","ID":1,"method":"ping"}"#, Ok("notification")),
        // Twice.
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, invalid.clone()),
        (r#"{"jsonrpc":"2.0","id":1,"method":"a","meth\u006fd":"b"}"#, invalid),
    ];
    for (body, want) in table {
        assert_eq!(kind(body), want, "{body}");
    }
}

#[test]
fn an_id_is_a_string_or_an_integer_and_nothing_else() {
    let long = format!("\"{}\"", "x".repeat(256));
    let longer = format!("\"{}\"", "x".repeat(257));
    let good = ["0", "1", "-7", "9223372036854775807", "-9223372036854775808", "\"\"", "\"1\""];
    for id in good.into_iter().chain([r#""\"\\é😀\u0001""#, long.as_str()]) {
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        assert_eq!(serde_json::to_string(&request(&body).id).unwrap(), id, "{id}");
    }
    let bad = ["null", "true", "1.0", "1e2", "-0", "9223372036854775808", "[1]", "{}", &longer];
    for id in bad {
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        assert_eq!(kind(&body), Err((400, -32600, None)), "{id}");
    }
}

#[test]
fn a_batch_is_bounded_and_fails_whole() {
    let message = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let of = |count: usize| format!("[{}]", vec![message; count].join(","));
    assert_eq!(kind(&of(50)), Ok("batch"));
    assert_eq!(kind(&of(51)), Err((400, -32600, None)));
    assert_eq!(kind(&format!("[{message},{{}}]")), Err((400, -32600, None)));
}

#[test]
fn a_call_has_a_name_and_an_object_of_arguments() {
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(257));
    let table = [
        (r#"{"name":"t"}"#, Ok(json!({}))),
        (r#"{"name":"t","arguments":null}"#, Ok(json!({}))),
        (
            r#"{"name":"t","arguments":{"b":1,"a":[{"c":null}]}}"#,
            Ok(json!({"b":1,"a":[{"c":null}]})),
        ),
        (r#"{"name":"t","Arguments":{"a":1},"ARGUMENTS":2,"extra":3}"#, Ok(json!({}))),
        (r#"{"name":"t","arguments":[]}"#, Err((200, -32602))),
        (r#"{"name":"t","arguments":"{}"}"#, Err((200, -32602))),
        (r#"{"Name":"t"}"#, Err((200, -32602))),
        (r#"{"name":1}"#, Err((200, -32602))),
        (r#"{"name":null}"#, Err((200, -32602))),
        ("{}", Err((200, -32602))),
        (&long, Err((200, -32602))),
    ];
    for (params, want) in table {
        let body =
            format!(r#"{{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{params}}}"#);
        let call = CallParams::read(&request(&body));
        assert!(call.as_ref().err().is_none_or(|it| it.id == Some(Id::Text("a".into()))));
        let arguments = verdict(call).map(|it| serde_json::Value::Object(it.arguments));
        assert_eq!(arguments, want, "{params}");
    }
    let bare = request(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#);
    assert_eq!(verdict(CallParams::read(&bare)), Err((200, -32602)));
}

#[test]
fn arguments_keep_their_order() {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"z":1,"a":{"y":1,"b":2}}}}"#;
    let call = CallParams::read(&request(body)).unwrap();
    assert_eq!(serde_json::to_string(&call.arguments).unwrap(), r#"{"z":1,"a":{"y":1,"b":2}}"#);
}

#[test]
fn an_empty_cursor_is_a_cursor() {
    let long = format!(r#"{{"cursor":"{}"}}"#, "x".repeat(513));
    let table = [
        ("{}", Ok(None)),
        (r#"{"cursor":null}"#, Ok(None)),
        (r#"{"cursor":""}"#, Ok(Some(""))),
        (r#"{"cursor":"c"}"#, Ok(Some("c"))),
        (r#"{"cursor":1}"#, Err((200, -32602))),
        (&long, Err((200, -32602))),
    ];
    for (params, want) in table {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{params}}}"#);
        let list = verdict(ListParams::read(&request(&body)));
        let cursor = list.as_ref().map(|it| it.cursor.as_deref()).map_err(|it| *it);
        assert_eq!(cursor, want, "{params}");
    }
}

#[test]
fn what_a_client_says_of_itself_is_optional_and_cut() {
    let long = format!(r#"{{"name":"{}","version":"1"}}"#, "é".repeat(5000));
    let cut = "é".repeat(128);
    let table = [
        (r#"{"name":"editor","version":"2.1"}"#, Some("editor 2.1")),
        (r#"{"name":"editor"}"#, Some("editor")),
        (&long, Some(cut.as_str())),
        (r#"{"version":"1"}"#, None),
        ("[]", None),
        ("7", None),
    ];
    for (info, want) in table {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{"protocolVersion":"x","clientInfo":{info}}}}}"#
        );
        let params = InitializeParams::read(&request(&body)).unwrap();
        assert_eq!((&*params.protocol_version, params.client.as_deref()), ("x", want), "{info}");
    }
    let without = request(r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#);
    assert_eq!(verdict(InitializeParams::read(&without)), Err((200, -32602)));
}

#[test]
fn each_era_has_its_own_methods() {
    let session = Era::Session(Version::V2025_11_25);
    let table = [
        ("initialize", Ok(Method::Initialize), Err((404, -32601))),
        ("ping", Ok(Method::Ping), Err((404, -32601))),
        ("tools/list", Ok(Method::ToolsList), Ok(Method::ToolsList)),
        ("tools/call", Ok(Method::ToolsCall), Ok(Method::ToolsCall)),
        ("server/discover", Err((200, -32601)), Ok(Method::Discover)),
        ("resources/list", Err((200, -32601)), Err((404, -32601))),
        ("logging/setLevel", Err((200, -32601)), Err((404, -32601))),
        ("Tools/call", Err((200, -32601)), Err((404, -32601))),
        ("tools/call ", Err((200, -32601)), Err((404, -32601))),
    ];
    for (method, in_session, stateless) in table {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#);
        assert_eq!(verdict(Method::of(session, &request(&body))), in_session, "{method}");
        assert_eq!(verdict(Method::of(Era::Stateless, &request(&body))), stateless, "{method}");
    }
}

#[test]
fn a_cancellation_counts_in_a_session_only() {
    let session = Era::Session(Version::V2025_06_18);
    let table = [
        (session, r#"{"requestId":7,"reason":"x"}"#, Notice::Cancelled(Id::Integer(7))),
        (session, r#"{"requestId":"7"}"#, Notice::Cancelled(Id::Text("7".into()))),
        (session, r#"{"requestId":null}"#, Notice::Other),
        (session, r#"{"requestId":7.5}"#, Notice::Other),
        (session, r#"{"RequestId":7}"#, Notice::Other),
        (Era::Stateless, r#"{"requestId":7}"#, Notice::Other),
    ];
    for (era, params, want) in table {
        let body =
            format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{params}}}"#);
        let Ok(Incoming::One(Message::Notification(notification))) = parse(body.as_bytes()) else {
            panic!("no notification: {body}");
        };
        assert_eq!(Notice::of(era, &notification), want, "{params}");
    }
}

proptest! {
    #[test]
    fn every_id_comes_back_as_it_came(text in any::<String>(), integer in any::<i64>()) {
        for id in [json!(text), json!(integer)] {
            let body = json!({"jsonrpc": "2.0", "id": id, "method": "ping"}).to_string();
            if text.len() <= Id::BYTES_MAX || id.is_number() {
                let back = serde_json::to_value(&request(&body).id).unwrap();
                prop_assert_eq!(back, id);
            }
        }
    }
}
