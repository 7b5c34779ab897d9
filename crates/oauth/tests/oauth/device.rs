//! A device shows a code, a person types it elsewhere and decides, and the device gets tokens.

use std::{net::IpAddr, sync::Arc};

use http::{HeaderMap, Method};
use model::{GrantType, TokenBinding};
use serde_json::{Value, json};
use store::GrantFilter;

use crate::{
    house::{Browser, DOCUMENT, DOOR, House, PASSWORD, claims, client, terms},
    idp::Idp,
    key::Key,
};

const PAGE: &str = "/oauth/device";
const ENTER: &str = "/oauth/device/sign-in";
const CONSENT: &str = "/oauth/consent";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const TV: &str = "workshop/tv";
const ANN: [(&str, &str); 2] = [("name", "ann"), ("password", PASSWORD)];
const GRANTS: [GrantType; 2] = [GrantType::DeviceCode, GrantType::RefreshToken];

async fn house() -> House {
    let mut house = House::open().await;
    for (id, profile) in [("wireless", "radio"), ("workshop", "tv")] {
        house.desired.clients.push(client(id, profile, terms(&GRANTS, &[], true)));
    }
    house.declare();
    house
}

async fn begin(house: &House, changes: &[(&str, &str)]) -> (u16, Value) {
    let mut form = vec![("client_id", TV), ("scope", "collection:orders")];
    for (name, value) in changes {
        form.retain(|it| it.0 != *name);
        form.push((name, value));
    }
    house.post("/oauth/device_authorization", None, &form).await
}

/// A device: the code that it asks with, and the one that it shows.
struct Device {
    code: String,
    shown: String,
}

impl Device {
    async fn begun(house: &House) -> Self {
        Self::begun_for(house, "").await
    }

    /// For this resource.
    async fn begun_for(house: &House, resource: &str) -> Self {
        let (status, answer) = begin(house, &[("resource", resource)]).await;
        assert_eq!(status, 200, "{answer}");
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        Self { code: text("device_code"), shown: text("user_code") }
    }

    async fn ask_as(&self, house: &House, client: &str) -> (u16, Value) {
        self.ask_for(house, client, "").await
    }

    async fn ask_for(&self, house: &House, client: &str, resource: &str) -> (u16, Value) {
        let form = [
            ("grant_type", GRANT),
            ("client_id", client),
            ("device_code", &self.code),
            ("resource", resource),
        ];
        house.post("/oauth/token", None, &form).await
    }

    /// What it is told; `ok` where it gets tokens.
    async fn asks(&self, house: &House) -> String {
        let (status, answer) = self.ask_as(house, TV).await;
        let error = answer["error"].as_str();
        assert_eq!(status, if error.is_some() { 400 } else { 200 }, "{answer}");
        error.unwrap_or("ok").to_owned()
    }
}

/// A browser in which Ann has signed in at the page for devices.
async fn signed_in(house: &House) -> Browser {
    let mut browser = Browser::default();
    browser.open(house, PAGE).await;
    assert!(browser.page.contains("Sign in to connect a device"), "{}", browser.page);
    browser.send(house, ENTER, &ANN).await;
    assert_eq!(browser.location.as_deref(), Some(&*format!("{DOOR}{PAGE}")));
    browser.open(house, PAGE).await;
    browser
}

/// As [`signed_in`], with the code typed.
async fn typed(house: &House, code: &str) -> Browser {
    let mut browser = signed_in(house).await;
    browser.send(house, PAGE, &[("user_code", code)]).await;
    browser
}

async fn refresh(house: &House, tokens: &Value) -> u16 {
    let token = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("client_id", TV), ("refresh_token", token)];
    house.post("/oauth/token", None, &form).await.0
}

