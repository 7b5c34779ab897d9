//! What a person allows is what the page showed them, and nothing that came after it.

use std::{sync::Arc, time::Duration};

use model::{Effect, GrantType, ProfileId, TokenTerms};
use oauth::Permitted;
use store::GrantFilter;

use crate::{
    given::{LOOPBACK, redeem},
    house::{BACK, Browser, DOCUMENT, House, PASSWORD, authorize, claims, client, terms},
};

const CONSENT: &str = "/oauth/consent";
const ALLOW: [(&str, &str); 1] = [("decision", "allow")];
const WORD: &str = "This is not what you were shown";

async fn sign_in(house: &House, browser: &mut Browser, name: &str) {
    browser.send(house, "/oauth/sign-in", &[("name", name), ("password", PASSWORD)]).await;
    assert!(browser.page.contains(CONSENT) && !browser.page.contains(WORD), "{}", browser.page);
}

/// A browser in which Ann is asked for what `target` wants.
async fn asked(house: &House, target: &str) -> Browser {
    let mut browser = Browser::default();
    browser.open(house, target).await;
    sign_in(house, &mut browser, "ann").await;
    browser
}

/// Allows what the page showed, and is shown the page of now instead: with `want` on it.
async fn shown_anew(house: &House, browser: &mut Browser, client: &str, want: &str) {
    browser.send(house, CONSENT, &ALLOW).await;
    assert_eq!((browser.status, browser.location.as_deref()), (403, None), "{browser:?}");
    assert!(browser.page.contains(WORD) && browser.page.contains(want), "{}", browser.page);
    let grants = house.store.grants(GrantFilter::Client(client), None, 10).await.unwrap();
    assert!(grants.is_empty(), "{grants:?}");
    let record = house.log.records().pop().unwrap();
    let found = (&record["event"], &record["outcome"]);
    assert_eq!(found, (&"consent.changed".into(), &"refused".into()), "{record}");
}

fn terms_of(house: &mut House, client: &str, change: impl FnOnce(&mut TokenTerms)) {
    let found = house.desired.clients.iter_mut().find(|it| it.id.as_str() == client).unwrap();
    change(Arc::make_mut(found).profiles[0].tokens.as_mut().unwrap());
    house.declare();
}

#[tokio::test]
async fn a_client_gets_the_profile_that_its_page_showed() {
    let mut house = House::open().await;
    let grants = [GrantType::AuthorizationCode];
    house.desired.clients.push(client("robots", "writer", terms(&grants, &[BACK], true)));
    house.desired.clients.sort_by(|a, b| a.id.cmp(&b.id));
    house.declare();
    let target = authorize(&[("client_id", DOCUMENT), ("redirect_uri", LOOPBACK)]);
    let mut browser = asked(&house, &target).await;
    assert!(browser.page.contains("agents/reader"), "{}", browser.page);
    let writer = ProfileId::parse("robots/writer").unwrap();
    Arc::make_mut(&mut house.desired.admissions[0]).profile = writer;
    house.declare();
    shown_anew(&house, &mut browser, DOCUMENT, "robots/writer").await;
    // Nothing is lost: what is shown now can be allowed.
    browser.send(&house, CONSENT, &ALLOW).await;
    let code = browser.parameter("code").unwrap_or_else(|| panic!("{browser:?}"));
    let (status, tokens) = redeem(&house, (DOCUMENT, LOOPBACK), &code).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(claims(&tokens["access_token"])["onedoor"]["profile"], "robots/writer");
}

#[tokio::test]
async fn what_may_be_done_and_for_how_long_is_as_it_was_shown() {
    let mut house = House::open().await;
    let mut browser = asked(&house, &authorize(&[])).await;
    house.plane.more.lock().unwrap().push(Permitted {
        collection: "orders".to_owned(),
        summary: "Cancel an order".to_owned(),
        effect: Effect::Destructive,
    });
    shown_anew(&house, &mut browser, "web/app", "Cancel an order").await;
    terms_of(&mut house, "web", |it| it.lifetime = Duration::from_secs(60 * 60));
    shown_anew(&house, &mut browser, "web/app", "For 60 minutes").await;
    // What changes elsewhere is nobody's business here.
    terms_of(&mut house, "agents", |it| it.lifetime = Duration::from_secs(60 * 60));
    browser.send(&house, CONSENT, &ALLOW).await;
    assert!(browser.parameter("code").is_some(), "{browser:?}");
}

