//! The old credential goes when nobody uses it any more, and every one when it is too old.

use std::time::Duration;

use model::{How, LastUse, Timestamp, Way};
use serde_json::{Value, json};

use crate::house::{ADMIN, Answer, EDITOR, House, now};

const SHORT: &str = "kind: app
owner: o
profiles:
  p: {rotation: {lifetime_max: 30d, warn_before: 7d}}
  q: {rotation: {quiet: 1h}}
";

fn used(at: Timestamp) -> LastUse {
    let how = Some(How { way: Way::Call, from: [192, 0, 2, 7].into() });
    LastUse { at, how }
}

fn before(seconds: u64) -> Timestamp {
    Timestamp::from_micros(now().as_micros() - i64::try_from(seconds * 1_000_000).unwrap())
}

/// The document of an API key.
fn key(profile: &str, more: &str) -> String {
    let hmac = format!("{:064x}", profile.len() * 1000 + more.len());
    format!("profile: {profile}\nkind: api_key\nexpires: 2027-06-01\nhmac: {hmac}\n{more}")
}

async fn retire(house: &House, id: &str, parameters: Value) -> Answer {
    let mut parameters = parameters;
    parameters["id"] = json!(id);
    house.ask(ADMIN, "retire_credential", parameters, Value::Null).await
}

async fn state(house: &House, id: &str) -> Value {
    let answer = house.ask(ADMIN, "get_credential", json!({"id": id}), Value::Null).await;
    answer.body["document"]["state"].clone()
}

#[tokio::test]
async fn an_old_key_that_is_still_used_is_not_retired_unless_that_is_forced() {
    let house = House::new().await;
    let wish = json!({"profile": "boss/viewer"});
    let old = house.done(ADMIN, "issue_credential", json!({}), wish).await;
    let old = old.body["id"].as_str().unwrap();
    house.plane.use_credential(old, used(before(60)));
    house.done(ADMIN, "rotate_credential", json!({"id": old}), json!({})).await;
    // Nobody took note of this use yet but the tables.
    let late = now().plus(Duration::from_secs(90));
    house.plane.use_credential(old, used(late));
    let refused = retire(&house, old, json!({})).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    for said in [&*late.to_string(), "with a call from 192.0.2.7", "force"] {
        assert!(refused.text.contains(said), "{said}: {}", refused.text);
    }
    assert_eq!(state(&house, old).await, "retiring");
    let again = retire(&house, old, json!({"force": false})).await;
    assert_eq!(again.status, 409, "{}", again.text);
    let forced = retire(&house, old, json!({"force": true, "reason": "it has leaked"})).await;
    assert_eq!((forced.status, &forced.body["state"]), (200, &json!("retired")));
    assert_eq!(state(&house, old).await, "retired");
    let successor = house.ask(ADMIN, "rotate_credential", json!({"id": old}), json!({})).await;
    assert_eq!(successor.status, 409, "what is retired came back: {}", successor.text);
}

#[tokio::test]
async fn a_key_goes_when_it_was_not_used_since_its_successor_or_for_as_long_as_is_said() {
    let replaced = format!("created: 2026-11-01\nreplaced: {}\nstate: retiring\n", before(3600));
    for (profile, more, last, is_retired) in [
        ("boss/viewer", &*replaced, before(3600), true),
        ("boss/viewer", &replaced, before(3599), false),
        ("boss/viewer", "", before(86_400), true),
        ("boss/viewer", "", before(86_399), false),
        ("short/q", "", before(3600), true),
        ("short/q", "", before(3599), false),
        ("short/q", &replaced, before(3600), true),
    ] {
        let files = [("clients/short.yaml", SHORT), ("credentials/old.yaml", &key(profile, more))];
        let house = House::with(&files).await;
        house.plane.use_credential("old", used(last));
        let retired = retire(&house, "old", json!({})).await;
        assert_eq!(retired.status == 200, is_retired, "{profile} {more} {last}: {}", retired.text);
    }
}

#[tokio::test]
async fn a_key_that_was_replaced_just_now_goes_when_every_replica_has_told_of_its_use() {
    for (profile, ago, is_retired) in [
        ("boss/viewer", 0, false),
        ("boss/viewer", 9, false),
        ("short/q", 9, false),
        ("boss/viewer", 10, true),
        ("short/q", 10, true),
    ] {
        let replaced = before(ago);
        let more = format!("created: 2026-11-01\nreplaced: {replaced}\nstate: retiring\n");
        let old = key(profile, &more);
        let files = [("clients/short.yaml", SHORT), ("credentials/old.yaml", old.as_str())];
        let house = House::with(&files).await;
        let retired = retire(&house, "old", json!({})).await;
        assert_eq!(retired.status == 200, is_retired, "{profile} {ago}: {}", retired.text);
        if !is_retired {
            let known = replaced.plus(LastUse::KNOWN_AFTER).to_string();
            assert!(retired.status == 409 && retired.text.contains(&known), "{}", retired.text);
            assert_eq!(state(&house, "old").await, "retiring");
            let forced = retire(&house, "old", json!({"force": true})).await;
            assert_eq!(forced.status, 200, "{}", forced.text);
        }
    }
}

#[tokio::test]
async fn a_key_that_was_made_just_now_goes_when_every_replica_has_told_of_its_use() {
    for (ago, status) in [(0, 409), (9, 409), (10, 200)] {
        let created = before(ago);
        let new = key("boss/viewer", &format!("created: {created}\n"));
        let house = House::with(&[("credentials/new.yaml", new.as_str())]).await;
        let retired = retire(&house, "new", json!({})).await;
        assert_eq!(retired.status, status, "{ago}: {}", retired.text);
        let known = created.plus(LastUse::KNOWN_AFTER).to_string();
        assert_eq!(retired.text.contains(&known), status == 409, "{}", retired.text);
    }
}

