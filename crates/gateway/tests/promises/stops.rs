//! The kill switch: what is stopped is refused on both surfaces, calls under way with it, and
//! nothing else is.

use serde_json::{Value, json};
use testkit::{House, HouseBuilder};
use tokio::time::{Duration, timeout};

use crate::shop;

const STOP: &str = "because: its key is on a paste site\nby: boss/main\nsince: 2026-11-22\n";

/// A shop over an upstream of its own name, beside another collection.
fn builder() -> HouseBuilder {
    let document = "openapi: 3.1.0\n  info: {title: A, version: '1'}\n  paths:\n    /a:\n      get:\n        operationId: get_a\n        responses: {'200': {description: ok}}\n";
    shop::builder()
        .file("upstreams/stock.yaml", "url: UPSTREAM\n")
        .file("collections/aside.yaml", &format!("owner: aside team\nupstream: stock\ndocument:\n  {document}"))
        .file("roles/everything.yaml", "allow:\n  - operations: ['shop:*', 'aside:*']\n")
        .file("clients/app.yaml", "kind: app\nowner: ann\nprofiles:\n  full: {roles: [everything]}\n  reader: {roles: [reader]}\n")
        .file("limits/app-daily.yaml", "client: app\nper: client\nquota: 1000/day\n")
        .file("limits/agent-hourly.yaml", "client: agent\nper: client\nquota: 1000/day\n")
}

/// The statuses of a call by REST and of one by MCP.
async fn call(house: &House, profile: &str, (target, tool): (&str, &str)) -> (u16, u16) {
    let key = house.key(profile);
    let rest = house.client.send("GET", target, &[("x-api-key", key)], "").await;
    let mcp = house.client.call_tool(key, tool, &arguments(tool)).await.json();
    (rest.status.as_u16(), mcp["error"]["code"].as_u64().map_or(200, |it| it.try_into().unwrap()))
}

fn arguments(tool: &str) -> Value {
    if tool == "shop_get_item" { json!({"id": "1"}) } else { json!({}) }
}

const ITEM: (&str, &str) = ("/shop/items/1", "shop_get_item");
const ASIDE: (&str, &str) = ("/aside/a", "aside_get_a");

/// Who calls what, while something is stopped.
const CALLS: [(&str, (&str, &str)); 4] =
    [("app/full", ITEM), ("app/full", ASIDE), ("app/reader", ITEM), ("agent/one", ITEM)];

/// Which of `CALLS` are served while this is stopped.
async fn check(of: &str, want: [bool; 4]) {
    let mut house = builder().open().await.expect("the shop has no faults");
    house.change("stops/some.yaml", &format!("{of}\n{STOP}"), 2).unwrap();
    for ((profile, what), is_served) in CALLS.into_iter().zip(want) {
        let status = if is_served { 200 } else { 403 };
        assert_eq!(call(&house, profile, what).await, (status, status), "{of}: {profile} {what:?}");
        let tools = house.client.list_tools(house.key(profile)).await.concat();
        let is_listed = tools.iter().any(|it| it["name"] == what.1);
        assert_eq!(is_listed, is_served, "{of}: {profile} {what:?}");
    }
    house.remove("stops/some.yaml", 3).unwrap();
    for (profile, what) in CALLS {
        assert_eq!(call(&house, profile, what).await, (200, 200), "{of} is over: {profile}");
    }
}

#[tokio::test]
async fn what_is_stopped_is_refused_on_both_surfaces_and_nothing_else_is() {
    check("client: app", [false, false, false, true]).await;
    check("agents: all", [true, true, true, false]).await;
    check("collection: shop", [false, true, false, false]).await;
    check("upstream: stock", [true, false, true, true]).await;
}

#[tokio::test]
async fn a_refusal_says_whom_to_ask_and_its_record_says_why() {
    for (of, profile, whom) in [
        ("client: app", "app/full", "client app was stopped by an operator: ask ann"),
        (
            "agents: all",
            "agent/one",
            "all agents were stopped by an operator: ask the operators of this door",
        ),
        ("collection: shop", "app/full", "shop was stopped by an operator: ask shop team"),
    ] {
        let mut house = builder().open().await.expect("the shop has no faults");
        house.change("stops/some.yaml", &format!("{of}\n{STOP}"), 2).unwrap();
        let key = house.key(profile).to_owned();
        let rest = house.client.send("GET", ITEM.0, &[("x-api-key", &key)], "").await.json();
        assert_eq!(rest["type"], "urn:onedoor:refusal:stopped", "{rest}");
        assert_eq!((&rest["detail"], &rest["rule"]), (&json!(whom), &json!("stop some")));
        assert!(!rest.to_string().contains("paste"), "{rest}");
        let mcp = house.client.call_tool(&key, ITEM.1, &arguments(ITEM.1)).await.json();
        assert_eq!(mcp["error"]["data"]["reason"], "stopped", "{mcp}");
        let records = house.records();
        assert_eq!(records.len(), 2);
        for record in records {
            assert_eq!((&record["kind"], &record["reason"]), (&json!("call"), &json!("stopped")));
            assert_eq!(
                (&record["rule"], &record["decision"]),
                (&json!("stop some"), &json!("deny"))
            );
            assert_eq!(
                (&record["profile"], &record["operation"]),
                (&json!(profile), &json!("shop.get_item"))
            );
            let cause = record["cause"].as_str().unwrap();
            assert!(cause.contains("paste site; by boss/main; since 2026-11-22"), "{cause}");
        }
        assert_eq!(house.recorder.take(), vec![], "nothing reached the upstream");
    }
}

#[tokio::test]
async fn who_may_not_call_does_not_learn_that_it_is_stopped() {
    let mut house = builder().open().await.expect("the shop has no faults");
    house.change("stops/some.yaml", &format!("collection: shop\n{STOP}"), 2).unwrap();
    let key = house.key("agent/nothing");
    let refused = house.client.send("GET", ITEM.0, &[("x-api-key", key)], "").await.json();
    assert_eq!(refused["type"], "urn:onedoor:refusal:forbidden", "{refused}");
}

#[tokio::test]
async fn calls_under_way_are_cut_by_a_stop() {
    for of in ["client: app", "collection: shop"] {
        let mut house = builder().open().await.expect("the shop has no faults");
        let key = house.key("app/reader").to_owned();
        let headers = [("x-api-key", &*key)];
        let mut stream = house.client.open("GET", "/shop/items/drip", &headers, "").await;
        assert!(stream.piece().await.unwrap().is_some());
        house.change("stops/some.yaml", &format!("{of}\n{STOP}"), 2).unwrap();
        let cut = timeout(Duration::from_secs(5), stream.piece()).await.expect("it comes soon");
        assert!(cut.is_err(), "{of}");
        let last = house.records().pop().unwrap();
        assert_eq!((&last["kind"], &last["reason"]), (&json!("cut"), &json!("stopped")), "{last}");
    }
}
