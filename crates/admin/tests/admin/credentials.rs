//! API keys from issue to revocation.

use model::{How, LastUse, Way};
use serde_json::{Value, json};

use crate::house::{ADMIN, AUDITOR, Answer, House, now};

async fn issue(house: &House, body: Value) -> (String, String) {
    let issued = house.done(ADMIN, "issue_credential", json!({}), body).await;
    let text = |field: &str| issued.body[field].as_str().unwrap().to_owned();
    (text("id"), text("key"))
}

async fn get(house: &House, id: &str) -> Answer {
    house.ask(ADMIN, "get_credential", json!({"id": id}), Value::Null).await
}

fn viewer() -> Value {
    json!({"profile": "boss/viewer"})
}

#[tokio::test]
async fn a_key_is_shown_once_and_only_its_hmac_is_kept() {
    let house = House::new().await;
    let (id, key) = issue(&house, viewer()).await;
    let hmac = house.plane.hmac(&key);
    let texts = house.store.read().await.unwrap();
    let text = &texts.files[&*format!("credentials/{id}.yaml")];
    assert!(text.contains(&hmac) && !text.contains(&key), "{text}");
    let files = json!({"files": {}});
    for (who, operation, parameters, body) in [
        (ADMIN, "get_credential", json!({"id": id}), Value::Null),
        (ADMIN, "list_credentials", json!({}), Value::Null),
        (ADMIN, "list_credentials", json!({"sort": "hmac", "filter": "kind=api_key"}), Value::Null),
        (ADMIN, "list_credential_ages", json!({}), Value::Null),
        (ADMIN, "get_revision", json!({"number": 2}), Value::Null),
        (AUDITOR, "get_revision", json!({"number": 2}), Value::Null),
        (AUDITOR, "compare_revisions", json!({"from": 1}), Value::Null),
        (AUDITOR, "diff_state", json!({}), files.clone()),
        (ADMIN, "apply_state", json!({}), json!({"files": {}, "prune": false, "dry_run": true})),
        (ADMIN, "retire_credential", json!({"id": id, "force": true}), Value::Null),
    ] {
        let answer = house.done(who, operation, parameters, body).await;
        assert!(answer.text.contains(&id) || operation == "apply_state", "{}", answer.text);
        for secret in [&key, &hmac] {
            assert!(!answer.text.contains(&**secret), "{operation}: {}", answer.text);
        }
    }
    let found = house.done(
        ADMIN,
        "list_credentials",
        json!({"filter": format!("hmac={hmac}")}),
        Value::Null,
    );
    assert_eq!(found.await.body["total"], 0);
}

#[tokio::test]
async fn an_hmac_that_is_written_with_escapes_is_not_shown_either() {
    let house = House::new().await;
    let escaped = "\\x61b".repeat(32);
    let text =
        format!("profile: boss/viewer\nkind: api_key\nexpires: 2027-06-01\nhmac: \"{escaped}\"\n");
    let files = json!({"files": {"credentials/odd.yaml": text}});
    house.done(ADMIN, "apply_state", json!({}), files).await;
    let shown = house.done(AUDITOR, "get_revision", json!({"number": 2}), Value::Null).await;
    assert!(!shown.text.contains("x61b"), "{}", shown.text);
    let shown = house.done(AUDITOR, "get_credential", json!({"id": "odd"}), Value::Null).await;
    assert!(!shown.text.contains("abab"), "{}", shown.text);
}

#[tokio::test]
async fn a_key_ends_when_it_is_said_to_and_never_in_the_past() {
    let house = House::new().await;
    for (expires, want) in [
        (Value::Null, "2027-02-23"),
        (json!("1h"), "2026-11-25T13:00"),
        (json!("2027-01-31"), "2027-01-31"),
    ] {
        let mut body = viewer();
        body["expires"] = expires;
        let issued = house.done(ADMIN, "issue_credential", json!({}), body).await;
        assert!(issued.body["expires"].as_str().unwrap().starts_with(want), "{}", issued.text);
    }
    for expires in ["yesterday", "2020-01-01", "0s", "-1d", ""] {
        let body = json!({"profile": "boss/viewer", "expires": expires});
        let answer = house.ask(ADMIN, "issue_credential", json!({}), body).await;
        assert_eq!((answer.status, answer.fields()), (422, vec!["body.expires"]), "{expires:?}");
    }
    for profile in ["boss/nobody", "boss", "", "Boss/viewer", "anonymous/anonymous"] {
        let answer = house.ask(ADMIN, "issue_credential", json!({}), json!({"profile": profile}));
        let answer = answer.await;
        assert!([404, 422].contains(&answer.status), "{profile}: {}", answer.text);
    }
}

