//! Clients that were given something in Ann's name, for tests of what becomes of it.

use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::house::{Browser, House, PASSWORD, VERIFIER, authorize, claims};

/// Where a program on this computer is sent back to.
pub(crate) const LOOPBACK: &str = "http://127.0.0.1:49152/cb";

pub(crate) async fn redeem(
    house: &House,
    (client, back): (&str, &str),
    code: &str,
) -> (u16, Value) {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", code),
        ("redirect_uri", back),
        ("code_verifier", VERIFIER),
    ];
    house.post("/oauth/token", None, &form).await
}

/// Tokens of Ann's for a client, and their grant.
pub(crate) async fn given(house: &House, client: &str, back: &str) -> (Value, String) {
    let target = authorize(&[("client_id", client), ("redirect_uri", back)]);
    let code = Browser::default().allow(house, &target).await;
    let (status, tokens) = redeem(house, (client, back), &code).await;
    assert_eq!(status, 200, "{tokens}");
    let grant = claims(&tokens["access_token"])["onedoor"]["grant"].clone();
    (tokens, grant.as_str().unwrap().to_owned())
}

pub(crate) async fn refresh(house: &House, client: &str, tokens: &Value) -> (u16, Value) {
    let token = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)];
    house.post("/oauth/token", None, &form).await
}

/// A client that registered itself.
pub(crate) async fn registered(house: &House) -> String {
    let metadata =
        json!({ "redirect_uris": [LOOPBACK], "token_endpoint_auth_method": "none" }).to_string();
    let answer = house.ask(Method::POST, "/oauth/register", HeaderMap::new(), metadata).await;
    let client: Value = serde_json::from_slice(answer.body()).unwrap();
    client["client_id"].as_str().unwrap().to_owned()
}

/// The page on which a device's code is typed.
const DEVICE: &str = "/oauth/device";

/// A browser in which `name` has signed in and typed the code.
pub(crate) async fn typed(house: &House, name: &str, code: &str) -> Browser {
    let mut browser = Browser::default();
    browser.open(house, DEVICE).await;
    browser.send(house, "/oauth/device/sign-in", &[("name", name), ("password", PASSWORD)]).await;
    browser.open(house, DEVICE).await;
    browser.send(house, DEVICE, &[("user_code", code)]).await;
    browser
}
