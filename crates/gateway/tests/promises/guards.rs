//! A guard that reads arguments decides alike on both surfaces, sees what the upstream gets, and
//! costs no other call anything.

use std::sync::Arc;

use bytes::Bytes;
use gateway::{Local, LocalCall, LocalFuture};
use http::Response;
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};
use testkit::{Answer, House, HouseBuilder};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    one_decision::{Outcome, block_on, outcome, run_in, step},
    shop,
};

/// No more than a hundred of anything, not for the agent's friend, and no secrets.
const FEW: &str = "policy: |
  forbid(principal, action == Action::\"shop.create_item\", resource)
  when { context.arguments has count && context.arguments.count > 100 };
  forbid(principal, action == Action::\"shop.create_item\", resource)
  when { context.arguments.name == \"bomb\" };
";
const SECRETS: &str = "policy: |
  forbid(principal, action in Action::\"shop:*\", resource)
  when { context.arguments has id && context.arguments.id like \"secret*\" };
";

fn guarded() -> HouseBuilder {
    shop::builder().file("guards/few.yaml", FEW).file("guards/secrets.yaml", SECRETS)
}

fn json_type(key: &str) -> [(&str, &str); 2] {
    [("content-type", "application/json"), ("x-api-key", key)]
}

async fn create(house: &House, caller: &str, body: &str) -> Answer {
    house.client.send("POST", "/shop/items", &json_type(house.key(caller)), body.to_owned()).await
}

/// Calls a tool with arguments as they are written: a `Value` could not hold them.
async fn call(house: &House, caller: &str, tool: &str, arguments: &str) -> Value {
    let bearer = format!("Bearer {}", house.key(caller));
    let headers = [
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", tool),
        ("authorization", &bearer),
    ];
    let message = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments},
        "_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28",
        "io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
    );
    house.client.send("POST", "/mcp", &headers, message).await.json()
}

/// What comes of one call, once by REST and once as a tool, and why it was refused.
async fn both(arguments: &str, rest: (&str, &str, &str), tool: &str) -> (Outcome, Outcome, String) {
    let house = guarded().open().await.expect("the shop has no faults");
    let (method, target, body) = rest;
    let key = house.key("app/full");
    let key_alone = [("x-api-key", key)];
    let with_type = json_type(key);
    let headers = if body.is_empty() { &key_alone[..] } else { &with_type[..] };
    house.client.send(method, target, headers, body.to_owned()).await;
    let mut by_rest = outcome(&house, 0);
    call(&house, "app/full", tool, arguments).await;
    let mut by_mcp = outcome(&house, 1);
    // Both are debited to one bucket, the second behind the first.
    let left = [&mut by_rest, &mut by_mcp]
        .map(|it| it.record.as_object_mut().and_then(|it| it.remove("limit_left")));
    if let [Some(before), Some(after)] = left.map(|it| it.and_then(|it| it.as_u64())) {
        assert_eq!(after, before - 1);
    }
    let why = house.records()[0]["reason"].as_str().unwrap_or("answered").to_owned();
    (by_rest, by_mcp, why)
}

#[tokio::test]
async fn a_guard_decides_alike_on_both_surfaces() {
    for (body, want) in [
        (r#"{"name":"x","count":100}"#, "answered"),
        (r#"{"name":"x","count":101}"#, "forbidden"),
        (r#"{"name":"x"}"#, "answered"),
        (r#"{"name":"x","count":null}"#, "answered"),
        (r#"{"name":"x","count":-5}"#, "answered"),
        (r#"{"name":"bomb"}"#, "forbidden"),
        (r#"{"name":"é✓𝄞","count":1}"#, "answered"),
        (r#"{"name":"x","count":"101"}"#, "invalid_arguments"),
        (r#"{"name":"x","count":1.5}"#, "invalid_arguments"),
        (r#"{"name":"x","count":[101]}"#, "invalid_arguments"),
        (r#"{"name":"x","count":true}"#, "invalid_arguments"),
        (r#"{"name":"x","count":9223372036854775808}"#, "invalid_arguments"),
        (r#"{"name":7}"#, "invalid_arguments"),
    ] {
        let (rest, mcp, why) = both(body, ("POST", "/shop/items", body), "shop_create_item").await;
        assert_eq!(why, want, "{body}: {rest:?}");
        assert_eq!(rest, mcp, "{body}");
        assert_eq!(rest.upstream.len(), usize::from(want == "answered"), "{body}");
        if let Some((_, _, _, sent)) = rest.upstream.first() {
            assert_eq!(sent, body.as_bytes());
        }
    }
    for (id, want) in [("7", "answered"), ("secret", "forbidden"), ("secret-plan", "forbidden")] {
        for (method, tool) in [("GET", "shop_get_item"), ("DELETE", "shop_delete_item")] {
            let arguments = json!({ "id": id }).to_string();
            let target = format!("/shop/items/{}", id.replace('-', "%2D"));
            let (rest, mcp, why) = both(&arguments, (method, &target, ""), tool).await;
            assert_eq!((&rest, why.as_str()), (&mcp, want), "{method} {id}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn under_guards_too_rest_and_mcp_are_one_decision_and_one_bucket(steps in vec(step(), 1..12)) {
        block_on(async {
            let rest = run_in(guarded(), &steps, |_| false).await;
            let mcp = run_in(guarded(), &steps, |_| true).await;
            let mixed = run_in(guarded(), &steps, |it| it.by_mcp).await;
            for (index, step) in steps.iter().enumerate() {
                prop_assert_eq!(&rest[index], &mcp[index], "step {}: {:?}", index, step);
                prop_assert_eq!(&rest[index], &mixed[index], "mixed, step {}: {:?}", index, step);
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn the_record_names_the_guard_that_refused() {
    let house = guarded().open().await.expect("the shop has no faults");
    assert_eq!(create(&house, "app/full", r#"{"name":"x","count":500}"#).await.status, 403);
    create(&house, "app/full", r#"{"name":"x","count":5}"#).await;
    let records = house.records();
    assert_eq!(records[0]["rule"], "guard few", "{records:?}");
    assert_eq!(records[1]["rule"], "role everything: shop:*", "{records:?}");
}

#[tokio::test]
async fn what_is_spelled_in_another_way_is_judged_by_what_it_means() {
    // The tool's request is written anew and so in other bytes; the decision is the same.
    for (arguments, want) in [
        (r#"{"name":"x","count":1e1}"#, true),
        (r#"{"name":"x","count":10.0}"#, true),
        (r#"{"name":"x","count":1e3}"#, false),
        (r#"{"name":"x","count":1000.000}"#, false),
        (r#"{"name":"x","\u0063ount":1000}"#, false),
        (r#"{"name":"\u0062omb"}"#, false),
        (r#"{"name":"x","count":1e999}"#, false),
        (r#"{"name":"x","count":100000000000000000000000}"#, false),
        (r#"{"name":"x","count":1,"count":1000}"#, false),
        (r#"{"name":"x","count":1,"\u0063ount":1000}"#, false),
        (r#"{"name":"x","Count":1000}"#, false),
        (r#"{"name":"x","count ":1000}"#, false),
        (r#"{"name":"x","count\u0000":1000}"#, false),
        (r#"{"name":"x","other":1}"#, false),
        (r#"{"count":1}"#, false),
        (r#"{"name":null}"#, false),
        ("{}", false),
        (r#"["name"]"#, false),
    ] {
        let house = guarded().open().await.expect("the shop has no faults");
        let answer = create(&house, "app/full", arguments).await;
        let by_rest = house.recorder.take();
        assert_eq!(answer.status.is_success(), want, "{arguments}: {}", answer.text());
        let status = if want { 200 } else { answer.status.as_u16() };
        assert!([200, 400, 403].contains(&status), "{arguments}: {}", answer.text());
        if let Some(seen) = by_rest.first() {
            assert_eq!(seen.body, arguments.as_bytes());
        }
        call(&house, "app/full", "shop_create_item", arguments).await;
        let by_mcp = house.recorder.take();
        assert_eq!(
            (by_rest.len(), by_mcp.len()),
            (usize::from(want), usize::from(want)),
            "{arguments}"
        );
    }
}

#[tokio::test]
async fn a_body_that_a_guard_cannot_judge_reaches_no_upstream() {
    let house = guarded().open().await.expect("the shop has no faults");
    let key = house.key("app/full");
    let typed = |media_type| vec![("x-api-key", key), ("content-type", media_type)];
    let large = format!(r#"{{"name":"{}"}}"#, "x".repeat(1 << 20));
    let deep = format!(r#"{{"name":"x","tags":{}1{}}}"#, "[".repeat(200), "]".repeat(200));
    let good = r#"{"name":"x"}"#;
    let mut zipped = typed("application/json");
    zipped.push(("content-encoding", "gzip"));
    for (headers, body, status) in [
        (typed("application/json"), "", 400),
        (typed("application/json"), "[]", 400),
        (typed("application/json"), "\"name\"", 400),
        (typed("application/json"), "{\"name\":\"x\"", 400),
        (typed("application/json"), "{\"name\":\"x\"}{}", 400),
        (typed("application/json"), "\u{feff}{\"name\":\"x\"}", 400),
        (typed("application/json"), r#"{"name":"\ud800"}"#, 400),
        (typed("application/json"), &deep, 400),
        (typed("application/json"), &large, 413),
        (typed("application/x-www-form-urlencoded"), "name=x&count=1000", 400),
        (typed("application/x-www-form-urlencoded"), good, 400),
        (typed("text/plain"), good, 400),
        (typed("application/json; charset=utf-16"), good, 400),
        (vec![("x-api-key", key)], good, 400),
        (zipped, good, 400),
    ] {
        let answer = house.client.send("POST", "/shop/items", &headers, body.to_owned()).await;
        let shown = body.get(..40).unwrap_or(body);
        assert_eq!(answer.status, status, "{headers:?} {shown}: {}", answer.text());
        assert_eq!(house.recorder.take(), vec![], "{headers:?} {shown}");
    }
    let bytes = Bytes::from_static(b"{\"name\":\"\xff\"}");
    let answer = house.client.send("POST", "/shop/items", &typed("application/json"), bytes).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    for target in [
        "/shop/items?count=1000",
        "/shop/items?Count=1",
        "/shop/items?other=1",
        "/shop/items?note=a&note%5B%5D=b",
    ] {
        let answer = house.client.send("POST", target, &typed("application/json"), good).await;
        assert_eq!(answer.status, 400, "{target}: {}", answer.text());
    }
    assert_eq!(house.recorder.take(), vec![]);
}

#[tokio::test]
async fn a_body_with_two_readings_is_refused_wherever_they_differ() {
    let house = shop::builder()
        .file(
            "guards/names.yaml",
            "policy: |\n  forbid(principal, action == Action::\"shop.create_item\", resource)\n  \
             when { context.arguments.name == \"bomb\" };\n",
        )
        .open()
        .await
        .expect("the shop has no faults");
    // The guard does not read the count: what it is, is for the upstream to say.
    for (count, status) in
        [(r#"{"a":1,"b":1}"#, 200), (r#"{"a":1,"a":2}"#, 400), (r#""\ud800""#, 400)]
    {
        let body = format!(r#"{{"name":"x","count":{count}}}"#);
        let answer = create(&house, "app/full", &body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        assert_eq!(house.recorder.take().len(), usize::from(status == 200), "{body}");
    }
}

#[tokio::test]
async fn a_body_without_a_length_is_read_and_goes_on_as_it_came() {
    let house = guarded().open().await.expect("the shop has no faults");
    let key = house.key("app/full");
    for (count, status, wanted) in [(7, "200", 1), (700, "403", 0)] {
        let body = format!("{{ \"name\" : \"x\",\r\n \"count\":\t{count} }}");
        let (first, rest) = body.split_at(9);
        let request = format!(
            "POST /shop/items?note=a HTTP/1.1\r\nhost: {}\r\nx-api-key: {key}\r\n\
             content-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n\
             {:x}\r\n{first}\r\n{:x}\r\n{rest}\r\n0\r\n\r\n",
            house.address,
            first.len(),
            rest.len(),
        );
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer.get(9..12), Some(status), "{answer}");
        let seen = house.recorder.take();
        assert_eq!(seen.len(), wanted, "{answer}");
        assert!(seen.iter().all(|it| it.body == body && it.target == "/items?note=a"), "{seen:?}");
    }
}

#[tokio::test]
async fn a_body_is_read_only_where_a_guard_reads_it() {
    let house = shop::builder()
        .file(
            "guards/notes.yaml",
            "policy: |\n  forbid(principal, action, resource)\n  \
             when { context.arguments has note && context.arguments.note == \"no\" };\n",
        )
        .open()
        .await
        .expect("the shop has no faults");
    // No JSON: the guard reads the query, and leaves the body to the upstream.
    for (target, status) in [("/shop/items?note=yes", 200), ("/shop/items?note=no", 403)] {
        let key = house.key("app/full");
        let answer = house.client.send("POST", target, &[("x-api-key", key)], "{{{").await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    let seen = house.recorder.take();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].body, "{{{");
}

#[tokio::test]
async fn who_may_not_call_does_not_learn_what_is_wrong_with_the_arguments() {
    let house = guarded().open().await.expect("the shop has no faults");
    let twice = r#"{"name":"x","name":"y"}"#;
    assert_eq!(create(&house, "agent/nothing", twice).await.status, 403);
    assert_eq!(create(&house, "app/reader", twice).await.status, 403);
    assert_eq!(create(&house, "app/full", twice).await.status, 400);
    let answer = house.client.send("POST", "/shop/items", &[], twice).await;
    assert_eq!(answer.status, 401);
    // What a guard refuses debits nothing: this profile has two calls at once.
    for _ in 0..3 {
        assert_eq!(create(&house, "slow/rate", r#"{"name":"x","count":101}"#).await.status, 403);
    }
    for status in [200, 200, 429] {
        assert_eq!(create(&house, "slow/rate", r#"{"name":"x"}"#).await.status, status);
    }
}

#[tokio::test]
async fn a_list_shows_what_some_arguments_would_be_allowed() {
    let house = guarded().open().await.expect("the shop has no faults");
    let bare = shop::builder().open().await.expect("the shop has no faults");
    let listed = house.client.list_tools(house.key("app/full")).await;
    assert_eq!(listed, bare.client.list_tools(bare.key("app/full")).await);
}

#[test]
fn a_guard_over_arguments_that_do_not_exist_is_a_fault() {
    block_on(async {
        for (condition, want) in [
            (
                "context.arguments has cuont",
                "no operation that it can touch has an argument \"cuont\"",
            ),
            ("context.arguments has count && context.arguments.count == \"1\"", "guard few"),
        ] {
            let policy = format!(
                "policy: 'forbid(principal, action == Action::\"shop.create_item\", resource) when {{ {condition} }};'\n"
            );
            let faults = shop::builder().file("guards/few.yaml", &policy).open().await.err();
            let faults = faults.unwrap_or_else(|| panic!("{condition} is no fault"));
            assert!(faults[0].to_string().contains(want), "{faults:?}");
        }
    });
}

/// Answers with the body that it was given.
#[derive(Debug)]
struct Echo;

impl Local for Echo {
    fn carry_out(&self, call: LocalCall) -> LocalFuture<'_> {
        Box::pin(async move { Ok(Response::new(call.body)) })
    }
}

#[tokio::test]
async fn a_guard_sees_the_arguments_of_management() {
    let mut house = shop::managed(Arc::new(Echo)).await;
    let policy = "policy: |\n  forbid(principal, action == Action::\"onedoor.put_client\", resource)\n  \
                  unless { context.arguments.owner == \"shop team\" || context.arguments.client like \"test-*\" };\n";
    house.change("guards/owners.yaml", policy, 2).expect("the guard has no faults");
    for (client, body, status) in [
        ("a", r#"{"owner": "shop team"}"#, 200),
        ("a", r#"{"owner": "me"}"#, 403),
        ("test-a", r#"{"owner": "me"}"#, 200),
        ("test-a", r#"{"owner": "me", "owner": "me"}"#, 400),
    ] {
        let target = format!("/onedoor/v1/clients/{client}");
        let headers = json_type(house.key("boss/all"));
        let answer = house.client.send("PUT", &target, &headers, body).await;
        assert_eq!(answer.status, status, "{client} {body}: {}", answer.text());
        assert!(status != 200 || answer.body == body, "{}", answer.text());
        let Ok(Value::Object(mut arguments)) = serde_json::from_str(body) else { panic!("{body}") };
        arguments.insert("client".to_owned(), json!(client));
        if status != 400 {
            let arguments = Value::Object(arguments).to_string();
            let answer = call(&house, "boss/all", "onedoor_put_client", &arguments).await;
            let is_done = answer["result"]["isError"] == json!(false);
            assert_eq!(is_done, status == 200, "{client} {body}: {answer}");
        }
    }
}
