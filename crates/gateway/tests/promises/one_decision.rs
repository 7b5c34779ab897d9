//! For any caller, operation and arguments, REST and MCP give the same verdict and reason, debit
//! the same bucket, send the upstream the same bytes, and leave the same record. But for a value that
//! makes the path another one's: a tool refuses it by its own name, and REST goes by the path.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use proptest::{collection::vec, prelude::*, sample::select, strategy::ValueTree as _};
use serde_json::{Map, Value, json};
use testkit::{House, HouseBuilder, Seen};

use crate::shop::{self, CALLERS};

/// One call, in the words of neither surface.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    caller: &'static str,
    what: What,
    /// How long before it the clock moves.
    pause: Duration,
    /// By which surface it goes where both are used.
    pub(crate) by_mcp: bool,
}

#[derive(Debug, Clone)]
enum What {
    Create { name: String, count: Option<i32>, note: Option<String>, trace: Option<String> },
    Delete { id: String },
    Get { id: String, note: Option<String> },
    List { tags: Vec<String>, limit: Option<u16> },
    Ping,
    Unknown,
}

/// What must not depend on the surface.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) record: Value,
    pub(crate) upstream: Vec<(String, String, Option<String>, Vec<u8>)>,
}

/// Texts that are hard on encoders, but have one meaning.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9]{1,6}", "[ -~&&[^/\\\\;%]]{0,6}[a-z]", "[a-zé✓𝄞 +&=?#]{0,4}x"]
}

fn what() -> impl Strategy<Value = What> {
    use prop::option::of;
    prop_oneof![
        2 => (text(), of(any::<i32>()), of(text()), of("[a-z]{1,4}"))
            .prop_map(|(name, count, note, trace)| What::Create { name, count, note, trace }),
        1 => text().prop_map(|id| What::Delete { id }),
        3 => (text(), of(text())).prop_map(|(id, note)| What::Get { id, note }),
        3 => (vec(text(), 0..3), of(any::<u16>())).prop_map(|(tags, limit)| What::List { tags, limit }),
        1 => Just(What::Ping),
        1 => Just(What::Unknown),
    ]
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    // Mostly callers with limits, and mostly at once: so that limits are reached.
    let caller = prop_oneof![
        select(CALLERS.to_vec()),
        select(vec!["app/full", "agent/one", "slow/rate", "slow/rate"]),
    ];
    let pause = prop_oneof![9 => Just(0), 1 => select(vec![400, 1_000, 1_800_000, 86_400_000])];
    (caller, what(), pause, any::<bool>()).prop_map(|(caller, what, pause_ms, by_mcp)| Step {
        caller,
        what,
        pause: Duration::from_millis(pause_ms),
        by_mcp,
    })
}

/// Our own encoder, so that the door's is not compared with itself: all but letters and digits.
pub(crate) fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    text.bytes()
        .map(|it| if plain(it) { char::from(it).to_string() } else { format!("%{it:02x}") })
        .collect()
}

