//! What happens to credentials, as webhooks are told.

use std::time::Duration;

use admin::{CredentialEvent, Webhook};
use model::{Clock, Timestamp};
use secrets::Keyring;
use serde_json::{Value, json};
use store::Location;
use tempfile::TempDir;

use crate::house::{ADMIN, AUDITOR, House, now};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn webhook(name: &str, events: &[CredentialEvent]) -> Webhook {
    Webhook { name: name.to_owned(), events: events.to_vec() }
}

async fn house(location: &Location, files: &[(&str, &str)], clock: &Clock) -> House {
    let webhooks = vec![
        webhook("all", &CredentialEvent::ALL),
        webhook("ends", &[CredentialEvent::Revoked, CredentialEvent::Expired]),
    ];
    let keyring = Keyring::generate("k1").unwrap().0;
    House::telling(location, files, keyring, (clock.clone(), webhooks)).await
}

async fn memory() -> House {
    house(&Location::Memory, &[], &Clock::fake(now())).await
}

/// What a webhook is told, as event, credential and successor, and forgets nothing of it.
async fn told(house: &House, webhook: &str) -> Vec<(String, String, Value)> {
    let parameters = json!({"webhook": webhook});
    let answer = house.done(AUDITOR, "list_deliveries", parameters, Value::Null).await;
    let items = answer.body["items"].as_array().unwrap().clone();
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    let told = items.iter().map(|it| {
        let data = &it["body"]["data"];
        assert_eq!(it["event"], it["body"]["type"]);
        (text(&it["event"]), text(&data["credential"]), data["successor"].clone())
    });
    told.collect()
}

fn named(told: &[(String, String, Value)]) -> Vec<(&str, &str)> {
    told.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect()
}

async fn issue(house: &House) -> (String, String) {
    let body = json!({"profile": "boss/viewer", "expires": "90d"});
    let issued = house.done(ADMIN, "issue_credential", json!({}), body).await;
    let text = |field: &str| issued.body[field].as_str().unwrap().to_owned();
    (text("id"), text("key"))
}

#[tokio::test]
async fn each_step_of_a_credentials_life_is_told_once_and_in_order() {
    let house = memory().await;
    let (old, _) = issue(&house).await;
    let by = json!({"id": old});
    let rotated = house.done(ADMIN, "rotate_credential", by.clone(), json!({})).await;
    let new = rotated.body["id"].as_str().unwrap().to_owned();
    house.done(ADMIN, "retire_credential", json!({"id": new, "force": true}), Value::Null).await;
    house.done(ADMIN, "revoke_credential", by.clone(), Value::Null).await;
    // What is refused already is not over once more.
    house.done(ADMIN, "revoke_credential", by.clone(), Value::Null).await;
    house.done(ADMIN, "delete_credential", by, Value::Null).await;
    house.done(ADMIN, "delete_credential", json!({"id": new}), Value::Null).await;
    let all = told(&house, "all").await;
    let want = [
        ("credential.issued", &*old),
        ("credential.rotated", &*old),
        ("credential.retired", &*new),
        ("credential.revoked", &*old),
    ];
    assert_eq!(named(&all), want);
    assert_eq!(all[1].2, json!(new), "the successor");
    let ends = told(&house, "ends").await;
    assert_eq!(named(&ends), want[3..]);
    for (event, id) in want {
        let [record] = &house.plane.recorded(event)[..] else { panic!("{event} is recorded once") };
        assert_eq!((&record["credential"], &record["kind"]), (&json!(id), &json!("event")));
        assert_eq!(record["profile"], "boss/viewer", "{record}");
        assert!(record["id"].is_string(), "of no request: {record}");
    }
    let rotated = house.plane.recorded("credential.rotated")[0]["note"].to_string();
    assert!(rotated.contains(&format!("its successor is {new}")), "{rotated}");
}

#[tokio::test]
async fn what_is_told_is_who_and_until_when_and_no_secret() {
    let house = memory().await;
    let (id, key) = issue(&house).await;
    let answer = house.done(ADMIN, "list_deliveries", json!({}), Value::Null).await;
    let hmac = house.plane.hmac(&key);
    assert!(!answer.text.contains(&key) && !answer.text.contains(&hmac), "{}", answer.text);
    let item = &answer.body["items"][0];
    let want = json!({
        "type": "credential.issued",
        "timestamp": "2026-11-25T12:00:00.000000Z",
        "data": {
            "credential": id,
            "kind": "api_key",
            "profile": "boss/viewer",
            "owner": "platform",
            "state": "active",
            "created": "2026-11-25T12:00:00.000000Z",
            "expires": "2027-02-23T12:00:00.000000Z",
            "successor": null,
            "reason": null,
        },
    });
    assert_eq!(item["body"], want);
    assert_eq!((&item["state"], &item["attempts"]), (&json!("waiting"), &json!(0)));
    assert!(item["id"].as_str().unwrap().starts_with("msg_"), "{item}");
}

