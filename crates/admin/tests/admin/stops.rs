//! A stop says who made it and since when, and nobody else says it.

use serde_json::{Value, json};

use crate::house::{ADMIN, AUDITOR, House};

#[tokio::test]
async fn the_door_says_who_stopped_something_and_since_when() {
    let house = House::new().await;
    let id = || json!({"id": "some"});
    let claimed = json!({
        "client": "team", "because": "its key leaked",
        "by": "somebody/else", "since": "2020-01-01T00:00:00Z",
    });
    house.done(ADMIN, "put_stop", id(), claimed).await;
    let shown = house.done(AUDITOR, "get_stop", id(), Value::Null).await;
    let first = json!({
        "client": "team", "because": "its key leaked",
        "by": ADMIN, "since": "2026-11-25T12:00:00Z",
    });
    assert_eq!(shown.body["document"], first);
    let listed = house.done(AUDITOR, "list_stops", json!({}), Value::Null).await;
    assert_eq!(listed.body["items"][0]["document"], first);

    // Whoever says more about the same stop did not make it.
    let mut call = house.call(ADMIN, "put_stop", &id(), &json!({"client": "team", "because": "b"}));
    call.at = call.at.plus(std::time::Duration::from_secs(60));
    let mut caller = crate::house::caller(ADMIN);
    caller.profile = model::ProfileId::parse("boss/other").unwrap();
    call.caller = caller.into();
    assert_eq!(house.send(&call).await.body["document"]["by"], ADMIN);
    // Who stops something else by it did.
    call.body = json!({"agents": "all", "because": "b"}).to_string().into();
    let other = house.send(&call).await.body["document"].clone();
    assert_eq!(
        (&other["by"], &other["since"]),
        (&json!("boss/other"), &json!("2026-11-25T12:01:00Z"))
    );
}

#[tokio::test]
async fn what_is_stopped_cannot_be_deleted_behind_the_stop() {
    let house = House::new().await;
    let stop = json!({"client": "team", "because": "x"});
    house.done(ADMIN, "put_stop", json!({"id": "some"}), stop).await;
    let used = house.ask(ADMIN, "delete_client", json!({"id": "team"}), Value::Null).await;
    assert_eq!(used.status, 409, "{}", used.text);
    assert!(used.text.contains("stops/some.yaml"), "{}", used.text);
    house.done(ADMIN, "delete_stop", json!({"id": "some"}), Value::Null).await;
    house.done(ADMIN, "delete_client", json!({"id": "team"}), Value::Null).await;
}
