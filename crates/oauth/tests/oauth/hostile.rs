//! What attackers send to the endpoints: each is refused with the right error, and leads nowhere.

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Value, json};

use crate::house::{BACK, Browser, DOCUMENT, DOOR, House, PASSWORD, SECRET, authorize};

const LOOPBACK: &str = "http://127.0.0.1:49152/cb";
const FORM: &str = "application/x-www-form-urlencoded";

/// The status and the error of a POST to `path`.
async fn post(house: &House, path: &str, media: &str, body: &str) -> (u16, String) {
    let mut headers = HeaderMap::new();
    if !media.is_empty() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(media).unwrap());
    }
    let answer = house.ask(Method::POST, path, headers, body.to_owned()).await;
    assert!(answer.headers().get(header::LOCATION).is_none(), "{path} {body}");
    let error = serde_json::from_slice::<Value>(answer.body()).ok();
    let error = error.and_then(|it| it.get("error")?.as_str().map(str::to_owned));
    (answer.status().as_u16(), error.unwrap_or_default())
}

/// What is wrong with a request that is otherwise right.
const MISTAKES: [(&str, &str); 7] = [
    ("response_type", "x"),
    ("response_mode", "form_post"),
    ("scope", "everything"),
    ("code_challenge", ""),
    ("code_challenge_method", "plain"),
    ("resource", "https://other.example"),
    ("request", "x.y.z"),
];

#[tokio::test]
async fn nobody_is_sent_where_the_client_did_not_say() {
    let house = House::open().await;
    for uri in [
        "https://app.example/cb/",
        "https://app.example/cb?x=1",
        "https://app.example/cb/../cb",
        "https://app.example/cb%2f..",
        "https://app.example/CB",
        "https://APP.example/cb",
        "https://app.example:443/cb",
        "https://app.example./cb",
        "https://app.example@evil.example/cb",
        "https://evil.example/app.example/cb",
        "https://app.example.evil.example/cb",
        "https://app.example\\@evil.example/cb",
        "https:/app.example/cb",
        "//app.example/cb",
        "http://app.example/cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://app.example/cb\r\nLocation: https://evil.example",
        " https://app.example/cb",
        "https://app.example/cb ",
        "https://app.example/cb\u{0}",
        "https://аpp.example/cb",
        "http://127.0.0.1/cb",
        "urn:ietf:wg:oauth:2.0:oob",
        "*",
    ] {
        let mut browser = Browser::default();
        browser.open(&house, &authorize(&[("redirect_uri", uri)])).await;
        assert!(browser.location.is_none() && browser.status == 400, "{uri} {browser:?}");
        assert!(!browser.page.contains("href=\"https://evil"), "{uri}");
        // Nor by an error, for which another parameter is wrong.
        let changes = [("redirect_uri", uri), ("response_type", "token")];
        browser.open(&house, &authorize(&changes)).await;
        assert!(browser.location.is_none(), "{uri} {browser:?}");
    }
}