#[tokio::test]
async fn a_person_allows_a_device_and_it_gets_tokens_in_their_name() {
    let house = house().await;
    house.peer.set(IpAddr::from([198, 51, 100, 7]));
    let (_, begun) = begin(&house, &[]).await;
    let shown = begun["user_code"].as_str().unwrap().to_owned();
    let device = Device { code: begun["device_code"].as_str().unwrap().to_owned(), shown };
    assert_eq!((&begun["expires_in"], &begun["interval"]), (&600.into(), &5.into()));
    assert_eq!(begun["verification_uri"], format!("{DOOR}{PAGE}"));
    let link = begun["verification_uri_complete"].as_str().unwrap().strip_prefix(DOOR).unwrap();
    assert_eq!(device.asks(&house).await, "authorization_pending");
    house.peer.set(IpAddr::from([192, 0, 2, 1]));
    let mut browser = Browser::default();
    browser.open(&house, link).await;
    browser.send(&house, ENTER, &ANN).await;
    // What the link brought along is still there, to be compared.
    assert_eq!(browser.location.as_deref(), Some(&*format!("{DOOR}{link}")));
    browser.open(&house, link).await;
    assert!(browser.page.contains(&format!("value=\"{}\"", device.shown)), "{}", browser.page);
    browser.send(&house, PAGE, &[("user_code", &device.shown)]).await;
    for want in ["Allow workshop?", "198.51.100.7", "Show an order", "collection:orders"] {
        assert!(browser.page.contains(want), "{want}: {}", browser.page);
    }
    browser.send(&house, CONSENT, &[("decision", "allow")]).await;
    assert!(browser.page.contains("Your device is connected"), "{}", browser.page);
    let (status, tokens) = device.ask_as(&house, TV).await;
    assert_eq!(status, 200, "{tokens}");
    let claims = claims(&tokens["access_token"]);
    assert_eq!((&claims["sub"], &claims["aud"]), (&"local:ann".into(), &DOOR.into()));
    assert_eq!(
        (&claims["act"]["sub"], &claims["scope"]),
        (&TV.into(), &"collection:orders".into())
    );
    assert_eq!(refresh(&house, &tokens).await, 200);
    browser.open(&house, "/oauth/account").await;
    assert!(browser.page.contains(TV), "{}", browser.page);
    let records = house.log.records();
    let events: Vec<_> = records.iter().filter_map(|it| it["event"].as_str()).collect();
    for want in ["device.begin", "device.wait", "device.found", "consent.given", "token.issue"] {
        assert!(events.contains(&want), "{want}: {events:?}");
    }
    let records = format!("{records:?}");
    let letters = device.shown.replace('-', "");
    for secret in [&device.code, &device.shown, &letters] {
        assert!(!records.contains(secret), "{secret}: {records}");
    }
}

#[tokio::test]
async fn the_metadata_says_where_a_device_asks() {
    let house = house().await;
    let path = "/.well-known/oauth-authorization-server";
    let answer = house.ask(Method::GET, path, HeaderMap::new(), "").await;
    let document: Value = serde_json::from_slice(answer.body()).unwrap();
    let endpoint = format!("{DOOR}/oauth/device_authorization");
    assert_eq!(document["device_authorization_endpoint"], endpoint);
    let grants = document["grant_types_supported"].as_array().unwrap();
    assert!(grants.contains(&GRANT.into()), "{grants:?}");
}

#[tokio::test]
async fn a_device_is_told_at_once_and_who_hurries_waits_longer() {
    let house = house().await;
    let device = Device::begun(&house).await;
    for (seconds, want) in [
        (0, "authorization_pending"),
        (5, "authorization_pending"),
        (2, "slow_down"),
        // Ten seconds from here on, whoever asks in between.
        (5, "slow_down"),
        (8, "authorization_pending"),
        (14, "authorization_pending"),
    ] {
        house.advance(seconds);
        assert_eq!(device.asks(&house).await, want, "{seconds}");
    }
    assert_eq!(device.ask_as(&house, "wireless/radio").await.1["error"], "invalid_grant");
    house.advance(600 - 34);
    assert_eq!(device.asks(&house).await, "expired_token");
    let browser = typed(&house, &device.shown).await;
    assert_eq!(browser.status, 403, "{}", browser.page);
    let unknown = Device { code: "odd_unknown".to_owned(), shown: String::new() };
    assert_eq!(unknown.asks(&house).await, "invalid_grant");
}

#[tokio::test]
async fn a_device_code_is_good_once_for_who_asked() {
    let house = house().await;
    let device = Device::begun(&house).await;
    let mut browser = typed(&house, &device.shown.to_lowercase().replace('-', " ")).await;
    browser.send(&house, CONSENT, &[("decision", "allow")]).await;
    assert_eq!(device.ask_as(&house, "wireless/radio").await.1["error"], "invalid_grant");
    assert_eq!(device.ask_as(&house, "agents/reader").await.1["error"], "invalid_grant");
    let (status, tokens) = device.ask_as(&house, TV).await;
    assert_eq!(status, 200, "{tokens}");
    // Who shows it again has it from the device, or the device has it from who was first: also when
    // it would have expired long ago.
    house.advance(86_400);
    house.store.purge(house.clock.now(), 1_000).await.unwrap();
    assert_eq!(device.asks(&house).await, "invalid_grant");
    let grant = claims(&tokens["access_token"])["onedoor"]["grant"].clone();
    assert!(house.issuer.is_revoked(grant.as_str().unwrap()));
    assert_eq!(refresh(&house, &tokens).await, 400);
}

