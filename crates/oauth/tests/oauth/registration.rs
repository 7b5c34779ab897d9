//! Clients that nobody registered: by a document about them, or by themselves.

use std::sync::Arc;

use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::house::{Browser, DOCUMENT, House, PASSWORD, VERIFIER, authorize, claims};

const LOOPBACK: &str = "http://127.0.0.1:49152/cb";

async fn register(house: &House, metadata: Value) -> (u16, Value) {
    let body = metadata.to_string();
    let answer = house.ask(Method::POST, "/oauth/register", HeaderMap::new(), body).await;
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
}

#[tokio::test]
async fn a_client_with_a_document_acts_as_the_profile_it_is_admitted_as() {
    let house = House::open().await;
    let target = authorize(&[("client_id", DOCUMENT), ("redirect_uri", LOOPBACK)]);
    let mut browser = Browser::default();
    let code = browser.allow(&house, &target).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", DOCUMENT),
        ("code", &code),
        ("redirect_uri", LOOPBACK),
        ("code_verifier", VERIFIER),
    ];
    let (status, answer) = house.post("/oauth/token", None, &form).await;
    assert_eq!(status, 200, "{answer}");
    let claims = claims(&answer["access_token"]);
    assert_eq!(claims["client_id"], DOCUMENT);
    assert_eq!(claims["onedoor"]["profile"], "agents/reader");
    assert_eq!(claims["onedoor"]["admission"], "staff-agents");
}

#[tokio::test]
async fn nobody_is_admitted_whom_no_rule_admits() {
    let mut house = House::open().await;
    let target = authorize(&[("client_id", DOCUMENT), ("redirect_uri", LOOPBACK)]);
    let mut browser = Browser::default();
    browser.open(&house, &target).await;
    browser.send(&house, "/oauth/sign-in", &[("name", "ben"), ("password", PASSWORD)]).await;
    assert_eq!(browser.status, 403);
    assert!(browser.page.contains("admits"), "{}", browser.page);
    Arc::make_mut(&mut house.desired.admissions[0]).hosts = vec!["other.example".to_owned()];
    house.declare();
    let mut browser = Browser::default();
    browser.open(&house, &target).await;
    assert!(browser.status == 401 && browser.location.is_none(), "{browser:?}");
    let unknown = "https://agent.example/unknown.json";
    let mut browser = Browser::default();
    browser.open(&house, &authorize(&[("client_id", unknown)])).await;
    assert!(browser.status == 401 && browser.location.is_none(), "{browser:?}");
}

#[tokio::test]
async fn a_client_registers_itself_where_that_is_admitted() {
    let mut house = House::open().await;
    let metadata = json!({ "redirect_uris": [LOOPBACK], "client_name": "Inspector",
        "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"] });
    let (status, client) = register(&house, metadata.clone()).await;
    assert_eq!(status, 201, "{client}");
    assert!(client.get("client_secret").is_none());
    let id = client["client_id"].as_str().unwrap().to_owned();
    let target = authorize(&[("client_id", &id), ("redirect_uri", LOOPBACK)]);
    let code = Browser::default().allow(&house, &target).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", &id),
        ("code", &code),
        ("redirect_uri", LOOPBACK),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(house.post("/oauth/token", None, &form).await.0, 200);
    house.desired.admissions.clear();
    house.declare();
    assert_eq!(register(&house, metadata).await.0, 403);
}

#[tokio::test]
async fn a_secret_that_was_given_at_registration_has_to_be_shown() {
    let house = House::open().await;
    let (_, client) = register(&house, json!({ "redirect_uris": [LOOPBACK] })).await;
    let id = client["client_id"].as_str().unwrap().to_owned();
    let secret = client["client_secret"].as_str().unwrap().to_owned();
    let target = authorize(&[("client_id", &id), ("redirect_uri", LOOPBACK)]);
    let code = Browser::default().allow(&house, &target).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", LOOPBACK),
        ("code_verifier", VERIFIER),
    ];
    let public = [&form[..], &[("client_id", &*id)]].concat();
    assert_eq!(house.post("/oauth/token", None, &public).await.0, 401);
    assert_eq!(house.post("/oauth/token", Some((&id, "ods_wrong")), &form).await.0, 401);
    assert_eq!(house.post("/oauth/token", Some((&id, &secret)), &form).await.0, 200);
    let kept = house.store.registration(&id).await.unwrap().unwrap();
    assert!(!kept.body.contains(&secret));
}

#[tokio::test]
async fn metadata_that_would_lead_people_astray_is_refused() {
    let house = House::open().await;
    for (metadata, want) in [
        (json!([]), "invalid_client_metadata"),
        (json!({}), "invalid_redirect_uri"),
        (json!({ "redirect_uris": [] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["http://evil.example/cb"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["javascript:alert(1)"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["intent://a.example/#Intent;end"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["search-ms:/query=x"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["myapp://cb"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["https://a.example/cb#x"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": [LOOPBACK], "client_name": 7 }), "invalid_client_metadata"),
        (
            json!({ "redirect_uris": [LOOPBACK], "token_endpoint_auth_method": "tls_client_auth" }),
            "invalid_client_metadata",
        ),
        (
            json!({ "redirect_uris": [LOOPBACK], "grant_types": ["password"] }),
            "invalid_client_metadata",
        ),
    ] {
        let (status, answer) = register(&house, metadata.clone()).await;
        assert_eq!((status, answer["error"].as_str().unwrap()), (400, want), "{metadata}");
    }
}
