//! A collection, or one of its operations, says how safe the records of its calls are first.

use http::StatusCode;

use crate::shop;

const READ: (&str, &str) = ("GET", "/shop/items/7");
const WRITE: (&str, &str) = ("POST", "/shop/items");

/// What a call is answered whose record is written, and can be on no disk.
async fn called(collection: &str, operations: &str, (method, target): (&str, &str)) -> StatusCode {
    let text = format!(
        "owner: shop team\nbase: /shop\nupstream: {{url: UPSTREAM}}\n\
         document: documents/shop.yaml\n\
         audit: {{{collection}}}\n\
         operations: {{{operations}}}\n"
    );
    let builder = shop::builder().file("collections/shop.yaml", &text);
    let house = builder.open().await.expect("it has no faults");
    let headers = [("x-api-key", house.key("app/full")), ("content-type", "application/json")];
    // The segment begins with it.
    assert_eq!(house.client.send("GET", READ.1, &headers, "").await.status, 200);
    house.log.fail_syncs();
    let body = if method == "POST" { r#"{"name":"x"}"# } else { "" };
    house.client.send(method, target, &headers, body.to_owned()).await.status
}

#[tokio::test]
async fn a_call_waits_for_the_disk_as_its_operation_says_or_else_its_collection() {
    let (strict, standard) = ("level: strict", "level: standard");
    let own = |level: &str| format!("get_item: {{audit: {{{level}}}}}");
    for (collection, operations, call, want) in [
        ("", String::new(), READ, 200),
        ("", String::new(), WRITE, 503),
        (strict, String::new(), READ, 503),
        (standard, String::new(), WRITE, 200),
        (strict, own(standard), READ, 200),
        (standard, own(strict), READ, 503),
        (standard, own("redact: {/id: keep}"), READ, 200),
    ] {
        let status = called(collection, &operations, call).await;
        assert_eq!(status, want, "{collection}, {operations}, {call:?}");
    }
}
