//! What each surface says and does besides deciding: headers, streaming, sessions, cancellation.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use testkit::{Answer, House};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

use crate::shop;

async fn shop() -> House {
    shop::builder().open().await.expect("the shop has no faults")
}

#[tokio::test]
async fn a_refusal_by_rest_says_what_to_do_next() {
    let house = shop().await;
    let answer = house.client.send("GET", "/shop/items", &[], "").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("www-authenticate")),
        (401, "Bearer realm=\"onedoor\"")
    );
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.json()["request_id"], answer.header("x-request-id"));

    let key = [("x-api-key", house.key("slow/rate"))];
    for _ in 0..2 {
        assert_eq!(house.client.send("GET", "/shop/items", &key, "").await.status, 200);
    }
    let answer = house.client.send("GET", "/shop/items", &key, "").await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, "1"));
    assert_eq!(answer.header("ratelimit"), "\"slow\";r=0;t=1");
    assert_eq!(answer.json()["limit"], "slow");

    let key = [("x-api-key", house.key("app/full"))];
    let answer = house.client.send("PATCH", "/shop/items", &key, "").await;
    assert_eq!(answer.status, 405, "{}", answer.text());
    assert_eq!(answer.header("allow"), "GET, POST");
    assert_eq!(house.client.send("GET", "/other", &key, "").await.status, 404);
}

#[tokio::test]
async fn a_refusal_that_leaves_a_body_unread_says_that_the_connection_ends() {
    let house = shop().await;
    let answer = house.client.send("POST", "/shop/items", &[], "{}").await;
    assert_eq!((answer.status.as_u16(), answer.header("connection")), (401, "close"));
    let answer = house.client.send("GET", "/shop/items", &[], "").await;
    assert_eq!((answer.status.as_u16(), answer.header("connection")), (401, ""));
}

