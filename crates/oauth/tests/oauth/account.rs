//! A person sees what they allowed and where they are signed in, and takes it back at once.

use std::time::Duration;

use model::Effect;
use oauth::{GrantsOf, Permitted};
use serde_json::Value;
use store::{Consent, Grant};

use crate::{
    given::{given, redeem},
    house::{BACK, Browser, DOOR, House, PASSWORD, authorize, claims},
};

const ACCOUNT: &str = "/oauth/account";
const SIGN_OUT: &str = "/oauth/account/sign-out";
const REVOKE: &str = "/oauth/account/revoke";

async fn redeemed(house: &House, code: &str) -> (u16, Value) {
    redeem(house, ("web/app", BACK), code).await
}

async fn refresh(house: &House, token: &Value) -> u16 {
    let token = token.as_str().unwrap();
    let form =
        [("grant_type", "refresh_token"), ("client_id", "web/app"), ("refresh_token", token)];
    house.post("/oauth/token", None, &form).await.0
}

/// A browser in which `name` has signed in at the page of their own.
async fn signed_in(house: &House, name: &str) -> Browser {
    let mut browser = Browser::default();
    browser.open(house, ACCOUNT).await;
    assert!(browser.page.contains("Sign in to see what you allowed"), "{}", browser.page);
    let filled = [("name", name), ("password", PASSWORD)];
    browser.send(house, "/oauth/account/sign-in", &filled).await;
    assert_eq!(browser.status, 303, "{}", browser.page);
    assert_eq!(browser.location.as_deref(), Some(&*format!("{DOOR}{ACCOUNT}")));
    browser.open(house, ACCOUNT).await;
    browser
}

#[tokio::test]
async fn a_person_sees_what_they_allowed_and_takes_it_back_at_once() {
    let house = House::open().await;
    let code = Browser::default().allow(&house, &authorize(&[])).await;
    let (status, first) = redeemed(&house, &code).await;
    assert_eq!(status, 200, "{first}");
    let second = Browser::default().allow(&house, &authorize(&[])).await;
    let mut browser = signed_in(&house, "ann").await;
    for want in ["web", "app.example", "web/app", "<b>orders</b>: read", "Allowed on 2027-01-15"] {
        assert!(browser.page.contains(want), "{want}: {}", browser.page);
    }
    assert!(browser.page.contains("Ends by itself on 2027-"), "{}", browser.page);
    browser.send(&house, REVOKE, &[("client", "web/app")]).await;
    assert_eq!((browser.status, browser.header("location").is_some()), (303, true));
    let record = house.log.records().pop().unwrap();
    assert_eq!(record["event"], "consent.revoked");
    assert!(record.to_string().contains("local:ann for client web/app"), "{record}");
    // Before anything else was told: tokens, and a code that nobody has redeemed yet.
    let grant = claims(&first["access_token"])["onedoor"]["grant"].clone();
    assert!(house.issuer.is_revoked(grant.as_str().unwrap()));
    assert_eq!(refresh(&house, &first["refresh_token"]).await, 400);
    assert_eq!(redeemed(&house, &second).await.0, 400);
    browser.open(&house, ACCOUNT).await;
    assert!(browser.page.contains("No program acts in your name"), "{}", browser.page);
}

#[tokio::test]
async fn a_program_is_shown_with_all_that_it_may_do_whatever_was_allowed_last() {
    let house = House::open().await;
    house.plane.more.lock().unwrap().push(Permitted {
        collection: "customers".to_owned(),
        summary: "Delete a customer".to_owned(),
        effect: Effect::Destructive,
    });
    let (_, whole) = given(&house, "web/app", BACK).await;
    let narrow = async |scope| {
        house.advance(60);
        Browser::default().allow(&house, &authorize(&[("scope", scope)])).await;
    };
    narrow("collection:orders").await;
    let scope = async || house.server.consents(None, None, 10).await.unwrap().remove(0).scope;
    let mut browser = signed_in(&house, "ann").await;
    for want in ["<b>orders</b>: read", "<b>customers</b>: delete"] {
        assert!(browser.page.contains(want), "{want}: {}", browser.page);
    }
    assert!(!browser.page.contains("Scopes:"), "{}", browser.page);
    assert_eq!(scope().await, None);
    // When that has ended, what is left is what was allowed since.
    let first = GrantsOf { id: Some(&whole), ..GrantsOf::default() };
    assert_eq!(house.server.revoke_grants(first).await.unwrap(), [&*whole]);
    browser.open(&house, ACCOUNT).await;
    assert!(!browser.page.contains("customers"), "{}", browser.page);
    assert!(browser.page.contains("Scopes: collection:orders."), "{}", browser.page);
    narrow("collection:customers").await;
    browser.open(&house, ACCOUNT).await;
    assert!(browser.page.contains("<b>orders</b>: read"), "{}", browser.page);
    assert_eq!(scope().await.as_deref(), Some("collection:customers collection:orders"));
}

