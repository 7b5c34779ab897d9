//! Clients that describe themselves: what is fetched for whom, how often, and what happens where it fails.

use std::{net::IpAddr, sync::Arc};

use futures_util::future::{join_all, poll_immediate};
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::{
    house::{Browser, DOCUMENT, House, SILENT, VERIFIER, authorize},
    key::Key,
};

const LOOPBACK: &str = "http://127.0.0.1:49152/cb";
const KEYS: &str = "https://keys.example/agent";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What becomes of a person who is sent by the client with the document at `url`.
async fn open(house: &House, url: &str) -> u16 {
    let target = authorize(&[("client_id", url), ("redirect_uri", LOOPBACK)]);
    house.ask(Method::GET, &target, HeaderMap::new(), "").await.status().as_u16()
}

fn from(house: &House, last: u8) {
    house.peer.set(IpAddr::from([203, 0, 113, last]));
}

fn document(more: Value) -> Value {
    let mut document = json!({ "client_id": DOCUMENT, "redirect_uris": ["http://127.0.0.1/cb"] });
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    document
}

#[tokio::test]
async fn nothing_is_fetched_for_who_could_not_be_admitted() {
    let mut house = House::open().await;
    let evil = "https://evil.example/client.json";
    house.web().publish(evil, &json!({ "client_id": evil, "redirect_uris": [LOOPBACK] }), None);
    for path in ["token", "par", "revoke", "introspect", "device_authorization"] {
        let form = [("client_id", evil), ("grant_type", "refresh_token"), ("token", "x")];
        let (status, answer) = house.post(&format!("/oauth/{path}"), None, &form).await;
        assert_eq!((status, &answer["error"]), (401, &"invalid_client".into()), "{path}");
    }
    assert_eq!(open(&house, evil).await, 401);
    assert_eq!(house.web().asked(), [""; 0]);
    assert_eq!(open(&house, DOCUMENT).await, 200);
    assert_eq!(house.web().asked(), [DOCUMENT]);
    // Nor where the one that fits is for others, or leads to a profile that gets no tokens.
    house.advance(300);
    let admission = Arc::make_mut(&mut house.desired.admissions[0]);
    admission.registrations = vec![model::Registration::Dynamic];
    house.declare();
    assert_eq!(open(&house, DOCUMENT).await, 401);
    let admission = Arc::make_mut(&mut house.desired.admissions[0]);
    admission.registrations = vec![model::Registration::MetadataDocument];
    let agents = house.desired.clients.iter_mut().find(|it| it.id.as_str() == "agents").unwrap();
    Arc::make_mut(agents).is_enabled = false;
    house.declare();
    assert_eq!(open(&house, DOCUMENT).await, 401);
    assert_eq!(house.web().asked(), [""; 0]);
}

#[tokio::test]
async fn who_asks_at_the_same_time_waits_for_one_look() {
    let house = House::open().await;
    let asked = join_all((0..20).map(|_| open(&house, DOCUMENT))).await;
    assert_eq!((asked, house.web().asked()), (vec![200; 20], vec![DOCUMENT.to_owned()]));
    let unknown = "https://agent.example/unknown.json";
    let asked = join_all((0..20).map(|_| open(&house, unknown))).await;
    assert_eq!((asked, house.web().asked()), (vec![401; 20], vec![unknown.to_owned()]));
}

#[tokio::test]
async fn a_document_is_kept_as_long_as_its_server_says_and_good_while_there_is_no_other() {
    let house = House::open().await;
    house.web().publish(DOCUMENT, &document(json!({})), Some(600));
    let opened = async |seconds: u64| {
        house.advance(seconds);
        (open(&house, DOCUMENT).await, house.web().asked().len())
    };
    assert_eq!(opened(0).await, (200, 1));
    assert_eq!(opened(599).await, (200, 0));
    assert_eq!(opened(1).await, (200, 1));
    // It is gone, or something else stands there: what was good stays so for an hour.
    house.web().take(DOCUMENT);
    assert_eq!(opened(600).await, (200, 1));
    assert_eq!(opened(29).await, (200, 0));
    house.web().publish(DOCUMENT, &json!("<html>"), None);
    assert_eq!(opened(1).await, (200, 1));
    assert_eq!(opened(3_569).await, (200, 1));
    assert_eq!(opened(1).await, (401, 0));
    assert_eq!(opened(30).await, (401, 1));
    house.web().publish(DOCUMENT, &document(json!({})), None);
    assert_eq!(opened(10).await, (200, 1));
}