#[tokio::test]
async fn nothing_of_the_caller_goes_upstream_but_what_was_meant_for_it() {
    let house = shop().await;
    let headers = [
        ("authorization", &*format!("Bearer {}", house.key("app/full"))),
        ("cookie", "session=1"),
        ("x-user", "admin"),
        ("x_forwarded_for", "10.0.0.1"),
        ("x-request-id", "mine"),
        ("accept-language", "de"),
    ];
    let answer = house.client.send("GET", "/shop/items/7", &headers, "").await;
    assert_eq!((answer.status.as_u16(), answer.header("x-made-by")), (200, "upstream"));
    let seen = house.recorder.take().remove(0);
    let mut names: Vec<_> = seen.headers.keys().map(|it| it.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept-language", "host", "x-request-id"]);
    assert_eq!(seen.headers["x-request-id"], answer.header("x-request-id"));
}

#[tokio::test]
async fn foreign_hosts_and_origins_are_turned_away() {
    let house = shop().await;
    let key = house.key("app/full");
    for (name, value, want) in [
        ("host", "evil.example", 421),
        ("host", "localhost", 200),
        ("host", "[::1]:1", 200),
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("origin", "http://localhost:6274", 200),
    ] {
        let answer =
            house.client.send("GET", "/shop/items", &[(name, value), ("x-api-key", key)], "").await;
        assert!(answer.status == want || (want == 200 && answer.status == 429), "{name}: {value}");
        let answer =
            house.client.send("POST", "/mcp", &[(name, value), ("x-api-key", key)], "").await;
        assert!(want == 200 || answer.status == want, "/mcp {name}: {value} {}", answer.text());
    }
}

#[tokio::test]
async fn a_connection_on_which_nothing_comes_is_closed() {
    let house = shop().await;
    let silent = async |beginning: &str| {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let ended = timeout(Duration::from_secs(20), stream.read(&mut [0; 64])).await;
        assert!(matches!(ended, Ok(Ok(0) | Err(_))), "{beginning:?}: {ended:?}");
    };
    tokio::join!(silent(""), silent("PRI * HTTP/2.0\r\n"));
}

#[tokio::test]
async fn http_2_without_tls_is_served_too() {
    let house = shop().await;
    let stream = TcpStream::connect(house.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(connection);
    for _ in 0..3 {
        let request = Request::get(format!("http://{}/shop/items/7", house.address))
            .header("x-api-key", house.key("app/full"))
            .body(Full::<Bytes>::default())
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "{\"ok\":true}");
    }
}

/// A house whose upstream is a script of raw bytes.
async fn scripted() -> (House, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let collection = format!(
        "owner: x\nupstream: {{url: 'http://{}'}}\ndocument: documents/shop.yaml\n",
        listener.local_addr().unwrap()
    );
    let house = shop::builder().file("collections/raw.yaml", &collection);
    let house = house
        .file("roles/everything.yaml", "allow:\n  - operations: ['shop:*', 'raw:*']\n")
        .open()
        .await
        .expect("no faults");
    (house, listener)
}

async fn read_until(stream: &mut TcpStream, wanted: &str) -> String {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    while !text.contains(wanted) {
        let read = timeout(Duration::from_secs(10), stream.read(&mut buffer))
            .await
            .expect("in time")
            .unwrap();
        assert!(read > 0, "closed before {wanted:?}: {text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    text
}

#[tokio::test]
async fn bodies_stream_both_ways() {
    let (house, listener) = scripted().await;
    let mut caller = TcpStream::connect(house.address).await.unwrap();
    let head = format!(
        "POST /raw/items HTTP/1.1\r\nhost: {}\r\nx-api-key: {}\r\ntransfer-encoding: chunked\r\n\r\n",
        house.address,
        house.key("app/full")
    );
    caller.write_all(head.as_bytes()).await.unwrap();
    caller.write_all(b"5\r\nfirst\r\n").await.unwrap();
    let (mut upstream, _) = listener.accept().await.unwrap();
    // The upstream has the first part while the caller still holds the second back.
    read_until(&mut upstream, "first").await;
    caller.write_all(b"6\r\nsecond\r\n0\r\n\r\n").await.unwrap();
    read_until(&mut upstream, "0\r\n\r\n").await;
    upstream
        .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
        .await
        .unwrap();
    // And the caller has the first part of the answer before there is a second.
    read_until(&mut caller, "one").await;
    upstream.write_all(b"3\r\ntwo\r\n0\r\n\r\n").await.unwrap();
    read_until(&mut caller, "0\r\n\r\n").await;
}

#[tokio::test]
async fn an_answer_as_a_tool_result_is_text_and_data_and_bounded() {
    let house = shop().await;
    let call = async |id: &str| {
        house.clock.advance(Duration::from_secs(86_400));
        let answer = house
            .client
            .call_tool(house.key("app/full"), "shop_get_item", &json!({"id": id}))
            .await;
        answer.json()["result"].clone()
    };
    let result = call("7").await;
    assert_eq!(result["structuredContent"], json!({"ok": true}));
    assert_eq!(result["content"][0]["text"], "{\"ok\":true}");
    assert_eq!(call("list").await["structuredContent"], json!({"result": [1, 2]}));
    let result = call("text").await;
    assert_eq!(
        (&result["content"][0]["text"], &result["structuredContent"]),
        (&json!("plain words"), &Value::Null)
    );
    let result = call("fail").await;
    assert_eq!((&result["isError"], &result["structuredContent"]), (&json!(true), &Value::Null));
    assert!(result["content"][0]["text"].as_str().unwrap().starts_with("HTTP 500"), "{result}");
    assert!(call("nothing").await["content"][0]["text"].as_str().unwrap().contains("204"));
    let result = call("big").await;
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(
        text.ends_with("[cut: the first 4096 of 100011 bytes]"),
        "{}",
        &text[text.len() - 80..]
    );
    assert!(text.len() < 4200 && result["structuredContent"].is_null());
}

async fn legacy(house: &House, session: &str, message: &Value) -> Answer {
    let mut headers = vec![
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("x-api-key", house.key("app/full")),
    ];
    if !session.is_empty() {
        headers.extend([("mcp-session-id", session), ("mcp-protocol-version", "2025-11-25")]);
    }
    house.client.send("POST", "/mcp", &headers, message.to_string()).await
}

async fn initialize(house: &House) -> String {
    let message = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"},
    }});
    let answer = legacy(house, "", &message).await;
    assert_eq!(answer.json()["result"]["protocolVersion"], "2025-11-25", "{}", answer.text());
    answer.header("mcp-session-id").to_owned()
}

#[tokio::test]
async fn a_session_is_its_owners_and_ends() {
    let house = shop().await;
    let session = initialize(&house).await;
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    assert_eq!(legacy(&house, &session, &ping).await.json()["result"], json!({}));
    let headers = |key| {
        [("x-api-key", key), ("mcp-session-id", &*session), ("content-type", "application/json")]
    };
    let foreign = headers(house.key("agent/one"));
    assert_eq!(house.client.send("POST", "/mcp", &foreign, ping.to_string()).await.status, 404);
    assert_eq!(house.client.send("DELETE", "/mcp", &foreign, "").await.status, 404);
    let own = headers(house.key("app/full"));
    assert_eq!(house.client.send("DELETE", "/mcp", &own, "").await.status, 204);
    assert_eq!(legacy(&house, &session, &ping).await.status, 404);
    assert_eq!(house.client.send("GET", "/mcp", &own, "").await.status, 405);
}

#[tokio::test]
async fn a_cancelled_request_lets_go_of_its_upstream_and_is_told_as_that() {
    let house = shop().await;
    let session = initialize(&house).await;
    // Also where the upstream has begun to answer.
    for (id, upstream_status) in [("hang", Value::Null), ("drip", json!(200))] {
        let call = json!({"jsonrpc": "2.0", "id": "c1", "method": "tools/call",
            "params": {"name": "shop_get_item", "arguments": {"id": id}}});
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "c1"}});
        let cancelling = async {
            while house.recorder.take().is_empty() {
                sleep(Duration::from_millis(5)).await;
            }
            for _ in 0..20 {
                house.client.send("GET", "/nowhere", &[], "").await;
            }
            assert_eq!(legacy(&house, &session, &cancel).await.status, 202);
        };
        let (answer, ()) = tokio::join!(legacy(&house, &session, &call), cancelling);
        assert_eq!(answer.json()["error"]["code"], -32800, "{}", answer.text());
        let records = house.records();
        let record = records.iter().rfind(|it| it["operation"] == "shop.get_item").unwrap();
        assert_eq!(
            (&record["kind"], &record["outcome"], &record["upstream_status"]),
            (&json!("call"), &json!("cancelled"), &upstream_status)
        );
    }
}

