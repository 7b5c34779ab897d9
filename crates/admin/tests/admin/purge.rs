//! Old segments of the audit log go when two people want it, and not before.

use serde_json::{Value, json};

use crate::house::{ADMIN, AUDITOR, EDITOR, House, caller};

/// Another operator, by a client of its own.
const SECOND: &str = "second/admin";

async fn house() -> House {
    let second = "kind: app\nowner: platform\nprofiles:\n  admin: {roles: [admin]}\n";
    House::with(&[("clients/second.yaml", second)]).await
}

async fn propose(house: &House, wish: Value) -> Value {
    house.done(ADMIN, "propose_audit_purge", json!({}), wish).await.body
}

#[tokio::test]
async fn what_one_asks_for_another_approves_and_both_are_recorded() {
    let house = house().await;
    let wish = json!({"older_than": "7d", "reason": "kept for a week"});
    let proposed = propose(&house, wish).await;
    let id = json!({"id": proposed["id"]});
    // Three segments were closed on the second to the fourth of the month, and all are older.
    assert_eq!((&proposed["before_record"], &proposed["segments"]), (&json!(300), &json!(3)));
    let seen = house.done(AUDITOR, "list_audit_purges", json!({}), Value::Null).await.body;
    assert_eq!(seen["items"], json!([proposed]));
    assert_eq!(seen["segments"].as_array().unwrap().len(), 3);

    let own = house.ask(ADMIN, "approve_audit_purge", id.clone(), Value::Null).await;
    assert_eq!(own.status, 403, "{}", own.text);
    assert!(house.plane.purges().is_empty());
    let purged = house.done(SECOND, "approve_audit_purge", id.clone(), Value::Null).await.body;
    assert_eq!((&purged["last"], &purged["segments"]), (&json!(299), &json!(3)));
    let [why] = &house.plane.purges()[..] else { panic!("once") };
    assert!(why.starts_with(&format!("asked for by {ADMIN} at 2")), "{why}");
    assert!(why.ends_with(&format!("approved by {SECOND}: kept for a week")), "{why}");
    let again = house.ask(SECOND, "approve_audit_purge", id, Value::Null).await;
    assert_eq!(again.status, 404, "{}", again.text);
}

#[tokio::test]
async fn another_profile_of_the_same_client_is_not_another_person() {
    let house = house().await;
    let id = propose(&house, json!({"before_record": 100, "reason": "r"})).await["id"].clone();
    let mut call = house.call(SECOND, "approve_audit_purge", &json!({"id": id}), &Value::Null);
    call.caller = caller("boss/another").into();
    let refused = house.send(&call).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert!(house.plane.purges().is_empty());
}

#[tokio::test]
async fn what_is_asked_for_must_say_what_goes_and_why() {
    let house = house().await;
    for (wish, status) in [
        (json!({"reason": "r"}), 422),
        (json!({"before_record": 100}), 422),
        (json!({"before_record": 0, "reason": "r"}), 422),
        (json!({"older_than": "soon", "reason": "r"}), 422),
        (json!({"before_record": 100, "reason": ""}), 422),
        (json!({"before_record": 99, "reason": "r"}), 409),
        (json!({"older_than": "40000d", "reason": "r"}), 409),
        (json!({"before_record": 250, "older_than": "1d", "reason": "r"}), 201),
    ] {
        let answer = house.ask(ADMIN, "propose_audit_purge", json!({}), wish.clone()).await;
        assert_eq!(answer.status, status, "{wish}: {}", answer.text);
    }
}

#[tokio::test]
async fn what_could_not_go_waits_on_and_what_is_rejected_does_not() {
    let house = house().await;
    let id = propose(&house, json!({"before_record": 100, "reason": "r"})).await["id"].clone();
    let id = json!({"id": id});
    house.plane.damage_log(true);
    let kept = house.ask(SECOND, "approve_audit_purge", id.clone(), Value::Null).await;
    assert_eq!(kept.status, 409, "{}", kept.text);
    house.plane.damage_log(false);
    house.done(SECOND, "reject_audit_purge", id.clone(), Value::Null).await;
    let gone = house.ask(SECOND, "approve_audit_purge", id, Value::Null).await;
    assert_eq!(gone.status, 404, "{}", gone.text);
    assert!(house.plane.purges().is_empty());
    for who in [AUDITOR, EDITOR] {
        for name in ["propose_audit_purge", "approve_audit_purge", "reject_audit_purge"] {
            assert!(house.plane.reach(&caller(who), name).is_none(), "{who} {name}");
        }
    }
}