#[tokio::test]
async fn both_keys_are_good_while_one_takes_over_from_the_other() {
    let house = House::new().await;
    let (old, _) = issue(&house, json!({"profile": "boss/viewer", "expires": "30d"})).await;
    let body = json!({"overlap": "12h", "expires": "60d"});
    let new = house.done(ADMIN, "rotate_credential", json!({"id": old}), body).await;
    assert_eq!(new.status, 201);
    assert_eq!(new.revision(), house.admin.revision());
    let new = new.body["id"].as_str().unwrap();
    let (old_is, new_is) = (get(&house, &old).await, get(&house, new).await);
    let document = |of: &Answer| of.body["document"].clone();
    assert_eq!(document(&old_is)["state"], "retiring");
    assert_eq!(document(&old_is)["expires"], "2026-11-26");
    assert_eq!(document(&new_is)["expires"], "2027-01-24T12:00:00Z");
    // An overlap does not make the old key live longer than it would have.
    let body = json!({"overlap": "90d"});
    house.done(ADMIN, "rotate_credential", json!({"id": old}), body).await;
    assert_eq!(document(&get(&house, &old).await)["expires"], "2026-11-26");
    let wrong = house.ask(ADMIN, "rotate_credential", json!({"id": old}), json!({"overlap": "x"}));
    assert_eq!(wrong.await.fields(), ["body.overlap"]);
    house.done(ADMIN, "revoke_credential", json!({"id": old}), Value::Null).await;
    let late = house.ask(ADMIN, "rotate_credential", json!({"id": old}), json!({})).await;
    assert_eq!(late.status, 409, "{}", late.text);
}

#[tokio::test]
async fn what_is_revoked_stays_so_whichever_way_it_is_written() {
    let house = House::new().await;
    let (id, _) = issue(&house, viewer()).await;
    let issued = house.admin.revision();
    let path = format!("credentials/{id}.yaml");
    let active = house.store.read().await.unwrap().files[&*path].to_string();
    house.done(ADMIN, "revoke_credential", json!({"id": id}), Value::Null).await;
    let document = json!({"profile": "boss/viewer", "kind": "api_key", "expires": "2028-01-01"});
    let put = house.ask(ADMIN, "put_credential", json!({"id": id}), document).await;
    assert_eq!(put.status, 409, "{}", put.text);
    let retired = house.ask(ADMIN, "retire_credential", json!({"id": id}), Value::Null).await;
    assert_eq!(retired.status, 409, "{}", retired.text);
    let apply = house.ask(ADMIN, "apply_state", json!({}), json!({"files": {&path: active}})).await;
    assert_eq!(apply.status, 409, "{}", apply.text);
    let back = json!({"number": issued});
    house.done(ADMIN, "rollback_revision", back.clone(), json!({})).await;
    assert_eq!(get(&house, &id).await.body["document"]["state"], "revoked");
    // Nor does it come back to life after it was deleted.
    house.done(ADMIN, "delete_credential", json!({"id": id}), Value::Null).await;
    house.done(ADMIN, "rollback_revision", back.clone(), json!({})).await;
    assert_eq!(get(&house, &id).await.body["document"]["state"], "revoked");
    // Before it was made, neither it nor what it leads to has to be there.
    house.done(ADMIN, "rollback_revision", json!({"number": 1}), json!({})).await;
    assert_eq!(get(&house, &id).await.status, 404);
    house.done(ADMIN, "rollback_revision", back, json!({})).await;
    assert_eq!(get(&house, &id).await.body["document"]["state"], "revoked");
}

#[tokio::test]
async fn a_credential_that_was_only_deleted_comes_back_with_a_rollback() {
    let house = House::new().await;
    let (id, _) = issue(&house, viewer()).await;
    let issued = house.admin.revision();
    house.done(ADMIN, "delete_credential", json!({"id": id}), Value::Null).await;
    house.done(ADMIN, "rollback_revision", json!({"number": issued}), json!({})).await;
    assert_eq!(get(&house, &id).await.body["document"]["state"], Value::Null);
}

