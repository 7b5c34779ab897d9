//! Broken, truncated and oversized input: a clear error, no call upstream, no hang, and the door stays up.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::House;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::shop;

/// Sends bytes and reads the head of what comes back, or all until the door closes.
pub(crate) async fn raw(house: &House, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    // The door may close before everything is sent.
    drop(stream.write_all(bytes).await);
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    while !answer.windows(4).any(|it| it == b"\r\n\r\n") {
        let read = timeout(Duration::from_secs(10), stream.read(&mut buffer)).await;
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]);
        let read = read.unwrap_or_else(|_| panic!("no answer to {shown:?}")).unwrap_or(0);
        if read == 0 {
            break;
        }
        answer.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

async fn still_serves(house: &House) {
    let answer = house.client.send("GET", "/shop/ping", &[], "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn bytes_that_are_no_request_are_refused() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    let host = format!("host: {}\r\n", house.address);
    let key = format!("x-api-key: {}\r\n", house.key("app/full"));
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\n{host}{key}\r\n");
    let post = |headers: &str, body: &str| {
        format!("POST /shop/items HTTP/1.1\r\n{host}{key}{headers}\r\n{body}")
    };
    let many: String = (0..200).map(|it| format!("x-{it}: 1\r\n")).collect();
    let table = [
        "\0\0\0\0".to_owned(),
        "GARBAGE\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        get("/shop/items/%2e%2e/x"),
        get("/shop//items"),
        get("/shop/items/a%2fb"),
        get("/shop/items/a;b=c"),
        get("/shop/items/%zz"),
        get("/shop/items?a=%"),
        get("*"),
        get("shop/items"),
        get("/shop/items/a%00"),
        format!("GET /shop/items HTTP/1.1\r\n{key}\r\n"),
        format!("GET /shop/items HTTP/1.1\r\n{host}{host}{key}\r\n"),
        format!("GET http://elsewhere/shop/items HTTP/1.1\r\n{host}{key}\r\n"),
        format!("GET /shop/items HTTP/1.1\r\nhost: elsewhere.example\r\n{key}\r\n"),
        format!("GET /shop/items HTTP/1.1\r\n{host}{key}bad header: x\r\n\r\n"),
        format!("GET /shop/items HTTP/1.1\r\n{host}{key} folded\r\n\r\n"),
        format!("GET /shop/items HTTP/1.1\r\n{host}{key}{many}\r\n"),
        format!("GET /shop/items HTTP/1.1\r\n{host}{key}x: {}\r\n\r\n", "y".repeat(1 << 20)),
        format!("GET /{} HTTP/1.1\r\n{host}{key}\r\n", "z".repeat(1 << 17)),
        format!("TRACE /shop/items HTTP/1.1\r\n{host}{key}\r\n"),
        format!("CONNECT elsewhere:80 HTTP/1.1\r\n{host}{key}\r\n"),
        post("content-length: 2\r\ncontent-length: 3\r\n", "{}x"),
        post("content-length: +2\r\n", "{}"),
        post("content-length: 99999999\r\n", "{}"),
        post("transfer-encoding: chunked, identity\r\n", "0\r\n\r\n"),
        post("transfer-encoding: xchunked\r\n", "0\r\n\r\n"),
        post("transfer-encoding: gzip, chunked\r\n", "0\r\n\r\n"),
        format!("{} /shop/items HTTP/1.1\r\n{host}{key}\r\n", "M".repeat(40)),
        get("/shop/items?access_token=x"),
        get(&format!("/shop/items?x={}", house.key("app/full"))),
        get("/%6dcp/nothing"),
        post("transfer-encoding: chunked\r\n", "zz\r\n"),
    ];
    for bytes in &table {
        let records = house.records().len();
        let answer = raw(&house, bytes.as_bytes()).await;
        let status = answer.split(' ').nth(1).unwrap_or("no status");
        let is_refused = status.starts_with('4') || status.starts_with('5');
        assert!(is_refused, "{} gave {answer:?}", &bytes[..bytes.len().min(120)]);
        assert!(house.records().len() > records, "no record of {}", &bytes[..bytes.len().min(120)]);
        let seen = house.recorder.take();
        // A body that breaks off is noticed on the way; nothing whole may have arrived.
        assert!(
            seen.is_empty(),
            "{} reached the upstream: {seen:?}",
            &bytes[..bytes.len().min(120)]
        );
    }
    still_serves(&house).await;
}

#[tokio::test]
async fn a_truncated_request_is_given_up() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    let whole = format!(
        "POST /shop/items HTTP/1.1\r\nhost: {}\r\nx-api-key: {}\r\ncontent-type: application/json\r\n\
         content-length: 12\r\n\r\n{{\"name\":\"x\"}}",
        house.address,
        house.key("app/full")
    );
    for end in (0..whole.len()).step_by(7) {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        stream.write_all(&whole.as_bytes()[..end]).await.unwrap();
        drop(stream);
        assert_eq!(house.recorder.take(), vec![], "cut at {end}");
    }
    still_serves(&house).await;
}