#[tokio::test]
async fn a_change_that_is_refused_or_changes_nothing_is_not_told() {
    let house = memory().await;
    let (id, _) = issue(&house).await;
    house.done(ADMIN, "put_client", json!({"id": "a"}), json!({"kind": "app", "owner": "x"})).await;
    let stale = json!({"id": id, "If-Match": "\"stale\""});
    let refused = house.ask(ADMIN, "revoke_credential", stale, Value::Null).await;
    assert_eq!(refused.status, 412, "{}", refused.text);
    assert_eq!(told(&house, "all").await.len(), 1);
}

/// A profile whose keys are due 30 days before their end, and one that says nothing.
const FILES: &[(&str, &str)] = &[
    (
        "clients/shop.yaml",
        "kind: app\nowner: shop-team\nprofiles:\n  usual: {}\n  early:\n    rotation: {warn_before: 30d}\n",
    ),
    ("credentials/usual.yaml", USUAL),
    ("credentials/early.yaml", EARLY),
    ("credentials/going.yaml", GOING),
    ("credentials/gone.yaml", GONE),
];
const USUAL: &str = "profile: shop/usual\nkind: api_key\nhmac: '1111111111111111111111111111111111111111111111111111111111111111'\nexpires: 2027-01-31\n";
const EARLY: &str = "profile: shop/early\nkind: api_key\nhmac: '2222222222222222222222222222222222222222222222222222222222222222'\nexpires: 2027-01-31\n";
const GOING: &str = "profile: shop/early\nkind: api_key\nhmac: '3333333333333333333333333333333333333333333333333333333333333333'\nstate: retiring\nexpires: 2027-01-31\n";
const GONE: &str = "profile: shop/early\nkind: api_key\nhmac: '4444444444444444444444444444444444444444444444444444444444444444'\nstate: revoked\nexpires: 2027-01-31\n";

#[tokio::test]
async fn what_is_due_or_over_is_told_once_over_all_replicas_and_restarts() {
    let folder = TempDir::new().unwrap();
    let location = Location::Sqlite(folder.path().join("onedoor.db"));
    let clock = Clock::fake(Timestamp::parse("2026-12-31").unwrap());
    let one = house(&location, FILES, &clock).await;
    let other = house(&location, &[], &clock).await;
    let look = async || {
        let (first, second) = tokio::join!(one.admin.tell_ends(), other.admin.tell_ends());
        first.unwrap();
        second.unwrap();
        house(&location, &[], &clock).await.admin.tell_ends().await.unwrap();
    };
    Box::pin(look()).await;
    assert_eq!(named(&told(&one, "all").await), []);
    clock.advance(DAY);
    Box::pin(look()).await;
    let mut want = vec![("credential.due", "early")];
    assert_eq!(named(&told(&one, "all").await), want);
    clock.advance(16 * DAY);
    Box::pin(look()).await;
    want.push(("credential.due", "usual"));
    assert_eq!(named(&told(&one, "all").await), want);
    clock.advance(14 * DAY);
    Box::pin(look()).await;
    let over = ["early", "going", "usual"].map(|it| ("credential.expired", it));
    want.extend(over);
    assert_eq!(named(&told(&one, "all").await), want);
    assert_eq!(named(&told(&one, "ends").await), over);
    clock.advance(DAY);
    Box::pin(look()).await;
    assert_eq!(told(&one, "all").await.len(), want.len());
    let recorded =
        |event: &str| one.plane.recorded(event).len() + other.plane.recorded(event).len();
    assert_eq!((recorded("credential.due"), recorded("credential.expired")), (2, 3));
}

#[tokio::test]
async fn deliveries_are_shown_by_state_and_in_pages_and_health_counts_them() {
    let clock = Clock::fake(now());
    let house = house(&Location::Memory, &[], &clock).await;
    for _ in 0..3 {
        issue(&house).await;
    }
    let page = async |parameters: Value| {
        let answer = house.done(ADMIN, "list_deliveries", parameters, Value::Null).await;
        let items = answer.body["items"].as_array().unwrap();
        let numbers: Vec<_> = items.iter().map(|it| it["number"].as_u64().unwrap()).collect();
        (numbers, answer.body["next"].as_u64())
    };
    assert_eq!(page(json!({"limit": 2})).await, (vec![1, 2], Some(2)));
    assert_eq!(page(json!({"cursor": 2})).await, (vec![3], None));
    let until = clock.now().plus(DAY);
    house.store.take_delivery("all", "x", (clock.now(), until)).await.unwrap().unwrap();
    let dead = (store::Next::Dead(clock.now()), "status 500");
    assert!(house.store.not_delivered(1, "x", dead).await.unwrap());
    assert_eq!(page(json!({"state": "dead"})).await, (vec![1], None));
    assert_eq!(page(json!({"state": "waiting"})).await, (vec![2, 3], None));

    let part = async || {
        let health = house.done(ADMIN, "get_health", json!({}), Value::Null).await;
        let parts = health.body["parts"].as_array().unwrap().clone();
        let part = parts.into_iter().find(|it| it["name"] == "webhooks").unwrap();
        (part["ok"].as_bool().unwrap(), part["detail"].as_str().unwrap().to_owned())
    };
    let want = "2 deliveries wait, the oldest for 0 s; 1 are dead".to_owned();
    assert_eq!(part().await, (true, want));
    clock.advance(Duration::from_secs(901));
    assert!(!part().await.0, "a receiver takes nothing for a quarter of an hour");
}
