//! Key-encryption keys are rotated while the door runs, and no value gets lost.

use model::{Secret, SecretId};
use secrets::{Keyring, Sealed, UPSTREAM_PURPOSE};
use serde_json::{Value, json};
use store::{Location, SealedChange, SealedVersion, Store};
use tempfile::TempDir;

use crate::house::{ADMIN, AUDITOR, Answer, House, commit};

/// A keyring of these keys, the first of which seals. The same id is the same key.
fn keyring(ids: &[&str]) -> Keyring {
    let key = |id: &str| format!("{id} {}=\n", id.repeat(22).get(..43).unwrap().replace('-', "A"));
    Keyring::parse(&Secret::new(ids.iter().map(|it| key(it)).collect())).unwrap()
}

fn place() -> (TempDir, Location) {
    let folder = TempDir::new().unwrap();
    let location = Location::Sqlite(folder.path().join("onedoor.db"));
    (folder, location)
}

async fn house(location: &Location, keys: &[&str]) -> House {
    House::keyed(location, &[], keyring(keys)).await
}

async fn add(house: &House, id: &str, value: &str) {
    let declared = json!({"owner": "x", "source": "store"});
    house.done(ADMIN, "put_secret", json!({"id": id}), declared).await;
    house.done(ADMIN, "add_secret_version", json!({"id": id}), json!({"value": value})).await;
}

async fn rewrap(house: &House) -> Answer {
    house.done(ADMIN, "rewrap_secrets", json!({}), json!({"reason": "a new key"})).await
}

/// Secret, version, state and key of all that is stored.
async fn stored(store: &Store) -> Vec<String> {
    let versions = store.sealed().await.unwrap().into_iter();
    let said = versions.map(|it| format!("{}#{} {} {}", it.secret, it.version, it.state, it.key));
    said.collect()
}

fn opened(keys: &[&str], it: &SealedVersion) -> Vec<u8> {
    let sealed = Sealed { key: it.key.clone(), bytes: it.sealed.clone() };
    let opened = secrets::open(&keyring(keys), &it.secret, it.version, UPSTREAM_PURPOSE, &sealed);
    opened.unwrap().expose().clone()
}

async fn part(house: &House) -> Value {
    let health = house.done(AUDITOR, "get_health", json!({}), Value::Null).await;
    let parts = health.body["parts"].as_array().unwrap();
    parts.iter().find(|it| it["name"] == "keyring").unwrap().clone()
}

#[tokio::test]
async fn every_version_comes_under_the_newest_key_and_keeps_value_and_state() {
    let (_folder, location) = place();
    let old = house(&location, &["k1"]).await;
    add(&old, "crm", "one").await;
    add(&old, "crm", "two").await;
    add(&old, "erp", "three").await;
    let house = house(&location, &["k2", "k1"]).await;
    add(&house, "erp", "four").await;
    let before = house.store.head().await.unwrap();
    assert_eq!(part(&house).await["detail"], "k2 seals, with 1 version; k1 opens 3 versions");

    let done = rewrap(&house).await.body;
    assert_eq!((&done["key"], &done["rewrapped"]), (&json!("k2"), &json!(3)), "{done}");
    assert_eq!((&done["already"], &done["revision"]), (&json!(1), &json!(before + 1)), "{done}");
    assert_eq!((&done["unknown"], &done["broken"]), (&json!([]), &json!([])), "{done}");
    let want = ["crm#1 retiring k2", "crm#2 active k2", "erp#1 retiring k2", "erp#2 active k2"];
    assert_eq!(stored(&house.store).await, want);
    let sealed = house.store.sealed().await.unwrap();
    let values: Vec<_> = sealed.iter().map(|it| opened(&["k2"], it)).collect();
    assert_eq!(values, [&b"one"[..], b"two", b"three", b"four"]);
    let part = part(&house).await;
    assert_eq!(part["detail"], "k2 seals, with 4 versions; k1 opens 0 versions");

    let revision = json!({"number": before + 1});
    let revision = house.done(ADMIN, "get_revision", revision, Value::Null).await.body;
    assert_eq!(revision["revision"]["reason"], "a new key");
    let want = json!({
        "path": "secrets/crm#1", "action": "changed", "before": "key: k1\n", "after": "key: k2\n",
    });
    assert_eq!((&revision["changes"][0], &revision["revision"]["changed"]), (&want, &json!(3)));
}

