//! The history of desired state.

use serde_json::{Value, json};

use crate::house::{ADMIN, EDITOR, House};

fn client(owner: &str) -> Value {
    json!({"kind": "app", "owner": owner})
}

#[tokio::test]
async fn a_revision_says_who_when_why_and_what() {
    let house = House::new().await;
    let parameters = json!({"id": "shop", "reason": "a new shop"});
    house.done(EDITOR, "put_client", parameters, client("x")).await;
    let shown = house.done(ADMIN, "get_revision", json!({"number": 2}), Value::Null).await;
    let revision = &shown.body["revision"];
    assert_eq!(revision["author"], EDITOR);
    assert_eq!(revision["reason"], "a new shop");
    assert_eq!(revision["at"], "2026-11-25T12:00:00.000000Z");
    assert_eq!(revision["request_id"], "00000000-0000-0000-0000-000000000007");
    let change = &shown.body["changes"][0];
    assert_eq!(
        (&change["path"], &change["action"]),
        (&json!("clients/shop.yaml"), &json!("added"))
    );
    assert_eq!(change["after"], "kind: app\nowner: x\n");
    let none = house.ask(ADMIN, "get_revision", json!({"number": 9}), Value::Null).await;
    assert_eq!(none.status, 404);
    let mut call = house.call(EDITOR, "put_client", &json!({"id": "shop"}), &client("y"));
    let mut caller = crate::house::caller(EDITOR);
    caller.user = Some("ada".to_owned());
    call.caller = caller.into();
    assert_eq!(house.send(&call).await.status, 200);
    let list = house.done(ADMIN, "list_revisions", json!({"limit": 2}), Value::Null).await;
    let authors: Vec<_> =
        list.body["items"].as_array().unwrap().iter().map(|it| it["author"].clone()).collect();
    assert_eq!(authors, ["ada by boss/editor", EDITOR]);
    let next = list.body["next"].clone();
    let list = house.done(ADMIN, "list_revisions", json!({"cursor": next}), Value::Null).await;
    assert_eq!(list.body["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn two_revisions_are_compared_and_an_old_one_comes_back() {
    let house = House::new().await;
    let put = async |id: &str, owner: &str| {
        house.done(ADMIN, "put_client", json!({"id": id}), client(owner)).await
    };
    put("a", "x").await;
    put("b", "x").await;
    put("a", "y").await;
    let compare = async |from: u64, to: u64| {
        let parameters = json!({"from": from, "to": to});
        let answer = house.done(ADMIN, "compare_revisions", parameters, Value::Null).await;
        let changes = answer.body["changes"].as_array().unwrap().clone();
        let said = changes.iter().map(|it| {
            format!("{} {}", it["action"].as_str().unwrap(), it["path"].as_str().unwrap())
        });
        said.collect::<Vec<_>>()
    };
    assert_eq!(compare(2, 4).await, ["changed clients/a.yaml", "added clients/b.yaml"]);
    assert_eq!(compare(4, 2).await, ["changed clients/a.yaml", "removed clients/b.yaml"]);
    let back = house.done(ADMIN, "rollback_revision", json!({"number": 2}), json!({})).await;
    assert_eq!((back.revision(), &back.body["to"]), (5, &json!(2)));
    assert!(compare(2, 5).await.is_empty());
    let revision = house.done(ADMIN, "get_revision", json!({"number": 5}), Value::Null).await;
    assert_eq!(revision.body["revision"]["reason"], "back to revision 2");
    for number in [99, 9_007_199_254_740_991_u64] {
        let gone = house.ask(ADMIN, "rollback_revision", json!({"number": number}), json!({}));
        assert_eq!(gone.await.status, 404);
    }
    assert_eq!(house.plane.revisions(), [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn what_cannot_be_put_in_force_is_never_stored() {
    let house = House::new().await;
    let roles = json!({"kind": "app", "owner": "x", "profiles": {"p": {"roles": ["nobody"]}}});
    let refused = house.ask(ADMIN, "put_client", json!({"id": "a"}), roles).await;
    assert_eq!(refused.status, 422);
    // The plane itself refuses this one.
    let collection =
        json!({"owner": "x", "upstream": {"url": "http://x"}, "document": {"openapi": "9"}});
    let refused = house.ask(ADMIN, "put_collection", json!({"id": "a"}), collection).await;
    assert_eq!(
        (refused.status, refused.fields()),
        (422, vec!["body.document"]),
        "{}",
        refused.text
    );
    assert_eq!((house.store.head().await.unwrap(), house.plane.revisions()), (1, vec![1]));
}
