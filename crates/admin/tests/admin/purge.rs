//! Old segments of the audit log go when two people want it, and not before.

use model::Caller;
use serde_json::{Value, json};

use crate::house::{ADMIN, AUDITOR, Answer, EDITOR, House, caller, commit};

/// Another operator, by a client of its own.
const SECOND: &str = "second/admin";

const CLIENT: &str = "kind: app\nowner: security\nprofiles:\n  admin: {roles: [admin]}\n";

/// Somebody who can sign in.
const ANN: &str = "password: '$argon2id$v=19$m=19456,t=2,p=1$c29tZS1zYWx0LWZvci1kb2Nz$OkcqTyzBEsCqWNkFbYJqYDG2GZE6mOLGdGXDhnVUyrc'\n";

async fn house() -> House {
    house_with(&[]).await
}

async fn house_with(files: &[(&str, &str)]) -> House {
    House::with(&[&[("clients/second.yaml", CLIENT)][..], files].concat()).await
}

/// Asks as a person who signed in, by whatever client that is.
async fn by(
    house: &House,
    user: &str,
    operation: &str,
    (parameters, body): (&Value, &Value),
) -> Answer {
    let mut call = house.call(ADMIN, operation, parameters, body);
    call.caller = Caller { user: Some(user.to_owned()), ..caller(ADMIN) }.into();
    house.send(&call).await
}

async fn propose(house: &House, wish: Value) -> Value {
    house.done(ADMIN, "propose_audit_purge", json!({}), wish).await.body
}

#[tokio::test]
async fn what_one_asks_for_another_approves_and_both_are_recorded() {
    let house = house().await;
    let wish = json!({"older_than": "7d", "reason": "kept for a week, says ann@example.com"});
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
    assert!(
        why.ends_with(&format!("approved by {SECOND}: kept for a week, says [redacted]")),
        "{why}"
    );
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

/// Neither of two approves what the other asks for, and is told why.
async fn are_refused(house: &House, (one, other): (&str, &str), why: &str) {
    for (asks, agrees) in [(one, other), (other, one)] {
        let wish = json!({"before_record": 100, "reason": "r"});
        let asked = house.done(asks, "propose_audit_purge", json!({}), wish).await.body;
        let id = json!({"id": asked["id"]});
        let refused = house.ask(agrees, "approve_audit_purge", id, Value::Null).await;
        assert_eq!(refused.status, 403, "{asks} {agrees}: {}", refused.text);
        assert!(refused.text.contains(why), "{asks} {agrees}: {}", refused.text);
    }
    assert!(house.plane.purges().is_empty());
}

#[tokio::test]
async fn whom_one_let_in_is_no_second_person_in_either_order() {
    let house = house().await;
    let text = CLIENT.replace("security", "others");
    let mut write = commit(&[("clients/third.yaml", &text)]);
    write.author = SECOND.to_owned();
    house.store.commit(&write).await.unwrap();
    house.admin.start().await.unwrap();
    let why = format!("{SECOND} wrote clients/third.yaml");
    are_refused(&house, (SECOND, "third/admin"), &why).await;
}

#[tokio::test]
async fn what_let_somebody_in_by_another_name_counts_when_it_is_gone() {
    let house = house().await;
    let mut write = commit(&[("clients/second.yml", CLIENT)]);
    write.files.push(("clients/second.yaml".to_owned(), None));
    write.author = ADMIN.to_owned();
    house.store.commit(&write).await.unwrap();
    let mut back = commit(&[("clients/second.yaml", CLIENT)]);
    back.files.push(("clients/second.yml".to_owned(), None));
    house.store.commit(&back).await.unwrap();
    house.admin.start().await.unwrap();
    are_refused(&house, (ADMIN, SECOND), &format!("{ADMIN} wrote clients/second.yml")).await;
}

#[tokio::test]
async fn who_is_let_in_anew_behind_a_wish_does_not_approve_it() {
    let house = house().await;
    let id =
        json!({"id": propose(&house, json!({"before_record": 100, "reason": "r"})).await["id"]});
    let text = CLIENT.replace("security", "others");
    house.store.commit(&commit(&[("clients/second.yaml", &text)])).await.unwrap();
    house.admin.start().await.unwrap();
    let refused = house.ask(SECOND, "approve_audit_purge", id.clone(), Value::Null).await;
    assert!(refused.text.contains("ask for it again"), "{}", refused.text);
    house.done(ADMIN, "reject_audit_purge", id, Value::Null).await;
    let id =
        json!({"id": propose(&house, json!({"before_record": 100, "reason": "r"})).await["id"]});
    house.done(SECOND, "approve_audit_purge", id, Value::Null).await;
}

#[tokio::test]
async fn clients_of_one_owner_are_not_two_persons() {
    let same = CLIENT.replace("security", "platform");
    let house = House::with(&[("clients/second.yaml", &same)]).await;
    are_refused(&house, (ADMIN, SECOND), "different owners").await;
}

#[tokio::test]
async fn where_people_sign_in_two_of_them_want_a_purge_and_no_keys() {
    let house = house_with(&[("users/ann.yaml", ANN), ("users/bob.yaml", ANN)]).await;
    let wish = json!({"before_record": 100, "reason": "r"});
    let asked = by(&house, "local:ann", "propose_audit_purge", (&json!({}), &wish)).await;
    let id = json!({"id": asked.body["id"]});
    let key = house.ask(SECOND, "approve_audit_purge", id.clone(), Value::Null).await;
    assert!(key.status == 403 && key.text.contains("onedoor login"), "{}", key.text);
    let approve =
        async |user: &str| by(&house, user, "approve_audit_purge", (&id, &Value::Null)).await;
    assert_eq!(approve("local:ann").await.status, 403);
    // Somebody who acts in the name of another is not that other.
    let mut acting = house.call(ADMIN, "approve_audit_purge", &id, &Value::Null);
    let (user, actors) = (Some("local:bob".to_owned()), vec!["agents/reader".to_owned()]);
    acting.caller = Caller { user, actors, ..caller(ADMIN) }.into();
    assert_eq!(house.send(&acting).await.status, 403);
    let approved = approve("local:bob").await;
    assert_eq!(approved.status, 200, "{}", approved.text);
}

#[tokio::test]
async fn who_made_the_account_of_another_is_no_second_person_beside_them() {
    let house = house_with(&[("users/ann.yaml", ANN)]).await;
    let mut write = commit(&[("users/bob.yaml", ANN)]);
    write.author = format!("local:ann by {ADMIN}");
    house.store.commit(&write).await.unwrap();
    house.admin.start().await.unwrap();
    for (asks, agrees, want) in [
        ("local:ann", "local:bob", 403),
        ("local:bob", "local:ann", 403),
        ("local:bob", "corp:eve", 200),
    ] {
        let wish = json!({"before_record": 100, "reason": "r"});
        let asked = by(&house, asks, "propose_audit_purge", (&json!({}), &wish)).await;
        let id = json!({"id": asked.body["id"]});
        let answer = by(&house, agrees, "approve_audit_purge", (&id, &Value::Null)).await;
        assert_eq!(answer.status, want, "{asks} {agrees}: {}", answer.text);
    }
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
