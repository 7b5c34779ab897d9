//! Whatever is sent, in whichever field, and whatever an upstream or an issuer says: it stays one record,
//! which is one line and reads back.

use std::time::Duration;

use audit::{
    Redacted, Salt,
    redact::{By, Policy},
};
use model::Timestamp;
use serde_json::{Value, json};
use testkit::{House, HouseBuilder};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{garbage::raw, naughty_strings::NAUGHTY, shop, signer::Signer};

fn builder() -> HouseBuilder {
    shop::builder().file("limits/app-daily.yaml", "client: app\nper: client\nquota: 100000/day\n")
}

async fn house() -> House {
    builder().open().await.expect("the shop has no faults")
}

fn percent(text: &[u8]) -> String {
    text.iter().map(|it| format!("%{it:02X}")).collect()
}

/// What is recorded of such an argument.
fn kept(value: &Value) -> Value {
    let (policy, salt) = (Policy::default(), Salt::new(&[7; Salt::BYTES]));
    let by = By { policy: &policy, salt: &salt, at: Timestamp::from_seconds(1_795_392_000) };
    Redacted::of(value.as_object().unwrap(), by).value().clone()
}

/// The records of these requests, of which each must have left one, in lines that nothing breaks out of.
fn records(house: &House, sent: usize) -> Vec<Value> {
    for line in house.log.text().lines() {
        let is_safe = |it: char| {
            !(it.is_control()
                || ('\u{200e}'..='\u{200f}').contains(&it)
                || ('\u{2028}'..='\u{202e}').contains(&it)
                || ('\u{2066}'..='\u{2069}').contains(&it)
                || it == '\u{feff}')
        };
        assert!(line.chars().all(is_safe), "{line:?}");
        assert!(serde_json::from_str::<Value>(line).is_ok_and(|it| it.is_object()), "{line}");
    }
    let records = house.records();
    assert_eq!(records.len(), sent, "each request leaves one record");
    records
}

#[tokio::test]
async fn in_a_query_by_rest() {
    let house = house().await;
    let key = house.key("app/full");
    let mut arguments = Vec::new();
    for text in NAUGHTY {
        let written = percent(text.as_bytes());
        for (target, want) in [
            (format!("/shop/items/7?note={written}"), json!({"id": "7", "note": text})),
            (format!("/shop/items/7?{written}=x"), json!({"id": "7", text: "x"})),
        ] {
            let answer = house.client.send("GET", &target, &[("x-api-key", key)], "").await;
            assert!(matches!(answer.status.as_u16(), 200 | 400), "{target}: {}", answer.text());
            arguments.push((answer.status == 200).then_some(want));
        }
    }
    let records = records(&house, arguments.len());
    let mut read_back = 0;
    for (record, want) in records.iter().zip(arguments) {
        let Some(want) = want else { continue };
        assert_eq!(record["arguments"], kept(&want));
        read_back += 1;
    }
    assert!(read_back > NAUGHTY.len(), "only {read_back} were served");
}

#[tokio::test]
async fn in_a_path_by_rest() {
    let house = house().await;
    let key = house.key("app/full");
    let mut sent = 0;
    for text in NAUGHTY.iter().filter(|it| !it.is_empty()) {
        for target in [
            format!("/shop/items/{}", percent(text.as_bytes())),
            format!("/{}/x", percent(text.as_bytes())),
            format!("/shop/items/{}%FF", percent(text.as_bytes())),
        ] {
            let answer = house.client.send("GET", &target, &[("x-api-key", key)], "").await;
            assert!(answer.status.as_u16() < 500, "{target}: {}", answer.text());
            sent += 1;
        }
    }
    let records = records(&house, sent);
    let known = records.iter().filter(|it| it["status"] == 200).count();
    assert!(known > NAUGHTY.len() / 2, "only {known} were served");
}