#[tokio::test]
async fn who_says_for_how_long_a_key_must_be_unused_is_judged_by_the_clock_of_the_door() {
    let replaced = format!("created: 2026-11-01\nreplaced: {}\nstate: retiring\n", before(7200));
    for (profile, last, time, is_retired) in [
        ("boss/viewer", before(1), "1h", false),
        ("boss/viewer", before(3599), "1h", false),
        ("boss/viewer", before(3600), "1h", true),
        // Instead of what its profile says, whichever is longer.
        ("short/q", before(3600), "2h", false),
        ("short/q", before(60), "1m", true),
    ] {
        let files =
            [("clients/short.yaml", SHORT), ("credentials/old.yaml", &key(profile, &replaced))];
        let house = House::with(&files).await;
        house.plane.use_credential("old", used(last));
        let retired = retire(&house, "old", json!({"unused_for": time})).await;
        assert_eq!(retired.status == 200, is_retired, "{profile} {last} {time}: {}", retired.text);
    }
}

#[tokio::test]
async fn nobody_names_a_time_in_which_other_replicas_have_not_told_of_a_use() {
    let ago = |seconds| format!("replaced: {}\nstate: retiring\n", before(seconds));
    let old = |seconds| key("boss/viewer", &format!("created: 2026-11-01\n{}", ago(seconds)));
    let house = House::with(&[("credentials/old.yaml", &*old(3600))]).await;
    for time in ["19s", "19999ms", "0s", "soon"] {
        let refused = retire(&house, "old", json!({"unused_for": time})).await;
        assert_eq!(refused.status, 422, "{time}: {}", refused.text);
        assert!(refused.text.contains("unused_for"), "{}", refused.text);
    }
    assert_eq!(retire(&house, "old", json!({"unused_for": "20s"})).await.status, 200);
    // What was replaced just now is kept, however little is asked for.
    let house = House::with(&[("credentials/old.yaml", &*old(9))]).await;
    assert_eq!(retire(&house, "old", json!({"unused_for": "20s"})).await.status, 409);
}

#[tokio::test]
async fn what_is_due_or_too_old_is_listed_by_its_profile_s_policy() {
    let of = |created: &str| key("short/p", &format!("created: {created}\n"));
    let files = [
        ("clients/short.yaml", SHORT),
        ("credentials/fresh.yaml", &of("2026-11-10")),
        ("credentials/due.yaml", &of("2026-11-01T00:00:00Z")),
        ("credentials/over.yaml", &of("2026-10-01T00:00:00.5Z")),
    ];
    let house = House::with(&files).await;
    let report =
        |parameters: Value| house.done(ADMIN, "list_credential_ages", parameters, Value::Null);
    assert_eq!(report(json!({"due": true})).await.ids(), ["due", "over"]);
    assert_eq!(report(json!({"due": false})).await.ids(), ["fresh"]);
    let all = report(json!({})).await;
    let lines = all.body["items"].as_array().unwrap();
    let said = |of: &str| {
        let it = lines.iter().find(|it| it["id"] == of).unwrap();
        (it["expires"].as_str().unwrap().split('T').next().unwrap().to_owned(), it["state"].clone())
    };
    assert_eq!(said("fresh"), ("2026-12-10".to_owned(), json!("active")));
    assert_eq!(said("due"), ("2026-12-01".to_owned(), json!("active")));
    assert_eq!(said("over"), ("2026-10-31".to_owned(), json!("expired")));
}

#[tokio::test]
async fn nobody_makes_a_credential_younger_or_its_life_longer_without_holding_what_it_gives() {
    let client =
        "kind: app\nowner: o\nprofiles:\n  p: {roles: [admin], rotation: {lifetime_max: 30d}}\n";
    let credential = key("top/p", "created: 2026-11-01\n");
    let files = [("clients/top.yaml", client), ("credentials/old.yaml", &credential)];
    let house = House::with(&files).await;
    let put = |who, operation, id: &str, document: Value| {
        house.ask(who, operation, json!({"id": id}), document)
    };
    let profile = |longest: &str| {
        let rotation = json!({"lifetime_max": longest});
        let profiles = json!({"p": {"roles": ["admin"], "rotation": rotation}});
        json!({"kind": "app", "owner": "o", "profiles": profiles})
    };
    let document = |created: &str| json!({"profile": "top/p", "kind": "api_key", "created": created, "expires": "2027-06-01"});
    let younger = put(EDITOR, "put_credential", "old", document("2026-11-20")).await;
    assert_eq!(younger.status, 403, "{}", younger.text);
    let longer = put(EDITOR, "put_client", "top", profile("31d")).await;
    assert_eq!(longer.status, 403, "{}", longer.text);
    let shorter = put(EDITOR, "put_client", "top", profile("29d")).await;
    assert_eq!(shorter.status, 200, "{}", shorter.text);
    let future = put(ADMIN, "put_credential", "old", document("2026-12-24")).await;
    assert_eq!(future.status, 409, "{}", future.text);
    retire(&house, "old", json!({})).await;
    let back = put(EDITOR, "put_credential", "old", document("2026-11-01")).await;
    assert_eq!(back.status, 403, "{}", back.text);
}

#[tokio::test]
async fn a_longest_life_is_not_put_on_credentials_of_unknown_age() {
    let house = House::with(&[("credentials/old.yaml", &*key("team/viewer", ""))]).await;
    let profiles = json!({"viewer": {"rotation": {"lifetime_max": "30d"}}});
    let document = json!({"kind": "app", "owner": "platform", "profiles": profiles});
    let refused = house.ask(ADMIN, "put_client", json!({"id": "team"}), document).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(refused.text.contains("created is missing"), "{}", refused.text);
}
