//! Behind a proxy that is trusted, the door knows who calls; from everybody else it believes nothing.

use serde_json::{Value, json};
use testkit::House;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::shop;

async fn behind(set: fn(&mut gateway::Settings)) -> House {
    // Only from this network may its key be used.
    shop::builder()
        .file(
            "clients/app.yaml",
            "kind: app\nowner: ann\nprofiles:\n  full: {roles: [everything]}\n  \
             reader: {roles: [reader], networks: [192.0.2.0/24]}\n",
        )
        .set(set)
        .open()
        .await
        .expect("the shop has no faults")
}

/// Calls with the key of `app/reader`: the status, and from where the record says that it came.
async fn call(house: &House, headers: &[(&str, &str)]) -> (u16, Value) {
    let key = [("x-api-key", house.key("app/reader"))];
    let headers = [&key[..], headers].concat();
    let answer = house.client.send("GET", "/shop/items/7", &headers, "").await;
    let record = house.records().pop().expect("a record");
    (answer.status.as_u16(), record["peer"].clone())
}

#[tokio::test]
async fn a_trusted_proxy_says_who_calls_for_records_and_networks() {
    let house = behind(|it| it.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()]).await;
    for (headers, want) in [
        (&[("x-forwarded-for", "192.0.2.7")][..], (200, "192.0.2.7")),
        (&[("x-forwarded-for", "192.0.2.7, 127.0.0.1")], (200, "192.0.2.7")),
        // What the caller wrote itself stands before what the proxy added.
        (&[("x-forwarded-for", "192.0.2.7, 203.0.113.9")], (401, "203.0.113.9")),
        (
            &[("x-forwarded-for", "192.0.2.7"), ("x-forwarded-for", "203.0.113.9")],
            (401, "203.0.113.9"),
        ),
        // The proxy itself, and headers that it does not use.
        (&[], (401, "127.0.0.1")),
        (&[("forwarded", "for=192.0.2.7"), ("x-real-ip", "192.0.2.7")], (401, "127.0.0.1")),
        (&[("x-forwarded-for", "unknown")], (400, "127.0.0.1")),
        (&[("x-forwarded-for", "192.0.2.7,")], (400, "127.0.0.1")),
    ] {
        assert_eq!(call(&house, headers).await, (want.0, json!(want.1)), "{headers:?}");
    }
    let ports: Vec<_> = house.records().iter().map(|it| it["peer_port"].is_u64()).collect();
    // Those that are the proxy's own, and none where it names an address alone.
    assert_eq!(ports, [false, false, false, false, true, true, true, true]);
    let seen = house.recorder.take();
    assert!(seen.iter().all(|it| !it.headers.contains_key("x-forwarded-for")));
}

#[tokio::test]
async fn nobody_else_says_who_calls() {
    for set in [(|_| {}) as fn(&mut gateway::Settings), |it| {
        it.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    }] {
        let house = behind(set).await;
        for name in ["x-forwarded-for", "forwarded", "x-real-ip"] {
            let value = if name == "forwarded" { "for=192.0.2.7" } else { "192.0.2.7" };
            assert_eq!(call(&house, &[(name, value)]).await, (401, json!("127.0.0.1")), "{name}");
            assert_eq!(call(&house, &[(name, "nonsense")]).await, (401, json!("127.0.0.1")));
        }
    }
}

#[tokio::test]
async fn the_proxy_protocol_says_it_at_the_beginning_of_a_connection() {
    let house = behind(|it| {
        it.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        it.forwarding = gateway::Forwarding::ProxyProtocol;
    })
    .await;
    let request = format!(
        "GET /shop/items/7 HTTP/1.1\r\nhost: localhost\r\nx-api-key: {}\r\n\
         x-forwarded-for: 203.0.113.9\r\nconnection: close\r\n\r\n",
        house.key("app/reader")
    );
    let introduction =
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\x7f\0\0\x01\x12\x67\0\x50".as_slice();
    for (before, want) in [(introduction, "HTTP/1.1 200"), (b"", "")] {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        stream.write_all(&[before, request.as_bytes()].concat()).await.unwrap();
        let mut answer = Vec::new();
        // Who does not say for whom it is there loses the connection, which may be a reset.
        drop(stream.read_to_end(&mut answer).await);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(want) && answer.is_empty() == want.is_empty(), "{answer}");
    }
    let peers: Vec<_> =
        house.records().iter().map(|it| (it["kind"].clone(), it["peer"].clone())).collect();
    let of = |kind: &str, peer: &str| (json!(kind), json!(peer));
    let want = [of("call", "192.0.2.7"), of("malformed", "127.0.0.1")];
    assert_eq!(peers, want);
    assert_eq!(house.records()[0]["peer_port"], 4711);
    assert_eq!(house.records()[1]["event"], "connection.proxy_refused");
}
