//! A list shows exactly what a call would allow: `tools/list` and the caller's own OpenAPI document.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::House;

use crate::shop::{self, CALLERS};

/// Every operation, with arguments that are good enough for it to be carried out.
fn operations() -> [(&'static str, &'static str, &'static str, Value); 6] {
    [
        ("list_items", "GET", "/shop/items", json!({})),
        ("create_item", "POST", "/shop/items", json!({"name": "x"})),
        ("get_item", "GET", "/shop/items/7", json!({"id": "7"})),
        ("delete_item", "DELETE", "/shop/items/7", json!({"id": "7"})),
        ("get_mine", "GET", "/shop/items/mine", json!({})),
        ("ping", "GET", "/shop/ping", json!({})),
    ]
}

fn key<'h>(house: &'h House, caller: &str) -> &'h str {
    if caller.is_empty() { "" } else { house.key(caller) }
}

async fn listed_by_mcp(house: &House, caller: &str) -> BTreeSet<String> {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let message =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}});
    let answer = house.client.rpc(key(house, caller), "tools/list", None, &message).await.json();
    let tools = answer["result"]["tools"].as_array().expect("a list of tools");
    let names: Vec<_> = tools.iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect();
    assert!(names.is_sorted(), "the order is fixed: {names:?}");
    names.iter().map(|it| it.strip_prefix("shop_").unwrap().to_owned()).collect()
}

async fn listed_by_rest(house: &House, caller: &str) -> BTreeSet<String> {
    let key = key(house, caller);
    let headers = [("x-api-key", key)];
    let headers = if key.is_empty() { &headers[..0] } else { &headers[..] };
    let answer = house.client.send("GET", "/shop/openapi.json", headers, "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let document = answer.json();
    let paths = document["paths"].as_object().expect("paths").values();
    let operations = paths.flat_map(|it| it.as_object().unwrap().values());
    operations.filter_map(|it| it["operationId"].as_str()).map(str::to_owned).collect()
}

async fn callable(house: &House, caller: &str, by_mcp: bool) -> BTreeSet<String> {
    let key = key(house, caller);
    let mut names = BTreeSet::new();
    for (name, method, target, arguments) in operations() {
        let before = house.records().len();
        if by_mcp {
            house.client.call_tool(key, &format!("shop_{name}"), &arguments).await;
        } else {
            let headers = [("content-type", "application/json"), ("x-api-key", key)];
            let headers = if key.is_empty() { &headers[..1] } else { &headers[..] };
            let body = if method == "POST" { arguments.to_string() } else { String::new() };
            house.client.send(method, target, headers, body).await;
        }
        let reason = house.records()[before]["reason"].clone();
        // A limit lets a call wait; it does not forbid it.
        if reason.is_null() || reason == "limit_reached" {
            names.insert(name.to_owned());
        }
    }
    names
}

#[tokio::test]
async fn a_list_shows_exactly_what_a_call_would_allow() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    for caller in CALLERS {
        let (by_mcp, by_rest) =
            (callable(&house, caller, true).await, callable(&house, caller, false).await);
        assert_eq!(by_mcp, by_rest, "{caller}");
        assert_eq!(listed_by_mcp(&house, caller).await, by_mcp, "tools/list of {caller:?}");
        assert_eq!(listed_by_rest(&house, caller).await, by_rest, "openapi.json of {caller:?}");
    }
}

#[tokio::test]
async fn a_surface_that_a_profile_may_not_use_lists_nothing() {
    let house = shop::builder()
        .file(
            "clients/machine.yaml",
            "kind: service\nowner: eve\nprofiles:\n  rest: {roles: [everything], surfaces: [rest]}\n",
        )
        .key("machine/rest")
        .open()
        .await
        .expect("the shop has no faults");
    // What is public is public by any surface.
    assert_eq!(listed_by_mcp(&house, "machine/rest").await, BTreeSet::from(["ping".to_owned()]));
    assert_eq!(listed_by_rest(&house, "machine/rest").await.len(), 6);
}
