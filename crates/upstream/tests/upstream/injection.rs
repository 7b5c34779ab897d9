//! An upstream is shown what was declared, whatever a caller sends; and nothing is sent without it.

use std::sync::Arc;

use http::Method;
use model::{Clock, Injection, RefusalKind, RequestHead, Secret, SecretId};
use upstream::{Error, Fleet, Reached, RequestBody, SecretSlots, ShownSecret, Upstream};

use crate::servers::{
    LONG, OK, accept, get, get_text, head, nobody_waits, read_head, say, script, soon, text,
};

pub(crate) const CANARY: &str = "canary-5f1e";

pub(crate) fn id() -> SecretId {
    SecretId::parse("crm-key").unwrap()
}

pub(crate) fn secret(value: &str) -> Secret<Vec<u8>> {
    Secret::new(value.as_bytes().to_vec())
}

pub(crate) fn declared(url: &str, injection: Injection) -> model::Upstream {
    let mut declared = model::Upstream::new(url);
    declared.connect_timeout = LONG;
    declared.injection = Some(injection);
    declared
}

/// An upstream whose secret has a value, and where to change that.
fn shown(url: &str, injection: Injection, value: &str) -> (Arc<Upstream>, Arc<SecretSlots>) {
    let fleet = Fleet::new(Clock::system());
    fleet.secrets().set(&id(), secret(value), None);
    let upstream = fleet.upstream(&declared(url, injection)).unwrap();
    (upstream, Arc::clone(fleet.secrets()))
}

async fn send(upstream: &Upstream, head: RequestHead) -> Result<String, Error> {
    text(soon(upstream.send(head, RequestBody::Empty, &mut Reached::default())).await?).await
}