#[tokio::test]
async fn a_put_keeps_what_a_key_is_known_by_and_cannot_set_it() {
    let house = House::new().await;
    let (id, key) = issue(&house, viewer()).await;
    let mut document = get(&house, &id).await.body["document"].clone();
    document["expires"] = json!("2027-01-01");
    house.done(ADMIN, "put_credential", json!({"id": id}), document.clone()).await;
    let texts = house.store.read().await.unwrap();
    assert!(texts.files[&*format!("credentials/{id}.yaml")].contains(&house.plane.hmac(&key)));
    document["hmac"] = json!("ab".repeat(32));
    let set = house.ask(ADMIN, "put_credential", json!({"id": id}), document).await;
    assert_eq!(set.status, 422, "{}", set.text);
}

#[tokio::test]
async fn the_report_has_age_end_last_use_and_reach() {
    let house = House::with(&[(
        "credentials/old.yaml",
        &format!("profile: team/viewer\nkind: api_key\ncreated: 2026-11-01\nexpires: 2026-11-20\nhmac: {}\n", "ab".repeat(32)),
    )])
    .await;
    let (id, _) = issue(&house, viewer()).await;
    let how = Some(How { way: Way::TokenRequest, from: [192, 0, 2, 7].into() });
    house.store.note_uses(&[(id.clone(), LastUse { at: now(), how })]).await.unwrap();
    let report = house.done(ADMIN, "list_credential_ages", json!({"limit": 1}), Value::Null).await;
    assert_eq!((report.ids(), &report.body["next"]), (vec![&*id], &json!(id)));
    let line = &report.body["items"][0];
    assert_eq!((&line["age_days"], &line["state"]), (&json!(0), &json!("active")));
    assert_eq!(line["created"].as_str(), Some(&*now().to_string()));
    assert_eq!(line["last_used"].as_str(), Some(&*now().to_string()));
    assert_eq!(
        (&line["used_by"], &line["used_from"]),
        (&json!("token_request"), &json!("192.0.2.7"))
    );
    assert_eq!((&line["roles"], &line["anywhere"]), (&json!(["viewer"]), &json!(true)));
    let report =
        house.done(ADMIN, "list_credential_ages", json!({"cursor": id}), Value::Null).await;
    let line = &report.body["items"][0];
    assert_eq!((&line["age_days"], &line["state"]), (&json!(24), &json!("expired")));
    assert_eq!((&line["owner"], &line["last_used"]), (&json!("platform"), &Value::Null));
    let report = house.done(ADMIN, "list_credential_ages", json!({"client": "team"}), Value::Null);
    assert_eq!(report.await.ids(), ["old"]);
}

const IDP: &str = "issuer: https://idp.example
jwks: {keys: [{kty: OKP}]}
audiences: [door]
algorithms: [EdDSA]
";

fn jwks(x: &str) -> Value {
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x}]})
}

#[tokio::test]
async fn every_kind_is_issued_and_rotated_with_an_overlap() {
    let house = House::with(&[("issuers/idp.yaml", IDP)]).await;
    let external = |azp: &str| json!({"issuer": "idp", "claims": {"azp": azp}});
    let (one, other) = (jwks("one"), jwks("other"));
    for (kind, first, second) in [
        ("api_key", json!({}), json!({})),
        ("client_secret", json!({}), json!({})),
        ("private_key_jwt", json!({"jwks": one}), json!({"jwks": other})),
        ("private_key_jwt", json!({"jwks_url": "https://a.example/keys"}), json!({"jwks": other})),
        ("mtls", json!({"dns": "a.example"}), json!({"thumbprint": "ab".repeat(32)})),
        ("external", external("a"), external("b")),
    ] {
        let mut wish = first.clone();
        wish["profile"] = json!("boss/viewer");
        wish["kind"] = json!(kind);
        let old = house.done(ADMIN, "issue_credential", json!({}), wish).await;
        assert_eq!(old.body["kind"], kind);
        let old = old.body["id"].as_str().unwrap();
        let mut wish = second.clone();
        wish["overlap"] = json!("12h");
        let new = house.done(ADMIN, "rotate_credential", json!({"id": old}), wish).await;
        assert_eq!(new.status, 201);
        let (key, secret) = (new.body["key"].as_str(), new.body["secret"].as_str());
        assert_eq!(key.is_some_and(|it| it.starts_with("odk_")), kind == "api_key", "{kind}");
        let has_secret = secret.is_some_and(|it| it.starts_with("ods_"));
        assert_eq!(has_secret, kind == "client_secret", "{kind}");
        let old = get(&house, old).await.body["document"].clone();
        assert_eq!((&old["state"], &old["expires"]), (&json!("retiring"), &json!("2026-11-26")));
        let new = get(&house, new.body["id"].as_str().unwrap()).await.body["document"].clone();
        assert_eq!((&new["state"], &new["kind"]), (&Value::Null, &json!(kind)));
        for (name, value) in second.as_object().unwrap() {
            assert_eq!(&new[name], value, "{kind}");
        }
    }
}

