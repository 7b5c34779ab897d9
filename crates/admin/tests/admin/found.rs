//! A key that somebody found and hands in.

use admin::{CredentialEvent, Webhook};
use http::header::RETRY_AFTER;
use model::{Clock, How, LastUse, Way};
use secrets::Keyring;
use serde_json::{Value, json};
use store::Location;

use crate::house::{ADMIN, AUDITOR, Answer, House, TEAM, now};

/// Of another door: its form is right.
const STRANGE: &str = "odk_NobodyOfThisDoorHasItxxxxxxxxxxxxxxxxxxxxxx1RcKPO";

async fn issue(house: &House, wish: Value) -> (String, String) {
    let issued = house.done(ADMIN, "issue_credential", json!({}), wish).await;
    let text = |field: &str| issued.body[field].as_str().map(ToOwned::to_owned);
    (text("id").unwrap(), text("key").or_else(|| text("secret")).unwrap())
}

async fn report(house: &House, who: &str, body: Value) -> Answer {
    house.ask(who, "report_found_credential", json!({}), body).await
}

async fn state(house: &House, id: &str) -> Value {
    let answer = house.done(ADMIN, "get_credential", json!({"id": id}), Value::Null).await;
    answer.body["document"]["state"].clone()
}

/// A door that tells a webhook what is revoked.
async fn telling() -> House {
    let events = vec![CredentialEvent::Revoked];
    let webhooks = vec![Webhook { name: "ops".to_owned(), events }];
    let keyring = Keyring::generate("k1").unwrap().0;
    House::telling(&Location::Memory, &[], keyring, (Clock::fake(now()), webhooks)).await
}

#[tokio::test]
async fn a_found_key_is_revoked_once_and_whoever_hands_it_in_learns_whose_it_was() {
    let house = telling().await;
    let (id, key) = issue(&house, json!({"profile": "boss/viewer"})).await;
    let how = Some(How { way: Way::Call, from: [192, 0, 2, 7].into() });
    house.plane.use_credential(&id, LastUse { at: now(), how });
    let body = json!({"key": format!(" {key}\n"), "reason": "in a public repository"});
    let found = report(&house, ADMIN, body.clone()).await;
    assert_eq!(found.status, 200, "{}", found.text);
    let want = json!({
        "id": id, "kind": "api_key", "profile": "boss/viewer", "client": "boss",
        "owner": "platform", "was": "active", "state": "revoked",
        "expires": "2027-02-23T12:00:00.000000Z",
        "last_used": "2026-11-25T12:00:00.000000Z", "used_by": "call", "used_from": "192.0.2.7",
        "next": [
            "tell platform, who answers for boss, where it was found",
            "give its holder another: onedoor credential issue --profile boss/viewer",
            "see what was done with it: onedoor audit query --client boss",
            "take it out of where it was found",
        ],
        "revision": 3,
    });
    assert_eq!(found.body, want);
    assert_eq!(state(&house, &id).await, "revoked");
    // Once more changes nothing, and says so.
    let again = report(&house, ADMIN, body).await;
    let said = (&again.body["was"], &again.body["state"], again.revision());
    assert_eq!((again.status, said), (200, (&json!("revoked"), &json!("revoked"), 3)));

    let revision = house.done(ADMIN, "get_revision", json!({"number": 3}), Value::Null).await;
    let summary = &revision.body["revision"];
    let told = (&summary["author"], &summary["reason"]);
    assert_eq!(told, (&json!(ADMIN), &json!("found: in a public repository")));
    let told = house.done(AUDITOR, "list_deliveries", json!({}), Value::Null).await;
    let items = told.body["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{}", told.text);
    let (event, data) = (&items[0]["event"], &items[0]["body"]["data"]);
    assert_eq!((event, &data["reason"]), (&json!("credential.revoked"), &json!("found")));
    let stored = format!("{:?}", house.store.read().await.unwrap().files);
    for text in [found.text, again.text, revision.text, told.text, stored] {
        assert!(!text.contains(&key), "{text}");
    }
}

#[tokio::test]
async fn a_client_secret_and_what_was_retired_are_taken_too() {
    let house = House::new().await;
    let client = json!({"kind": "service", "owner": "o", "profiles": {"p": {"tokens": {"grants": ["client_credentials"]}}}});
    house.done(ADMIN, "put_client", json!({"id": "batch"}), client).await;
    let wish = json!({"profile": "batch/p", "kind": "client_secret"});
    let (id, secret) = issue(&house, wish).await;
    let found = report(&house, ADMIN, json!({"key": secret})).await;
    assert_eq!((found.status, &found.body["kind"]), (200, &json!("client_secret")));
    let next = found.body["next"][1].as_str().unwrap();
    assert!(next.ends_with("--profile batch/p --kind client_secret"), "{next}");
    assert_eq!(state(&house, &id).await, "revoked");

    let (id, key) = issue(&house, json!({"profile": "boss/viewer"})).await;
    house.done(ADMIN, "retire_credential", json!({"id": id, "force": true}), Value::Null).await;
    let found = report(&house, ADMIN, json!({"key": key})).await;
    assert_eq!((found.status, &found.body["was"]), (200, &json!("retired")));
    // What is retired could be made good again; this cannot.
    assert_eq!(state(&house, &id).await, "revoked");
}

