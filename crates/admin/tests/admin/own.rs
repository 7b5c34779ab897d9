//! What a client does with the credentials of its own profile.

use std::sync::Arc;

use admin::{Admin, Call};
use model::{Caller, CertificateName, ClientCertificate, Clock, LastUse, Timestamp};
use serde_json::{Value, json};

use crate::{
    house::{ADMIN, Answer, EDITOR, House, now, own_call},
    plane::TestPlane,
};

const SHOP: &str = "kind: agent
owner: shop-team
profiles:
  own: {roles: [viewer], rotation: {lifetime_max: 30d, self_service: true}}
  other: {roles: [viewer], rotation: {lifetime_max: 30d, self_service: true}}
  plain: {roles: [viewer], rotation: {lifetime_max: 30d}}
  long: {roles: [viewer], rotation: {lifetime_max: 365d, self_service: true}}
";
const OWN: &str = "shop/own";

async fn house() -> House {
    House::with(&[("clients/shop.yaml", SHOP)]).await
}

async fn issue(house: &House, wish: Value) -> String {
    let issued = house.done(ADMIN, "issue_credential", json!({}), wish).await;
    issued.body["id"].as_str().unwrap().to_owned()
}

async fn document(house: &House, id: &Value) -> Value {
    let answer = house.done(ADMIN, "get_credential", json!({"id": id}), Value::Null).await;
    answer.body["document"].clone()
}

async fn rotate(house: &House, id: &str, wish: Value) -> Answer {
    house.ask_own(OWN, "rotate_credential", json!({"id": id}), wish).await
}

async fn retire(house: &House, id: &str, force: bool) -> Answer {
    let parameters = json!({"id": id, "force": force});
    house.ask_own(OWN, "retire_credential", parameters, Value::Null).await
}

fn certificate(thumbprint: u8, name: &str) -> ClientCertificate {
    ClientCertificate {
        thumbprint: [thumbprint; 32],
        is_trusted: true,
        subject: "CN=x".to_owned(),
        names: vec![CertificateName::Dns(name.to_owned())],
        expires: Timestamp::parse("2028-01-01").unwrap(),
    }
}

fn jwks(key: &str) -> Value {
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": key, "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})
}

#[tokio::test]
async fn a_client_sees_its_own_and_how_old_they_are() {
    let house = house().await;
    let id = issue(&house, json!({"profile": OWN})).await;
    issue(&house, json!({"profile": "shop/other"})).await;
    house.store.note_uses(&[(id.clone(), LastUse { at: now(), how: None })]).await.unwrap();
    let list = house.ask_own(OWN, "list_credentials", json!({}), Value::Null).await;
    let want = json!({"profile": OWN, "items": [{
        "id": id, "kind": "api_key", "state": "active", "current": false, "age_days": 0,
        "expires": "2026-12-25T12:00:00.000000Z", "due": false,
        "due_at": "2026-12-11T12:00:00.000000Z", "replaced": null,
        "last_used": "2026-11-25T12:00:00.000000Z", "used_by": null, "used_from": null,
    }]});
    assert_eq!((list.status, list.body), (200, want));
}

#[tokio::test]
async fn a_client_replaces_its_own_key_and_retires_the_old_one() {
    let house = house().await;
    let old = issue(&house, json!({"profile": OWN})).await;
    let alone = retire(&house, &old, true).await;
    assert_eq!(alone.status, 409, "{}", alone.text);
    assert!(alone.text.contains("the only good one"), "{}", alone.text);
    let new = rotate(&house, &old, json!({"overlap": "2d", "reason": "it is Monday"})).await;
    assert_eq!(new.status, 201, "{}", new.text);
    assert_eq!(new.body["expires"], "2026-12-25T12:00:00.000000Z", "as the policy has it");
    let (id, key) = (new.body["id"].as_str().unwrap(), new.body["key"].as_str().unwrap());
    let texts = house.store.read().await.unwrap();
    let text = &texts.files[&*format!("credentials/{id}.yaml")];
    assert!(text.contains(&house.plane.hmac(key)) && !text.contains(key), "{text}");
    let before = document(&house, &json!(old)).await;
    let said = (&before["state"], &before["expires"]);
    assert_eq!(said, (&json!("retiring"), &json!("2026-11-27T12:00:00Z")));
    let number = json!({"number": new.revision()});
    let revision = house.done(ADMIN, "get_revision", number, Value::Null).await;
    let summary = &revision.body["revision"];
    assert_eq!((&summary["author"], &summary["reason"]), (&json!(OWN), &json!("it is Monday")));
    assert!(!revision.text.contains(key), "{}", revision.text);

    let later = now().plus(std::time::Duration::from_secs(60));
    house.plane.use_credential(&old, LastUse { at: later, how: None });
    let used = retire(&house, &old, false).await;
    assert_eq!(used.status, 409, "{}", used.text);
    assert!(used.text.contains("was used after"), "{}", used.text);
    assert_eq!(retire(&house, &old, true).await.status, 200);
    assert_eq!(document(&house, &json!(old)).await["state"], "retired");
    let late = rotate(&house, &old, json!({})).await;
    assert_eq!(late.status, 409, "{}", late.text);
}

