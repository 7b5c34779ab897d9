//! Whom nobody knows is told one by one as long as they are few, and then counted: so no flood fills the log.

use std::{sync::Arc, time::Duration};

use audit::{Journal, Kind, Outcome, Record};
use bytes::Bytes;
use gateway::{AuthorizationFuture, AuthorizationRequest, AuthorizationServer};
use http::{Method, Response, StatusCode};
use serde_json::Value;
use testkit::House;

use crate::shop;

/// As many of one source have records of their own.
const BURST: usize = 100;

async fn shop() -> House {
    shop::builder().open().await.expect("the shop has no faults")
}

async fn get(house: &House, target: &str, headers: &[(&str, &str)]) -> StatusCode {
    house.client.send("GET", target, headers, "").await.status
}

/// The note of a record of a flood from this machine.
fn of_flood<'a>(record: &'a Value, event: &str) -> &'a str {
    let shown = ["kind", "event", "peer", "reason", "limit"].map(|it| record[it].clone());
    let want = ["event", event, "127.0.0.1", "limit_reached", "strangers"];
    assert_eq!(shown, want.map(Value::from), "{record}");
    record["note"].as_str().expect("it says what it is")
}

#[tokio::test]
async fn a_flood_of_strangers_is_counted_and_who_is_known_is_told() {
    let house = shop().await;
    for _ in 0..BURST {
        assert_eq!(get(&house, "/shop/items/7", &[]).await, 401);
    }
    assert_eq!(house.records().len(), BURST);
    for (target, headers, status) in [
        ("/shop/items/7", &[][..], 401),
        ("/nowhere", &[], 401),
        ("/shop/items/%2e%2e/x", &[], 400),
        ("/shop/items/7", &[("authorization", "Basic YTpi")], 401),
        ("/shop/items/7", &[("authorization", "a.b.c")], 401),
        ("/shop/items/7", &[("authorization", "")], 401),
        ("/shop/items/7", &[("authorization", "Bearer")], 400),
        ("/shop/items/7", &[("authorization", "DPoP a b")], 400),
        ("/shop/items/7", &[("x-api-key", "")], 400),
        ("/shop/items/7", &[("authorization", "Bearer a"), ("x-api-key", "b")], 400),
        ("/shop/items/7", &[("host", "evil.example")], 421),
        ("/shop/items/7", &[("origin", "https://evil.example")], 403),
    ] {
        assert_eq!(get(&house, target, headers).await, status, "{target}: as before");
    }
    let records = house.records();
    assert_eq!(records.len(), BURST + 1, "on the disk before the first of them is answered");
    let told = of_flood(&records[BURST], "strangers.refused");
    assert!(told.starts_with("requests of strangers from 127.0.0.1 are refused without"), "{told}");

    // Who is known, and what is carried out for whom nobody knows, is in no flood, and guesses are another.
    let key = house.key("app/reader");
    for (target, headers, status) in [
        ("/nowhere", &[("x-api-key", key)][..], 404),
        ("/shop/items/7", &[("x-api-key", key)], 200),
        ("/shop/items/7", &[("x-api-key", "odk_wrong")], 401),
        ("/shop/ping", &[], 200),
    ] {
        let before = house.records().len();
        assert_eq!(get(&house, target, headers).await, status, "{target}");
        let records = house.records().split_off(before);
        assert_eq!(records.len(), 1, "{target}: {records:?}");
        assert_eq!(records[0]["status"], status);
    }

    house.clock.advance(Duration::from_secs(60));
    let before = house.records().len();
    get(&house, "/shop/items/7", &[]).await;
    let records = house.records().split_off(before);
    let told = of_flood(&records[0], "strangers.refused");
    assert!(told.starts_with("12 requests of strangers from 127.0.0.1 were refused"), "{told}");
    assert_eq!((records.len(), &records[1]["status"]), (2, &401.into()), "and who comes after it");
}

/// Has no endpoint, and records that.
#[derive(Debug)]
struct Nowhere(Arc<Journal>);

fn nothing() -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(b"nothing is here"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

impl AuthorizationServer for Nowhere {
    fn answer(&self, request: AuthorizationRequest) -> AuthorizationFuture<'_> {
        Box::pin(async move {
            let record = Record::new(request.at, Kind::Authorization, Outcome::Answered);
            self.0.enter(&record).unwrap().stored().await.unwrap().behind(nothing())
        })
    }

    fn absent(&self, _: &Method, _: &str) -> Option<Response<Bytes>> {
        Some(nothing())
    }
}

#[tokio::test]
async fn what_is_asked_where_the_authorization_server_has_nothing_is_counted_too() {
    let house = shop().await;
    let gateway = &house.gateway;
    gateway.authorize_by(Arc::new(Nowhere(Arc::clone(&gateway.live().log))));
    for _ in 0..BURST + 30 {
        let answer = house.client.send("GET", "/oauth/nothing", &[], "").await;
        assert_eq!((answer.status.as_u16(), &*answer.text()), (404, "nothing is here"));
    }
    let records = house.records();
    assert_eq!(records.len(), BURST + 1);
    assert!(of_flood(&records[BURST], "strangers.refused").contains("from now on"));
}