fn query(pairs: &[(&str, Option<String>)]) -> String {
    let pairs: Vec<_> = pairs
        .iter()
        .filter_map(|(name, value)| value.as_ref().map(|it| format!("{name}={}", encode(it))))
        .collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

async fn by_rest(house: &House, step: &Step) {
    let mut headers = Vec::new();
    let mut body = String::new();
    let (method, target) = match &step.what {
        What::Create { name, count, note, trace } => {
            let count = count.map(|it| format!(",\"count\":{it}")).unwrap_or_default();
            body = format!("{{\"name\":{}{count}}}", json!(name));
            headers.push(("content-type", "application/json".to_owned()));
            headers.extend(trace.clone().map(|it| ("x-trace", it)));
            ("POST", format!("/shop/items{}", query(&[("note", note.clone())])))
        }
        What::Delete { id } => ("DELETE", format!("/shop/items/{}", encode(id))),
        What::Get { id, note } => {
            ("GET", format!("/shop/items/{}{}", encode(id), query(&[("note", note.clone())])))
        }
        What::List { tags, limit } => {
            let mut pairs: Vec<_> = tags.iter().map(|it| ("tag", Some(it.clone()))).collect();
            pairs.push(("limit", limit.map(|it| it.to_string())));
            ("GET", format!("/shop/items{}", query(&pairs)))
        }
        What::Ping => ("GET", "/shop/ping".to_owned()),
        What::Unknown => ("GET", "/shop/nothing".to_owned()),
    };
    if !step.caller.is_empty() {
        headers.push(("x-api-key", house.key(step.caller).to_owned()));
    }
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    house.client.send(method, &target, &headers, body).await;
}

async fn by_mcp(house: &House, step: &Step) {
    let mut arguments = Map::new();
    let mut add = |name: &str, value: Option<Value>| {
        arguments.extend(value.map(|it| (name.to_owned(), it)));
    };
    let tool = match &step.what {
        What::Create { name, count, note, trace } => {
            add("count", count.map(Value::from));
            add("note", note.clone().map(Value::from));
            add("X-Trace", trace.clone().map(Value::from));
            add("name", Some(json!(name)));
            "shop_create_item"
        }
        What::Delete { id } => {
            add("id", Some(json!(id)));
            "shop_delete_item"
        }
        What::Get { id, note } => {
            add("note", note.clone().map(Value::from));
            add("id", Some(json!(id)));
            "shop_get_item"
        }
        What::List { tags, limit } => {
            add("limit", limit.map(Value::from));
            add("tag", (!tags.is_empty()).then(|| json!(tags)));
            "shop_list_items"
        }
        What::Ping => "shop_ping",
        What::Unknown => "shop_nothing",
    };
    let key = if step.caller.is_empty() { "" } else { house.key(step.caller) };
    house.client.call_tool(key, tool, &Value::Object(arguments)).await;
}

/// The record of the call and what the upstream saw of it, without what names the surface.
pub(crate) fn outcome(house: &House, records_before: usize) -> Outcome {
    let records = house.records();
    assert_eq!(records.len(), records_before + 1, "a call leaves one record: {records:?}");
    let mut record = records[records_before].clone();
    let members = record.as_object_mut().unwrap();
    // Ids and times of this one run, the surface, and what was asked in its words where there is no
    // operation that both could name. Nothing else may differ.
    for name in [
        "id",
        "surface",
        "protocol",
        "peer_port",
        "rpc",
        "tool",
        "tool_digest",
        "answer_truncated",
        "note",
        "upstream_us",
        "total_us",
        "upstream",
        "upstream_port",
    ] {
        members.remove(name);
    }
    let seen = |seen: Seen| {
        let kind = seen.headers.get(CONTENT_TYPE).map(|it| it.to_str().unwrap().to_owned());
        (seen.method.to_string(), seen.target, kind, seen.body.to_vec())
    };
    Outcome { record, upstream: house.recorder.take().into_iter().map(seen).collect() }
}

async fn run(steps: &[Step], by_mcp_at: impl Fn(&Step) -> bool) -> Vec<Outcome> {
    run_in(shop::builder(), steps, by_mcp_at).await
}

pub(crate) async fn run_in(
    builder: HouseBuilder,
    steps: &[Step],
    by_mcp_at: impl Fn(&Step) -> bool,
) -> Vec<Outcome> {
    let house = builder.open().await.expect("the shop has no faults");
    let mut outcomes = Vec::new();
    for step in steps {
        house.clock.advance(step.pause);
        let records_before = house.records().len();
        if by_mcp_at(step) {
            by_mcp(&house, step).await;
        } else {
            by_rest(&house, step).await;
        }
        outcomes.push(outcome(&house, records_before));
    }
    outcomes
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn rest_and_mcp_are_one_decision_and_one_bucket(steps in vec(step(), 1..16)) {
        block_on(async {
            let rest = run(&steps, |_| false).await;
            let mcp = run(&steps, |_| true).await;
            let mixed = run(&steps, |it| it.by_mcp).await;
            for (index, step) in steps.iter().enumerate() {
                prop_assert_eq!(&rest[index], &mcp[index], "step {}: {:?}", index, step);
                prop_assert_eq!(&rest[index], &mixed[index], "mixed, step {}: {:?}", index, step);
            }
            Ok(())
        })?;
    }

    #[test]
    fn what_has_no_one_meaning_reaches_no_upstream(id in "[a-z]{0,2}(/|\\\\|;|%2f|%25|\\.\\./|\u{0}|\r\n)[a-z]{0,2}") {
        block_on(async {
            let house = shop::builder().open().await.expect("the shop has no faults");
            let what = What::Get { id, note: None };
            let step = Step { caller: "app/full", what, pause: Duration::ZERO, by_mcp: false };
            by_rest(&house, &step).await;
            by_mcp(&house, &step).await;
            let records = house.records();
            prop_assert_eq!(records.len(), 2);
            prop_assert!(records.iter().all(|it| it["decision"] == "deny"), "{:?}", records);
            prop_assert_eq!(house.recorder.take(), vec![]);
            Ok(())
        })?;
    }
}

#[test]
fn what_is_withheld_is_not_reached_through_a_hole_in_another_path() {
    block_on(async {
        let house = shop::builder()
            .file(
                "collections/shop.yaml",
                "owner: shop team\nupstream: {url: UPSTREAM}\ndocument: documents/shop.yaml\n\
                 operations:\n  get_mine: {hidden: true}\n",
            )
            .open()
            .await
            .expect("the shop has no faults");
        let key = house.key("app/full");
        let by_rest = house.client.send("GET", "/shop/items/mine", &[("x-api-key", key)], "").await;
        assert_eq!(by_rest.status, 404, "{}", by_rest.text());
        let answer =
            house.client.call_tool(key, "shop_get_item", &json!({"id": "mine"})).await.json();
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        assert_eq!(house.recorder.take(), vec![]);
    });
}

/// The shop, and a collection `t` by this document: all of both may be called.
pub(crate) fn shop_and(document: &Value) -> HouseBuilder {
    shop::builder()
        .file("documents/t.json", &document.to_string())
        .file(
            "collections/t.yaml",
            "owner: t\nupstream: {url: UPSTREAM}\ndocument: documents/t.json\n",
        )
        .file("roles/everything.yaml", "allow:\n  - operations: ['*:*']\n")
}

#[test]
fn what_is_left_out_is_not_reached_through_a_hole_in_another_path() {
    block_on(async {
        let id =
            json!({"name": "id", "in": "path", "required": true, "schema": {"type": "string"}});
        let matrix = json!([{"name": "a", "in": "query", "style": "matrix", "required": true}]);
        let document = json!({"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {
            "/items/{id}": {"get": {"operationId": "get", "parameters": [id], "responses": {}}},
            "/items/secrets": {"get": {"parameters": matrix, "responses": {}}},
            "/items/nothing": {"get": 1},
            "/items/elsewhere": {"$ref": "other.yaml"},
            "/items/asked?for": {"get": {"responses": {}}},
            "items/slashless": {"get": {"responses": {}}},
            "/items/traced": {"trace": {"responses": {}}},
        }});
        let house = shop_and(&document)
            .file("limits/app-daily.yaml", "client: app\nper: client\nquota: 100/day\n")
            .open()
            .await
            .expect("no faults");
        let key = house.key("app/full");
        let get = async |id: &str| {
            let target = format!("/t/items/{id}");
            let by_rest = house.client.send("GET", &target, &[("x-api-key", key)], "").await;
            let by_mcp = house.client.call_tool(key, "t_get", &json!({"id": id})).await.json();
            (by_rest.status.as_u16(), by_mcp["result"]["isError"] == true)
        };
        for id in ["secrets", "nothing", "elsewhere", "asked", "slashless", "traced"] {
            assert_eq!(get(id).await, (404, true), "{id}");
        }
        assert_eq!(house.recorder.take(), vec![]);
        assert_eq!(get("7").await, (200, false));
    });
}

