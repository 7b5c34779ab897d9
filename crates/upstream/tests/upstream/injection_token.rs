//! A token by client credentials is fetched once for all, kept while it lasts, and given up when it is refused.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header::AUTHORIZATION};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use model::{Clock, Injection, Timestamp};
use tokio::task::JoinSet;
use upstream::{Error, Fleet, Reached, RequestBody, Upstream};

use crate::{
    injection::{declared, id, secret},
    servers::{get, get_text, head, serve, soon},
};

/// An authorization server and an upstream in one: numbers its tokens, and takes none that is below `valid_from`.
#[derive(Default)]
struct House {
    tokens: AtomicUsize,
    valid_from: AtomicUsize,
    is_down: std::sync::atomic::AtomicBool,
}

impl House {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let authorization = request.headers().get(AUTHORIZATION).unwrap().to_str().unwrap();
        if request.uri().path() == "/token" {
            // "door" and "canary-5f1e".
            assert_eq!(authorization, "Basic ZG9vcjpjYW5hcnktNWYxZQ==");
            assert_eq!(request.method(), Method::POST);
            let number = self.tokens.fetch_add(1, Ordering::SeqCst);
            let form = request.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(form, "grant_type=client_credentials&scope=a+b&resource=https%3A%2F%2Fr");
            let answer = match self.is_down.load(Ordering::SeqCst) {
                true => "{}".to_owned(),
                false => format!(
                    r#"{{"access_token":"token-{number}","token_type":"Bearer","expires_in":600}}"#
                ),
            };
            return Response::new(answer.into());
        }
        let number: usize = authorization.strip_prefix("Bearer token-").unwrap().parse().unwrap();
        let mut answer = Response::new(Full::from(number.to_string()));
        if number < self.valid_from.load(Ordering::SeqCst) {
            *answer.status_mut() = StatusCode::UNAUTHORIZED;
        }
        answer
    }
}

async fn house(tasks: &mut JoinSet<()>, clock: &Clock) -> (Arc<House>, Fleet, Arc<Upstream>) {
    let house = Arc::new(House::default());
    let serving = Arc::clone(&house);
    let address = serve(tasks, move |request| {
        let house = Arc::clone(&serving);
        async move { Ok::<_, Infallible>(house.answer(request).await) }
    })
    .await;
    let injection = Injection::ClientCredentials {
        token_url: format!("http://{address}/token"),
        client_id: "door".to_owned(),
        client_secret: id(),
        scopes: vec!["a".to_owned(), "b".to_owned()],
        resource: Some("https://r".to_owned()),
    };
    let fleet = Fleet::new(clock.clone());
    fleet.secrets().set(&id(), secret("canary-5f1e"), None);
    let upstream = fleet.upstream(&declared(&format!("http://{address}"), injection)).unwrap();
    (house, fleet, upstream)
}

fn clock() -> Clock {
    Clock::fake(Timestamp::parse("2026-01-01T00:00:00Z").unwrap())
}

#[tokio::test]
async fn a_hundred_calls_that_need_a_token_make_one_request_for_it() {
    let mut tasks = JoinSet::new();
    let (house, _fleet, upstream) = house(&mut tasks, &clock()).await;
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        let upstream = Arc::clone(&upstream);
        calls.spawn(async move { get_text(&upstream).await.unwrap() });
    }
    assert_eq!(soon(calls.join_all()).await, vec!["0".to_owned(); 100]);
    assert_eq!(house.tokens.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_token_is_fetched_anew_shortly_before_its_end() {
    let mut tasks = JoinSet::new();
    let clock = clock();
    let (_house, _fleet, upstream) = house(&mut tasks, &clock).await;
    assert_eq!(get_text(&upstream).await.unwrap(), "0");
    clock.advance(Duration::from_secs(569));
    assert_eq!(get_text(&upstream).await.unwrap(), "0");
    clock.advance(Duration::from_secs(1));
    assert_eq!(get_text(&upstream).await.unwrap(), "1");
}

#[tokio::test]
async fn a_refused_token_is_dropped_but_not_with_every_401() {
    let mut tasks = JoinSet::new();
    let clock = clock();
    let (house, _fleet, upstream) = house(&mut tasks, &clock).await;
    assert_eq!(get_text(&upstream).await.unwrap(), "0");
    house.valid_from.store(1, Ordering::SeqCst);
    assert_eq!(get(&upstream).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(get_text(&upstream).await.unwrap(), "1");
    house.valid_from.store(2, Ordering::SeqCst);
    for _ in 0..3 {
        assert_eq!(get(&upstream).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(house.tokens.load(Ordering::SeqCst), 2);
    clock.advance(Duration::from_secs(30));
    assert_eq!(get(&upstream).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(get_text(&upstream).await.unwrap(), "2");
}

#[tokio::test]
async fn a_callers_authorization_does_not_reach_the_upstream() {
    let mut tasks = JoinSet::new();
    let (_house, _fleet, upstream) = house(&mut tasks, &clock()).await;
    let mut request = head(Method::GET, "/");
    request.headers.insert(AUTHORIZATION, "Bearer token-77".parse().unwrap());
    let answer =
        soon(upstream.send(request, RequestBody::Empty, &mut Reached::default())).await.unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "0");
}

#[tokio::test]
async fn without_a_token_nothing_is_sent_and_all_who_wait_fail_together() {
    let mut tasks = JoinSet::new();
    let (house, _fleet, upstream) = house(&mut tasks, &clock()).await;
    house.is_down.store(true, Ordering::SeqCst);
    let calls = futures_of(&upstream, 100);
    for error in soon(calls.join_all()).await {
        assert!(matches!(error, Error::NoToken { .. }), "{error:?}");
        assert!(error.to_string().contains("holds no access_token"), "{error}");
    }
    assert_eq!(house.tokens.load(Ordering::SeqCst), 1);
    house.is_down.store(false, Ordering::SeqCst);
    assert_eq!(get_text(&upstream).await.unwrap(), "1");
}

fn futures_of(upstream: &Arc<Upstream>, count: usize) -> JoinSet<Error> {
    let mut calls = JoinSet::new();
    for _ in 0..count {
        let upstream = Arc::clone(upstream);
        calls.spawn(async move { get(&upstream).await.unwrap_err() });
    }
    calls
}