#[tokio::test]
async fn a_second_time_changes_nothing() {
    let (_folder, location) = place();
    add(&house(&location, &["k1"]).await, "crm", "one").await;
    let house = house(&location, &["k2", "k1"]).await;
    let first = rewrap(&house).await.body;
    let sealed = house.store.sealed().await.unwrap();
    let second = rewrap(&house).await.body;
    assert_eq!((&second["rewrapped"], &second["already"]), (&json!(0), &json!(1)), "{second}");
    assert_eq!(second["revision"], first["revision"]);
    assert_eq!(house.store.sealed().await.unwrap(), sealed);
}

#[tokio::test]
async fn a_key_that_is_gone_is_named_and_what_is_under_it_stays() {
    let (_folder, location) = place();
    add(&house(&location, &["k0"]).await, "crm", "lost-value").await;
    add(&house(&location, &["k1"]).await, "erp", "one").await;
    let house = house(&location, &["k2", "k1"]).await;
    let done = rewrap(&house).await;
    let unknown = json!([{
        "key": "k0", "versions": 1, "signing_keys": 0, "second_factors": 0, "body_keys": 0,
    }]);
    assert_eq!(done.body["unknown"], unknown, "{}", done.text);
    assert_eq!(done.body["rewrapped"], 1, "{}", done.text);
    assert_eq!(stored(&house.store).await, ["crm#1 active k0", "erp#1 active k2"]);
    let part = part(&house).await;
    assert_eq!(part["ok"], false, "{part}");
    assert!(part["detail"].as_str().unwrap().ends_with("k0 is missing, with 1 version"), "{part}");
    // With the key back, the value is there again.
    let house = House::keyed(&location, &[], keyring(&["k2", "k1", "k0"])).await;
    assert_eq!(rewrap(&house).await.body["rewrapped"], 1);
    assert_eq!(opened(&["k2"], &house.store.sealed().await.unwrap()[0]), b"lost-value");
}

#[tokio::test]
async fn a_key_is_in_use_while_anything_is_sealed_under_it() {
    let (_folder, location) = place();
    let house = house(&location, &["k2", "k1"]).await;
    let used = async || house.admin.sealing_keys_in_use().await.unwrap();
    assert_eq!(used().await, <[String; 0]>::default());
    for (key, body_keys, second_factors, want) in [
        ("k1", 0, 1, "k2 seals, with 0 versions; k1 opens 0 versions, 1 second factor"),
        ("k1", 2, 0, "k2 seals, with 0 versions; k1 opens 0 versions, 2 body keys"),
        ("k2", 1, 1, "k2 seals, with 0 versions, 1 second factor, 1 body key; k1 opens 0 versions"),
        (
            "k0",
            0,
            3,
            "k2 seals, with 0 versions; k1 opens 0 versions; k0 is missing, with 0 versions, 3 second factors",
        ),
    ] {
        house.plane.seal(key, body_keys, second_factors);
        assert_eq!(used().await, [key]);
        let part = part(&house).await;
        assert_eq!((&part["detail"], &part["ok"]), (&json!(want), &json!(key != "k0")));
    }
    house.plane.seal("k1", 0, 0);
    assert_eq!(used().await, <[String; 0]>::default());
}

