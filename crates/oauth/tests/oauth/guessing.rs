//! Guessing is slowed down, whoever guesses what from however many places, and nobody is locked out.

use std::net::IpAddr;

use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::json;

use crate::{
    given::{LOOPBACK, redeem, refresh},
    house::{BACK, Browser, DOCUMENT, House, PASSWORD, SECRET, VERIFIER, authorize, challenge},
    key::Key,
};

const WRONG: &str = "not the right password";

/// A browser that shows the page to sign in.
async fn browser(house: &House) -> Browser {
    let mut browser = Browser::default();
    browser.open(house, &authorize(&[])).await;
    browser
}

/// Tries a password as `name` from the page to sign in, and says what came of it.
async fn guess(house: &House, browser: &mut Browser, name: &str, password: &str) -> u16 {
    let page = browser.page.clone();
    browser.send(house, "/oauth/sign-in", &[("name", name), ("password", password)]).await;
    let status = browser.status;
    if status != 200 {
        browser.page = page;
    }
    status
}

#[tokio::test]
async fn guesses_that_come_all_at_once_are_counted_before_they_are_checked() {
    let house = House::open().await;
    let mut browsers = Vec::new();
    for _ in 0..12 {
        browsers.push(browser(&house).await);
    }
    let guesses = browsers.iter_mut().map(|it| guess(&house, it, "ann", WRONG));
    let statuses = join_all(guesses).await;
    assert_eq!(statuses.iter().filter(|it| **it == 403).count(), 5, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|it| **it == 429).count(), 7, "{statuses:?}");
    let mut late = browser(&house).await;
    assert_eq!(guess(&house, &mut late, "ann", PASSWORD).await, 429);
    assert_eq!(late.header("retry-after").as_deref(), Some("61"));
    let record = house.log.records().pop().unwrap();
    assert_eq!((&record["event"], &record["status"]), (&"sign_in.slowed".into(), &429.into()));
    let text = record.to_string();
    for want in ["192.0.2.1", "ann", "this source and account"] {
        assert!(text.contains(want), "{want}: {text}");
    }
    house.advance(60);
    assert_eq!(guess(&house, &mut late, "ann", PASSWORD).await, 200);
}

#[tokio::test]
async fn an_account_under_attack_from_many_sources_is_open_to_its_owners_browser() {
    let house = House::open().await;
    let mut owner = browser(&house).await;
    assert_eq!(guess(&house, &mut owner, "ann", PASSWORD).await, 200);
    let cookie = owner.cookie("__Host-onedoor-known").unwrap();
    let mut attacker = browser(&house).await;
    let mut checked = 0;
    for last in 10..33 {
        house.peer.set(IpAddr::from([203, 0, 113, last]));
        checked += usize::from(guess(&house, &mut attacker, "ann", WRONG).await == 403);
    }
    assert_eq!(checked, 20);
    // Also from where the attack comes, mistyped before.
    owner.forget("__Host-onedoor-session");
    owner.open(&house, &authorize(&[])).await;
    assert_eq!(guess(&house, &mut owner, "ann", WRONG).await, 403);
    assert_eq!(guess(&house, &mut owner, "ann", PASSWORD).await, 200);
    // The cookie is of one account and of this door, and has its own budget.
    for (name, forged) in [("ben", cookie.clone()), ("ann", format!("{cookie}x"))] {
        let mut browser = browser(&house).await;
        browser.put_cookie("__Host-onedoor-known", &forged);
        let statuses = [
            guess(&house, &mut browser, name, WRONG).await,
            guess(&house, &mut browser, "ann", PASSWORD).await,
        ];
        assert_eq!(statuses[1], if name == "ben" { 200 } else { 429 }, "{name} {statuses:?}");
    }
    let mut thief = browser(&house).await;
    thief.put_cookie("__Host-onedoor-known", &cookie);
    let mut tried = 0;
    while guess(&house, &mut thief, "ann", WRONG).await == 403 {
        tried += 1;
    }
    // Ten, of which the owner has used one.
    assert_eq!(tried, 9);
}

