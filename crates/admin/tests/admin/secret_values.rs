//! Values of secrets: written, and never seen again.

use serde_json::{Value, json};
use store::Location;
use tempfile::TempDir;

use crate::house::{ADMIN, AUDITOR, EDITOR, House};

const CANARY: &str = "canary-7f3a91c5-value";

async fn secret(house: &House, id: &str) {
    let body = json!({"owner": "x", "source": "store"});
    house.done(ADMIN, "put_secret", json!({"id": id}), body).await;
}

async fn add(house: &House, body: Value) -> u64 {
    let added = house.done(EDITOR, "add_secret_version", json!({"id": "key"}), body).await;
    assert_eq!(added.status, 201);
    assert!(!added.text.contains(CANARY));
    added.body["version"].as_u64().unwrap()
}

async fn states(house: &House) -> Vec<String> {
    let listed =
        house.done(AUDITOR, "list_secret_versions", json!({"id": "key"}), Value::Null).await;
    let items = listed.body["items"].as_array().unwrap();
    items.iter().map(|it| it["state"].as_str().unwrap().to_owned()).collect()
}

async fn set(house: &House, version: u64, state: &str) -> u16 {
    let parameters = json!({"id": "key", "version": version});
    let body = json!({"state": state});
    house.ask(EDITOR, "set_secret_version_state", parameters, body).await.status
}

#[tokio::test]
async fn a_new_value_takes_over_and_states_only_go_forward() {
    let house = House::new().await;
    secret(&house, "key").await;
    assert_eq!(add(&house, json!({"value": "one"})).await, 1);
    assert_eq!(add(&house, json!({"value": "two", "pending": true})).await, 2);
    assert_eq!(states(&house).await, ["active", "pending"]);
    assert_eq!(set(&house, 2, "active").await, 200);
    assert_eq!(states(&house).await, ["retiring", "active"]);
    assert_eq!(add(&house, json!({"value": "three"})).await, 3);
    assert_eq!(states(&house).await, ["retiring", "retiring", "active"]);
    assert_eq!(set(&house, 1, "revoked").await, 200);
    for state in ["pending", "active", "retiring"] {
        assert_eq!(set(&house, 1, state).await, 409, "{state}");
    }
    assert_eq!(set(&house, 3, "pending").await, 409);
    assert_eq!(set(&house, 9, "revoked").await, 404);
    assert_eq!(set(&house, 0, "revoked").await, 422);
    assert_eq!(set(&house, 1, "gone").await, 422);
    assert!(house.plane.changed_secrets().iter().filter(|it| *it == "key").count() >= 5);
    let shown = house.done(ADMIN, "get_revision", json!({"number": 5}), Value::Null).await;
    let said: Vec<_> = shown.body["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["path"].as_str().unwrap())
        .collect();
    assert_eq!(said, ["secrets/key#1", "secrets/key#2"], "{}", shown.text);
}

#[tokio::test]
async fn moves_at_the_same_time_never_go_backward() {
    let house = House::new().await;
    secret(&house, "key").await;
    for _ in 0..8 {
        let version = add(&house, json!({"value": "x"})).await;
        let value = json!({"value": "y"});
        let add = house.ask(EDITOR, "add_secret_version", json!({"id": "key"}), value);
        let (revoked, added) = tokio::join!(set(&house, version, "revoked"), add);
        assert_eq!((revoked, added.status), (200, 201), "{}", added.text);
        let index = usize::try_from(version).unwrap() - 1;
        assert_eq!(states(&house).await[index], "revoked");
    }
}

#[tokio::test]
async fn a_value_is_in_no_answer_no_log_and_not_in_the_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("onedoor.db");
    let house = House::at(&Location::Sqlite(path), &[]).await;
    secret(&house, "key").await;
    let body = json!({"value": CANARY, "reason": "rotated"});
    let call = house.call(EDITOR, "add_secret_version", &json!({"id": "key"}), &body);
    assert!(!format!("{call:?}").contains(CANARY));
    add(&house, body).await;
    for wrong in [
        json!({"value": CANARY, "pending": CANARY}),
        json!({"value": [CANARY]}),
        json!(CANARY),
        json!({"value": CANARY.repeat(10_000)}),
    ] {
        let answer = house.ask(EDITOR, "add_secret_version", json!({"id": "key"}), wrong).await;
        assert!(answer.status == 422 && !answer.text.contains(CANARY), "{}", answer.text);
    }
    let other = json!({"id": "elsewhere"});
    let source = json!({"owner": "x", "source": {"env": "KEY"}});
    house.done(ADMIN, "put_secret", other.clone(), source).await;
    let kept = house.ask(EDITOR, "add_secret_version", other, json!({"value": CANARY})).await;
    assert!(kept.status == 409 && !kept.text.contains(CANARY), "{}", kept.text);
    for operation in admin::operations().iter().filter(|it| it.effect == model::Effect::Read) {
        let parameters = match operation.name {
            "get_revision" => json!({"number": 3}),
            "compare_revisions" => json!({"from": 0}),
            "explain_access" => json!({"profile": "boss/admin", "operation": "onedoor.whoami"}),
            "list_access" => json!({"operation": "onedoor.whoami"}),
            "get_operation" => json!({"id": "onedoor.whoami"}),
            it if operation.path.contains("{id}") => {
                let id = ["key", "boss"][usize::from(it.ends_with("client"))];
                json!({"id": id})
            }
            _ => json!({}),
        };
        let body = if operation.body.is_some() { json!({"files": {}}) } else { Value::Null };
        let answer = house.ask(ADMIN, operation.name, parameters, body).await;
        assert!(!answer.text.contains(CANARY), "{}: {}", operation.name, answer.text);
    }
    assert!(!format!("{:?} {:?}", house.admin, house.store).contains(CANARY));
    house.store.close().await;
    let mut bytes = 0;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let text = std::fs::read(file.unwrap().path()).unwrap();
        bytes += text.len();
        assert!(!text.windows(CANARY.len()).any(|it| it == CANARY.as_bytes()));
    }
    assert!(bytes > 10_000);
}

#[tokio::test]
async fn whoever_declares_a_secret_of_the_same_name_does_not_come_by_old_values() {
    let house = House::new().await;
    let files = json!({"files": house.store.read().await.unwrap().files, "prune": true});
    let elsewhere = json!({"owner": "x", "source": {"env": "KEY"}});
    for way in ["delete", "prune", "elsewhere", "rollback"] {
        secret(&house, "key").await;
        add(&house, json!({"value": "old"})).await;
        match way {
            "delete" => house.done(ADMIN, "delete_secret", json!({"id": "key"}), Value::Null).await,
            "prune" => house.done(ADMIN, "apply_state", json!({}), files.clone()).await,
            "elsewhere" => {
                house.done(ADMIN, "put_secret", json!({"id": "key"}), elsewhere.clone()).await
            }
            _ => house.done(ADMIN, "rollback_revision", json!({"number": 1}), json!({})).await,
        };
        assert!(house.store.sealed().await.unwrap().is_empty(), "{way}");
        secret(&house, "key").await;
        assert!(states(&house).await.is_empty(), "{way}");
        house.done(ADMIN, "delete_secret", json!({"id": "key"}), Value::Null).await;
    }
}