#[tokio::test]
async fn a_device_code_gives_a_token_for_what_was_authorized_or_for_less() {
    let house = house().await;
    let (all, orders) = (format!("{DOOR}/mcp"), format!("{DOOR}/mcp/orders"));
    for (authorized, asked, want) in [
        (&*all, "", Some(&*all)),
        (&*all, &*orders, Some(&*orders)),
        (&*orders, &*all, None),
        (&*all, "https://other.example", None),
    ] {
        let device = Device::begun_for(&house, authorized).await;
        let mut browser = typed(&house, &device.shown).await;
        browser.send(&house, CONSENT, &[("decision", "allow")]).await;
        let (_, tokens) = device.ask_for(&house, TV, asked).await;
        let Some(want) = want else {
            assert_eq!(tokens["error"], "invalid_target", "{authorized} {asked}");
            assert_eq!(device.asks(&house).await, "ok");
            continue;
        };
        assert_eq!(claims(&tokens["access_token"])["aud"], want, "{authorized} {asked}");
    }
}

#[tokio::test]
async fn what_a_person_denies_or_takes_back_no_device_gets() {
    let house = house().await;
    let denied = Device::begun(&house).await;
    let mut browser = typed(&house, &denied.shown).await;
    browser.send(&house, CONSENT, &[("decision", "deny")]).await;
    assert!(browser.page.contains("You did not allow it"), "{}", browser.page);
    let record = house.log.records().pop().unwrap();
    assert_eq!(
        (&record["event"], &record["outcome"]),
        (&"consent.denied".into(), &"refused".into())
    );
    assert_eq!(denied.asks(&house).await, "access_denied");
    assert_eq!(typed(&house, &denied.shown).await.status, 403);
    let taken = Device::begun(&house).await;
    let mut browser = typed(&house, &taken.shown).await;
    browser.send(&house, CONSENT, &[("decision", "allow")]).await;
    browser.open(&house, "/oauth/account").await;
    browser.send(&house, "/oauth/account/revoke", &[("client", TV)]).await;
    assert_eq!(taken.asks(&house).await, "invalid_grant");
}

#[tokio::test]
async fn one_decision_counts_and_only_where_the_page_was_shown() {
    let house = house().await;
    let device = Device::begun(&house).await;
    let mut first = typed(&house, &device.shown).await;
    let mut second = typed(&house, &device.shown).await;
    let mut other = signed_in(&house).await;
    other.page.clone_from(&first.page);
    other.send(&house, CONSENT, &[("decision", "allow")]).await;
    assert_eq!(other.status, 403, "{}", other.page);
    first.send(&house, CONSENT, &[("decision", "deny")]).await;
    second.send(&house, CONSENT, &[("decision", "allow")]).await;
    assert_eq!(second.status, 403, "{}", second.page);
    assert_eq!(house.log.records().pop().unwrap()["event"], "consent.denied");
    let grants = house.store.grants(GrantFilter::Client(TV), None, 10).await.unwrap();
    assert!(grants.is_empty(), "{grants:?}");
    assert_eq!(device.asks(&house).await, "access_denied");
}

#[tokio::test]
async fn codes_are_not_guessed() {
    let house = house().await;
    let device = Device::begun(&house).await;
    // A link looks nothing up: it says the same of every code.
    let mut browser = signed_in(&house).await;
    browser.open(&house, &format!("{PAGE}?user_code={}", device.shown)).await;
    let right =
        browser.page.replace(&device.shown, "CODE").replace(&device.shown.replace('-', ""), "CODE");
    browser.open(&house, &format!("{PAGE}?user_code=BBBB-BBBB")).await;
    let wrong = browser.page.replace("BBBB-BBBB", "CODE").replace("BBBBBBBB", "CODE");
    let without_csrf = |page: &str| {
        let (before, after) = page.split_once("name=\"csrf\" value=\"").unwrap();
        format!("{before}{}", after.split_once('"').unwrap().1)
    };
    assert_eq!(without_csrf(&right), without_csrf(&wrong));
    // Nor does anybody who is not signed in, or not in this browser.
    let mut nobody = Browser::default();
    nobody.open(&house, PAGE).await;
    nobody.page = nobody.page.replace(ENTER, PAGE);
    nobody.send(&house, PAGE, &[("user_code", &device.shown)]).await;
    assert_eq!(nobody.status, 403);
    let mut other = signed_in(&house).await;
    other.page.clone_from(&browser.page);
    other.send(&house, PAGE, &[("user_code", &device.shown)]).await;
    assert!(other.status == 403 && !other.page.contains("Allow"), "{}", other.page);
    let mut statuses = Vec::new();
    browser.open(&house, PAGE).await;
    let page = browser.page.clone();
    for _ in 0..11 {
        browser.page.clone_from(&page);
        browser.send(&house, PAGE, &[("user_code", "BBBB-BBBB")]).await;
        statuses.push((browser.status, house.log.records().pop().unwrap()["event"].clone()));
    }
    let [unknown @ .., slowed] = &statuses[..] else { panic!("none was tried") };
    assert!(unknown.iter().all(|it| *it == (403, "device.unknown".into())), "{statuses:?}");
    assert_eq!(*slowed, (429, "device.slowed".into()));
    browser.page.clone_from(&page);
    browser.send(&house, PAGE, &[("user_code", &device.shown)]).await;
    assert_eq!(browser.status, 429);
    house.advance(120);
    browser.page.clone_from(&page);
    browser.send(&house, PAGE, &[("user_code", &device.shown)]).await;
    assert!(browser.page.contains("Allow workshop?"), "{}", browser.page);
}