#[tokio::test]
async fn who_guesses_the_secret_of_a_client_is_slowed_down_and_the_client_is_not() {
    let house = House::open().await;
    let form = [("grant_type", "client_credentials"), ("token", "x")];
    let (right, wrong) = (Some(("batch/main", SECRET)), Some(("batch/main", "ods_x")));
    let from = |last| house.peer.set(IpAddr::from([203, 0, 113, last]));
    // What is no request to be pushed is told by 400.
    let paths = ["/oauth/token", "/oauth/introspect", "/oauth/revoke", "/oauth/par"];
    from(9);
    for path in paths {
        for _ in 0..5 {
            let (status, answer) = house.post(path, wrong, &form).await;
            assert_eq!((status, &answer["error"]), (401, &"invalid_client".into()), "{path}");
        }
    }
    let (status, answer) = house.post("/oauth/token", wrong, &form).await;
    assert_eq!((status, &answer["error"]), (429, &"invalid_client".into()));
    let record = house.log.records().pop().unwrap().to_string();
    assert!(record.contains("203.0.113.9") && record.contains("batch/main"), "{record}");
    let mut refused = 0;
    for last in 10..100 {
        from(last);
        refused += usize::from(house.post("/oauth/token", wrong, &form).await.0 == 401);
    }
    assert_eq!(refused, 80);
    // Who has it gets in: where it was guessed at, and from where nobody came before.
    for last in [9, 99, 200] {
        from(last);
        for (path, want) in paths.into_iter().zip([200, 200, 200, 400]) {
            assert_eq!(house.post(path, right, &form).await.0, want, "{path} from {last}");
        }
        assert_eq!(house.post("/oauth/token", wrong, &form).await.0, 429, "{last}");
    }
}

#[tokio::test]
async fn who_signs_as_a_client_that_it_is_not_slows_down_nobody_elsewhere() {
    let house = House::open().await;
    let (key, other) = (Key::new(), Key::new());
    let document = json!({
        "client_id": DOCUMENT, "redirect_uris": [LOOPBACK],
        "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [key.jwk()] },
    });
    house.web().publish(DOCUMENT, &document, None);
    let ask = async |key: &Key| {
        let assertion = key.assertion(&house, DOCUMENT);
        let form = [
            ("grant_type", "authorization_code"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &*assertion),
            ("code", "odc_unknown"),
        ];
        house.post("/oauth/token", None, &form).await.0
    };
    for last in 1..=6 {
        house.peer.set(IpAddr::from([203, 0, 113, last]));
        for _ in 0..20 {
            assert_eq!(ask(&other).await, 401);
        }
        assert_eq!(ask(&key).await, 429);
    }
    house.peer.set(IpAddr::from([203, 0, 113, 7]));
    assert_eq!(ask(&key).await, 400);
}

#[tokio::test]
async fn who_looks_for_what_nobody_was_given_is_slowed_down_and_who_was_given_it_is_not() {
    let house = House::open().await;
    let code = Browser::default().allow(&house, &authorize(&[])).await;
    let device = "urn:ietf:params:oauth:grant-type:device_code";
    let forms = [
        ("authorization_code", "code"),
        ("refresh_token", "refresh_token"),
        (device, "device_code"),
    ];
    let forms = forms
        .map(|(grant, name)| [("grant_type", grant), ("client_id", "web/app"), (name, "unknown")]);
    let token = [("client_id", "web/app"), ("token", "unknown")];
    let target = "/oauth/authorize?client_id=web/app&request_uri=unknown";
    // What is said of each: codes and tokens, a token to be revoked, a request that was pushed.
    let look = async || {
        let mut statuses = Vec::new();
        for form in &forms {
            statuses.push(house.post("/oauth/token", None, form).await.0);
        }
        statuses.push(house.post("/oauth/revoke", None, &token).await.0);
        let mut browser = Browser::default();
        browser.open(&house, target).await;
        statuses.push(browser.status);
        statuses
    };
    for number in 0..20 {
        assert_eq!(look().await, [400, 400, 400, 200, 400], "{number}");
    }
    assert_eq!(look().await, [429; 5]);
    // So is who looks for clients that nobody registered as.
    let nobody = [("grant_type", "refresh_token"), ("client_id", "dyn-nobody")];
    assert_eq!(house.post("/oauth/token", None, &nobody).await.0, 429);
    // It is decided all the same: who has kept such a token is to throw it away.
    let (status, answer) = house.post("/oauth/token", None, &forms[1]).await;
    assert_eq!((status, &answer["error"]), (429, &"invalid_grant".into()));
    let mut browser = Browser::default();
    browser.open(&house, target).await;
    assert_eq!(browser.header("retry-after").as_deref(), Some("3"));
    let record = house.log.records().pop().unwrap().to_string();
    assert!(record.contains("192.0.2.1") && record.contains("this source"), "{record}");
    // Who has one gets in, also from there; so does who proves who it is, and who comes from elsewhere.
    let (status, tokens) = redeem(&house, ("web/app", BACK), &code).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(refresh(&house, "web/app", &tokens).await.0, 200);
    let batch = Some(("batch/main", SECRET));
    assert_eq!(house.post("/oauth/revoke", batch, &[("token", "unknown")]).await.0, 200);
    house.peer.set(IpAddr::from([192, 0, 2, 2]));
    assert_eq!(look().await, [400, 400, 400, 200, 400]);
    house.peer.set(IpAddr::from([192, 0, 2, 1]));
    house.advance(2);
    assert_eq!(look().await, [400, 429, 429, 429, 429]);
    // What was given and has ended is no guess.
    let (status, answer) = redeem(&house, ("web/app", BACK), &code).await;
    assert_eq!((status, &answer["error"]), (400, &"invalid_grant".into()));
}

