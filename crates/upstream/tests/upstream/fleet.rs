//! A fleet shares connections among equal declarations, and closes those that nobody needs.

use std::{
    io::Read,
    sync::{Arc, mpsc},
    time::Duration,
};

use model::{Clock, RefusalKind, Timestamp};
use tokio::sync::mpsc::unbounded_channel;
use upstream::Fleet;

use crate::servers::{
    LONG, OK, accept, get_text, nobody_waits, read_head, say, script, sees_the_end, settle, soon,
};

#[tokio::test]
async fn a_connection_that_was_idle_for_a_minute_is_closed() {
    let clock = Clock::fake(Timestamp::from_seconds(1_000));
    let (url, ends) = script(|listener| {
        let mut first = accept(&listener);
        read_head(&mut first);
        say(&mut first, OK);
        let mut second = accept(&listener);
        read_head(&mut second);
        say(&mut second, OK);
        (sees_the_end(&mut first), sees_the_end(&mut second))
    });
    let fleet = Fleet::new(clock.clone());
    let upstream = fleet.upstream(&model::Upstream::new(&url)).unwrap();
    get_text(&upstream).await.unwrap();
    clock.advance(Duration::from_secs(59));
    fleet.sweep();
    assert_eq!(upstream.idle_connections(), 1);
    clock.advance(Duration::from_secs(2));
    // Not swept yet, and still not used.
    get_text(&upstream).await.unwrap();
    assert_eq!(upstream.idle_connections(), 1);
    clock.advance(Duration::from_secs(61));
    fleet.sweep();
    assert_eq!(upstream.idle_connections(), 0);
    assert_eq!(soon(ends).await.unwrap(), (true, true));
}

#[tokio::test]
async fn a_connection_that_the_upstream_closed_is_swept_away() {
    let (closed, mut is_closed) = unbounded_channel();
    let (close, may_close) = mpsc::channel();
    let (url, _) = script(move |listener| {
        let mut stream = accept(&listener);
        read_head(&mut stream);
        say(&mut stream, OK);
        may_close.recv_timeout(LONG).unwrap();
        drop(stream);
        closed.send(()).unwrap();
    });
    let fleet = Fleet::new(Clock::system());
    let upstream = fleet.upstream(&model::Upstream::new(&url)).unwrap();
    get_text(&upstream).await.unwrap();
    fleet.sweep();
    assert_eq!(upstream.idle_connections(), 1);
    close.send(()).unwrap();
    soon(is_closed.recv()).await.unwrap();
    settle().await;
    fleet.sweep();
    assert_eq!(upstream.idle_connections(), 0);
}

#[tokio::test]
async fn equal_declarations_share_their_connections_until_nobody_holds_them() {
    let (url, end) = script(|listener| {
        let mut stream = accept(&listener);
        for _ in 0..2 {
            read_head(&mut stream);
            say(&mut stream, OK);
        }
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap() == 0 && nobody_waits(&listener)
    });
    let fleet = Fleet::new(Clock::system());
    let declared = model::Upstream::new(&url);
    let other = model::Upstream { connections_max: 7, ..declared.clone() };
    let (first, second) = (fleet.upstream(&declared).unwrap(), fleet.upstream(&declared).unwrap());
    let third = fleet.upstream(&other).unwrap();
    assert!(Arc::ptr_eq(&first, &second) && !Arc::ptr_eq(&first, &third));
    assert_eq!(fleet.upstream_count(), 2);
    get_text(&first).await.unwrap();
    drop(first);
    get_text(&second).await.unwrap();
    drop(second);
    assert_eq!(fleet.upstream_count(), 1);
    assert!(soon(end).await.unwrap(), "its idle connection is closed");
}

#[test]
fn an_upstream_with_an_impossible_address_is_refused() {
    let fleet = Fleet::new(Clock::system());
    for (url, want) in [
        ("gopher://x", "write http:// or https://"),
        ("http://user:pass@x", "no password"),
        ("http://x/?a=b", "no query"),
        ("http://x/#a", "no fragment"),
        ("", "relative URL"),
    ] {
        let error = fleet.upstream(&model::Upstream::new(url)).unwrap_err();
        assert!(error.to_string().contains(want), "{error}");
        assert_eq!(error.kind(), RefusalKind::Internal);
    }
    assert_eq!(fleet.upstream_count(), 0);
}