/// Sends each of `texts` as the value of a header, in a request of its own.
async fn in_a_header(name: &str, texts: impl Iterator<Item = &'static &'static str>) -> House {
    let house = house().await;
    let key = format!("x-api-key: {}\r\n", house.key("app/full"));
    let key = if name == "x-api-key" { "" } else { key.as_str() };
    for text in texts {
        let head = format!("GET /shop/items/7 HTTP/1.1\r\nhost: {}\r\n", house.address);
        let request = format!("{head}connection: close\r\n{key}{name}: {text}\r\n\r\n");
        let answer = raw(&house, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 "), "{request:?}: {answer:?}");
        // So slowly that keys which are none are told one by one.
        house.clock.advance(Duration::from_secs(1));
    }
    house
}

const HEADERS: [&str; 7] = [
    "user-agent",
    "x-request-id",
    "content-type",
    "origin",
    "x-api-key",
    "cookie",
    "mcp-session-id",
];

#[tokio::test]
async fn in_headers() {
    let texts = || NAUGHTY.iter().filter(|it| !it.contains(['\r', '\n']));
    for name in HEADERS {
        let house = in_a_header(name, texts()).await;
        let records = records(&house, texts().count());
        assert!(records.iter().all(|it| it["id"].is_string()), "{name}");
    }
}

#[tokio::test]
async fn in_headers_that_end_before_their_text() {
    let texts = || NAUGHTY.iter().filter(|it| it.contains(['\r', '\n']));
    for name in HEADERS {
        let house = in_a_header(name, texts()).await;
        // What is behind the end of a head is not of that request, and the connection ends with it.
        records(&house, texts().count());
    }
}

#[tokio::test]
async fn in_a_tool_and_its_arguments_by_mcp() {
    let house = house().await;
    let key = house.key("app/full");
    for text in NAUGHTY {
        house.client.call_tool(key, "shop_get_item", &json!({"id": "7", "note": text})).await;
        house.client.call_tool(key, "shop_get_item", &json!({"id": "7", text: "x"})).await;
        // The name in the header is checked against the body, and such a name fits into none.
        let meta = json!({"io.modelcontextprotocol/protocolVersion": "2025-11-25"});
        let call = json!({"jsonrpc": "2.0", "id": text, "method": "tools/call",
            "params": {"name": text, "arguments": {text: text}, "_meta": meta}});
        let method = json!({"jsonrpc": "2.0", "id": text, "method": text});
        let told = json!({"jsonrpc": "2.0", "method": text});
        for message in [call, method, told] {
            let headers = [
                ("x-api-key", key),
                ("content-type", "application/json"),
                ("accept", "application/json, text/event-stream"),
                ("mcp-protocol-version", "2025-11-25"),
            ];
            house.client.send("POST", "/mcp", &headers, message.to_string()).await;
        }
    }
    let records = records(&house, NAUGHTY.len() * 5);
    let mut read_back = 0;
    for (text, records) in NAUGHTY.iter().zip(records.chunks(5)) {
        if records[0]["status"] == 200 {
            assert_eq!(
                records[0]["arguments"],
                kept(&json!({"id": "7", "note": text})),
                "{text:?}"
            );
        }
        // What is no message at all is told as that.
        for (record, want) in
            [(&records[2], format!("tools/call {text}")), (&records[4], (*text).to_owned())]
        {
            let is_told = record["note"] == want || record["note"] == "[redacted]";
            assert!(is_told || record["kind"] == "malformed", "{text:?}: {record}");
            read_back += usize::from(record["note"] == want);
        }
    }
    assert!(read_back > NAUGHTY.len() / 2, "only {read_back} were read back");
}

#[tokio::test]
async fn in_what_a_token_says() {
    let signer = Signer::new();
    let keys = json!({"keys": [signer.jwk()]});
    let house = builder()
        .file(
            "issuers/login.yaml",
            &format!("issuer: https://login.example\njwks: {keys}\naudiences: [door]\nalgorithms: [EdDSA]\n"),
        )
        .file(
            "credentials/ann.yaml",
            "profile: app/reader\nkind: external\nissuer: login\nclaims: {azp: shop}\nexpires: 2027-12-31\n",
        )
        .open()
        .await
        .expect("the shop has no faults");
    let exp = house.clock.now().as_seconds() + 600;
    for text in NAUGHTY {
        let claims = json!({"iss": "https://login.example", "aud": "door", "azp": "shop", "sub": text,
            "act": {"sub": text}, "exp": exp});
        let token = signer.sign(&json!({"typ": "at+jwt", "alg": "EdDSA"}), &claims);
        let bearer = format!("Bearer {token}");
        house.client.send("GET", "/shop/items/7", &[("authorization", &bearer)], "").await;
    }
    let mut read_back = 0;
    for (text, record) in NAUGHTY.iter().zip(records(&house, NAUGHTY.len())) {
        if record["status"] != 200 || record["user"].is_null() {
            continue;
        }
        let user = record["user"].as_str().unwrap();
        let is_whole = user.strip_prefix("login:") == Some(*text);
        assert!(is_whole || user.ends_with(" bytes in all]"), "{text:?}: {record}");
        read_back += 1;
    }
    assert!(read_back > NAUGHTY.len() / 2, "only {read_back} were let in");
}

#[tokio::test]
async fn in_what_an_upstream_answers() {
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", upstream.local_addr().unwrap());
    let house = builder()
        .file(
            "collections/odd.yaml",
            &format!("owner: x\nupstream: {{url: '{url}', answer_timeout: 2s}}\ndocument: documents/shop.yaml\n"),
        )
        .file("roles/everything.yaml", "allow:\n  - operations: ['*:*']\n")
        .open()
        .await
        .expect("the shop has no faults");
    let key = house.key("app/full");
    let mut sent = 0;
    for text in NAUGHTY {
        for answer in [
            format!("HTTP/1.1 200 {text}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
            format!(
                "HTTP/1.1 200 OK\r\nx-odd: {text}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            ),
            format!("{text}\r\n\r\n"),
        ] {
            let serve = async {
                let (mut stream, _) = upstream.accept().await.unwrap();
                let mut seen = [0; 4096];
                assert!(stream.read(&mut seen).await.unwrap() > 0);
                stream.write_all(answer.as_bytes()).await.unwrap();
            };
            let headers = [("x-api-key", key)];
            let ask = house.client.send("GET", "/odd/items/7", &headers, "");
            let (_, got) = tokio::join!(serve, ask);
            assert!(matches!(got.status.as_u16(), 200 | 502 | 503), "{}", got.text());
            sent += 1;
        }
    }
    records(&house, sent);
}
