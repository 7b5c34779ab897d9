//! Clients that nobody registered ask on a device: where they say so, and an admission lets them in.

use std::sync::Arc;

use http::{HeaderMap, Method};
use model::GrantType;
use serde_json::{Value, json};

use crate::{
    given::{LOOPBACK, typed},
    house::{Browser, DOCUMENT, House, authorize, claims},
};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const NO_RULE: &str = "No rule of this door";

/// A door whose admitted clients get tokens by these grants.
async fn house(grants: &[GrantType]) -> House {
    let mut house = House::open().await;
    let found = house.desired.clients.iter_mut().find(|it| it.id.as_str() == "agents");
    let tokens = Arc::make_mut(found.unwrap()).profiles[0].tokens.as_mut().unwrap();
    tokens.grants = grants.to_vec();
    house.declare();
    house
}

async fn device_house() -> House {
    house(&[GrantType::DeviceCode, GrantType::RefreshToken]).await
}

/// Has a document that says of its client by which grants it gets tokens.
fn publish(house: &House, grants: &[&str]) {
    let document = json!({ "client_id": DOCUMENT, "client_name": "Agent", "grant_types": grants,
        "redirect_uris": ["http://127.0.0.1/cb"] });
    house.web().publish(DOCUMENT, &document, None);
}

async fn register(house: &House, metadata: Value) -> Value {
    let body = metadata.to_string();
    let answer = house.ask(Method::POST, "/oauth/register", HeaderMap::new(), body).await;
    let client: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(answer.status(), 201, "{client}");
    client
}

/// Lets clients in whatever hosts they name.
fn admit_any_host(house: &mut House) {
    Arc::make_mut(&mut house.desired.admissions[0]).hosts.clear();
    house.declare();
}

async fn begin(house: &House, client: &str) -> (u16, Value) {
    let form = [("client_id", client), ("scope", "collection:orders")];
    house.post("/oauth/device_authorization", None, &form).await
}

/// The code to ask with, and the one to show.
async fn begun(house: &House, client: &str) -> (String, String) {
    let (status, answer) = begin(house, client).await;
    assert_eq!(status, 200, "{answer}");
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    (text("device_code"), text("user_code"))
}

async fn refused(house: &House, client: &str) -> String {
    let (status, answer) = begin(house, client).await;
    assert_eq!((status, &answer["error"]), (400, &json!("unauthorized_client")));
    answer["error_description"].as_str().unwrap().to_owned()
}

async fn ask(house: &House, client: &str, code: &str) -> (u16, Value) {
    let form = [("grant_type", GRANT), ("client_id", client), ("device_code", code)];
    house.post("/oauth/token", None, &form).await
}

async fn refresh(house: &House, client: &str, tokens: &Value) -> (u16, Value) {
    let token = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)];
    house.post("/oauth/token", None, &form).await
}

#[tokio::test]
async fn a_client_with_a_document_gets_tokens_on_a_device_while_it_says_so() {
    let house = device_house().await;
    publish(&house, &[GRANT, "refresh_token"]);
    let (code, shown) = begun(&house, DOCUMENT).await;
    let mut browser = typed(&house, "ann", &shown).await;
    for want in [
        "Allow Agent?",
        "It is described by <b>agent.example</b>",
        "Any program could give itself this name",
        "A device at",
        "agents/reader",
    ] {
        assert!(browser.page.contains(want), "{want}: {}", browser.page);
    }
    browser.send(&house, "/oauth/consent", &[("decision", "allow")]).await;
    let (status, tokens) = ask(&house, DOCUMENT, &code).await;
    assert_eq!(status, 200, "{tokens}");
    let claims = claims(&tokens["access_token"]);
    let found = [&claims["sub"], &claims["client_id"], &claims["onedoor"]["admission"]];
    assert_eq!(found, ["local:ann", DOCUMENT, "staff-agents"].map(Value::from).each_ref());
    assert_eq!(claims["onedoor"]["profile"], "agents/reader");
    let (status, tokens) = refresh(&house, DOCUMENT, &tokens).await;
    assert_eq!(status, 200, "{tokens}");
    publish(&house, &["authorization_code", "refresh_token"]);
    house.advance(300);
    let (status, answer) = refresh(&house, DOCUMENT, &tokens).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")));
}

#[tokio::test]
async fn what_is_allowed_on_a_device_does_not_hide_where_a_program_sends_people_elsewhere() {
    let grants = [GrantType::AuthorizationCode, GrantType::DeviceCode, GrantType::RefreshToken];
    let house = house(&grants).await;
    publish(&house, &["authorization_code", GRANT, "refresh_token"]);
    let target = authorize(&[("client_id", DOCUMENT), ("redirect_uri", LOOPBACK)]);
    Browser::default().allow(&house, &target).await;
    let (_, shown) = begun(&house, DOCUMENT).await;
    let mut browser = typed(&house, "ann", &shown).await;
    browser.send(&house, "/oauth/consent", &[("decision", "allow")]).await;
    assert!(browser.page.contains("Your device is connected"), "{}", browser.page);
    let consent = house.server.consents(None, None, 10).await.unwrap().remove(0);
    assert_eq!((&*consent.host, consent.scope), ("127.0.0.1", None));
    browser.open(&house, "/oauth/account").await;
    assert!(browser.page.contains("Sends you to <b>127.0.0.1</b>"), "{}", browser.page);
}