#[tokio::test]
async fn closing_the_connection_cancels_since_2026_and_did_not_before() {
    let house = shop().await;
    for (version, wanted) in [("2026-07-28", "cancelled"), ("2025-11-25", "")] {
        house.clock.advance(Duration::from_secs(86_400));
        let before = house.records().len();
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let mut params = json!({"name": "shop_get_item", "arguments": {"id": "hang"}});
        if version == "2026-07-28" {
            params["_meta"] = meta;
        }
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
            .to_string();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: {}\r\nx-api-key: {}\r\nmcp-protocol-version: {version}\r\n\
             mcp-method: tools/call\r\nmcp-name: shop_get_item\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\ncontent-length: {}\r\n\r\n{body}",
            house.address,
            house.key("app/full"),
            body.len(),
        );
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        while house.recorder.take().is_empty() {
            sleep(Duration::from_millis(5)).await;
        }
        drop(stream);
        // The upstream hangs for ever, so only a cancellation can end the call.
        let ended = timeout(Duration::from_millis(300), async {
            while house.records().len() == before {
                sleep(Duration::from_millis(5)).await;
            }
        });
        assert_eq!(ended.await.is_ok(), !wanted.is_empty(), "{version}");
        if !wanted.is_empty() {
            assert_eq!(house.records()[before]["outcome"], wanted);
        }
    }
}

#[tokio::test]
async fn the_oldest_revision_has_batches_and_the_others_do_not() {
    let house = shop().await;
    let call = |id: u32| {
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call",
        "params": {"name": "shop_ping", "arguments": {}}})
    };
    let ask = |id: u32, method: &str| json!({"jsonrpc": "2.0", "id": id, "method": method});
    let told = json!({"jsonrpc": "2.0", "method": "notifications/x"});
    let [list, ping, broken] = [ask(3, "tools/list"), ask(4, "ping"), ask(5, "no/such")];
    let batch = json!([call(1), told, call(2), list, ping, broken]);
    let answer = legacy(&house, "", &batch).await.json();
    let ids: Vec<_> =
        answer.as_array().expect("a batch").iter().map(|it| it["id"].clone()).collect();
    assert_eq!(ids, [1, 2, 3, 4, 5].map(|it| json!(it)));
    let records = house.records();
    let ids: BTreeSet<_> = records.iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!((records.len(), ids.len()), (5, 5), "each has a record and an id: {records:?}");
    let session = initialize(&house).await;
    assert_eq!(legacy(&house, &session, &batch).await.status, 400);
}

#[tokio::test]
async fn an_endpoint_of_one_collection_has_only_its_tools() {
    let (house, _listener) = scripted().await;
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    for (path, want) in [("/mcp", 12), ("/mcp/shop", 6), ("/mcp/raw", 6)] {
        let headers = [("content-type", "application/json"), ("x-api-key", house.key("app/full"))];
        let answer = house.client.send("POST", path, &headers, list.to_string()).await.json();
        assert_eq!(
            answer["result"]["tools"].as_array().map(Vec::len),
            Some(want),
            "{path}: {answer}"
        );
    }
    let headers = [("x-api-key", house.key("app/full"))];
    assert_eq!(house.client.send("POST", "/mcp/other", &headers, "").await.status, 404);
    let foreign = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "raw_ping", "arguments": {}}});
    let headers = [("content-type", "application/json"), ("x-api-key", house.key("app/full"))];
    let answer = house.client.send("POST", "/mcp/shop", &headers, foreign.to_string()).await.json();
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
}

#[tokio::test]
async fn new_tables_are_in_force_for_the_next_call() {
    let mut house = shop().await;
    let key = house.key("app/reader").to_owned();
    let get = async |house: &House| {
        house.client.send("GET", "/shop/items/7", &[("x-api-key", &key)], "").await.status
    };
    assert_eq!(get(&house).await, 200);
    let client = "kind: app\nowner: ann\nenabled: false\nprofiles:\n  full: {roles: [everything]}\n  reader: {roles: [reader]}\n";
    house.change("clients/app.yaml", client, 2).expect("no faults");
    assert_eq!(get(&house).await, 401);
    assert_eq!(house.records().pop().unwrap()["revision"], 2);
    let faults = house.change("clients/app.yaml", "kind: nonsense\n", 3).unwrap_err();
    assert!(!faults.is_empty());
    assert_eq!(get(&house).await, 401, "the last good tables stay");
}