#[tokio::test]
async fn a_client_that_is_told_to_wait_is_told_how_long() {
    let house = House::open().await;
    let basic = HeaderValue::from_static("Basic YmF0Y2glMkZtYWluOng=");
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    let headers =
        HeaderMap::from_iter([(header::AUTHORIZATION, basic), (header::CONTENT_TYPE, form)]);
    let mut last = None;
    for _ in 0..21 {
        let body = "grant_type=client_credentials";
        last = Some(house.ask(Method::POST, "/oauth/token", headers.clone(), body).await);
    }
    let last = last.unwrap();
    assert_eq!(last.status().as_u16(), 429);
    assert_eq!(last.headers()[header::RETRY_AFTER], "11");
    assert!(last.headers().get(header::WWW_AUTHENTICATE).is_none());
}

#[tokio::test]
async fn a_source_keeps_only_so_much_waiting_for_people() {
    let mut house = House::open().await;
    let web = house.desired.clients.iter_mut().find(|it| it.id.as_str() == "web").unwrap();
    let terms = std::sync::Arc::make_mut(web).profiles[0].tokens.as_mut().unwrap();
    terms.grants.push(model::GrantType::DeviceCode);
    house.declare();
    let challenge = challenge(VERIFIER);
    let pushed = [
        ("client_id", "web/app"),
        ("redirect_uri", BACK),
        ("response_type", "code"),
        ("code_challenge", &*challenge),
        ("code_challenge_method", "S256"),
    ];
    let open = async || {
        let answer = house.ask(Method::GET, &authorize(&[]), HeaderMap::new(), "").await;
        answer.status().as_u16()
    };
    let push = async || house.post("/oauth/par", None, &pushed).await;
    let device = [("client_id", "web/app")];
    let begin = async || house.post("/oauth/device_authorization", None, &device).await;
    for number in 0..34 {
        assert_eq!(open().await, 200, "{number}");
        assert_eq!(push().await.0, 201, "{number}");
        if number < 32 {
            assert_eq!(begin().await.0, 200, "{number}");
        }
    }
    assert_eq!(open().await, 429);
    let (status, answer) = push().await;
    assert_eq!((status, &answer["error"]), (429, &"temporarily_unavailable".into()));
    let (status, answer) = begin().await;
    assert_eq!((status, &answer["error"]), (429, &"slow_down".into()));
    let record = house.log.records().pop().unwrap().to_string();
    assert!(record.contains("192.0.2.1") && record.contains("this source"), "{record}");
    // Others are not held up.
    house.peer.set(IpAddr::from([192, 0, 2, 2]));
    assert_eq!(open().await, 200);
    house.peer.set(IpAddr::from([192, 0, 2, 1]));
    house.advance(2);
    assert_eq!((open().await, open().await), (200, 429));
}