#[tokio::test]
async fn a_client_that_registered_itself_for_it_gets_tokens_on_a_device() {
    let mut house = device_house().await;
    admit_any_host(&mut house);
    // It is sent nowhere, so it names no address.
    let metadata = json!({ "client_name": "Printer", "grant_types": [GRANT, "refresh_token"],
        "token_endpoint_auth_method": "none" });
    let client = register(&house, metadata).await;
    assert_eq!(client["grant_types"], json!(["refresh_token", GRANT]));
    assert_eq!((&client["response_types"], &client["redirect_uris"]), (&json!([]), &json!([])));
    let id = client["client_id"].as_str().unwrap();
    let (code, shown) = begun(&house, id).await;
    let mut browser = typed(&house, "ann", &shown).await;
    for want in ["Allow Printer?", "It registered itself: nobody vouches", "A device at"] {
        assert!(browser.page.contains(want), "{want}: {}", browser.page);
    }
    browser.send(&house, "/oauth/consent", &[("decision", "allow")]).await;
    let (status, tokens) = ask(&house, id, &code).await;
    assert_eq!(status, 200, "{tokens}");
    let claims = claims(&tokens["access_token"]);
    assert_eq!((&claims["client_id"], &claims["sub"]), (&json!(id), &json!("local:ann")));
    assert_eq!(refresh(&house, id, &tokens).await.0, 200);
}

#[tokio::test]
async fn who_registered_for_devices_alone_gets_no_codes_and_who_registered_for_nothing_is_nobody() {
    let mut house = device_house().await;
    admit_any_host(&mut house);
    let metadata = json!({ "redirect_uris": [LOOPBACK], "grant_types": [GRANT],
        "token_endpoint_auth_method": "none" });
    let client = register(&house, metadata).await;
    let id = client["client_id"].as_str().unwrap();
    let target = authorize(&[("client_id", id), ("redirect_uri", LOOPBACK)]);
    let answer = house.ask(Method::GET, &target, HeaderMap::new(), "").await;
    assert!(answer.status().is_client_error() && !answer.headers().contains_key("location"));
    for (metadata, want) in [
        (json!({ "grant_types": ["refresh_token"] }), "invalid_client_metadata"),
        (json!({ "grant_types": [GRANT, "authorization_code"] }), "invalid_redirect_uri"),
    ] {
        let body = metadata.to_string();
        let answer = house.ask(Method::POST, "/oauth/register", HeaderMap::new(), body).await;
        let answer: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(answer["error"], want, "{metadata}");
    }
}

#[tokio::test]
async fn whom_no_rule_admits_gets_nothing_on_a_device() {
    let house_of_devices = device_house().await;
    let house = &house_of_devices;
    publish(house, &[GRANT]);
    // Ben is in no group that may.
    let (code, shown) = begun(house, DOCUMENT).await;
    let browser = typed(house, "ben", &shown).await;
    assert!(browser.status == 403 && browser.page.contains(NO_RULE), "{}", browser.page);
    assert_eq!(ask(house, DOCUMENT, &code).await.1["error"], "authorization_pending");
    // Whoever names an address of somebody else is sent there with a code, and by a device not.
    let metadata = json!({ "redirect_uris": ["https://agent.example/cb"],
        "grant_types": [GRANT, "authorization_code"], "token_endpoint_auth_method": "none" });
    let client = register(house, metadata).await;
    let why = refused(house, client["client_id"].as_str().unwrap()).await;
    assert!(why.contains("no admission"), "{why}");
    // The profile that it leads to gives tokens in other ways alone.
    let house = self::house(&[GrantType::AuthorizationCode]).await;
    publish(&house, &[GRANT]);
    let why = refused(&house, DOCUMENT).await;
    assert!(why.contains("no admission"), "{why}");
}

#[tokio::test]
async fn who_does_not_name_the_grant_asks_on_no_device() {
    let mut house = device_house().await;
    admit_any_host(&mut house);
    publish(&house, &["authorization_code", "refresh_token"]);
    let metadata = json!({ "redirect_uris": [LOOPBACK], "token_endpoint_auth_method": "none" });
    let client = register(&house, metadata).await;
    for id in [DOCUMENT, client["client_id"].as_str().unwrap()] {
        let why = refused(&house, id).await;
        assert!(why.contains("grant_types"), "{why}");
    }
}