#[tokio::test]
async fn a_grant_lives_as_long_as_the_offer_that_was_allowed() {
    let house = House::open().await;
    let mut browser = asked(&house, &authorize(&[])).await;
    let mut later = house.desired.clone();
    let found = later.clients.iter_mut().find(|it| it.id.as_str() == "web").unwrap();
    let tokens = Arc::make_mut(found).profiles[0].tokens.as_mut().unwrap();
    tokens.refresh_lifetime = TokenTerms::REFRESH_LIFETIME * 2;
    let later = (Arc::clone(&house.server), Arc::new(later));
    *house.plane.meanwhile.lock().unwrap() = Some(later);
    browser.send(&house, CONSENT, &ALLOW).await;
    assert!(browser.parameter("code").is_some(), "{browser:?}");
    let grants = house.store.grants(GrantFilter::Client("web/app"), None, 10).await.unwrap();
    assert_eq!(grants[0].expires.since(grants[0].created), TokenTerms::REFRESH_LIFETIME);
}

#[tokio::test]
async fn what_one_person_was_shown_nobody_else_allows() {
    let house = House::open().await;
    let mut browser = asked(&house, &authorize(&[])).await;
    let of_ann = browser.page.clone();
    // In another tab of the same browser.
    browser.open(&house, &authorize(&[])).await;
    browser.send(&house, "/oauth/sign-out", &[]).await;
    sign_in(&house, &mut browser, "ben").await;
    browser.page = of_ann;
    shown_anew(&house, &mut browser, "web/app", "Signed in as <b>ben</b>").await;
    browser.send(&house, CONSENT, &[("decision", "deny")]).await;
    assert_eq!(browser.parameter("error").as_deref(), Some("access_denied"));
}

#[tokio::test]
async fn a_page_that_does_not_say_what_it_showed_allows_nothing() {
    let house = House::open().await;
    let mut browser = asked(&house, &authorize(&[])).await;
    browser.page = browser.page.replace("name=\"offer\"", "name=\"other\"");
    shown_anew(&house, &mut browser, "web/app", "web/app").await;
    // Who was asked again has denied nothing yet.
    let last = || house.log.records().pop().unwrap()["event"].clone();
    assert_eq!(last(), "consent.changed");
    browser.send(&house, CONSENT, &[("decision", "deny")]).await;
    assert_eq!(last(), "consent.denied");
}

#[tokio::test]
async fn a_device_gets_what_its_page_showed() {
    const PAGE: &str = "/oauth/device";
    let mut house = House::open().await;
    let grants = [GrantType::DeviceCode];
    house.desired.clients.push(client("workshop", "tv", terms(&grants, &[], true)));
    house.declare();
    let form = [("client_id", "workshop/tv")];
    let (status, begun) = house.post("/oauth/device_authorization", None, &form).await;
    assert_eq!(status, 200, "{begun}");
    let mut browser = asked(&house, &authorize(&[])).await;
    browser.open(&house, PAGE).await;
    browser.send(&house, PAGE, &[("user_code", begun["user_code"].as_str().unwrap())]).await;
    assert!(browser.page.contains("Allow workshop?"), "{}", browser.page);
    terms_of(&mut house, "workshop", |it| it.lifetime = Duration::from_secs(60 * 60));
    shown_anew(&house, &mut browser, "workshop/tv", "For 60 minutes").await;
    browser.send(&house, CONSENT, &ALLOW).await;
    assert!(browser.page.contains("Your device is connected"), "{}", browser.page);
}