/// A client that registered itself.
async fn registered(house: &House) -> String {
    let metadata = format!(r#"{{"redirect_uris":["{LOOPBACK}"]}}"#);
    let answer = house.ask(Method::POST, "/oauth/register", HeaderMap::new(), metadata).await;
    let client: Value = serde_json::from_slice(answer.body()).unwrap();
    client["client_id"].as_str().unwrap().to_owned()
}

/// A browser that opens `target` is shown what is wrong, and sent nowhere.
async fn stays(house: &House, browser: &mut Browser, target: &str) {
    browser.open(house, target).await;
    assert_eq!((browser.status, browser.location.as_deref()), (400, None), "{target} {browser:?}");
}

#[tokio::test]
async fn a_client_that_nobody_registered_leads_nobody_away_by_a_mistake() {
    let house = House::open().await;
    for id in [DOCUMENT.to_owned(), registered(&house).await] {
        let usual = [("client_id", &*id), ("redirect_uri", LOOPBACK)];
        let mut signed_in = Browser::default();
        signed_in.allow(&house, &authorize(&usual)).await;
        for mistake in MISTAKES {
            let target = authorize(&[&usual[..], &[mistake]].concat());
            stays(&house, &mut Browser::default(), &target).await;
            stays(&house, &mut signed_in, &target).await;
        }
    }
}

#[tokio::test]
async fn whom_no_rule_admits_is_led_nowhere_by_what_they_decide() {
    let house = House::open().await;
    for id in [DOCUMENT.to_owned(), registered(&house).await] {
        for decision in ["allow", "deny"] {
            let mut ben = Browser::default();
            ben.open(&house, &authorize(&[("client_id", &id), ("redirect_uri", LOOPBACK)])).await;
            // The page to decide on, which he is not shown, would hold the same.
            let page = ben.page.replace("action=\"/oauth/sign-in\"", "action=\"/oauth/consent\"");
            let filled = [("name", "ben"), ("password", PASSWORD)];
            ben.send(&house, "/oauth/sign-in", &filled).await;
            assert_eq!(ben.status, 403, "{}", ben.page);
            ben.page = page;
            ben.send(&house, "/oauth/consent", &[("decision", decision)]).await;
            assert_eq!((ben.status, ben.location.as_deref()), (403, None), "{id} {ben:?}");
            assert!(ben.page.contains("admits"), "{}", ben.page);
        }
    }
}

#[tokio::test]
async fn a_parameter_that_stands_twice_is_one_too_many() {
    let house = House::open().await;
    for more in [
        "redirect_uri=https%3A%2F%2Fevil.example",
        "client_id=agents%2Freader",
        "redirect%5Furi=https%3A%2F%2Fevil.example",
        "state=s2",
        "scope=role%3Aa&scope=role%3Ab",
        "code_challenge=x",
        "code_challenge_method=plain",
        "response_type=token",
    ] {
        let mut browser = Browser::default();
        browser.open(&house, &format!("{}&{more}", authorize(&[]))).await;
        assert!(browser.location.is_none() && browser.status == 400, "{more} {browser:?}");
    }
    let (status, error) = post(
        &house,
        "/oauth/token",
        FORM,
        &format!("grant_type=client_credentials&grant_type=password&client_id=batch%2Fmain&client_secret={SECRET}"),
    )
    .await;
    assert_eq!((status, error.as_str()), (400, "invalid_request"));
}

#[tokio::test]
async fn only_the_response_type_and_mode_that_there_are_can_be_asked_for() {
    let house = House::open().await;
    for (changes, want) in [
        (("response_type", "id_token"), "unsupported_response_type"),
        (("response_type", "code token"), "unsupported_response_type"),
        (("response_type", "code id_token"), "unsupported_response_type"),
        (("response_type", "CODE"), "unsupported_response_type"),
        (("response_type", "none"), "unsupported_response_type"),
        (("response_mode", "form_post"), "invalid_request"),
        (("response_mode", "query.jwt"), "invalid_request"),
        (("response_mode", "web_message"), "invalid_request"),
        (("code_challenge_method", "s256"), "invalid_request"),
        (("code_challenge_method", "S512"), "invalid_request"),
    ] {
        let mut browser = Browser::default();
        browser.open(&house, &authorize(&[changes])).await;
        assert_eq!(browser.parameter("error").as_deref(), Some(want), "{changes:?} {browser:?}");
        assert_eq!(browser.parameter("iss").as_deref(), Some(DOOR), "{changes:?}");
        assert!(browser.location.as_ref().unwrap().starts_with(BACK));
        assert!(!browser.location.as_ref().unwrap().contains('#'));
    }
}

#[tokio::test]
async fn the_back_channel_takes_forms_that_are_posted_and_nothing_else() {
    let house = House::open().await;
    let good =
        format!("grant_type=client_credentials&client_id=batch%2Fmain&client_secret={SECRET}");
    assert_eq!(post(&house, "/oauth/token", FORM, &good).await.0, 200);
    assert_eq!(post(&house, "/oauth/token", &format!("{FORM}; charset=utf-8"), &good).await.0, 200);
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke"] {
        for media in
            ["", "application/json", "text/plain", "multipart/form-data", "x/x-www-form-urlencoded"]
        {
            let (status, error) = post(&house, path, media, &good).await;
            assert_eq!((status, error.as_str()), (400, "invalid_request"), "{path} {media}");
        }
        for method in [Method::GET, Method::PUT, Method::HEAD, Method::OPTIONS] {
            let target = format!("{path}?{good}");
            let answer = house.ask(method.clone(), &target, HeaderMap::new(), "").await;
            assert_eq!(answer.status().as_u16(), 405, "{method} {path}");
        }
        // A query is no form, even beside one.
        let (status, _) = post(&house, &format!("{path}?{good}"), FORM, "").await;
        assert_eq!(status, 400, "{path}");
    }
    let many: String = (0..65).map(|it| format!("&p{it}=1")).collect();
    let long = format!("&x={}", "x".repeat(16 * 1024 + 1));
    for more in [many, long, "&x=1&x=2".to_owned()] {
        let (status, error) = post(&house, "/oauth/token", FORM, &format!("{good}{more}")).await;
        assert_eq!((status, error.as_str()), (400, "invalid_request"), "{more:.20}");
    }
    let form = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(FORM))]);
    let answer = house.ask(Method::POST, "/oauth/token", form, &b"\xff"[..]).await;
    let said: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(said["error_description"], "the form is no text");
}