#[tokio::test]
async fn nothing_lives_longer_by_it_than_the_profile_allows() {
    let house = house().await;
    let id = issue(&house, json!({"profile": OWN})).await;
    let late = rotate(&house, &id, json!({"expires": "31d"})).await;
    assert_eq!((late.status, late.fields()), (422, vec!["body.expires"]), "{}", late.text);
    // An overlap makes nothing live longer either.
    let new = rotate(&house, &id, json!({"expires": "1d", "overlap": "300d"})).await;
    assert_eq!(new.body["expires"], "2026-11-26T12:00:00.000000Z", "{}", new.text);
    let old = document(&house, &json!(id)).await;
    assert_eq!(old["expires"], "2026-12-25T12:00:00Z");
}

#[tokio::test]
async fn what_a_client_makes_for_itself_lives_for_90_days_at_most() {
    let house = house().await;
    let id = issue(&house, json!({"profile": "shop/long", "expires": "300d"})).await;
    let rotate = async |wish: Value| {
        house.ask_own("shop/long", "rotate_credential", json!({"id": id}), wish).await
    };
    for expires in ["91d", "300d", "2027-02-24"] {
        let late = rotate(json!({"expires": expires})).await;
        assert_eq!((late.status, late.fields()), (422, vec!["body.expires"]), "{}", late.text);
    }
    for wish in [json!({}), json!({"expires": "90d"})] {
        let new = rotate(wish).await;
        assert_eq!(new.body["expires"], "2027-02-23T12:00:00.000000Z", "{}", new.text);
    }
}

#[tokio::test]
async fn which_tokens_lead_to_a_profile_is_not_for_their_holder_to_say() {
    let idp = "issuer: https://idp.example\njwks: {keys: [{kty: OKP}]}\naudiences: [door]\nalgorithms: [EdDSA]\n";
    let house = House::with(&[("clients/shop.yaml", SHOP), ("issuers/idp.yaml", idp)]).await;
    let external =
        json!({"profile": OWN, "kind": "external", "issuer": "idp", "claims": {"azp": "a"}});
    let id = issue(&house, external).await;
    let refused = rotate(&house, &id, json!({})).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert!(refused.text.contains("operator says by which claims"), "{}", refused.text);
    let named = json!({"issuer": "idp", "claims": {"azp": "b"}});
    let refused = rotate(&house, &id, named).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
}

#[tokio::test]
async fn what_is_another_profiles_is_not_there_and_who_may_not_changes_nothing() {
    let house = house().await;
    let theirs = issue(&house, json!({"profile": "shop/other"})).await;
    let plain = issue(&house, json!({"profile": "shop/plain"})).await;
    let before = house.admin.revision();
    for (operation, body) in [("rotate_credential", json!({})), ("retire_credential", Value::Null)]
    {
        let mut told = Vec::new();
        for id in [&*theirs, "absent"] {
            let absent = house.ask_own(OWN, operation, json!({"id": id}), body.clone()).await;
            assert_eq!(absent.status, 404, "{operation}: {}", absent.text);
            told.push(absent.text.replace(id, "ID"));
        }
        assert_eq!(told[0], told[1], "it tells that there is one");
        let id = json!({"id": plain});
        let denied = house.ask_own("shop/plain", operation, id.clone(), body.clone()).await;
        assert_eq!(denied.status, 403, "{operation}: {}", denied.text);
        let mut call = own_call(OWN, operation, &id, &body);
        let caller = Caller::clone(&call.caller);
        call.caller = Arc::new(Caller { user: Some("ann".to_owned()), ..caller });
        let denied = house.send_own(&call).await;
        assert_eq!(denied.status, 403, "{operation}: {}", denied.text);
    }
    let denied = house.ask_own("shop/plain", "list_credentials", json!({}), Value::Null).await;
    assert_eq!(denied.status, 403, "{}", denied.text);
    // Management is not reached by it.
    let mut call = own_call(OWN, "list_credentials", &json!({}), &Value::Null);
    call.operation = "export_state".to_owned();
    assert_eq!(house.send_own(&call).await.status, 404);
    assert_eq!(house.admin.revision(), before);
}

#[tokio::test]
async fn every_kind_is_replaced_and_the_client_gives_what_it_shows() {
    let house = house().await;
    let secret = issue(&house, json!({"profile": OWN, "kind": "client_secret"})).await;
    let new = rotate(&house, &secret, json!({})).await;
    assert!(new.body["secret"].as_str().unwrap().starts_with("ods_"), "{}", new.text);
    let wish = json!({"profile": OWN, "kind": "private_key_jwt", "jwks": jwks("one")});
    let signing = issue(&house, wish).await;
    let url = json!({"jwks_url": "https://internal.example/keys"});
    let refused = rotate(&house, &signing, url).await;
    assert_eq!((refused.status, refused.fields()), (422, vec!["jwks_url"]), "{}", refused.text);
    let refused = rotate(&house, &signing, json!({})).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    let new = rotate(&house, &signing, json!({"jwks": jwks("two")})).await;
    assert_eq!(document(&house, &new.body["id"]).await["jwks"], jwks("two"), "{}", new.text);
}

