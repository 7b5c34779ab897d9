//! No call without its record: what cannot be recorded is not carried out, and whatever ends is recorded.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::House;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::sleep};

use crate::shop;

async fn get(house: &House, target: &str) -> testkit::Answer {
    house.client.send("GET", target, &[("x-api-key", house.key("app/full"))], "").await
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_carried_out() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    house.log.fill_after(0);
    let first = get(&house, "/shop/items/1").await;
    assert_eq!(first.status, 503, "{}", first.text());
    assert!(first.text().contains("so it is not carried out"), "{}", first.text());
    // The log is known to be full now: nothing may reach the upstream any more.
    for _ in 0..3 {
        assert_eq!(
            get(&house, "/shop/items/2").await.json()["type"],
            "urn:onedoor:refusal:unrecorded"
        );
        let arguments = json!({"id": "2"});
        let call = house.client.call_tool(house.key("app/full"), "shop_get_item", &arguments);
        assert_eq!(call.await.json()["error"]["code"], 503);
    }
    assert_eq!(house.recorder.take(), vec![]);
    let list = json!({"jsonrpc": "2.0", "id": "l1", "method": "tools/list", "params": {"_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }}});
    let answer = house.client.rpc(house.key("app/full"), "tools/list", None, &list).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["id"]),
        (503, &json!("l1")),
        "{}",
        answer.text()
    );
    house.log.mend();
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(get(&house, "/shop/items/3").await.status, 200);
}

#[tokio::test]
async fn nothing_is_carried_out_before_its_intent_is_recorded() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    assert_eq!(get(&house, "/shop/items/1").await.status, 200);
    let denied = house.client.send("GET", "/shop/items/1", &[("x-api-key", "odk_x")], "").await;
    assert_eq!(denied.status, 401);
    let (intents, records) = (house.log.intents(), house.records());
    let [intent] = &intents[..] else { panic!("one call was carried out: {intents:?}") };
    assert_eq!(intent["id"], records[0]["id"]);
    for name in ["client", "profile", "operation", "arguments", "rule", "revision", "peer"] {
        assert_eq!(intent[name], records[0][name], "{name}");
    }
    assert_eq!((&intent["outcome"], &intent["decision"]), (&json!("begun"), &json!("allow")));
    assert_eq!((&intent["status"], &intent["total_us"]), (&json!(null), &json!(null)));
    // The line of the intent is there before the upstream is reached.
    let text = house.log.text();
    let at = |kind: &str| text.find(&format!("\"kind\":\"{kind}\"")).unwrap();
    assert!(at("intent") < at("call"));

    // There is room for no intent: the upstream is not reached.
    drop(house.recorder.take());
    house.log.fill_after(10);
    assert_eq!(get(&house, "/shop/items/2").await.status, 503);
    assert_eq!(house.recorder.take(), vec![]);
}

#[tokio::test]
async fn a_call_whose_outcome_cannot_be_recorded_is_not_answered_and_told_to_be_unknown() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    get(&house, "/shop/items/1").await;
    let (intent, all) = (house.log.intents()[0].to_string().len(), house.log.text().len());
    assert!(intent > 0 && all > 0);
    // There is room for the intent and its frame, and for no outcome.
    house.log.fill_after(intent + 250);
    let before = house.recorder.take().len();
    let answer = get(&house, "/shop/items/2").await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, ""));
    assert_eq!((before, house.recorder.take().len()), (1, 1), "it was carried out");
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("was carried out, or may have been"), "{detail}");
    assert!(detail.contains("before you repeat it"), "{detail}");
    house.log.mend();
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(get(&house, "/shop/items/3").await.status, 200);
    let ends = house.records();
    let ends: Vec<_> = ends.iter().map(|it| it["outcome"].as_str().unwrap()).collect();
    assert_eq!(ends, ["answered", "unknown", "answered"]);
    let (intents, records) = (house.log.intents(), house.records());
    assert_eq!(intents[1]["id"], records[1]["id"]);
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_a_record() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let request = format!(
        "GET /shop/items/hang HTTP/1.1\r\nhost: {}\r\nx-api-key: {}\r\n\r\n",
        house.address,
        house.key("app/full")
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    while house.recorder.take().is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
    drop(stream);
    while house.records().is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
    let record = house.records().remove(0);
    assert_eq!(record["outcome"], "cancelled", "{record}");
    assert_eq!(record["operation"], "shop.get_item");
    assert_eq!(record["client"], "app");
}

#[tokio::test]
async fn a_record_of_a_tool_says_how_it_was_called() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    house.client.call_tool(house.key("app/full"), "shop_get_item", &json!({"id": "7"})).await;
    let record = house.records().remove(0);
    for (name, want) in [
        ("surface", "mcp"),
        ("protocol", "2026-07-28"),
        ("rpc", "tools/call"),
        ("tool", "shop_get_item"),
        ("method", "GET"),
    ] {
        assert_eq!(record[name], want, "{name} of {record}");
    }
}

