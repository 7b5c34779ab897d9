//! Tables that share what did not change say the same as tables made from nothing, and without all that is
//! declared there are none.

use serde_json::Value;
use state::{Desired, Reading, Wrong};
use testkit::{House, HouseBuilder};

const ADDED: &str = "owner: team\nupstream: {url: UPSTREAM}\ndocument:\n  openapi: 3.1.0\n  info: {title: A, version: '1'}\n  paths:\n    /a/{id}:\n      get:\n        operationId: get_a\n        parameters: [{name: id, in: path, required: true, schema: {type: string}}]\n        responses: {'200': {description: ok}}\n";
const CLIENT: &str = "kind: app\nowner: team\nprofiles: {main: {roles: [ROLE]}}\n";
const ROLE: &str = "allow:\n  - operations: ['*:*']\n";

/// What is changed, one after the other: a file and its text, or none where it goes.
fn changes() -> Vec<(&'static str, Option<String>)> {
    let collection = |more: &str| Some(format!("{more}{ADDED}"));
    let client = |role: &str| Some(CLIENT.replace("ROLE", role));
    vec![
        // It comes before all others, so that every position is another.
        ("collections/a.yaml", collection("")),
        ("collections/a.yaml", collection("operations: {get_a: {name: fetch}}\n")),
        ("collections/a.yaml", collection("operations: {get_a: {description: Fetches.}}\n")),
        ("collections/a.yaml", collection("base: /other\n")),
        ("collections/a.yaml", collection("state: draft\n")),
        ("collections/a.yaml", collection("state: retired\n")),
        ("roles/none.yaml", Some(format!("{ROLE}    effects: [write]\n"))),
        ("clients/man.yaml", client("none")),
        ("collections/a.yaml", None),
        ("clients/man.yaml", client("all")),
        ("upstreams/store.yaml", Some("url: UPSTREAM/elsewhere\n".to_owned())),
        ("upstreams/store.yaml", Some("url: UPSTREAM\n".to_owned())),
        ("clients/man.yaml", Some(format!("enabled: false\n{}", CLIENT.replace("ROLE", "all")))),
        ("clients/man.yaml", client("all")),
    ]
}

fn builder() -> HouseBuilder {
    let named = ADDED.replace("{url: UPSTREAM}", "store").replace("get_a", "get_b");
    House::builder()
        .file("roles/all.yaml", ROLE)
        .file("clients/man.yaml", &CLIENT.replace("ROLE", "all"))
        .file("upstreams/store.yaml", "url: UPSTREAM\n")
        .file("collections/b.yaml", &named.replace("/a/", "/b/"))
        .key("man/main")
}

/// All that this caller sees and reaches, without what is another in every house.
async fn seen(house: &House) -> Vec<Value> {
    let key = house.key("man/main");
    let headers = [("x-api-key", key)];
    let tools = house.client.rpc(key, "tools/list", None, &list()).await.json();
    let mut seen = vec![tools["result"]["tools"].clone()];
    for target in ["/a/a/7", "/other/a/7", "/b/b/7", "/a/openapi.json", "/b/openapi.json"] {
        let answer = house.client.send("GET", target, &headers, "").await;
        let taken: Vec<_> = house.recorder.take().into_iter().map(|it| it.target).collect();
        let paths = answer.json().get("paths").cloned();
        seen.push(serde_json::json!([target, answer.status.as_u16(), paths, taken]));
    }
    let routes = house.gateway.snapshot();
    seen.extend(
        routes
            .routes()
            .map(|it| format!("{:?} {} {}", it.operation(), it.template(), it.tool_name()).into()),
    );
    seen
}

fn list() -> Value {
    serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }}})
}

#[tokio::test]
async fn the_next_tables_are_those_made_from_nothing() {
    let mut house = builder().open().await.unwrap();
    let mut last = seen(&house).await;
    let changes = changes();
    for (index, (path, text)) in changes.iter().enumerate() {
        let revision = u64::try_from(index).unwrap() + 2;
        match text {
            Some(text) => house.change(path, text, revision).unwrap(),
            None => house.remove(path, revision).unwrap(),
        }
        let mut fresh = builder();
        let so_far = &changes[..=index];
        for (at, (path, text)) in so_far.iter().enumerate() {
            let is_last = !so_far[at + 1..].iter().any(|(later, _)| later == path);
            if let Some(text) = text.as_ref().filter(|_| is_last) {
                fresh = fresh.file(path, text);
            }
        }
        let fresh = fresh.open().await.unwrap();
        let now = seen(&house).await;
        assert_eq!(now, seen(&fresh).await, "after change {index}: {path}");
        assert!(now != last || path.starts_with("roles/"), "change {index} changes something");
        last = now;
    }
}

#[tokio::test]
async fn tables_without_all_that_guards_may_name_are_never_made() {
    let house = crate::shop::builder().open().await.expect("the shop has no faults");
    let is_made = |hides_collections| {
        let wrong = Wrong { hides_collections, ..Wrong::default() };
        let reading = Reading { sound: Desired::default(), wrong };
        house.gateway.compile_read(&reading, None, 2).is_ok()
    };
    assert!(is_made(false));
    assert!(!is_made(true), "whether or not somebody said what is wrong");
}