#[tokio::test]
async fn no_secret_is_kept_by_caches_and_no_page_is_framed_or_runs_a_script() {
    let house = House::open().await;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(FORM));
    let good =
        format!("grant_type=client_credentials&client_id=batch%2Fmain&client_secret={SECRET}");
    let answer = house.ask(Method::POST, "/oauth/token", headers, good).await;
    assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
    let page = house.ask(Method::GET, &authorize(&[]), HeaderMap::new(), "").await;
    let bad = authorize(&[("redirect_uri", "https://evil.example")]);
    let error = house.ask(Method::GET, &bad, HeaderMap::new(), "").await;
    for answer in [page, error] {
        let text = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        let policy = text("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
        // Programs in browsers may ask the back channel, and nobody else's page may read these.
        assert!(answer.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN).is_none());
        assert_eq!(text("x-frame-options"), "DENY");
        assert_eq!(text("referrer-policy"), "same-origin");
        assert_eq!(text("cache-control"), "no-store");
        assert_eq!(text("x-content-type-options"), "nosniff");
        for cookie in answer.headers().get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.starts_with("__Host-") && cookie.contains("; Path=/"), "{cookie}");
            assert!(cookie.contains("; Secure") && cookie.contains("; HttpOnly"), "{cookie}");
            assert!(cookie.contains("; SameSite="), "{cookie}");
        }
    }
}

#[tokio::test]
async fn a_forged_decision_of_a_person_counts_for_nothing() {
    let house = House::open().await;
    let mut browser = Browser::default();
    browser.open(&house, &authorize(&[])).await;
    browser.send(&house, "/oauth/sign-in", &[("name", "ann"), ("password", PASSWORD)]).await;
    let shown = browser.page.clone();
    for (name, value) in
        [("csrf", ""), ("csrf", "x"), ("authorization", ""), ("authorization", "x")]
    {
        let start = format!("name=\"{name}\" value=\"");
        let old = shown.split(&start).nth(1).unwrap().split('"').next().unwrap();
        browser.page = shown.replace(&format!("{start}{old}"), &format!("{start}{value}"));
        browser.send(&house, "/oauth/consent", &[("decision", "allow")]).await;
        assert!(browser.status >= 400 && browser.location.is_none(), "{name} {value} {browser:?}");
    }
    // Each on a page of its own: a decision is taken once, whatever it is.
    for decision in ["", "ALLOW", "yes"] {
        browser.open(&house, &authorize(&[])).await;
        browser.send(&house, "/oauth/consent", &[("decision", decision)]).await;
        let error = browser.parameter("error");
        assert_eq!(error.as_deref(), Some("access_denied"), "{decision} {browser:?}");
        assert!(browser.parameter("code").is_none(), "{decision} {browser:?}");
    }
}

#[tokio::test]
async fn a_browser_that_was_never_here_is_not_signed_in_by_a_page_of_somebody_else() {
    let house = House::open().await;
    let (mut attacker, mut victim) = (Browser::default(), Browser::default());
    attacker.open(&house, &authorize(&[])).await;
    let value = |name: &str| {
        let start = format!("name=\"{name}\" value=\"");
        attacker.page.split(&start).nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    // What a browser without a cookie would have to send.
    let text = format!(" {}", value("authorization"));
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    let forged = URL_SAFE_NO_PAD.encode(hash);
    victim.page = attacker.page.replace(&value("csrf"), &forged);
    victim.send(&house, "/oauth/sign-in", &[("name", "ann"), ("password", PASSWORD)]).await;
    assert_eq!(victim.status, 403, "{victim:?}");
    assert!(victim.page.contains("not made for this browser"), "{}", victim.page);
    assert_eq!(victim.cookie("__Host-onedoor-session"), None);
}

#[tokio::test]
async fn what_a_client_is_called_is_text_on_the_page_and_no_page() {
    let house = House::open().await;
    let mut browser = Browser::default();
    let evil = "\"><script>alert(1)</script>";
    for name in ["client_id", "redirect_uri", "scope", "resource", "state", "response_type"] {
        browser.open(&house, &authorize(&[(name, evil)])).await;
        assert!(!browser.page.contains("<script"), "{name}: {}", browser.page);
    }
    let metadata = json!({ "redirect_uris": [LOOPBACK], "client_name": evil }).to_string();
    let answer = house.ask(Method::POST, "/oauth/register", HeaderMap::new(), metadata).await;
    let client: Value = serde_json::from_slice(answer.body()).unwrap();
    let id = client["client_id"].as_str().unwrap();
    browser.open(&house, &authorize(&[("client_id", id), ("redirect_uri", LOOPBACK)])).await;
    browser.send(&house, "/oauth/sign-in", &[("name", "ann"), ("password", PASSWORD)]).await;
    let page = &browser.page;
    assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<script"), "{page}");
}