#[tokio::test]
async fn a_certificate_is_taken_from_the_connection_that_shows_it_and_from_nobody_else() {
    let house = house().await;
    let wish = json!({"profile": OWN, "kind": "mtls", "thumbprint": "11".repeat(32)});
    let id = issue(&house, wish).await;
    issue(&house, json!({"profile": "shop/other", "kind": "mtls", "dns": "other.example"})).await;
    let call = |shown: Option<ClientCertificate>, wish: Value| -> Call {
        let mut call = own_call(OWN, "rotate_credential", &json!({"id": id}), &wish);
        call.certificate = shown;
        call
    };
    let named = json!({"thumbprint": "22".repeat(32)});
    for (call, status) in [
        (call(None, json!({})), 409),
        (call(None, named), 422),
        (call(Some(certificate(0x11, "a.example")), json!({})), 409),
        // It would be nobody's any more.
        (call(Some(certificate(0x22, "Other.example")), json!({})), 409),
    ] {
        let refused = house.send_own(&call).await;
        assert_eq!(refused.status, status, "{}", refused.text);
        assert!(!refused.text.contains("shop-other"), "{}", refused.text);
    }
    let new = house.send_own(&call(Some(certificate(0x22, "a.example")), json!({}))).await;
    let known = document(&house, &new.body["id"]).await;
    assert_eq!(known["thumbprint"], "22".repeat(32), "{}", new.text);
}

#[tokio::test]
async fn a_client_makes_no_more_than_it_needs_and_not_too_often() {
    let house = house().await;
    let mut id = issue(&house, json!({"profile": OWN})).await;
    for _ in 0..3 {
        let new = rotate(&house, &id, json!({})).await;
        id = new.body["id"].as_str().unwrap_or_else(|| panic!("{}", new.text)).to_owned();
    }
    let full = rotate(&house, &id, json!({})).await;
    assert_eq!(full.status, 409, "{}", full.text);
    assert!(full.text.contains("4 good ones already"), "{}", full.text);
    let statuses = async |count: usize| {
        let mut statuses = Vec::new();
        for _ in 0..count {
            statuses.push(rotate(&house, &id, json!({})).await.status);
        }
        statuses
    };
    assert_eq!(statuses(7).await, [409, 409, 409, 409, 409, 409, 429]);
    // What others do is not slowed down by it.
    let theirs = json!({"id": "absent"});
    let other = house.ask_own("shop/other", "rotate_credential", theirs, json!({})).await;
    assert_eq!(other.status, 404, "{}", other.text);
}

#[tokio::test]
async fn where_a_folder_is_served_a_client_looks_and_changes_nothing() {
    let admin = Admin::new(None, TestPlane::new(), None, Clock::system()).unwrap();
    let mut folder = state::Folder::new();
    folder.insert("clients/shop.yaml", SHOP).unwrap();
    let key = format!(
        "profile: {OWN}\nkind: api_key\nhmac: '{}'\ncreated: 2026-11-01\nexpires: 2027-01-31\n",
        "1".repeat(64)
    );
    folder.insert("credentials/key.yaml", key).unwrap();
    let desired = state::read(&folder).unwrap();
    admin.show(folder, desired.into(), 3);
    let id = json!({"id": "key"});
    for (operation, parameters, body, status) in [
        ("list_credentials", json!({}), Value::Null, 200),
        ("rotate_credential", id.clone(), json!({}), 507),
        ("retire_credential", id, Value::Null, 507),
    ] {
        let response =
            admin.carry_out_for_client(&own_call(OWN, operation, &parameters, &body)).await;
        let text = String::from_utf8(response.body().to_vec()).unwrap();
        assert_eq!(response.status().as_u16(), status, "{operation}: {text}");
        assert!(status == 200 || text.contains("only its operator changes that"), "{text}");
    }
}

#[tokio::test]
async fn nobody_lets_others_renew_what_they_do_not_hold() {
    let profile = |more: &str| {
        format!(
            "kind: app\nowner: o\nprofiles:\n  p: {{roles: [admin], rotation: {{lifetime_max: 30d{more}}}}}\n"
        )
    };
    let house = House::with(&[("clients/app.yaml", &profile(""))]).await;
    let client = |is_given: bool| json!({"kind": "app", "owner": "o", "profiles": {"p": {"roles": ["admin"], "rotation": {"lifetime_max": "30d", "self_service": is_given}}}});
    let id = json!({"id": "app"});
    let denied = house.ask(EDITOR, "put_client", id.clone(), client(true)).await;
    assert_eq!(denied.status, 403, "{}", denied.text);
    house.done(ADMIN, "put_client", id.clone(), client(true)).await;
    house.done(EDITOR, "put_client", id, client(false)).await;
}
