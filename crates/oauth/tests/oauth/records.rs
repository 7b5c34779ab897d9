//! Whatever is asked leaves a record: documents, and what nobody waited for.

use std::{
    collections::BTreeSet,
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use audit::{EventId, Kind};
use http::{HeaderMap, Method};
use serde_json::Value;

use crate::{
    given::redeem,
    house::{BACK, Browser, DOCUMENT, House, PASSWORD, SILENT, authorize, claims},
};

/// All endpoints, and some that there are not.
const PATHS: [&str; 24] = [
    "/.well-known/nothing",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/oauth",
    "/oauth/account",
    "/oauth/account/revoke",
    "/oauth/account/second-factor",
    "/oauth/account/second-factor/remove",
    "/oauth/account/sign-out",
    "/oauth/account/sign-in",
    "/oauth/authorize",
    "/oauth/consent",
    "/oauth/device",
    "/oauth/device/sign-in",
    "/oauth/device_authorization",
    "/oauth/introspect",
    "/oauth/jwks",
    "/oauth/nothing",
    "/oauth/par",
    "/oauth/register",
    "/oauth/revoke",
    "/oauth/sign-in",
    "/oauth/sign-in/nobody",
    "/oauth/token",
];

/// Where nothing but a document or a page is shown, by GET.
const SHOWN: [&str; 5] = [
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/oauth/account",
    "/oauth/device",
    "/oauth/jwks",
];

/// What a client sends to register itself.
const METADATA: &str =
    r#"{"redirect_uris":["http://127.0.0.1/cb"],"token_endpoint_auth_method":"none"}"#;

#[tokio::test]
async fn who_reads_what_everybody_may_read_is_recorded() {
    let house = House::open().await;
    for (path, event) in [
        ("/.well-known/oauth-authorization-server", "metadata.read"),
        ("/.well-known/openid-configuration", "metadata.read"),
        ("/oauth/jwks", "key_set.read"),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let answer = house.ask(method, path, HeaderMap::new(), "").await;
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.headers()["cache-control"], "public, max-age=300");
            let record = house.log.records().pop().unwrap();
            assert_eq!(
                (&record["kind"], &record["event"]),
                (&"authorization".into(), &event.into())
            );
            assert_eq!((&record["path"], &record["status"]), (&path.into(), &200.into()));
        }
    }
    assert_eq!(house.log.records().len(), 6);
}

#[tokio::test]
async fn what_is_asked_where_nothing_is_leaves_a_record() {
    let house = House::open().await;
    for (method, path, status) in [
        (Method::GET, "/oauth/nothing", 404),
        (Method::POST, "/.well-known/jwks.json", 404),
        (Method::GET, "/oauth/token", 405),
        (Method::DELETE, "/oauth/account", 405),
    ] {
        let answer = house.ask(method, path, HeaderMap::new(), "").await;
        assert_eq!(answer.status(), status, "{path}");
        let record = house.log.records().pop().unwrap();
        assert_eq!(record["event"], "endpoint.unknown");
        assert_eq!((&record["path"], &record["decision"]), (&path.into(), &"deny".into()));
    }
    assert_eq!(house.log.records().len(), 4);
}

/// Clients look for documents below the address that they were given, whatever stands in it.
#[tokio::test]
async fn a_key_in_a_path_is_in_no_record() {
    let house = House::open().await;
    let key = "KeyThatSomebodyPutIntoAnAddress";
    for (path, want) in [
        (format!("/.well-known/openid-configuration/mcp/odk_{key}"), "/mcp/[redacted]"),
        (format!("/oauth/odk_{key}/token"), "/oauth/[redacted]/token"),
        (format!("/oauth/%6Fdk_{key}"), "/oauth/[redacted]"),
    ] {
        let answer = house.ask(Method::GET, &path, HeaderMap::new(), "").await;
        assert_eq!(answer.status(), 404, "{path}");
        let record = house.log.records().pop().unwrap();
        assert_eq!(record["event"], "endpoint.unknown");
        assert!(record["path"].as_str().unwrap().ends_with(want), "{record}");
    }
    assert!(!house.log.text().contains(key), "{}", house.log.text());
}