#[test]
fn a_tool_sets_no_header_that_rest_would_strip() {
    block_on(async {
        let names =
            ["X-User-Id", "X_Forwarded_For", "Transfer_Encoding", "X-Original-URL", "Remote-User"];
        let parameters: Vec<_> =
            names.iter().map(|it| json!({"name": it, "in": "header", "schema": {}})).collect();
        let document = json!({"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {
            "/x": {"get": {"operationId": "x", "parameters": parameters, "responses": {}}},
        }});
        let house = shop_and(&document).open().await.expect("no faults");
        for name in names {
            let arguments = json!({name: "1"});
            let answer =
                house.client.call_tool(house.key("app/full"), "t_x", &arguments).await.json();
            assert_eq!(answer["result"]["isError"], true, "{name}: {answer}");
        }
        assert_eq!(house.recorder.take(), vec![]);
    });
}

#[test]
fn a_value_that_spells_another_operation_is_refused() {
    block_on(async {
        let house = shop::builder().open().await.expect("the shop has no faults");
        // This profile may get any item, but not its own.
        let key = house.key("agent/one");
        let answer =
            house.client.call_tool(key, "shop_get_item", &json!({"id": "mine"})).await.json();
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        let by_rest = house.client.send("GET", "/shop/items/mine", &[("x-api-key", key)], "").await;
        assert_eq!(by_rest.status, 403);
        assert_eq!(house.recorder.take(), vec![]);
    });
}

#[test]
fn a_literal_path_goes_before_a_hole_by_whatever_method() {
    block_on(async {
        let house = shop::builder().open().await.expect("the shop has no faults");
        let key = house.key("app/full");
        house.client.send("DELETE", "/shop/items/mine", &[("x-api-key", key)], "").await;
        house.client.call_tool(key, "shop_delete_item", &json!({"id": "mine"})).await;
        let records = house.records();
        let said =
            |it: &Value| [&it["decision"], &it["reason"], &it["operation"]].map(Value::clone);
        assert_eq!(
            records.iter().map(said).collect::<Vec<_>>(),
            [
                [json!("deny"), json!("method_not_allowed"), Value::Null],
                [json!("deny"), json!("invalid_arguments"), json!("shop.delete_item")],
            ]
        );
        assert_eq!(house.recorder.take(), vec![]);
    });
}

#[test]
fn the_steps_reach_every_verdict() {
    // The property above is worth what its steps reach: this counts them.
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..40 {
        let steps = vec(step(), 12..16).new_tree(&mut runner).unwrap().current();
        for outcome in block_on(run(&steps, |it| it.by_mcp)) {
            let reason = outcome.record["reason"].as_str().unwrap_or("answered").to_owned();
            *seen.entry(reason).or_default() += 1;
        }
    }
    for reason in ["answered", "forbidden", "limit_reached", "not_found", "unauthenticated"] {
        assert!(seen.get(reason).is_some_and(|it| *it >= 10), "{reason} is rare: {seen:?}");
    }
}
