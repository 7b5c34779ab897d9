//! People who are signed in by an `OpenID` provider.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    given::redeem,
    house::{BACK, Browser, DOCUMENT, House, authorize, claims},
    idp::Idp,
};

const BUTTON: &str = "/oauth/sign-in/corp";
const LOOPBACK: &str = "http://127.0.0.1:49152/cb";

async fn house() -> House {
    let mut house = House::open().await;
    house.desired.issuers.push(Arc::new(Idp::issuer()));
    house.declare();
    house
}

/// Presses the button. Where the provider sends the person back to.
async fn sent(house: &House, browser: &mut Browser) -> String {
    sent_for(house, browser, &authorize(&[])).await
}

/// The same for another client than usual.
async fn sent_for(house: &House, browser: &mut Browser, target: &str) -> String {
    browser.open(house, target).await;
    browser.send(house, BUTTON, &[]).await;
    assert_eq!(browser.status, 303, "{}", browser.page);
    house.idp.sign_in(browser.location.as_deref().unwrap())
}

/// Goes on from there, to the page that is shown in the end.
async fn arrives(house: &House, browser: &mut Browser, back: &str) {
    browser.open(house, back).await;
    if let Some(next) = browser.location.clone() {
        browser.open(house, next.strip_prefix("https://door.example").unwrap()).await;
    }
}

