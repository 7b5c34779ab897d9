//! Whatever is asked leaves a record: documents, and what nobody waited for.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use http::{HeaderMap, Method};

use crate::house::{House, SILENT, authorize};

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
async fn what_cannot_be_recorded_is_not_told() {
    let house = House::open().await;
    house.log.fill_after(0);
    for path in ["/oauth/jwks", "/.well-known/oauth-authorization-server"] {
        let answer = house.ask(Method::GET, path, HeaderMap::new(), "").await;
        assert_eq!(answer.status(), 503);
        assert!(!String::from_utf8_lossy(answer.body()).contains("kty"));
    }
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
    }
    let records = house.log.records();
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(records[0]["event"], "authorization.begin");
    assert_eq!(records[0]["outcome"], "cancelled");
    assert!(records[0].get("status").is_none());
}
