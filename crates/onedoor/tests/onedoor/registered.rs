//! A client that registers itself, a person who allows it something, and an operator who forgets it.

use serde_json::{Value, json};
use testkit::Answer;

use crate::{
    binary::write,
    browser::Browser,
    signed_in::{Door, PASSWORD},
};

/// Agents of theirs, which register themselves.
const AGENTS: &[(&str, &str)] = &[
    (
        "state/clients/agents.yaml",
        "kind: agent\nowner: platform\nprofiles:\n  reader:\n    roles: [viewer]\n    tokens:\n      \
         grants: [authorization_code, refresh_token]\n      redirect_uris: [\"http://127.0.0.1/cb\"]\n",
    ),
    (
        "state/admissions/agents.yaml",
        "profile: agents/reader\nregistrations: [dynamic]\ngroups: [operators]\n",
    ),
];
/// Where an agent is sent back to.
const BACK: &str = "http://127.0.0.1:49152/cb";
// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// What clients of consumers send.
async fn post(door: &Door, path: &str, kind: &str, body: String) -> Answer {
    let mut connection = door.client().connect(door.serving.address()).await.unwrap();
    connection.send("POST", path, &[("content-type", kind)], body).await.unwrap()
}

async fn token(door: &Door, form: &str) -> Answer {
    post(door, "/oauth/token", "application/x-www-form-urlencoded", form.to_owned()).await
}

#[tokio::test]
async fn an_operator_forgets_a_client_that_registered_itself_and_what_a_person_gave_it() {
    let door = Door::start();
    write(door.folder.path(), AGENTS);
    door.declare();
    let metadata = json!({"redirect_uris": [BACK], "token_endpoint_auth_method": "none"});
    let registered = post(&door, "/oauth/register", "application/json", metadata.to_string()).await;
    let registered = registered.json();
    let id = registered["client_id"].as_str().unwrap();
    let consumers = door.serving.address();
    let mut browser = Browser::new(door.client(), consumers);
    let asked = format!(
        "response_type=code&client_id={id}&redirect_uri={BACK}&code_challenge={CHALLENGE}\
         &code_challenge_method=S256&resource=https%3A%2F%2F{consumers}%2Fmcp"
    );
    browser.open(&format!("/oauth/authorize?{asked}")).await;
    browser.send("/oauth/sign-in", &[("name", "ann"), ("password", PASSWORD)]).await;
    browser.send("/oauth/consent", &[("decision", "allow")]).await;
    let code = browser.location.split_once("code=").unwrap().1.split('&').next().unwrap();
    let by_code = format!(
        "grant_type=authorization_code&client_id={id}&code={code}&redirect_uri={BACK}\
         &code_verifier={VERIFIER}"
    );
    let given = token(&door, &by_code).await.json();
    let refresh = |tokens: &Value| {
        let token = tokens["refresh_token"].as_str().unwrap();
        format!("grant_type=refresh_token&client_id={id}&refresh_token={token}")
    };
    let refreshed = token(&door, &refresh(&given)).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text());
    let found = door.listed("registration");
    assert_eq!((&found[0]["client"], &found[0]["grants"]), (&id.into(), &1.into()));
    let told = door.operate(&["registration", "delete", id]);
    assert!(told.contains("grants: 1"), "{told}");
    assert!(door.listed("registration").is_empty());
    assert_eq!(token(&door, &refresh(&refreshed.json())).await.status, 401);
}