#[tokio::test]
async fn what_was_tampered_with_is_named_and_holds_up_no_other() {
    let (_folder, location) = place();
    let old = house(&location, &["k1"]).await;
    for id in ["a", "b", "c"] {
        add(&old, id, "value").await;
    }
    let tampered = SealedVersion {
        sealed: b"\x01 of another form".to_vec(),
        ..old.store.sealed_of(&SecretId::parse("b").unwrap()).await.unwrap().remove(0)
    };
    let delete = SealedChange::Delete { secret: tampered.secret.clone(), version: 1 };
    let sealed = vec![delete, SealedChange::Put(tampered)];
    old.store.commit(&store::Commit { sealed, ..commit(&[]) }).await.unwrap();
    let house = house(&location, &["k2", "k1"]).await;
    let done = rewrap(&house).await;
    assert_eq!(done.body["broken"], json!([{"id": "b", "version": 1}]), "{}", done.text);
    assert_eq!(stored(&house.store).await, ["a#1 active k2", "b#1 active k1", "c#1 active k2"]);
}

#[tokio::test]
async fn many_versions_are_several_revisions() {
    let (_folder, location) = place();
    let old = house(&location, &["k1"]).await;
    add(&old, "crm", "value").await;
    let crm = SecretId::parse("crm").unwrap();
    let put = |version: u32| {
        let value = Secret::new(format!("value {version}").into_bytes());
        let sealed = secrets::seal(&keyring(&["k1"]), &crm, version, UPSTREAM_PURPOSE, &value);
        let Sealed { key, bytes: sealed } = sealed.unwrap();
        let (secret, state) = (crm.clone(), "retiring".to_owned());
        let created = crate::house::now();
        SealedChange::Put(SealedVersion { secret, version, state, key, sealed, created })
    };
    let sealed = (2..=250).map(put).collect();
    old.store.commit(&store::Commit { sealed, ..commit(&[]) }).await.unwrap();
    let house = house(&location, &["k2", "k1"]).await;
    let before = house.store.head().await.unwrap();
    let done = rewrap(&house).await.body;
    assert_eq!((&done["rewrapped"], &done["revision"]), (&json!(250), &json!(before + 3)));
    let sealed = house.store.sealed().await.unwrap();
    assert!(sealed.iter().all(|it| it.key == "k2"));
    assert_eq!(opened(&["k2"], sealed.last().unwrap()), b"value 250");
}

#[tokio::test]
async fn nothing_is_lost_where_others_change_secrets_at_the_same_time() {
    let (_folder, location) = place();
    let old = house(&location, &["k1"]).await;
    for round in 0..4 {
        add(&old, "crm", &format!("crm {round}")).await;
        add(&old, "erp", &format!("erp {round}")).await;
    }
    let one = house(&location, &["k2", "k1"]).await;
    let other = house(&location, &["k2", "k1"]).await;
    let parameters = json!({"id": "crm", "version": 2});
    let revoked = json!({"state": "revoked"});
    let (first, second, state, gone, ()) = tokio::join!(
        rewrap(&one),
        rewrap(&other),
        other.ask(ADMIN, "set_secret_version_state", parameters, revoked),
        one.ask(ADMIN, "delete_secret", json!({"id": "erp"}), Value::Null),
        add(&other, "crm", "crm 4"),
    );
    assert_eq!((state.status, gone.status), (200, 200), "{} {}", state.text, gone.text);
    let rewrapped = [&first, &second].map(|it| it.body["rewrapped"].as_u64().unwrap());
    assert!(rewrapped[0] + rewrapped[1] <= 8, "{} {}", first.text, second.text);
    let want = [
        "crm#1 retiring k2",
        "crm#2 revoked k2",
        "crm#3 retiring k2",
        "crm#4 retiring k2",
        "crm#5 active k2",
    ];
    assert_eq!(stored(&one.store).await, want);
    for (number, it) in (0..).zip(one.store.sealed().await.unwrap()) {
        assert_eq!(opened(&["k2"], &it), format!("crm {number}").into_bytes());
    }
}

#[tokio::test]
async fn whose_role_is_bounded_touches_no_keys() {
    let files = [(
        "clients/bounded.yaml",
        "kind: app\nowner: x\nprofiles:\n  p: {roles: [{role: admin, owners: [x]}]}\n",
    )];
    let house = House::with(&files).await;
    let refused = house.ask("bounded/p", "rewrap_secrets", json!({}), json!({})).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
}