#[tokio::test]
async fn the_secret_of_a_client_that_registered_itself_ends_the_client() {
    let house = House::new().await;
    let [secret, other] = ["dyn-1", "dyn-2"].map(|it| house.plane.register(it));
    let found = report(&house, ADMIN, json!({"key": format!("{secret}\n")})).await;
    let want = json!({
        "id": "dyn-1", "kind": "client_secret", "profile": null, "client": "dyn-1", "owner": null,
        "was": "active", "state": "revoked", "expires": null,
        "last_used": null, "used_by": null, "used_from": null,
        "next": [
            "nothing is to be given: it registers itself anew, and asks its people again",
            "take it out of where it was found",
        ],
        "revision": 1,
    });
    assert_eq!((found.status, &found.body), (200, &want), "{}", found.text);
    assert!(!found.text.contains(&secret));
    assert_eq!(report(&house, ADMIN, json!({"key": secret})).await.status, 404);
    let found = report(&house, TEAM, json!({"key": other})).await;
    assert_eq!((found.status, &found.body["id"]), (200, &json!("dyn-2")));
}

#[tokio::test]
async fn who_has_the_key_has_it_refused_whose_ever_it_is_and_learns_no_more() {
    let house = House::new().await;
    let (id, key) = issue(&house, json!({"profile": "boss/viewer"})).await;
    house.plane.use_credential(&id, LastUse { at: now(), how: None });
    let absent = house.ask(TEAM, "revoke_credential", json!({"id": id}), Value::Null).await;
    assert_eq!(absent.status, 404);
    let found = report(&house, TEAM, json!({"key": key})).await;
    let said = (&found.body["owner"], &found.body["last_used"]);
    assert_eq!((found.status, said), (200, (&json!("platform"), &Value::Null)));
    assert_eq!(state(&house, &id).await, "revoked");
}

#[tokio::test]
async fn what_is_no_key_of_the_door_is_told_apart_and_never_repeated() {
    let house = House::new().await;
    let (_, key) = issue(&house, json!({"profile": "boss/viewer"})).await;
    let mistyped =
        format!("{}{}", key.get(..52).unwrap(), if key.ends_with('x') { 'y' } else { 'x' });
    for (shown, body, status, want) in [
        (STRANGE, json!({"key": STRANGE}), 404, "no credential of this door has it"),
        (&*mistyped, json!({"key": mistyped}), 422, "its length or its checksum is wrong"),
        ("hunter2", json!({"key": "hunter2"}), 422, "its length or its checksum is wrong"),
        ("hunter2", json!({"key": ["hunter2"]}), 422, "body.key"),
        ("hunter2", json!({"key": "hunter2".repeat(99)}), 422, "body.key"),
        (&*key, json!({"key": key, "reason": format!("x={key}")}), 422, "body.reason"),
        ("??", json!({"key": "  "}), 422, "body.key"),
    ] {
        let answer = report(&house, ADMIN, body).await;
        assert_eq!(answer.status, status, "{shown}: {}", answer.text);
        assert!(answer.text.contains(want) && !answer.text.contains(shown), "{}", answer.text);
    }
    assert_eq!(house.admin.revision(), 2, "something was revoked");
}

#[tokio::test]
async fn wrong_keys_are_counted_and_right_ones_are_not() {
    let house = House::new().await;
    for _ in 0..30 {
        let (_, key) = issue(&house, json!({"profile": "boss/viewer"})).await;
        let found = report(&house, ADMIN, json!({"key": key})).await;
        assert_eq!(found.status, 200, "{}", found.text);
    }
    for count in 0..20 {
        let key = if count % 2 == 0 { STRANGE } else { "odk_x" };
        let wrong = report(&house, ADMIN, json!({"key": key})).await;
        assert!([404, 422].contains(&wrong.status), "{count}: {}", wrong.text);
    }
    let body = json!({"key": STRANGE});
    let call = house.call(ADMIN, "report_found_credential", &json!({}), &body);
    let slowed = house.admin.carry_out(&call).await;
    assert_eq!(
        (slowed.status().as_u16(), slowed.headers()[RETRY_AFTER].as_bytes()),
        (429, &b"11"[..])
    );
    // Of one, and not of another.
    assert_eq!(report(&house, TEAM, json!({"key": STRANGE})).await.status, 404);
}