/// What an upstream reads of a request with these headers and this target.
async fn read(
    injection: Injection,
    value: &str,
    target: &str,
    headers: &[(&'static str, &str)],
) -> String {
    let (url, seen) = script(|listener| {
        let mut stream = accept(&listener);
        let head = read_head(&mut stream);
        say(&mut stream, OK);
        head
    });
    let (upstream, _slots) = shown(&url, injection, value);
    let mut request = head(Method::GET, target);
    for (name, value) in headers {
        request.headers.append(*name, value.parse().unwrap());
    }
    assert_eq!(send(&upstream, request).await.unwrap(), "ok");
    assert!(!format!("{upstream:?}").contains(value));
    soon(seen).await.unwrap()
}

/// Whether the one header that is like `name` is `name: want`.
fn only(request: &str, name: &str, want: &str) {
    let alike: Vec<_> = request
        .lines()
        .filter(|it| {
            let (got, _) = it.split_once(':').unwrap_or_default();
            got.to_ascii_lowercase().replace(['_', '.'], "-") == name
        })
        .collect();
    assert_eq!(alike, [format!("{name}: {want}")], "{request}");
}

#[tokio::test]
async fn a_bearer_token_takes_the_place_of_the_callers() {
    let forged = [("authorization", "Bearer forged"), ("authorization", "Basic Zm9yZ2Vk")];
    let bearer = Injection::Bearer { token: id() };
    let request = read(bearer, CANARY, "/a", &forged).await;
    only(&request, "authorization", &format!("Bearer {CANARY}"));
}

#[tokio::test]
async fn user_and_password_take_the_place_of_the_callers() {
    let basic = Injection::Basic { username: "Aladdin".to_owned(), password: id() };
    // The example of RFC 7617, section 2.
    let forged = [("authorization", "Basic Zm9yZ2Vk")];
    let request = read(basic, "open sesame", "/", &forged).await;
    only(&request, "authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

#[tokio::test]
async fn a_key_in_a_header_takes_the_place_of_all_that_look_like_it() {
    let key = Injection::Header { name: "x-api-key".to_owned(), value: id() };
    let forged = [
        ("x-api-key", "forged"),
        ("x-api-key", "forged-too"),
        ("x_api_key", "forged"),
        ("x.api.key", "forged"),
        ("x-api-keys", "another header"),
    ];
    let request = read(key, CANARY, "/", &forged).await;
    only(&request, "x-api-key", CANARY);
    assert!(!request.contains("forged"), "{request}");
    assert!(request.contains("x-api-keys: another header"), "{request}");
}

#[tokio::test]
async fn a_key_in_the_query_takes_the_place_of_all_that_look_like_it() {
    let key = Injection::Query { name: "api_key".to_owned(), value: id() };
    let target = "/a?api_key=forged&b=1&%61pi_key=forged&API_KEY=forged&api_key&c=api_key";
    let request = read(key.clone(), "s&=p+ace #", target, &[]).await;
    assert!(
        request.starts_with("GET /a?b=1&c=api_key&api_key=s%26%3Dp%2Bace%20%23 HTTP/1.1\r\n"),
        "{request}"
    );
    let request = read(key, CANARY, "/a", &[]).await;
    assert!(request.starts_with(&format!("GET /a?api_key={CANARY} ")), "{request}");
}

#[tokio::test]
async fn without_a_value_nothing_is_sent() {
    let of = |name: &str| (name.to_owned(), id());
    let (name, value) = of("x-api-key");
    for injection in [
        Injection::Bearer { token: id() },
        Injection::Basic { username: "u".to_owned(), password: id() },
        Injection::Header { name: name.clone(), value: value.clone() },
        Injection::Query { name, value },
        Injection::ClientCredentials {
            token_url: "http://127.0.0.1:1/token".to_owned(),
            client_id: "door".to_owned(),
            client_secret: id(),
            scopes: Vec::new(),
            resource: None,
        },
    ] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let fleet = Fleet::new(Clock::system());
        let upstream = fleet.upstream(&declared(&url, injection)).unwrap();
        let error = get(&upstream).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the secret \"crm-key\" of upstream {} has no value", upstream.authority())
        );
        let refusal = model::Refusal::from(error);
        assert_eq!(refusal.kind(), RefusalKind::UpstreamFailed);
        assert_eq!(refusal.detail(), "the door has no credential for the upstream");
        // A value that cannot be shown is no value.
        fleet.secrets().set(&id(), secret("canary-5f1e\n\r"), None);
        let is_encoded =
            matches!(upstream.declared().injection, Some(Injection::ClientCredentials { .. }));
        if !is_encoded {
            let error = get(&upstream).await.unwrap_err();
            assert!(matches!(error, Error::NoCredential { .. }), "{error:?}");
            assert!(!format!("{error:?} {error}").contains(CANARY), "{error:?}");
        }
        assert!(nobody_waits(&listener));
    }
}

#[tokio::test]
async fn a_new_value_is_shown_at_once_and_a_cleared_one_never_again() {
    let (url, seen) = script(|listener| {
        let mut stream = accept(&listener);
        let requests = [0; 2].map(|_| {
            let head = read_head(&mut stream);
            say(&mut stream, OK);
            head
        });
        (requests, read_head(&mut stream))
    });
    let (upstream, slots) = shown(&url, Injection::Bearer { token: id() }, "old");
    get_text(&upstream).await.unwrap();
    slots.set(&id(), secret("new"), None);
    get_text(&upstream).await.unwrap();
    slots.clear(&id());
    let error = get(&upstream).await.unwrap_err();
    assert!(matches!(error, Error::NoCredential { .. }), "{error:?}");
    drop(upstream);
    let ([old, new], rest) = soon(seen).await.unwrap();
    only(&old, "authorization", "Bearer old");
    only(&new, "authorization", "Bearer new");
    assert_eq!(rest, "");
}

#[tokio::test]
async fn a_request_tells_which_version_of_which_secret_it_showed() {
    let (url, seen) = script(|listener| {
        let mut stream = accept(&listener);
        for _ in 0..2 {
            read_head(&mut stream);
            say(&mut stream, OK);
        }
    });
    let (upstream, slots) = shown(&url, Injection::Bearer { token: id() }, "one");
    for version in [None, Some(2)] {
        slots.set(&id(), secret("one"), version);
        let mut reached = Reached::default();
        let answer = upstream.send(head(Method::GET, "/"), RequestBody::Empty, &mut reached);
        text(soon(answer).await.unwrap()).await.unwrap();
        assert_eq!(reached.secret, Some(ShownSecret { id: id(), version }));
    }
    soon(seen).await.unwrap();
}

#[tokio::test]
async fn upstreams_that_show_different_secrets_share_no_connection() {
    let (url, seen) = script(|listener| {
        let mut one = accept(&listener);
        let first = read_head(&mut one);
        say(&mut one, OK);
        let mut other = accept(&listener);
        let second = read_head(&mut other);
        say(&mut other, OK);
        (first, second)
    });
    let fleet = Fleet::new(Clock::system());
    let other = SecretId::parse("other-key").unwrap();
    fleet.secrets().set(&id(), secret("one"), None);
    fleet.secrets().set(&other, secret("two"), None);
    for token in [id(), other] {
        let upstream = fleet.upstream(&declared(&url, Injection::Bearer { token })).unwrap();
        get_text(&upstream).await.unwrap();
    }
    let (first, second) = soon(seen).await.unwrap();
    only(&first, "authorization", "Bearer one");
    only(&second, "authorization", "Bearer two");
}

#[test]
fn what_cannot_be_shown_is_refused_when_it_is_set_up() {
    let header = |name: &str| Injection::Header { name: name.to_owned(), value: id() };
    for (injection, want) in [
        (header("content-length"), "the door itself sets"),
        (header("host"), "the door itself sets"),
        (header("two words"), "a header that is none"),
        (Injection::Basic { username: "a:b".to_owned(), password: id() }, "a colon"),
        (Injection::ClientCertificate { certificate: id() }, "write https://"),
    ] {
        let fleet = Fleet::new(Clock::system());
        let error = fleet.upstream(&declared("http://x", injection)).unwrap_err();
        assert!(matches!(error, Error::InvalidInjection { .. }), "{error:?}");
        assert!(error.to_string().contains(want), "{error}");
    }
}