#[tokio::test]
async fn a_record_names_the_trace_that_its_caller_is_in_and_the_listener() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{id}-00f067aa0ba902b7-01");
    let other = parent.replace("4b", "5b");
    let (named, other) = (("traceparent", parent.as_str()), ("traceparent", other.as_str()));
    for (headers, want) in [
        (vec![named], json!(id)),
        (vec![named, other], Value::Null),
        (vec![("traceparent", &parent[1..])], Value::Null),
        (vec![], Value::Null),
    ] {
        house.client.send("GET", "/nowhere", &headers, "").await;
        let record = house.records().pop().unwrap();
        assert_eq!((&record["trace"], &record["entrance"]), (&want, &json!("everything")));
        let is_told = record["parent"] == "00f067aa0ba902b7";
        assert_eq!((is_told, record["parent"].is_null()), (!want.is_null(), want.is_null()));
    }
}

#[tokio::test]
async fn a_record_names_who_what_and_why_and_no_secret() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    let key = house.key("agent/one").to_owned();
    let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzb21lb25lIn0.c2lnbmF0dXJl";
    let target = format!("/shop/items/7?note={token}");
    let headers = [("authorization", format!("Bearer {key}"))];
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    house.client.send("GET", &target, &headers, "").await;
    house.client.send("DELETE", "/shop/items/7", &headers, "").await;
    let records = house.records();
    let [allowed, denied] = &records[..] else { panic!("two records: {records:?}") };
    for (name, want) in [
        ("kind", json!("call")),
        ("surface", json!("rest")),
        ("protocol", json!("HTTP/1.1")),
        ("client", json!("agent")),
        ("client_kind", json!("agent")),
        ("credential_kind", json!("api_key")),
        ("peer", json!("127.0.0.1")),
        ("upstream_ip", json!("127.0.0.1")),
        ("profile", json!("agent/one")),
        ("operation", json!("shop.get_item")),
        ("effect", json!("read")),
        ("method", json!("GET")),
        ("path", json!("/shop/items/{id}")),
        ("decision", json!("allow")),
        ("status", json!(200)),
        ("bytes_out", json!(r#"{"ok":true}"#.len())),
        ("upstream_status", json!(200)),
        ("revision", json!(1)),
    ] {
        assert_eq!(allowed[name], want, "{name} of {allowed}");
    }
    assert_eq!(allowed["arguments"]["id"], "7");
    assert!(allowed["rule"].as_str().unwrap().contains("role one"), "{allowed}");
    assert_eq!((&denied["decision"], &denied["reason"]), (&json!("deny"), &json!("forbidden")));
    assert_eq!(denied["upstream"], json!(null));
    let shown = format!("{records:?}");
    assert!(
        !shown.contains(&key[4..]) && !shown.contains(token),
        "no secret is in a record: {shown}"
    );
}

#[tokio::test]
async fn our_own_words_about_credentials_are_not_taken_for_one() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    let key = house.key("app/full");
    let both = [("x-api-key", key), ("authorization", "Bearer odk_wrong")];
    house.client.send("GET", "/shop/items/1", &both, "").await;
    house.client.send("GET", "/shop/items/1", &both[1..], "").await;
    let session = [("x-api-key", key), ("mcp-session-id", "gone")];
    house.client.send("DELETE", "/mcp", &session, "").await;
    let records = house.records();
    let details: Vec<_> = records.iter().map(|it| it["detail"].as_str().unwrap()).collect();
    assert_eq!(
        details,
        [
            "two credentials; send authorization or x-api-key, not both",
            "this is not a whole api key; check that it was copied in full",
            "unknown session; begin with initialize",
        ]
    );
}

#[tokio::test]
async fn a_call_with_a_wrong_credential_is_told_as_a_call_by_either_surface() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    let wrong = [("x-api-key", "odk_x")];
    house.client.send("GET", "/shop/items/1", &wrong, "").await;
    house.client.call_tool(wrong[0].1, "shop_get_item", &json!({"id": "1"})).await;
    house.client.send("DELETE", "/mcp", &wrong, "").await;
    let shown =
        |it: &Value| ["kind", "surface", "reason", "operation"].map(|name| it[name].clone());
    let records: Vec<_> = house.records().iter().map(shown).collect();
    // What is asked by MCP stands in its message, which is not read for a stranger.
    let want = [
        ("call", "rest", json!("shop.get_item")),
        ("call", "mcp", Value::Null),
        ("session", "mcp", Value::Null),
    ];
    let want = want.map(|(kind, surface, operation)| {
        [json!(kind), json!(surface), json!("unauthenticated"), operation]
    });
    assert_eq!(records, want);
}