#[tokio::test]
async fn only_clients_that_have_the_grant_ask_on_a_device() {
    let mut house = house().await;
    for (changes, want) in [
        (&[("client_id", "web/app")][..], (400, "unauthorized_client")),
        (&[("client_id", DOCUMENT)], (400, "unauthorized_client")),
        (&[("client_id", "web/other")], (401, "invalid_client")),
        (&[("client_id", "batch/main")], (401, "invalid_client")),
        (&[("client_id", "")], (400, "invalid_request")),
        (&[("resource", "https://other.example")], (400, "invalid_target")),
        (&[("scope", "everything")], (400, "invalid_scope")),
    ] {
        let (status, answer) = begin(&house, changes).await;
        assert_eq!((status, answer["error"].as_str().unwrap()), want, "{changes:?}");
    }
    // Nor does a profile that has it no longer, or a person whom it is not for.
    let device = Device::begun(&house).await;
    let waiting = Device::begun(&house).await;
    let mut browser = typed(&house, &device.shown).await;
    browser.send(&house, CONSENT, &[("decision", "allow")]).await;
    let tokens = |house: &mut House, change: fn(&mut model::TokenTerms)| {
        let found = house.desired.clients.iter_mut().find(|it| it.id.as_str() == "workshop");
        change(Arc::make_mut(found.unwrap()).profiles[0].tokens.as_mut().unwrap());
        house.declare();
    };
    tokens(&mut house, |it| it.groups = vec!["operators".to_owned()]);
    let browser = typed(&house, &waiting.shown).await;
    assert!(browser.status == 403 && browser.page.contains("no group"), "{}", browser.page);
    assert_eq!(waiting.asks(&house).await, "authorization_pending");
    tokens(&mut house, |it| it.grants = vec![GrantType::AuthorizationCode]);
    assert_eq!(device.asks(&house).await, "unauthorized_client");
}

#[tokio::test]
async fn a_device_that_has_to_prove_a_key_loses_nothing_without_one() {
    let mut house = house().await;
    let found = house.desired.clients.iter_mut().find(|it| it.id.as_str() == "workshop");
    let tokens = Arc::make_mut(found.unwrap()).profiles[0].tokens.as_mut().unwrap();
    tokens.binding = Some(TokenBinding::Dpop);
    house.declare();
    let device = Device::begun(&house).await;
    let mut browser = typed(&house, &device.shown).await;
    browser.send(&house, CONSENT, &[("decision", "allow")]).await;
    assert_eq!(device.asks(&house).await, "invalid_dpop_proof");
    let key = Key::new();
    let proof = key.proof(&house, "/oauth/token", &json!({}));
    let form = [("grant_type", GRANT), ("client_id", TV), ("device_code", &device.code)];
    let (status, tokens, _) = house.prove("/oauth/token", &proof, &form).await;
    assert_eq!((status, &tokens["token_type"]), (200, &"DPoP".into()), "{tokens}");
    assert_eq!(claims(&tokens["access_token"])["cnf"]["jkt"], key.jkt());
    // What renews it is bound to the key as well: the device is a public client.
    assert_eq!(refresh(&house, &tokens).await, 400);
}

#[tokio::test]
async fn whom_a_provider_signs_in_comes_back_to_the_code() {
    let mut house = house().await;
    house.desired.issuers.push(Arc::new(Idp::issuer()));
    house.declare();
    let device = Device::begun(&house).await;
    let link = format!("{PAGE}?user_code={}", device.shown);
    let mut browser = Browser::default();
    browser.open(&house, &link).await;
    browser.send(&house, "/oauth/sign-in/corp", &[]).await;
    let back = house.idp.sign_in(browser.location.as_deref().unwrap());
    browser.open(&house, &back).await;
    assert_eq!(browser.location.as_deref(), Some(&*format!("{DOOR}{link}")));
    browser.open(&house, &link).await;
    assert!(browser.page.contains("<b>Eve</b>"), "{}", browser.page);
    browser.send(&house, PAGE, &[("user_code", &device.shown)]).await;
    browser.send(&house, CONSENT, &[("decision", "allow")]).await;
    let (_, tokens) = device.ask_as(&house, TV).await;
    assert_eq!(claims(&tokens["access_token"])["sub"], "corp:Eve 1", "{tokens}");
}
