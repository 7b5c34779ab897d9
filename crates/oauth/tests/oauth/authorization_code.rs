//! A person signs in, decides, and the client gets tokens that renew.

use std::{sync::Arc, time::Duration};

use model::{Timestamp, TokenTerms};
use serde_json::Value;

use crate::house::{BACK, Browser, DOOR, House, PASSWORD, VERIFIER, authorize, claims};

const MCP: &str = "https://door.example/mcp";
const ORDERS: &str = "https://door.example/mcp/orders";
const CUSTOMERS: &str = "https://door.example/mcp/customers";

async fn redeem(house: &House, code: &str, changes: &[(&str, &str)]) -> (u16, Value) {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("client_id", "web/app"),
        ("code", code),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
    ];
    for (name, value) in changes {
        form.retain(|it| it.0 != *name);
        form.push((name, value));
    }
    house.post("/oauth/token", None, &form).await
}

async fn refresh(house: &House, token: &Value) -> (u16, Value) {
    refresh_for(house, token, &[]).await
}

/// As [`refresh`], with this asked for besides.
async fn refresh_for(house: &House, token: &Value, asked: &[(&str, &str)]) -> (u16, Value) {
    let token = token.as_str().unwrap();
    let mut form =
        vec![("grant_type", "refresh_token"), ("client_id", "web/app"), ("refresh_token", token)];
    form.extend_from_slice(asked);
    house.post("/oauth/token", None, &form).await
}

