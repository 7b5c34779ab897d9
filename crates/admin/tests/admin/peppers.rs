//! Hashes come under the newest pepper, and what depends on which is told.

use identity::api_key::Pepper;
use model::{CredentialId, PepperId, Rehash, Secret};
use serde_json::{Value, json};

use crate::house::{ADMIN, House};

fn pepper(id: &str, byte: u8) -> (PepperId, Secret<Vec<u8>>) {
    (PepperId::parse(id).unwrap(), Secret::new(vec![byte; 32]))
}

/// A new pepper, with the first one kept or not.
fn replace(house: &House, keeps_first: bool) {
    let mut peppers = vec![pepper("p2", 8)];
    peppers.extend(keeps_first.then(|| pepper("p1", 7)));
    house.plane.pepper.replace(&Pepper::of(&peppers).unwrap());
}

async fn issue(house: &House, kind: &str) -> (String, String) {
    let wish = json!({"profile": "boss/viewer", "kind": kind});
    let issued = house.done(ADMIN, "issue_credential", json!({}), wish).await.body;
    let text = |name: &str| issued[name].as_str().map(str::to_owned);
    (text("id").unwrap(), text("key").or_else(|| text("secret")).unwrap())
}

/// As the data plane notes it where the key is shown.
fn shown(house: &House, id: &str, key: &str) {
    let [to, from] = house.plane.pepper.hashes(key).try_into().unwrap();
    house.plane.pepper.note(&CredentialId::parse(id).unwrap(), Rehash { from, to });
}

async fn file(house: &House, id: &str) -> String {
    house.store.read().await.unwrap().files[&*format!("credentials/{id}.yaml")].to_string()
}

async fn listed(house: &House) -> Value {
    let listed = house.done(ADMIN, "list_peppers", json!({}), Value::Null).await.body;
    let line =
        |it: &Value| json!([it["pepper"], it["state"], it["api_keys"], it["client_secrets"]]);
    listed["items"].as_array().unwrap().iter().map(line).collect()
}

#[tokio::test]
async fn a_key_that_was_shown_comes_under_the_newest_pepper_and_others_stay() {
    let house = House::new().await;
    let (used, key) = issue(&house, "api_key").await;
    let (idle, _) = issue(&house, "client_secret").await;
    replace(&house, true);
    assert_eq!(listed(&house).await, json!([["p2", "making", 0, 0], ["p1", "checking", 1, 1]]));
    assert_eq!(house.admin.peppers_in_use().await.unwrap(), ["p1"]);
    shown(&house, &used, &key);
    let before = house.admin.revision();
    house.admin.rehash().await;
    let text = file(&house, &used).await;
    assert!(text.contains(&house.plane.pepper.hash(&key).text()), "{text}");
    assert!(text.contains("p2:") && !file(&house, &idle).await.contains("p2:"));
    assert_eq!(house.admin.revision(), before + 1);
    let revision = house.done(ADMIN, "get_revision", json!({"number": before + 1}), Value::Null);
    let revision = revision.await;
    assert_eq!(revision.body["revision"]["author"], "onedoor", "{}", revision.text);
    assert!(!revision.text.contains(&house.plane.pepper.hash(&key).text()), "{}", revision.text);
    // It is done once.
    assert_eq!(house.plane.pepper.noted(), []);
    house.admin.rehash().await;
    assert_eq!(house.admin.revision(), before + 1);
    assert_eq!(listed(&house).await, json!([["p2", "making", 1, 0], ["p1", "checking", 0, 1]]));
    replace(&house, false);
    assert_eq!(listed(&house).await, json!([["p2", "making", 1, 0], ["p1", "missing", 0, 1]]));
    let health = house.done(ADMIN, "get_health", json!({}), Value::Null).await;
    assert!(health.text.contains("p1 is missing, with 1 key"), "{}", health.text);
    assert_eq!(health.body["ok"], false);
}

#[tokio::test]
async fn a_hash_that_is_another_meanwhile_is_left_alone() {
    let house = House::new().await;
    let (id, key) = issue(&house, "api_key").await;
    replace(&house, true);
    shown(&house, &id, &key);
    house.done(ADMIN, "revoke_credential", json!({"id": id}), Value::Null).await;
    let (before, text) = (house.admin.revision(), file(&house, &id).await);
    // What is revoked stays so, whatever it is hashed under.
    house.admin.rehash().await;
    assert!(file(&house, &id).await.contains("state: revoked"), "{text}");
    let (other, other_key) = issue(&house, "api_key").await;
    replace(&house, true);
    let [to, _] = house.plane.pepper.hashes(&other_key).try_into().unwrap();
    let [from, _] = house.plane.pepper.hashes(&key).try_into().unwrap();
    house.plane.pepper.note(&CredentialId::parse(&other).unwrap(), Rehash { from, to });
    let text = file(&house, &other).await;
    house.admin.rehash().await;
    assert_eq!(file(&house, &other).await, text);
    assert!(house.admin.revision() > before);
}

#[tokio::test]
async fn a_key_that_was_found_is_known_under_an_older_pepper_too() {
    let house = House::new().await;
    let (id, key) = issue(&house, "api_key").await;
    replace(&house, true);
    let found = house.done(ADMIN, "report_found_credential", json!({}), json!({"key": key})).await;
    assert_eq!(found.body["id"], id.as_str(), "{}", found.text);
    assert!(file(&house, &id).await.contains("state: revoked"));
}
