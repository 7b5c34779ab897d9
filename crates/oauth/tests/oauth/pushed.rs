//! A client pushes what it asks for, and a browser brings its name.

use std::sync::Arc;

use serde_json::Value;

use crate::house::{BACK, Browser, House, PASSWORD, VERIFIER, authorize, challenge, claims};

/// Pushes as the public client, with these parameters in place of the usual ones.
async fn push(house: &House, changes: &[(&str, &str)]) -> (u16, Value) {
    let challenge = challenge(VERIFIER);
    let mut form = vec![
        ("client_id", "web/app"),
        ("redirect_uri", BACK),
        ("response_type", "code"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("state", "s1"),
        ("scope", "collection:orders"),
    ];
    for (name, value) in changes {
        form.retain(|it| it.0 != *name);
        form.push((name, value));
    }
    house.post("/oauth/par", None, &form).await
}

async fn pushed(house: &House) -> String {
    let (status, answer) = push(house, &[]).await;
    assert_eq!((status, answer.get("expires_in")), (201, Some(&60.into())), "{answer}");
    answer.get("request_uri").and_then(Value::as_str).unwrap().to_owned()
}

fn target(client: &str, uri: &str, more: &str) -> String {
    format!("/oauth/authorize?client_id={client}&request_uri={uri}{more}")
}

#[tokio::test]
async fn what_was_pushed_is_what_is_asked_for() {
    let house = House::open().await;
    let uri = pushed(&house).await;
    assert!(uri.starts_with("urn:ietf:params:oauth:request_uri:"));
    let mut browser = Browser::default();
    let code = browser.allow(&house, &target("web/app", &uri, "")).await;
    assert_eq!(browser.parameter("state").as_deref(), Some("s1"));
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "web/app"),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    let (status, answer) = house.post("/oauth/token", None, &form).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(claims(&answer["access_token"])["scope"], "collection:orders");
    let records = house.log.records();
    assert_eq!(records[0]["event"], "authorization.push");
    assert!(!format!("{records:?}").contains(&uri));
}

#[tokio::test]
async fn what_was_pushed_is_brought_once_within_a_minute_for_its_client() {
    let house = House::open().await;
    let uri = pushed(&house).await;
    // What is no business of the browser's does not use it up.
    for bad in [
        target("agents/reader", &uri, ""),
        target("web/app", &uri, "&scope=role:reader"),
        target("web/app", &uri, "&prompt=login"),
        target("web/app", "urn:ietf:params:oauth:request_uri:other", ""),
        target("web/app", "https://app.example/request.jwt", ""),
    ] {
        let mut browser = Browser::default();
        browser.open(&house, &bad).await;
        assert_eq!((browser.status, browser.location.as_deref()), (400, None), "{bad}");
    }
    let mut browser = Browser::default();
    browser.open(&house, &target("web/app", &uri, "&scope=collection:orders")).await;
    assert_eq!(browser.status, 200, "{}", browser.page);
    browser.open(&house, &target("web/app", &uri, "")).await;
    assert_eq!((browser.status, browser.location.as_deref()), (400, None));
    let uri = pushed(&house).await;
    house.advance(60);
    browser.open(&house, &target("web/app", &uri, "")).await;
    assert_eq!((browser.status, browser.location.as_deref()), (400, None));
}

#[tokio::test]
async fn a_request_is_checked_whole_when_it_is_pushed() {
    let house = House::open().await;
    for (changes, want) in [
        (&[("client_id", "web/other")][..], (401, "invalid_client")),
        (&[("client_id", "batch/main")], (401, "invalid_client")),
        (&[("client_secret", "wrong")], (401, "invalid_client")),
        (&[("redirect_uri", "https://evil.example/cb")], (400, "invalid_request")),
        (&[("response_type", "token")], (400, "unsupported_response_type")),
        (&[("code_challenge_method", "plain")], (400, "invalid_request")),
        (&[("resource", "https://other.example")], (400, "invalid_target")),
        (&[("scope", "everything")], (400, "invalid_scope")),
        (&[("request", "x.y.z")], (400, "request_not_supported")),
        (&[("request_uri", "urn:ietf:params:oauth:request_uri:x")], (400, "invalid_request")),
    ] {
        let (status, answer) = push(&house, changes).await;
        assert_eq!((status, answer["error"].as_str().unwrap()), want, "{changes:?}");
    }
}

#[tokio::test]
async fn a_profile_that_has_to_push_gets_nothing_otherwise() {
    let mut house = House::open().await;
    let client = Arc::make_mut(&mut house.desired.clients[2]);
    client.profiles[0].tokens.as_mut().unwrap().must_push = true;
    house.declare();
    let mut browser = Browser::default();
    browser.open(&house, &authorize(&[])).await;
    assert_eq!(browser.parameter("error").as_deref(), Some("invalid_request"));
    let uri = pushed(&house).await;
    browser.open(&house, &target("web/app", &uri, "")).await;
    browser.send(&house, "/oauth/sign-in", &[("name", "ann"), ("password", PASSWORD)]).await;
    assert!(browser.page.contains("/oauth/consent"), "{}", browser.page);
}