#[tokio::test]
async fn a_person_sees_and_ends_what_was_given_for_them_without_a_page() {
    let house = House::open().await;
    let now = house.clock.now();
    // As an assertion of who signs people in has it made.
    let grant = Grant {
        id: "g1".to_owned(),
        client: "batch/main".to_owned(),
        profile: "batch/main".to_owned(),
        subject: Some("local:ann".to_owned()),
        body: format!(r#"{{"resource":"{DOOR}/mcp","client_name":"Night shift"}}"#),
        created: now,
        expires: now.plus(Duration::from_secs(600)),
        revoked: None,
    };
    house.store.put_grant(&grant).await.unwrap();
    let mut ann = signed_in(&house, "ann").await;
    for want in ["Night shift", "batch/main", "<b>orders</b>: read", "You were not asked"] {
        assert!(ann.page.contains(want), "{want}: {}", ann.page);
    }
    // Where somebody is signed in is no program.
    for (client, want) in [("sessions", 403), ("batch/main", 303)] {
        ann.send(&house, REVOKE, &[("client", client)]).await;
        assert_eq!(ann.status, want, "{client}: {}", ann.page);
        ann.open(&house, ACCOUNT).await;
    }
    assert!(ann.page.contains("No program acts in your name"), "{}", ann.page);
    assert!(house.store.grant("g1").await.unwrap().unwrap().revoked.is_some());
}

#[tokio::test]
async fn a_person_sees_and_ends_whatever_they_allowed_however_much_it_is() {
    let house = House::open().await;
    for number in 0..205 {
        let consent = Consent {
            subject: "local:ann".to_owned(),
            client: format!("dyn-{number:03}"),
            body: "{}".to_owned(),
            given: house.clock.now(),
        };
        house.store.put_consent(&consent).await.unwrap();
    }
    let mut ann = signed_in(&house, "ann").await;
    let mut seen = Vec::new();
    for (page, want) in [(0, 100), (1, 100), (2, 5)] {
        let programs = ann.page.matches("Known here as").count();
        assert_eq!((page, programs), (page, want));
        let clients = ann.page.split("name=\"client\" value=\"").skip(1);
        seen.extend(clients.map(|it| it.split('"').next().unwrap().to_owned()));
        let next = ann.page.split("<a href=\"").skip(1).find(|it| it.contains("Show more"));
        let next = next.map(|it| it.split('"').next().unwrap().replace("&amp;", "&"));
        assert_eq!(next.is_some(), page < 2, "{}", ann.page);
        if let Some(next) = next {
            ann.open(&house, next.strip_prefix(DOOR).unwrap()).await;
        }
    }
    let want: Vec<_> = (0..205).map(|it| format!("dyn-{it:03}")).collect();
    assert_eq!(seen, want);
    // From the last page, and with a form of the first.
    for client in ["dyn-204", "dyn-150"] {
        ann.send(&house, REVOKE, &[("client", client)]).await;
        assert_eq!(ann.status, 303, "{}", ann.page);
        assert!(house.store.consent("local:ann", client).await.unwrap().is_none());
        ann.open(&house, ACCOUNT).await;
    }
    ann.send(&house, REVOKE, &[("client", "dyn-204")]).await;
    assert_eq!(ann.status, 403);
    ann.open(&house, ACCOUNT).await;
    ann.send(&house, REVOKE, &[("client", "dyn-\0")]).await;
    assert_eq!(ann.status, 400, "{}", ann.page);
}

#[tokio::test]
async fn nobody_takes_back_what_somebody_else_allowed() {
    let house = House::open().await;
    let code = Browser::default().allow(&house, &authorize(&[])).await;
    let (_, tokens) = redeemed(&house, &code).await;
    let mut ben = signed_in(&house, "ben").await;
    assert!(!ben.page.contains("web/app"), "{}", ben.page);
    let shown = ben.page.replace(SIGN_OUT, REVOKE);
    ben.page.clone_from(&shown);
    ben.send(&house, REVOKE, &[("client", "web/app")]).await;
    assert_eq!(ben.status, 403);
    // Nor by a form from elsewhere, in Ann's own browser.
    let mut ann = signed_in(&house, "ann").await;
    ann.page.clone_from(&shown);
    ann.send(&house, REVOKE, &[("client", "web/app")]).await;
    assert_eq!(ann.status, 403, "{}", ann.page);
    ann.page.clear();
    ann.send(&house, REVOKE, &[("client", "web/app")]).await;
    assert_eq!(ann.status, 400, "{}", ann.page);
    // Nor by who is not signed in.
    let mut nobody = Browser::default();
    nobody.open(&house, ACCOUNT).await;
    nobody.page = nobody.page.replace("/oauth/account/sign-in", REVOKE);
    nobody.send(&house, REVOKE, &[("client", "web/app")]).await;
    assert_eq!(nobody.status, 403);
    assert_eq!(refresh(&house, &tokens["refresh_token"]).await, 200);
}

#[tokio::test]
async fn a_person_ends_one_session_or_all_of_their_own() {
    let house = House::open().await;
    let mut desk = signed_in(&house, "ann").await;
    let mut lost = signed_in(&house, "ann").await;
    let mut ben = signed_in(&house, "ben").await;
    desk.open(&house, ACCOUNT).await;
    assert_eq!(desk.page.matches("from 192.0.2.1").count(), 2, "{}", desk.page);
    assert_eq!(desk.page.matches("(this browser)").count(), 1);
    let id = |page: &str| {
        let (_, after) = page.split_once("(this browser)").unwrap();
        let (_, after) = after.split_once("name=\"session\" value=\"").unwrap();
        after.split('"').next().unwrap().to_owned()
    };
    lost.open(&house, ACCOUNT).await;
    let lost_id = id(&lost.page);
    ben.send(&house, SIGN_OUT, &[("session", &lost_id)]).await;
    assert_eq!(ben.status, 403);
    desk.send(&house, SIGN_OUT, &[("session", &lost_id)]).await;
    assert_eq!(desk.status, 303, "{}", desk.page);
    lost.open(&house, ACCOUNT).await;
    assert!(lost.page.contains("Sign in to see"), "{}", lost.page);
    desk.open(&house, ACCOUNT).await;
    assert_eq!(desk.page.matches("from 192.0.2.1").count(), 1, "{}", desk.page);
    let mut other = signed_in(&house, "ann").await;
    desk.send(&house, SIGN_OUT, &[]).await;
    for browser in [&mut desk, &mut other] {
        browser.open(&house, ACCOUNT).await;
        assert!(browser.page.contains("Sign in to see"), "{}", browser.page);
    }
    ben.open(&house, ACCOUNT).await;
    assert!(ben.page.contains("Your account"), "{}", ben.page);
}

#[tokio::test]
async fn the_page_asks_who_it_is_as_every_page_and_slows_guesses_down() {
    let house = House::open().await;
    let mut browser = Browser::default();
    browser.open(&house, ACCOUNT).await;
    let page = browser.page.clone();
    let policy = browser.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(browser.header("cache-control").as_deref(), Some("no-store"));
    let mut statuses = Vec::new();
    for _ in 0..6 {
        browser.page.clone_from(&page);
        let filled = [("name", "ann"), ("password", "not the right one")];
        browser.send(&house, "/oauth/account/sign-in", &filled).await;
        statuses.push(browser.status);
    }
    assert_eq!(statuses, [403, 403, 403, 403, 403, 429]);
    // In a browser that was not shown the page nobody signs in.
    let mut other = Browser::default();
    other.page.clone_from(&page);
    let filled = [("name", "ben"), ("password", PASSWORD)];
    other.send(&house, "/oauth/account/sign-in", &filled).await;
    assert_eq!(other.status, 403);
}