#[tokio::test]
async fn what_does_not_fit_the_kind_is_named_and_nothing_is_made() {
    let house = House::new().await;
    let before = house.admin.revision();
    for (wish, field) in [
        (json!({"kind": "api_key", "dns": "a.example"}), "body.dns"),
        (json!({"kind": "client_secret", "jwks": jwks("x")}), "body.jwks"),
        (json!({"kind": "private_key_jwt"}), "body"),
        (json!({"kind": "private_key_jwt", "jwks": {"keys": []}}), "body.jwks"),
        (json!({"kind": "mtls"}), "body"),
        (json!({"kind": "mtls", "dns": "*.example"}), "body.dns"),
        (json!({"kind": "external", "issuer": "gone", "claims": {"azp": "a"}}), "body.issuer"),
        (json!({"kind": "api_key", "claims": {"azp": "a"}}), "body.claims"),
        (json!({"kind": "password"}), "body.kind"),
        (json!({"nonsense": true}), "nonsense"),
    ] {
        let mut wish = wish;
        wish["profile"] = json!("boss/viewer");
        let answer = house.ask(ADMIN, "issue_credential", json!({}), wish).await;
        assert_eq!((answer.status, answer.fields()), (422, vec![field]), "{}", answer.text);
    }
    assert_eq!(house.admin.revision(), before);
}

#[tokio::test]
async fn a_successor_is_known_by_something_else_and_is_of_the_same_kind() {
    let house = House::with(&[
        ("issuers/idp.yaml", IDP),
        ("credentials/theirs.yaml", "profile: boss/viewer\nkind: external\nissuer: idp\nclaims: {azp: a}\nexpires: 2027-06-01\n"),
    ])
    .await;
    for (wish, status, fields) in [
        (json!({"issuer": "idp", "claims": {"azp": "a"}}), 409, vec![]),
        (json!({"issuer": "idp"}), 422, vec!["body.claims"]),
        (json!({"issuer": "idp", "claims": {}}), 422, vec!["body.claims"]),
        (json!({"dns": "a.example"}), 422, vec!["body.claims", "body.dns", "body.issuer"]),
    ] {
        let id = json!({"id": "theirs"});
        let external = house.ask(ADMIN, "rotate_credential", id, wish).await;
        assert_eq!((external.status, external.fields()), (status, fields), "{}", external.text);
    }
    let wish = json!({"profile": "boss/viewer", "kind": "mtls", "dns": "a.example"});
    let issued = house.done(ADMIN, "issue_credential", json!({}), wish).await;
    let id = json!({"id": issued.body["id"]});
    let same = house.ask(ADMIN, "rotate_credential", id.clone(), json!({"dns": "A.example"})).await;
    assert_eq!(same.status, 409, "{}", same.text);
    let other = house.ask(ADMIN, "rotate_credential", id, json!({"jwks": jwks("x")})).await;
    assert_eq!(other.status, 422, "{}", other.text);
}

#[tokio::test]
async fn none_is_made_that_would_live_longer_than_its_profile_allows() {
    let client = "kind: app\nowner: o\nprofiles:\n  p: {rotation: {lifetime_max: 30d}}\n";
    let house = House::with(&[("clients/short.yaml", client)]).await;
    let wish = |expires: Value| json!({"profile": "short/p", "expires": expires});
    let usual = house.done(ADMIN, "issue_credential", json!({}), wish(Value::Null)).await;
    assert_eq!(usual.body["expires"], "2026-12-25T12:00:00.000000Z");
    let id = json!({"id": usual.body["id"]});
    house.done(ADMIN, "issue_credential", json!({}), wish(json!("30d"))).await;
    let late = house.ask(ADMIN, "issue_credential", json!({}), wish(json!("31d"))).await;
    assert_eq!((late.status, late.fields()), (422, vec!["body.expires"]), "{}", late.text);
    let late = house.ask(ADMIN, "rotate_credential", id, json!({"expires": "31d"})).await;
    assert_eq!((late.status, late.fields()), (422, vec!["body.expires"]), "{}", late.text);
}