#[tokio::test]
async fn a_page_that_refuses_is_recorded_as_a_refusal() {
    let house = House::open().await;
    let last = |event: &str| {
        let record = house.log.records().pop().unwrap();
        assert_eq!((&record["event"], &record["decision"]), (&event.into(), &"deny".into()));
        assert_eq!(record["outcome"], "refused", "{record}");
        record
    };
    let mut browser = Browser::default();
    browser.open(&house, &authorize(&[("scope", "x")])).await;
    assert_eq!(browser.status, 303);
    assert_eq!(last("authorization.begin")["rule"], "invalid_scope");
    browser.open(&house, &authorize(&[])).await;
    browser.send(&house, "/oauth/sign-in", &[("name", "ann"), ("password", "no")]).await;
    last("sign_in.failed");
    browser.send(&house, "/oauth/sign-in", &[("name", "ann"), ("password", PASSWORD)]).await;
    browser.send(&house, "/oauth/consent", &[("decision", "deny")]).await;
    assert_eq!(browser.status, 303);
    last("consent.denied");
    // Nobody admits ben with this client.
    let loopback = [("client_id", DOCUMENT), ("redirect_uri", "http://127.0.0.1:49152/cb")];
    let mut browser = Browser::default();
    browser.open(&house, &authorize(&loopback)).await;
    browser.send(&house, "/oauth/sign-in", &[("name", "ben"), ("password", PASSWORD)]).await;
    assert_eq!(browser.status, 403);
    let record = last("sign_in");
    assert!(record["cause"].as_str().unwrap().contains(DOCUMENT), "{record}");
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_told() {
    let house = House::open().await;
    house.log.fill_after(0);
    for path in ["/oauth/jwks", "/.well-known/oauth-authorization-server"] {
        let answer = house.ask(Method::GET, path, HeaderMap::new(), "").await;
        assert_eq!(answer.status(), 503);
        assert!(!String::from_utf8_lossy(answer.body()).contains("kty"));
    }
}

/// What is said where only what came of it cannot be recorded.
const WITHHELD: &str = "this was carried out, or may have been, and its answer is withheld because \
                        it cannot be recorded";

/// Registers a client: the status, and what is said of it.
async fn register(house: &House) -> (u16, String) {
    let answer = house.ask(Method::POST, "/oauth/register", HeaderMap::new(), METADATA).await;
    let body: Value = serde_json::from_slice(answer.body()).unwrap();
    (answer.status().as_u16(), body["error_description"].as_str().unwrap_or_default().to_owned())
}

/// How many clients registered themselves.
async fn registered(house: &House) -> usize {
    house.store.registrations(None, 10).await.unwrap().len()
}

#[tokio::test]
async fn what_cannot_be_recorded_beforehand_is_not_carried_out() {
    let house = House::open().await;
    house.log.fill_after(0);
    let (status, told) = register(&house).await;
    assert_eq!((status, &*told), (503, "this cannot be recorded, so it is not carried out"));
    assert_eq!(registered(&house).await, 0);
    house.log.mend();
    house.advance(1);
    assert_eq!(register(&house).await.0, 201);
    assert_eq!(registered(&house).await, 1);
}

#[tokio::test]
async fn what_begins_is_on_the_disk_before_it_is_carried_out() {
    let house = House::open().await;
    // With it the segment begins.
    assert_eq!(register(&house).await.0, 201);
    let shown = [&SHOWN[..], &["/.well-known/nothing", "/oauth", "/oauth/nothing"]].concat();
    let getting = ["/oauth/authorize", "/oauth/sign-in"].map(|it| (Method::GET, it));
    let posting = PATHS.into_iter().filter(|it| !shown.contains(it) && !it.ends_with("authorize"));
    let posting = posting.map(|it| (Method::POST, it));
    for (method, path) in getting.into_iter().chain(posting) {
        house.log.fail_syncs();
        let answer = house.ask(method.clone(), path, HeaderMap::new(), METADATA).await;
        assert_eq!(answer.status(), 503, "{method} {path}");
        let told = String::from_utf8_lossy(answer.body());
        assert!(told.contains("so it is not carried out"), "{method} {path}: {told}");
        house.log.mend();
        house.advance(1);
        house.ask(Method::GET, "/oauth/jwks", HeaderMap::new(), "").await;
    }
    assert_eq!(registered(&house).await, 1);
}

#[tokio::test]
async fn what_was_carried_out_and_cannot_be_recorded_is_said_to_be_done_and_recorded_as_unknown() {
    let house = House::open().await;
    // With it the segment begins.
    assert_eq!(register(&house).await.0, 201);
    let text = house.log.text();
    let intent = text.split_inclusive('\n').find(|it| it.contains(r#""kind":"intent""#)).unwrap();
    // The next one is as long, and what comes of it has no room.
    house.log.fill_after(intent.len() + 8);
    let (status, told) = register(&house).await;
    assert_eq!((status, &*told), (503, WITHHELD));
    assert_eq!(registered(&house).await, 2);
    house.log.mend();
    house.advance(1);
    house.ask(Method::GET, "/oauth/jwks", HeaderMap::new(), "").await;
    let intents = house.log.intents();
    assert_eq!(intents.len(), 2, "{intents:?}");
    let records = house.log.records();
    let unknown: Vec<_> = records.iter().filter(|it| it["outcome"] == "unknown").collect();
    assert!(unknown.len() == 1 && unknown[0]["id"] == intents[1]["id"], "{records:?}");
}

#[tokio::test]
async fn what_is_refused_and_ended_a_grant_is_not_said_to_have_done_nothing() {
    let house = House::open().await;
    let code = Browser::default().allow(&house, &authorize(&[])).await;
    let (_, tokens) = redeem(&house, ("web/app", BACK), &code).await;
    let grant = claims(&tokens["access_token"])["onedoor"]["grant"].clone();
    let grant = grant.as_str().unwrap();
    assert!(!house.issuer.is_revoked(grant));
    let text = house.log.text();
    let intent = text.split_inclusive('\n').rfind(|it| it.contains(r#""kind":"intent""#)).unwrap();
    house.log.fill_after(intent.len() + 8);
    let (status, answer) = redeem(&house, ("web/app", BACK), &code).await;
    assert_eq!((status, &answer["error_description"]), (503, &WITHHELD.into()), "{answer}");
    assert!(house.issuer.is_revoked(grant));
}

#[tokio::test]
async fn a_request_that_nobody_waits_for_any_more_leaves_a_record() {
    let house = House::open().await;
    {
        let target = authorize(&[("client_id", SILENT)]);
        let mut asked = pin!(house.ask(Method::GET, &target, HeaderMap::new(), ""));
        // Until it waits for the client's document. Then the browser is gone.
        let polled = asked.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Pending));
        assert!(house.log.records().is_empty());
        assert_eq!(house.log.intents().len(), 1, "before anything is done");
    }
    let records = house.log.records();
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(house.log.intents()[0]["id"], records[0]["id"]);
    assert_eq!(records[0]["event"], "authorization.begin");
    assert_eq!(records[0]["outcome"], "cancelled");
    assert!(records[0].get("status").is_none());
}

/// Whether it is an event of the closed list, of this kind.
fn is_authorization(event: &Value) -> bool {
    let mut all = EventId::ALL.iter().filter(|it| it.kind() == Kind::Authorization);
    all.any(|it| *event == it.as_str())
}

#[tokio::test]
async fn whatever_is_asked_has_one_record_with_its_status() {
    let house = House::open().await;
    let mut seen = BTreeSet::new();
    for path in PATHS {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::OPTIONS] {
            let before = house.log.records().len();
            let answer = house.ask(method.clone(), path, HeaderMap::new(), "a=b").await;
            let records = house.log.records().split_off(before);
            assert_eq!(records.len(), 1, "{method} {path}: {records:?}");
            let record = &records[0];
            assert_eq!(record["status"], answer.status().as_u16(), "{method} {path}: {record}");
            assert!(record["id"].is_string(), "{record}");
            assert!(is_authorization(&record["event"]), "{record}");
            seen.extend(record["event"].as_str().map(str::to_owned));
            assert_eq!(
                (&record["peer_port"], &record["protocol"]),
                (&50_000.into(), &"HTTP/2".into())
            );
        }
    }
    for event in [
        "account.read",
        "authorization.resume",
        "client.register",
        "device.read",
        "second_factor.removed",
        "sign_in.begin",
        "sign_out",
        "token.introspect",
        "token.revoke",
    ] {
        assert!(seen.contains(event), "nothing was recorded as {event}: {seen:?}");
    }
}

#[tokio::test]
async fn what_may_change_something_has_one_intent_with_the_id_of_its_outcome() {
    let house = House::open().await;
    for path in PATHS {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT] {
            let before = house.log.intents().len();
            house.ask(method.clone(), path, HeaderMap::new(), "a=b").await;
            let record = house.log.records().pop().unwrap();
            let is_shown = method != Method::POST && SHOWN.contains(&path);
            let is_shown = is_shown || record["event"] == "endpoint.unknown";
            // What it was is only found out.
            let want = [record["id"].clone(), path.into(), "begun".into(), Value::Null];
            let want: Vec<_> = (!is_shown).then_some(want).into_iter().collect();
            let members = |it: Value| ["id", "path", "outcome", "event"].map(|of| it[of].clone());
            let intents = house.log.intents().split_off(before).into_iter();
            assert_eq!(intents.map(members).collect::<Vec<_>>(), want, "{method} {path}");
        }
    }
}
