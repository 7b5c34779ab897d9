//! Old segments of the audit log go when two people want it, and not before.

use std::iter;

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

const ISSUER: &str = "issuer: https://idp.example\njwks_url: https://idp.example/keys\naudiences: [door]\nalgorithms: [RS256]\n";

/// A credential of the client `key`: tokens of the issuer `idp`.
const TOKEN: &str =
    "profile: key/admin\nkind: external\nissuer: idp\nclaims: {azp: key}\nexpires: 2027-06-01\n";

const BY_ANN: &str = "local:ann by boss/admin";

/// Who wrote which file, and what; nothing where they took it away.
type Wrote<'a> = (&'a str, &'a str, Option<&'a str>);

async fn write(house: &House, wrote: &[Wrote<'_>]) {
    for (author, path, text) in wrote {
        let mut write = commit(&[]);
        write.author = (*author).to_owned();
        write.files.push(((*path).to_owned(), text.map(str::to_owned)));
        house.store.commit(&write).await.unwrap();
    }
    house.admin.start().await.unwrap();
}

/// Whether two people count as two behind what was written, in either order; or why they do not.
async fn check(wrote: &[Wrote<'_>], [one, other]: [&str; 2], why: Option<&str>) {
    let files = [("clients/key.yaml", CLIENT), ("users/ann.yaml", ANN), ("users/bob.yaml", ANN)];
    let house = house_with(&files).await;
    write(&house, wrote).await;
    for (asks, agrees) in [(one, other), (other, one)] {
        let wish = json!({"before_record": 100, "reason": "r"});
        let asked = by(&house, asks, "propose_audit_purge", (&json!({}), &wish)).await;
        let id = json!({"id": asked.body["id"]});
        let answer = by(&house, agrees, "approve_audit_purge", (&id, &Value::Null)).await;
        let status = if why.is_some() { 403 } else { 200 };
        assert_eq!(answer.status, status, "{asks} {agrees}: {}", answer.text);
        assert!(answer.text.contains(why.unwrap_or_default()), "{why:?}: {}", answer.text);
    }
}

#[tokio::test]
async fn who_declares_an_issuer_is_no_second_person_beside_people_of_it() {
    let own = (BY_ANN, "issuers/own.yaml", Some(ISSUER));
    let why = Some("local:ann by boss/admin wrote issuers/own.yaml");
    check(&[own], ["local:ann", "own:bob"], why).await;
    // Nor beside whom these let in.
    let zed = ("own:bob by boss/admin", "users/zed.yaml", Some(ANN));
    check(&[own, zed], ["local:ann", "local:zed"], why).await;
    // Nor is one of its people who wrote it.
    let text = ISSUER.replace("RS256", "ES256");
    let one = ("own:one by boss/admin", "issuers/own.yaml", Some(&*text));
    let why = Some("own:one by boss/admin wrote issuers/own.yaml");
    check(&[own, one], ["own:one", "own:two"], why).await;
}

#[tokio::test]
async fn people_of_an_issuer_that_is_declared_behind_a_wish_do_not_approve_it() {
    let house = house_with(&[("users/ann.yaml", ANN)]).await;
    let wish = json!({"before_record": 100, "reason": "r"});
    let asked = by(&house, "local:ann", "propose_audit_purge", (&json!({}), &wish)).await;
    write(&house, &[("local:eve by boss/admin", "issuers/own.yaml", Some(ISSUER))]).await;
    let id = json!({"id": asked.body["id"]});
    let refused = by(&house, "own:bob", "approve_audit_purge", (&id, &Value::Null)).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert!(refused.text.contains("ask for it again"), "{}", refused.text);
}

#[tokio::test]
async fn two_people_of_an_issuer_that_somebody_else_declared_are_two() {
    let corp = (BY_ANN, "issuers/corp.yaml", Some(ISSUER));
    check(&[corp], ["corp:bob", "corp:eve"], None).await;
    check(&[corp], ["corp:bob", "local:bob"], None).await;
}

#[tokio::test]
async fn whom_a_key_let_in_is_no_second_person_beside_who_made_the_key() {
    let two = ["local:ann", "local:zed"];
    let (others, changed) =
        (CLIENT.replace("security", "others"), ISSUER.replace("RS256", "ES256"));
    let issuer = ("init", "issuers/idp.yaml", Some(ISSUER));
    let token = ("init", "credentials/token.yaml", Some(TOKEN));
    let zed = ("key/admin", "users/zed.yaml", Some(ANN));
    let client_of_ann = (BY_ANN, "clients/key.yaml", Some(&*others));
    let issuer_of_ann = (BY_ANN, "issuers/idp.yaml", Some(&*changed));
    let token_of_ann = (BY_ANN, "credentials/token.yaml", Some(TOKEN));
    let gone = (BY_ANN, "credentials/token.yaml", None);

    check(&[client_of_ann, zed], two, Some("wrote clients/key.yaml")).await;
    let why = Some("wrote credentials/token.yaml");
    check(&[issuer, token_of_ann, zed], two, why).await;
    check(&[issuer, token_of_ann, zed, gone], two, why).await;
    check(&[issuer, token, issuer_of_ann, zed], two, Some("wrote issuers/idp.yaml")).await;
    // Somebody else is, and so is who came to the key when that was done.
    check(&[client_of_ann, zed], ["local:bob", "local:zed"], None).await;
    check(&[issuer, zed, client_of_ann, token_of_ann, issuer_of_ann], two, None).await;
}

#[tokio::test]
async fn who_wrote_the_client_of_another_is_no_second_person_beside_them() {
    let text = CLIENT.replace("security", "others");
    let house = house_with(&[("users/ann.yaml", ANN), ("users/bob.yaml", ANN)]).await;
    write(&house, &[(BY_ANN, "clients/second.yaml", Some(&*text))]).await;
    let wish = json!({"before_record": 100, "reason": "r"});
    let asked = by(&house, "local:ann", "propose_audit_purge", (&json!({}), &wish)).await;
    let id = json!({"id": asked.body["id"]});
    let mut call = house.call(SECOND, "approve_audit_purge", &id, &Value::Null);
    call.caller = Caller { user: Some("local:bob".to_owned()), ..caller(SECOND) }.into();
    let refused = house.send(&call).await;
    assert!(refused.text.contains("wrote clients/second.yaml"), "{}", refused.text);
    // By another client they are two.
    let approved = by(&house, "local:bob", "approve_audit_purge", (&id, &Value::Null)).await;
    assert_eq!(approved.status, 200, "{}", approved.text);
}

#[tokio::test]
async fn whom_too_many_stand_behind_is_not_known_to_be_another() {
    let name = |number: usize| (format!("k{number}/admin"), format!("clients/k{number}.yaml"));
    let names: Vec<_> = (0..=101).map(name).collect();
    let authors = iter::once("init").chain(names.iter().map(|it| &*it.0));
    let paths = names.iter().map(|it| &*it.1);
    let mut wrote: Vec<Wrote<'_>> =
        authors.zip(paths).map(|(author, path)| (author, path, Some(CLIENT))).collect();
    let (last, _) = names.last().unwrap();
    wrote.push((last.as_str(), "users/zed.yaml", Some(ANN)));
    check(&wrote, ["local:ann", "local:zed"], Some("more than 100 authors")).await;
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