#[tokio::test]
async fn what_follows_a_good_request_does_not_swallow_its_answer() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    let good = format!("GET /shop/ping HTTP/1.1\r\nhost: {}\r\n\r\n", house.address);
    for behind in ["GARBAGE\r\n\r\n", "GET /shop/pi", "\0"] {
        let answer = raw(&house, format!("{good}{behind}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{behind:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_length_beside_a_transfer_coding_is_not_believed() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    let request = format!(
        "POST /shop/items HTTP/1.1\r\nhost: {}\r\nx-api-key: {}\r\ncontent-length: 3\r\n\
         transfer-encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n",
        house.address,
        house.key("app/full")
    );
    assert!(raw(&house, request.as_bytes()).await.starts_with("HTTP/1.1 200"));
    let seen = house.recorder.take().remove(0);
    assert_eq!(seen.body, "whole");
    assert!(!seen.headers.contains_key("content-length"), "{:?}", seen.headers);
}

#[tokio::test]
async fn messages_that_are_no_json_rpc_get_its_errors() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    let key = house.key("app/full");
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let call = |params: &Value| {
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string()
    };
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let table: Vec<(String, i64)> = vec![
        (String::new(), -32700),
        ("{".to_owned(), -32700),
        ("nonsense".to_owned(), -32700),
        ("[]".to_owned(), -32600),
        ("1".to_owned(), -32600),
        ("{}".to_owned(), -32600),
        (deep, -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"tools/list"}"#.to_owned(), -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"tools/list"}"#.to_owned(), -32600),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}"#.to_owned(),
            -32600,
        ),
        (call(&json!({"_meta": meta})), -32602),
        (call(&json!({"name": 7, "_meta": meta})), -32602),
        (call(&json!({"name": "shop_get_item", "arguments": [], "_meta": meta})), -32602),
        (call(&json!({"name": "shop_get_item"})), -32602),
    ];
    for (body, want) in table {
        let headers = [
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "shop_get_item"),
            ("x-api-key", key),
        ];
        let answer = house.client.send("POST", "/mcp", &headers, body.clone()).await;
        let shown = &body[..body.len().min(100)];
        let code = answer.json()["error"]["code"].clone();
        let is_header = code == -32020;
        assert!(code == want || is_header, "{shown} gave {}", answer.text());
        let record = house.records().pop().expect("a record");
        assert_eq!(
            (&record["kind"], &record["client"]),
            (&json!("malformed"), &json!("app")),
            "{record}"
        );
    }
    assert_eq!(house.recorder.take(), vec![]);
    still_serves(&house).await;
}

#[tokio::test]
async fn what_is_too_large_is_not_read() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    let key = house.key("app/full");
    let headers = [("content-type", "application/json"), ("x-api-key", key)];
    let large = vec![b' '; (1 << 20) + 1];
    let answer = house.client.send("POST", "/shop/items", &headers, large.clone()).await;
    assert_eq!(answer.status, 413, "{}", answer.text());
    let answer = house.client.send("POST", "/mcp", &headers, large).await;
    assert_eq!(answer.status, 413, "{}", answer.text());
    assert_eq!(house.recorder.take(), vec![]);
    still_serves(&house).await;
}

#[tokio::test]
async fn tokens_and_keys_that_are_none_are_refused_and_recorded() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    let long = format!("Bearer {}", "x".repeat(20_000));
    for value in [
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer odk_x",
        "Basic YTpi",
        "bearer a.b.c",
        "Bearer a b",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
        &long,
    ] {
        for target in ["/shop/items", "/shop/ping", "/mcp", "/nothing"] {
            let method = if target == "/mcp" { "POST" } else { "GET" };
            let answer = house.client.send(method, target, &[("authorization", value)], "").await;
            assert_eq!(answer.status.as_u16() / 100, 4, "{value:.30} {target}");
            assert!([400, 401].contains(&answer.status.as_u16()), "{value:.30} {target}");
            if value.starts_with("Basic") {
                let challenge = answer.headers["www-authenticate"].to_str().unwrap();
                assert!(!challenge.contains("error="), "of another scheme: {challenge}");
            }
            let record = house.records().pop().expect("a record");
            assert_eq!(record["decision"], "deny", "{value:.30} {target}: {record}");
        }
    }
    assert_eq!(house.recorder.take(), vec![]);
}
