//! What records keep of arguments is what was declared, on both surfaces alike, and never a secret.

use serde_json::{Value, json};
use testkit::House;

use crate::shop;

/// The shop, with this said of its records: of all its operations, and of `get_item`.
fn recorded(collection: &str, get_item: &str) -> testkit::HouseBuilder {
    shop::builder().file(
        "collections/shop.yaml",
        &format!(
            "owner: shop team\nbase: /shop\nupstream: {{url: UPSTREAM}}\n\
             document: documents/shop.yaml\n\
             audit: {{redact: {{{collection}}}}}\n\
             operations:\n  get_item: {{audit: {{redact: {{{get_item}}}}}}}\n"
        ),
    )
}

async fn by_rest(house: &House, target: &str) {
    house.client.send("GET", target, &[("x-api-key", house.key("app/full"))], "").await;
}

async fn by_mcp(house: &House, tool: &str, arguments: &Value) {
    house.client.call_tool(house.key("app/full"), tool, arguments).await;
}

#[tokio::test]
async fn what_was_declared_is_kept_alike_on_both_surfaces() {
    let house = recorded("/note: drop, email: mask", "/note: keep, /id: hash").open().await;
    let house = house.expect("it has no faults");
    by_rest(&house, "/shop/items/7?note=ann%40example.com+and+4111+1111+1111+1111").await;
    let note = "ann@example.com and 4111 1111 1111 1111";
    by_mcp(&house, "shop_get_item", &json!({"note": note, "id": "7"})).await;
    by_rest(&house, "/shop/items?tag=ann%40example.com&tag=b&limit=5").await;
    by_mcp(&house, "shop_list_items", &json!({"tag": ["ann@example.com", "b"], "limit": 5})).await;
    let records = house.records();
    let [one, same, list, same_list] = &records[..] else { panic!("four calls: {records:?}") };
    for name in ["arguments", "arguments_digest"] {
        assert_eq!((&one[name], &list[name]), (&same[name], &same_list[name]), "{name}");
        assert!(one[name] != list[name]);
    }
    assert_eq!(one["arguments"]["note"], "ann@example.com and [card ending 1111]");
    let id = one["arguments"]["id"].as_str().unwrap();
    assert!(id.starts_with("hmac:") && id.contains("-20261123:"), "{id}");
    assert!(one["arguments_digest"].as_str().unwrap().starts_with("hmac:"));
    assert_eq!(list["arguments"], json!({"tag": ["a***@example.com", "b"], "limit": "5"}));
    // The intent keeps no more than the outcome.
    let intents = house.log.intents();
    assert_eq!(intents[0]["arguments"], one["arguments"]);
    // What goes to the upstream is what came.
    let target = &house.recorder.take()[0].target;
    assert!(target.contains("ann") && target.contains("4111"), "{target}");
}

#[tokio::test]
async fn no_declaration_lets_a_secret_into_a_record() {
    let house = recorded("/*: keep, email: keep", "/*: keep").open().await;
    let house = house.expect("it has no faults");
    let (token, key) = ("ghp_0123456789abcdefghij", house.key("app/reader"));
    for text in [token, key, "Bearer%20abcdef0123456789", "password%3Dhunter2", "4111111111111111"]
    {
        by_rest(&house, &format!("/shop/items/{text}?note={text}&{text}=1&token={text}")).await;
        by_mcp(&house, "shop_get_item", &json!({"id": "7", "note": text})).await;
    }
    let text = house.log.text();
    for secret in [token, key, "abcdef0123456789", "hunter2", "411111111111"] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

#[tokio::test]
async fn what_would_not_be_done_is_a_fault() {
    let house = recorded("/tags: drop, /nothing: hash, /*: keep", "/ids: hash, /note: keep");
    let faults = house.open().await.map(|_| ()).unwrap_err();
    let faults: Vec<_> =
        faults.iter().map(|it| format!("{}: {} | {}", it.place, it.message, it.help)).collect();
    assert_eq!(
        faults,
        [
            "collections/shop.yaml:5: audit.redact: no operation of the collection shop has the argument \"nothing\" of /nothing | there is X-Trace, count, id, limit, name, note, tag; /* is each of them",
            "collections/shop.yaml:5: audit.redact: no operation of the collection shop has the argument \"tags\" of /tags | did you mean /tag?",
            "collections/shop.yaml:7: audit.redact: the operation \"get_item\" does not have the argument \"ids\" of /ids | did you mean /id?",
        ]
    );
    let house = recorded("/name/api_key: mask", "").open().await;
    let faults = house.map(|_| ()).unwrap_err();
    assert!(faults[0].message.contains("/name/api_key is called as a secret is"), "{faults:?}");
}

#[tokio::test]
async fn an_address_stands_in_no_record_wherever_its_caller_puts_it() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    by_rest(&house, "/shop/items/ann@example.com").await;
    by_mcp(&house, "shop_get_item", &json!({"id": "ann@example.com"})).await;
    by_rest(&house, "/customers/ann@example.com/orders").await;
    by_rest(&house, "/customers/ann%40example.com").await;
    by_mcp(&house, "ann@example.com", &json!({})).await;
    let records = house.records();
    let told: Vec<_> = records.iter().map(|it| json!([it["path"], it["note"]])).collect();
    let want = [
        json!(["/shop/items/{id}", null]),
        json!(["/shop/items/{id}", null]),
        json!([null, "GET /customers/[redacted]/orders"]),
        json!([null, "GET /customers/[redacted]"]),
        json!([null, "tools/call [redacted]"]),
    ];
    assert_eq!(told, want);
    let text = house.log.text();
    assert!(!text.contains("ann@") && !text.contains("ann%40"), "{text}");
}