async fn redeemed(house: &House, browser: &mut Browser) -> Value {
    browser.send(house, "/oauth/consent", &[("decision", "allow")]).await;
    let code = browser.parameter("code").unwrap_or_else(|| panic!("no code: {browser:?}"));
    let (status, answer) = redeem(house, ("web/app", BACK), &code).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

async fn refreshed(house: &House, tokens: &Value) -> u16 {
    let token = tokens["refresh_token"].as_str().unwrap();
    let form =
        [("grant_type", "refresh_token"), ("client_id", "web/app"), ("refresh_token", token)];
    house.post("/oauth/token", None, &form).await.0
}

#[tokio::test]
async fn a_person_whom_a_provider_signs_in_decides_and_the_client_acts_for_them() {
    let mut house = house().await;
    let mut browser = Browser::default();
    let back = sent(&house, &mut browser).await;
    arrives(&house, &mut browser, &back).await;
    assert!(browser.page.contains("Signed in as <b>Eve</b>"), "{}", browser.page);
    let tokens = redeemed(&house, &mut browser).await;
    assert_eq!(claims(&tokens["access_token"])["sub"], "corp:Eve 1");
    let records = format!("{:?}", house.log.records());
    assert!(records.contains("corp:Eve 1") && !records.contains("code-0"), "{records}");
    assert_eq!(refreshed(&house, &tokens).await, 200);
    // Who signed them in does so no longer: neither session nor grant goes on.
    Arc::make_mut(&mut house.desired.issuers[0]).sign_in = None;
    house.declare();
    let tokens = tokens.clone();
    assert_eq!(refreshed(&house, &tokens).await, 400);
    browser.open(&house, &authorize(&[])).await;
    assert!(!browser.page.contains("Eve") && !browser.page.contains(BUTTON), "{}", browser.page);
}

#[tokio::test]
async fn what_a_provider_says_that_does_not_fit_signs_nobody_in() {
    let house = house().await;
    for (changes, why) in [
        (json!({ "iss": "https://other.example" }), "iss"),
        (json!({ "aud": "other" }), "aud"),
        (json!({ "aud": ["door at login", "other"] }), "azp"),
        (json!({ "azp": "other" }), "azp"),
        (json!({ "nonce": "other" }), "nonce"),
        (json!({ "nonce": null }), "nonce"),
        (json!({ "exp": 1_800_000_000 }), "exp"),
        (json!({ "iat": 1_799_999_399 }), "iat"),
        (json!({ "iat": null }), "iat"),
        (json!({ "sub": null }), "sub"),
        (json!({ "sub": "x".repeat(256) }), "sub"),
        (json!({ "at_hash": "other" }), "at_hash"),
    ] {
        house.idp.says(changes.clone());
        let mut browser = Browser::default();
        let back = sent(&house, &mut browser).await;
        arrives(&house, &mut browser, &back).await;
        assert_eq!(browser.status, 403, "{changes}");
        assert!(browser.page.contains("Corp did not sign you in"), "{}", browser.page);
        let records = house.log.records();
        let last = records.iter().rev().find(|it| it["event"] == "sign_in.failed").unwrap();
        assert!(last.to_string().contains(why), "{changes}: {last}");
        browser.open(&house, &authorize(&[])).await;
        assert!(browser.page.contains(BUTTON), "{changes}");
    }
}

#[tokio::test]
async fn an_answer_counts_once_in_its_browser_and_from_its_provider() {
    let mut house = house().await;
    let mut other = Idp::issuer();
    other.id = model::IssuerId::parse("other").unwrap();
    house.desired.issuers.push(Arc::new(other));
    house.declare();
    let mut browser = Browser::default();
    let back = sent(&house, &mut browser).await;
    let mut elsewhere = Browser::default();
    elsewhere.open(&house, &back).await;
    assert_eq!(elsewhere.status, 403, "{}", elsewhere.page);
    for back in [
        back.replace("/callback/corp", "/callback/other"),
        back.replace("state=", "state=x"),
        back.replace("/callback/corp", "/callback/none"),
    ] {
        browser.open(&house, &back).await;
        assert_eq!(browser.status, 403, "{back} {}", browser.page);
    }
    arrives(&house, &mut browser, &back).await;
    assert!(browser.page.contains("/oauth/consent"), "{}", browser.page);
    browser.open(&house, &back).await;
    assert_eq!(browser.status, 403);
    for change in ["&iss=https%3A%2F%2Flogin.example", "iss=https%3A%2F%2Fother.example"] {
        let mut browser = Browser::default();
        let back = sent(&house, &mut browser).await;
        let changed = match change.strip_prefix('&') {
            Some(_) => back.replace(change, ""),
            None => back.replace("iss=https%3A%2F%2Flogin.example", change),
        };
        browser.open(&house, &changed).await;
        assert_eq!(browser.status, 403, "{changed}");
    }
    let mut browser = Browser::default();
    let back = sent(&house, &mut browser).await.replace("code=", "error=access_denied&x=");
    browser.open(&house, &back).await;
    assert!(browser.status == 403 && browser.page.contains("Corp did not"), "{}", browser.page);
}

#[tokio::test]
async fn groups_come_from_the_token_or_from_where_the_provider_says_more() {
    let mut house = house().await;
    let client = Arc::make_mut(&mut house.desired.clients[2]);
    client.profiles[0].tokens.as_mut().unwrap().groups = vec!["staff".to_owned()];
    house.declare();
    for (said, besides, want) in [
        (json!({}), json!(null), true),
        (json!({ "realm": { "groups": "staff" } }), json!(null), true),
        (json!({ "realm": { "groups": ["guests"] } }), json!(null), false),
        (json!({ "realm": null }), json!({"sub": "Eve 1", "realm": {"groups": ["staff"]}}), true),
        (json!({ "realm": null }), json!({"sub": "Eve 2", "realm": {"groups": ["staff"]}}), false),
        (json!({ "realm": null }), json!({"sub": "Eve 1"}), false),
    ] {
        house.idp.says(said.clone());
        house.idp.says_besides(besides.clone());
        let mut browser = Browser::default();
        let back = sent(&house, &mut browser).await;
        arrives(&house, &mut browser, &back).await;
        assert_eq!(browser.page.contains("/oauth/consent"), want, "{said} {besides}");
    }
}

#[tokio::test]
async fn a_group_meets_an_admission_by_our_word_for_it_and_no_other_group_does() {
    let mut house = house().await;
    let issuer = Arc::make_mut(&mut house.desired.issuers[0]);
    let groups = [("Sales EMEA".to_owned(), "staff".to_owned())];
    issuer.sign_in.as_mut().unwrap().groups = Some(groups.into());
    house.declare();
    let target = authorize(&[("client_id", DOCUMENT), ("redirect_uri", LOOPBACK)]);
    // Theirs that is called staff is not ours.
    for (group, want) in [("Sales EMEA", true), ("sales emea", false), ("staff", false)] {
        house.idp.says(json!({ "realm": { "groups": ["other", group] } }));
        let mut browser = Browser::default();
        let back = sent_for(&house, &mut browser, &target).await;
        arrives(&house, &mut browser, &back).await;
        assert_eq!(browser.page.contains("/oauth/consent"), want, "{group}: {}", browser.page);
    }
}

#[tokio::test]
async fn a_person_is_called_by_the_claim_that_is_named_or_else_by_none() {
    let mut house = house().await;
    let issuer = Arc::make_mut(&mut house.desired.issuers[0]);
    issuer.sign_in.as_mut().unwrap().name_claim = Some("realm.nick".to_owned());
    house.declare();
    for (nick, want) in [("Evie", "Evie"), ("", "Eve 1")] {
        house.idp.says(json!({ "realm": { "nick": nick, "groups": [] } }));
        let mut browser = Browser::default();
        let back = sent(&house, &mut browser).await;
        arrives(&house, &mut browser, &back).await;
        let want = format!("Signed in as <b>{want}</b>");
        assert!(browser.page.contains(&want), "{want}: {}", browser.page);
    }
}