#[tokio::test]
async fn a_person_allows_a_client_and_it_gets_tokens_in_their_name() {
    let house = House::open().await;
    let mut browser = Browser::default();
    let code = browser.allow(&house, &authorize(&[("scope", "collection:orders")])).await;
    assert_eq!(browser.status, 303);
    assert_eq!(browser.parameter("state").as_deref(), Some("s1"));
    assert_eq!(browser.parameter("iss").as_deref(), Some(DOOR));
    let (status, answer) = redeem(&house, &code, &[]).await;
    assert_eq!(status, 200, "{answer}");
    let claims = claims(&answer["access_token"]);
    assert_eq!(claims["sub"], "local:ann");
    assert_eq!(claims["act"]["sub"], "web/app");
    assert_eq!(claims["aud"], "https://door.example/mcp");
    assert_eq!(claims["scope"], "collection:orders");
    let records = format!("{:?}", house.log.records());
    for secret in [PASSWORD, &code, answer["access_token"].as_str().unwrap()] {
        assert!(!records.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_code_is_good_once_for_who_asked_and_for_a_minute() {
    let house = House::open().await;
    for changes in [
        &[("code_verifier", "another-verifier-that-is-as-long-as-it-has-to-be-000")][..],
        &[("code_verifier", "short")],
        &[("redirect_uri", "https://app.example/other")],
        &[("client_id", "agents/reader")],
        &[("code", "odc_unknown")],
    ] {
        let code = Browser::default().allow(&house, &authorize(&[])).await;
        let (status, answer) = redeem(&house, &code, changes).await;
        assert_eq!((status, &answer["error"]), (400, &"invalid_grant".into()), "{changes:?}");
    }
    let code = Browser::default().allow(&house, &authorize(&[])).await;
    house.advance(61);
    assert_eq!(redeem(&house, &code, &[]).await.1["error"], "invalid_grant");
    let code = Browser::default().allow(&house, &authorize(&[])).await;
    let (status, first) = redeem(&house, &code, &[]).await;
    assert_eq!(status, 200);
    // Stolen, by who comes first or by who comes second: all that came of it ends.
    assert_eq!(redeem(&house, &code, &[]).await.1["error"], "invalid_grant");
    assert_eq!(refresh(&house, &first["refresh_token"]).await.1["error"], "invalid_grant");
    let grant = claims(&first["access_token"])["onedoor"]["grant"].clone();
    assert!(house.issuer.is_revoked(grant.as_str().unwrap()));
}

#[tokio::test]
async fn a_code_that_comes_again_weeks_later_ends_what_came_of_it() {
    let house = House::open().await;
    let code = Browser::default().allow(&house, &authorize(&[])).await;
    let (_, first) = redeem(&house, &code, &[]).await;
    house.advance(20 * 86_400);
    house.store.purge(house.clock.now(), 1_000).await.unwrap();
    let (status, second) = refresh(&house, &first["refresh_token"]).await;
    assert_eq!(status, 200, "{second}");
    assert_eq!(redeem(&house, &code, &[]).await.1["error"], "invalid_grant");
    assert_eq!(refresh(&house, &second["refresh_token"]).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn a_code_gives_a_token_for_what_was_authorized_or_for_less() {
    let house = House::open().await;
    for (authorized, asked, want) in [
        (MCP, "", Some(MCP)),
        (MCP, ORDERS, Some(ORDERS)),
        (ORDERS, ORDERS, Some(ORDERS)),
        (ORDERS, MCP, None),
        (ORDERS, CUSTOMERS, None),
        (MCP, "https://other.example", None),
    ] {
        let code = Browser::default().allow(&house, &authorize(&[("resource", authorized)])).await;
        let (_, first) = redeem(&house, &code, &[("resource", asked)]).await;
        let Some(want) = want else {
            assert_eq!(first["error"], "invalid_target", "{authorized} {asked}");
            // As after a wrong verifier, it is good for who asked for it, and once.
            assert_eq!(redeem(&house, &code, &[]).await.0, 200);
            assert_eq!(redeem(&house, &code, &[]).await.1["error"], "invalid_grant");
            continue;
        };
        assert_eq!(claims(&first["access_token"])["aud"], want, "{authorized} {asked}");
        // What renews it was given for all that was authorized.
        let (_, second) = refresh(&house, &first["refresh_token"]).await;
        assert_eq!(claims(&second["access_token"])["aud"], authorized, "{asked}");
    }
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_reuse_ends_the_family() {
    let house = House::open().await;
    let code = Browser::default().allow(&house, &authorize(&[])).await;
    let (_, first) = redeem(&house, &code, &[]).await;
    let (status, second) = refresh(&house, &first["refresh_token"]).await;
    assert_eq!(status, 200, "{second}");
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let (_, reused) = refresh(&house, &first["refresh_token"]).await;
    assert_eq!(reused["error"], "invalid_grant");
    assert_eq!(refresh(&house, &second["refresh_token"]).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn all_that_comes_of_one_sign_in_ends_at_a_time_that_refreshing_does_not_move() {
    let house = House::open().await;
    let code = Browser::default().allow(&house, &authorize(&[])).await;
    let (_, first) = redeem(&house, &code, &[]).await;
    house.advance(TokenTerms::REFRESH_LIFETIME.as_secs() - 2);
    let (status, second) = refresh(&house, &first["refresh_token"]).await;
    assert_eq!(status, 200, "{second}");
    house.advance(4);
    let (status, third) = refresh(&house, &second["refresh_token"]).await;
    assert_eq!((status, third["error"].as_str()), (400, Some("invalid_grant")), "{third}");
}

#[tokio::test]
async fn what_would_give_a_token_that_has_ended_gives_nothing_and_is_not_used_up() {
    let mut house = House::open().await;
    let soon = house.clock.now().plus(Duration::from_millis(900));
    let end = |house: &mut House, at: Option<Timestamp>| {
        Arc::make_mut(&mut house.desired.clients[2]).profiles[0].expires = at;
        house.declare();
    };
    let code = Browser::default().allow(&house, &authorize(&[])).await;
    end(&mut house, Some(soon));
    let (status, answer) = redeem(&house, &code, &[]).await;
    assert_eq!((status, &answer["error"]), (401, &"invalid_client".into()), "{answer}");
    end(&mut house, None);
    let (status, tokens) = redeem(&house, &code, &[]).await;
    assert_eq!(status, 200, "{tokens}");
    end(&mut house, Some(soon));
    let (status, answer) = refresh(&house, &tokens["refresh_token"]).await;
    assert_eq!((status, &answer["error"]), (401, &"invalid_client".into()), "{answer}");
    end(&mut house, None);
    assert_eq!(refresh(&house, &tokens["refresh_token"]).await.0, 200);
}

#[tokio::test]
async fn a_grant_gives_no_token_in_the_second_in_which_it_ends() {
    let house = House::open().await;
    house.clock.advance(Duration::from_millis(900));
    let code = Browser::default().allow(&house, &authorize(&[])).await;
    let (_, tokens) = redeem(&house, &code, &[]).await;
    house.advance(TokenTerms::REFRESH_LIFETIME.as_secs() - 1);
    house.clock.advance(Duration::from_millis(200));
    let (status, answer) = refresh(&house, &tokens["refresh_token"]).await;
    assert_eq!((status, &answer["error"]), (400, &"invalid_grant".into()), "{answer}");
}

#[tokio::test]
async fn more_is_not_given_by_refreshing() {
    let house = House::open().await;
    let target = authorize(&[("scope", "collection:orders"), ("resource", ORDERS)]);
    let code = Browser::default().allow(&house, &target).await;
    let (_, first) = redeem(&house, &code, &[]).await;
    for (more, want) in [
        (&[("scope", "collection:customers")][..], "invalid_scope"),
        (&[("resource", MCP)], "invalid_target"),
        (&[("resource", CUSTOMERS)], "invalid_target"),
        (&[("resource", ORDERS), ("resource", MCP)], "invalid_target"),
    ] {
        let (_, answer) = refresh_for(&house, &first["refresh_token"], more).await;
        assert_eq!(answer["error"], want, "{more:?}");
    }
    assert_eq!(refresh(&house, &first["refresh_token"]).await.0, 200);
}

#[tokio::test]
async fn less_is_given_by_refreshing_and_the_rest_is_not_lost() {
    let house = House::open().await;
    let code = Browser::default().allow(&house, &authorize(&[])).await;
    let (_, mut tokens) = redeem(&house, &code, &[]).await;
    for (asked, want) in [
        (&[("resource", ORDERS)][..], ORDERS),
        (&[("resource", CUSTOMERS)], CUSTOMERS),
        (&[("resource", ORDERS), ("resource", MCP)], MCP),
        (&[], MCP),
    ] {
        let (status, next) = refresh_for(&house, &tokens["refresh_token"], asked).await;
        assert_eq!(status, 200, "{asked:?} {next}");
        assert_eq!(claims(&next["access_token"])["aud"], want, "{asked:?}");
        tokens = next;
    }
}

#[tokio::test]
async fn what_a_client_may_not_ask_is_told_to_the_right_one() {
    let house = House::open().await;
    // Nobody is sent anywhere that is not sure.
    for changes in [
        &[("client_id", "web/other")][..],
        &[("client_id", "")],
        &[("redirect_uri", "https://evil.example/cb")],
        &[("redirect_uri", "https://app.example/cb#x")],
    ] {
        let mut browser = Browser::default();
        browser.open(&house, &authorize(changes)).await;
        assert!(browser.location.is_none() && browser.status >= 400, "{changes:?} {browser:?}");
    }
    for (changes, want) in [
        (&[("response_type", "token")][..], "unsupported_response_type"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("resource", "https://other.example")], "invalid_target"),
        (&[("scope", "everything")], "invalid_scope"),
        (&[("request", "x.y.z")], "request_not_supported"),
        (&[("response_mode", "fragment")], "invalid_request"),
    ] {
        let mut browser = Browser::default();
        browser.open(&house, &authorize(changes)).await;
        assert_eq!(browser.parameter("error").as_deref(), Some(want), "{changes:?}");
        assert_eq!(browser.parameter("iss").as_deref(), Some(DOOR));
        assert_eq!(browser.parameter("state").as_deref(), Some("s1"));
    }
}

#[tokio::test]
async fn a_page_belongs_to_the_browser_it_was_shown_in_and_is_decided_once() {
    let house = House::open().await;
    let mut browser = Browser::default();
    browser.open(&house, &authorize(&[])).await;
    let mut other = Browser::default();
    other.page.clone_from(&browser.page);
    other.send(&house, "/oauth/sign-in", &[("name", "ann"), ("password", PASSWORD)]).await;
    assert_eq!(other.status, 403);
    browser.send(&house, "/oauth/sign-in", &[("name", "ann"), ("password", PASSWORD)]).await;
    let shown = browser.page.clone();
    browser.send(&house, "/oauth/consent", &[("decision", "deny")]).await;
    assert_eq!(browser.parameter("error").as_deref(), Some("access_denied"));
    browser.page = shown;
    browser.send(&house, "/oauth/consent", &[("decision", "allow")]).await;
    assert_eq!((browser.status, browser.location.as_deref()), (403, None));
}

#[tokio::test]
async fn a_wrong_password_tells_nothing() {
    let house = House::open().await;
    let mut browser = Browser::default();
    browser.open(&house, &authorize(&[])).await;
    let mut pages = Vec::new();
    for name in ["ann", "nobody"] {
        browser.send(&house, "/oauth/sign-in", &[("name", name), ("password", "wrong")]).await;
        assert_eq!(browser.status, 403);
        // With its quotes: by chance the token of a form holds the letters of a name.
        pages.push(browser.page.replace(&format!("value=\"{name}\""), "NAME"));
    }
    assert_eq!(pages[0], pages[1]);
}

#[tokio::test]
async fn who_may_not_sign_in_any_more_gets_nothing_more() {
    let mut house = House::open().await;
    let code = Browser::default().allow(&house, &authorize(&[])).await;
    let (_, first) = redeem(&house, &code, &[]).await;
    Arc::make_mut(&mut house.desired.users[0]).is_enabled = false;
    house.declare();
    assert_eq!(refresh(&house, &first["refresh_token"]).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn a_client_gives_tokens_back_and_only_its_own() {
    let house = House::open().await;
    let code = Browser::default().allow(&house, &authorize(&[])).await;
    let (_, first) = redeem(&house, &code, &[]).await;
    let grant = claims(&first["access_token"])["onedoor"]["grant"].clone();
    let token = first["refresh_token"].as_str().unwrap();
    let other = [("client_id", "agents/reader"), ("token", token)];
    assert_eq!(house.post("/oauth/revoke", None, &other).await.0, 200);
    assert!(!house.issuer.is_revoked(grant.as_str().unwrap()));
    let access = first["access_token"].as_str().unwrap();
    let own = [("client_id", "web/app"), ("token", access)];
    assert_eq!(house.post("/oauth/revoke", None, &own).await.0, 200);
    let jti = claims(&first["access_token"])["jti"].clone();
    let jti = jti.as_str().unwrap();
    assert!(house.issuer.is_revoked(jti));
    // What was given, and taken back, is called as in the records of its calls.
    let records = house.log.records();
    let given = records.iter().find(|it| it["event"] == "token.issue").unwrap();
    assert_eq!((&given["token"], &given["auth_methods"]), (&jti.into(), &"pwd".into()));
    let note = format!("grant_type authorization_code, grant {}", grant.as_str().unwrap());
    // By chance the digits of an id look like those of a card.
    assert!(given["note"] == note || given["note"] == "[redacted]", "{given}");
    let back = records.iter().rfind(|it| it["event"] == "token.revoke").unwrap();
    assert_eq!((&back["token"], &back["profile"]), (&jti.into(), &given["profile"]));
    assert_eq!((&given["grant"], &back["grant"]), (&grant, &grant));
    assert_eq!(back["user"], given["user"]);
    let own = [("client_id", "web/app"), ("token", token)];
    assert_eq!(house.post("/oauth/revoke", None, &own).await.0, 200);
    assert!(house.issuer.is_revoked(grant.as_str().unwrap()));
    assert_eq!(refresh(&house, &first["refresh_token"]).await.1["error"], "invalid_grant");
    let unknown = [("client_id", "web/app"), ("token", "odr_unknown")];
    assert_eq!(house.post("/oauth/revoke", None, &unknown).await.0, 200);
}
