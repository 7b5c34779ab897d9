//! The command line of the door asks on a device, for whom an admission lets in, to manage and for nothing else.

use std::sync::Arc;

use http::HeaderMap;
use model::{Admission, AdmissionId, GrantType, ProfileId, Registration};
use serde_json::{Value, json};

use crate::{
    given::typed,
    house::{House, authorize, claims, client, terms},
};

const CLIENT: &str = "onedoor-cli";
const SCOPE: &str = "collection:onedoor";
const GRANTS: [GrantType; 2] = [GrantType::DeviceCode, GrantType::RefreshToken];

/// A door where staff manages by the command line: as somebody else than by what they registered.
async fn house() -> House {
    let mut house = House::open().await;
    house.desired.clients.push(client("operators", "admin", terms(&GRANTS, &[], false)));
    house.desired.clients.sort_by(|a, b| a.id.cmp(&b.id));
    let admission = Admission {
        id: AdmissionId::parse("operators").unwrap(),
        profile: ProfileId::parse("operators/admin").unwrap(),
        registrations: vec![Registration::CommandLine],
        hosts: Vec::new(),
        groups: vec!["staff".to_owned()],
        ..(*house.desired.admissions[0]).clone()
    };
    house.desired.admissions.push(Arc::new(admission));
    house.declare();
    house
}

async fn begin(house: &House, form: &[(&str, &str)]) -> (u16, Value) {
    house.post("/oauth/device_authorization", None, form).await
}

/// The code to ask with, and the one to show.
async fn begun(house: &House) -> (String, String) {
    let (status, answer) = begin(house, &[("client_id", CLIENT), ("scope", SCOPE)]).await;
    assert_eq!(status, 200, "{answer}");
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    (text("device_code"), text("user_code"))
}

async fn ask(house: &House, code: &str) -> (u16, Value) {
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let form = [("grant_type", grant), ("client_id", CLIENT), ("device_code", code)];
    house.post("/oauth/token", None, &form).await
}

async fn refresh(house: &House, tokens: &Value) -> (u16, Value) {
    let token = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", token)];
    house.post("/oauth/token", None, &form).await
}

#[tokio::test]
async fn a_person_whom_an_admission_lets_in_manages_by_the_command_line_while_it_does() {
    let mut house = house().await;
    let (code, shown) = begun(&house).await;
    let mut browser = typed(&house, "ann", &shown).await;
    for want in ["Onedoor command line", "onedoor login", "operators/admin", SCOPE] {
        assert!(browser.page.contains(want), "{want}: {}", browser.page);
    }
    browser.send(&house, "/oauth/consent", &[("decision", "allow")]).await;
    let (status, tokens) = ask(&house, &code).await;
    assert_eq!(status, 200, "{tokens}");
    let claims = claims(&tokens["access_token"]);
    let found = [&claims["sub"], &claims["client_id"], &claims["scope"]];
    assert_eq!(found, ["local:ann", CLIENT, SCOPE].map(Value::from).each_ref());
    assert_eq!(claims["onedoor"]["profile"], "operators/admin");
    let (status, tokens) = refresh(&house, &tokens).await;
    assert_eq!(status, 200, "{tokens}");
    // Another lets the command line in, and that is not by whom this came.
    let admission = Arc::make_mut(house.desired.admissions.last_mut().unwrap());
    admission.id = AdmissionId::parse("others").unwrap();
    house.declare();
    let (status, answer) = refresh(&house, &tokens).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")));
    house.desired.admissions.pop();
    house.declare();
    let (status, answer) = refresh(&house, &tokens).await;
    assert_eq!((status, &answer["error"]), (401, &json!("invalid_client")));
}

#[tokio::test]
async fn whoever_is_in_no_group_that_may_gets_nothing() {
    let house = house().await;
    let (code, shown) = begun(&house).await;
    let browser = typed(&house, "ben", &shown).await;
    assert!(
        browser.status == 403 && browser.page.contains("No rule of this door"),
        "{}",
        browser.page
    );
    assert_eq!(ask(&house, &code).await.1["error"], "authorization_pending");
}

#[tokio::test]
async fn a_profile_that_gives_no_tokens_on_devices_admits_nobody_there() {
    let mut house = house().await;
    let (_, shown) = begun(&house).await;
    let found = house.desired.clients.iter_mut().find(|it| it.id.as_str() == "operators");
    let tokens = Arc::make_mut(found.unwrap()).profiles[0].tokens.as_mut().unwrap();
    tokens.grants = vec![GrantType::AuthorizationCode];
    house.declare();
    let browser = typed(&house, "ann", &shown).await;
    assert!(
        browser.status == 403 && browser.page.contains("No rule of this door"),
        "{}",
        browser.page
    );
}

#[tokio::test]
async fn the_command_line_asks_for_nothing_else_and_in_no_other_way() {
    let house = house().await;
    let wide = format!("{SCOPE} collection:orders");
    for (form, want) in [
        (&[("client_id", CLIENT)][..], (400, "invalid_scope")),
        (&[("client_id", CLIENT), ("scope", "collection:orders")], (400, "invalid_scope")),
        (&[("client_id", CLIENT), ("scope", &wide)], (400, "invalid_scope")),
        (
            &[("client_id", CLIENT), ("scope", SCOPE), ("client_secret", "x")],
            (401, "invalid_client"),
        ),
    ] {
        let (status, answer) = begin(&house, form).await;
        assert_eq!((status, answer["error"].as_str().unwrap()), want, "{form:?}");
    }
    let form = [("grant_type", "client_credentials"), ("client_id", CLIENT)];
    assert_eq!(house.post("/oauth/token", None, &form).await.1["error"], "unauthorized_client");
    let target = authorize(&[("client_id", CLIENT)]);
    let answer = house.ask(http::Method::GET, &target, HeaderMap::new(), "").await;
    assert!(answer.status().is_client_error() && !answer.headers().contains_key("location"));
}

#[tokio::test]
async fn where_no_admission_lets_it_in_the_command_line_is_nobody() {
    let house = House::open().await;
    let (status, answer) = begin(&house, &[("client_id", CLIENT), ("scope", SCOPE)]).await;
    assert_eq!((status, &answer["error"]), (401, &json!("invalid_client")));
}
