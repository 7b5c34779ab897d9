//! Two processes on one store.

use std::time::Duration;

use serde_json::{Value, json};
use store::Location;
use tempfile::TempDir;

use crate::house::{ADMIN, House};

fn client(owner: &str) -> Value {
    json!({"kind": "app", "owner": owner})
}

async fn two() -> (TempDir, House, House) {
    let folder = TempDir::new().unwrap();
    let location = Location::Sqlite(folder.path().join("onedoor.db"));
    let one = House::at(&location, &[]).await;
    let other = House::at(&location, &[]).await;
    (folder, one, other)
}

#[tokio::test]
async fn a_change_is_made_on_top_of_what_the_other_stored_meanwhile() {
    let (_folder, one, other) = two().await;
    for number in 0..5 {
        for (house, name) in [(&one, "a"), (&other, "b")] {
            let id = format!("{name}{number}");
            house.done(ADMIN, "put_client", json!({"id": id}), client("x")).await;
        }
    }
    assert_eq!(one.store.head().await.unwrap(), 11);
    let list = other.done(ADMIN, "list_clients", json!({}), Value::Null).await;
    assert_eq!(list.ids().len(), 12);
    // A version that was seen here is not what it is there.
    let seen = one.done(ADMIN, "get_client", json!({"id": "a0"}), Value::Null).await;
    other.done(ADMIN, "put_client", json!({"id": "a0"}), client("y")).await;
    let parameters = json!({"id": "a0", "If-Match": seen.etag.unwrap()});
    let late = one.ask(ADMIN, "put_client", parameters, client("z")).await;
    assert_eq!(late.status, 412, "{}", late.text);
}

#[tokio::test]
async fn many_at_once_lose_nothing() {
    let (_folder, one, other) = two().await;
    let put = async |house: &House, id: String| {
        house.ask(ADMIN, "put_client", json!({"id": id}), client("x")).await.status
    };
    for round in 0..5 {
        let id = |name: &str| format!("{name}{round}");
        let done = tokio::join!(
            put(&one, id("a")),
            put(&other, id("b")),
            put(&one, id("c")),
            put(&other, id("d"))
        );
        assert_eq!(done, (200, 200, 200, 200));
    }
    assert_eq!(one.store.head().await.unwrap(), 21);
}

#[tokio::test]
async fn who_follows_takes_over_what_others_store() {
    let (_folder, one, other) = two().await;
    // Stored before the other begins to follow.
    one.done(ADMIN, "put_client", json!({"id": "early"}), client("x")).await;
    let until = async |revision: u64| {
        let mut waited = tokio::time::interval(Duration::from_millis(5));
        while other.admin.revision() < revision {
            waited.tick().await;
        }
    };
    let all = async {
        until(2).await;
        one.done(ADMIN, "put_client", json!({"id": "late"}), client("x")).await;
        until(3).await;
    };
    tokio::select! {
        () = other.admin.follow() => panic!("it follows for ever"),
        done = tokio::time::timeout(Duration::from_secs(10), all) => done.unwrap(),
    }
    assert_eq!(other.plane.revisions(), [1, 2, 3]);
    let recorded = |house: &House| house.plane.recorded("state.swapped");
    let revisions: Vec<_> = recorded(&other).iter().map(|it| it["revision"].clone()).collect();
    assert_eq!(revisions, [1, 2, 3], "the start, and what was taken over");
    assert_eq!(recorded(&one).len(), 1, "its own changes are calls");
    let late = other.done(ADMIN, "get_client", json!({"id": "late"}), Value::Null).await;
    assert_eq!(late.status, 200);
}

#[tokio::test]
async fn a_folder_is_applied_only_to_the_revision_it_was_compared_with() {
    let (_folder, one, other) = two().await;
    let files =
        |base: u64| json!({"files": {"clients/a.yaml": "kind: app\nowner: x\n"}, "base": base});
    other.done(ADMIN, "put_client", json!({"id": "b"}), client("x")).await;
    let late = one.ask(ADMIN, "apply_state", json!({}), files(1)).await;
    assert_eq!(late.status, 412, "{}", late.text);
    assert_eq!(one.store.head().await.unwrap(), 2);
    one.done(ADMIN, "apply_state", json!({}), files(2)).await;
}

#[tokio::test]
async fn a_rollback_brings_nothing_back_that_the_other_revoked_and_deleted_meanwhile() {
    let (_folder, one, other) = two().await;
    let profile = json!({"profile": "boss/viewer"});
    let issued = one.done(ADMIN, "issue_credential", json!({}), profile).await;
    let id = json!({"id": issued.body["id"]});
    one.done(ADMIN, "put_client", json!({"id": "a"}), client("x")).await;
    // The other takes over what was stored with its first change.
    other.done(ADMIN, "put_client", json!({"id": "b"}), client("x")).await;
    other.done(ADMIN, "revoke_credential", id.clone(), Value::Null).await;
    other.done(ADMIN, "delete_credential", id.clone(), Value::Null).await;
    assert_eq!(one.admin.revision(), 3);
    let back = json!({"number": issued.revision()});
    one.done(ADMIN, "rollback_revision", back, json!({})).await;
    let credential = one.done(ADMIN, "get_credential", id, Value::Null).await;
    assert_eq!(credential.body["document"]["state"], "revoked", "{}", credential.text);
}