#[tokio::test]
async fn a_source_and_a_host_have_only_so_many_documents_fetched() {
    let house = House::open().await;
    assert_eq!(open(&house, DOCUMENT).await, 200);
    let unknown = async |number: u32| {
        open(&house, &format!("https://agent.example/unknown-{number}.json")).await
    };
    from(&house, 1);
    for number in 0..8 {
        assert_eq!(unknown(number).await, 401, "{number}");
    }
    assert_eq!(unknown(100).await, 429);
    let record = house.log.records().pop().unwrap().to_string();
    assert!(record.contains("203.0.113.1") && record.contains("this source"), "{record}");
    // What is known is no effort, nor what is looked at again.
    assert_eq!(open(&house, DOCUMENT).await, 200);
    for number in 8..29 {
        from(&house, 2 + u8::try_from(number / 8).unwrap());
        assert_eq!(unknown(number).await, 401, "{number}");
    }
    from(&house, 200);
    assert_eq!(unknown(200).await, 429);
    let record = house.log.records().pop().unwrap().to_string();
    assert!(record.contains("agent.example") && record.contains("this host"), "{record}");
    house.web().asked();
    house.advance(300);
    for number in 300..330 {
        from(&house, u8::try_from(number - 290).unwrap());
        unknown(number).await;
    }
    house.web().asked();
    assert_eq!(open(&house, DOCUMENT).await, 200);
    assert_eq!(house.web().asked(), [DOCUMENT]);
}

#[tokio::test]
async fn hosts_that_say_nothing_hold_up_who_is_new_and_nobody_who_is_known() {
    let mut house = House::open().await;
    let admission = Arc::make_mut(&mut house.desired.admissions[0]);
    admission.hosts.clear();
    house.declare();
    assert_eq!(open(&house, DOCUMENT).await, 200);
    let urls: Vec<_> = (0..16).map(|it| format!("{SILENT}?{it}")).collect();
    let mut looks: Vec<_> = urls.iter().map(|it| Box::pin(open(&house, it))).collect();
    for (number, look) in looks.iter_mut().enumerate() {
        from(&house, u8::try_from(number).unwrap());
        assert!(poll_immediate(look.as_mut()).await.is_none(), "{number}");
    }
    from(&house, 100);
    let other = "https://other.example/client.json";
    house.web().publish(other, &json!({ "client_id": other, "redirect_uris": [LOOPBACK] }), None);
    // Nothing is wrong with it, and nobody is told so. Who finds no place has used up nothing.
    for _ in 0..9 {
        assert_eq!(open(&house, other).await, 503);
    }
    house.advance(300);
    assert_eq!(open(&house, DOCUMENT).await, 200);
    let code = Browser::default()
        .allow(&house, &authorize(&[("client_id", DOCUMENT), ("redirect_uri", LOOPBACK)]))
        .await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", DOCUMENT),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(house.post("/oauth/token", None, &form).await.0, 200);
    drop(looks);
    assert_eq!(open(&house, other).await, 200);
}

#[tokio::test]
async fn keys_that_a_document_names_are_fetched_once_and_not_for_each_request() {
    let house = House::open().await;
    let key = Key::new();
    let says = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": KEYS });
    house.web().publish(DOCUMENT, &document(says), None);
    house.web().publish(KEYS, &json!({ "keys": [key.jwk()] }), None);
    let redeemed = async |key: &Key| {
        let assertion = key.assertion(&house, DOCUMENT);
        let form = [
            ("grant_type", "authorization_code"),
            ("client_assertion_type", ASSERTION),
            ("client_assertion", &*assertion),
            ("code", "odc_unknown"),
        ];
        house.post("/oauth/token", None, &form).await.1["error"].as_str().unwrap().to_owned()
    };
    for _ in 0..5 {
        assert_eq!(redeemed(&key).await, "invalid_grant");
    }
    let asked = house.web().asked();
    assert_eq!(asked.iter().filter(|it| *it == KEYS).count(), 1, "{asked:?}");
    // Keys that nobody has cause one more look in half a minute, however many come.
    house.advance(30);
    for _ in 0..5 {
        assert_eq!(redeemed(&Key::new()).await, "invalid_client");
    }
    let asked = house.web().asked();
    assert!(asked.iter().filter(|it| *it == KEYS).count() <= 1, "{asked:?}");
}
