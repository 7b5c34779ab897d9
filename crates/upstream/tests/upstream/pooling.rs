//! Connections are used again, never beyond their bound, and never for a request that may have been sent.

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    time::Duration,
};

use bytes::Bytes;
use http::Method;
use model::RefusalKind;
use tokio::{sync::mpsc::unbounded_channel, task::JoinSet};
use upstream::{Error, Reached, RequestBody};

use crate::servers::{
    LONG, OK, SHORT, accept, get, get_text, head, nobody_waits, read_head, say, script,
    sees_the_end, settle, soon, upstream, upstream_with,
};

#[tokio::test]
async fn one_connection_serves_request_after_request() {
    let (url, heads) = script(|listener| {
        let mut stream = accept(&listener);
        let heads: Vec<_> = (0..3)
            .map(|_| {
                let head = read_head(&mut stream);
                say(&mut stream, OK);
                head
            })
            .collect();
        (heads, nobody_waits(&listener) && sees_the_end(&mut stream))
    });
    let upstream = upstream(&url);
    for _ in 0..3 {
        assert_eq!(get_text(&upstream).await.unwrap(), "ok");
        assert_eq!((upstream.idle_connections(), upstream.busy_connections()), (1, 0));
    }
    drop(upstream);
    let (heads, alone) = soon(heads).await.unwrap();
    assert!(alone);
    let host = url.trim_start_matches("http://");
    assert!(heads.iter().all(|it| *it == format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n")));
}

#[tokio::test]
async fn a_short_answer_gives_its_connection_back_before_it_is_read() {
    let (url, _) = script(|listener| {
        let mut stream = accept(&listener);
        read_head(&mut stream);
        say(&mut stream, OK);
        sees_the_end(&mut stream)
    });
    let upstream = upstream(&url);
    let response = get(&upstream).await.unwrap();
    assert_eq!((upstream.idle_connections(), upstream.busy_connections()), (1, 0));
    assert_eq!(crate::servers::text(response).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_request_that_meets_a_dead_connection_is_sent_once_on_a_fresh_one() {
    let (closed, mut is_closed) = unbounded_channel();
    let (close, may_close) = mpsc::channel();
    let (url, heads) = script(move |listener| {
        let mut heads = Vec::new();
        for _ in 0..2 {
            let mut stream = accept(&listener);
            heads.push(read_head(&mut stream));
            say(&mut stream, OK);
            may_close.recv_timeout(LONG).unwrap();
            drop(stream);
            closed.send(()).unwrap();
        }
        (heads, nobody_waits(&listener))
    });
    let upstream = upstream(&url);
    assert_eq!(get_text(&upstream).await.unwrap(), "ok");
    assert_eq!(upstream.idle_connections(), 1);
    close.send(()).unwrap();
    soon(is_closed.recv()).await.unwrap();
    settle().await;
    let full = RequestBody::Full(Bytes::from_static(b"12345"));
    let response = soon(upstream.send(head(Method::POST, "/again"), full, &mut Reached::default()))
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    close.send(()).unwrap();
    let (heads, alone) = soon(heads).await.unwrap();
    assert!(heads[1].starts_with("POST /again HTTP/1.1\r\n"), "{heads:?}");
    assert!(alone);
}

#[tokio::test]
async fn all_dead_connections_go_with_the_first_that_is_met() {
    let (closed, mut is_closed) = unbounded_channel();
    let (close, may_close) = mpsc::channel();
    let (url, _) = script(move |listener| {
        let mut streams: Vec<_> = (0..3).map(|_| accept(&listener)).collect();
        for stream in &mut streams {
            read_head(stream);
            say(stream, OK);
        }
        may_close.recv_timeout(LONG).unwrap();
        streams.iter_mut().for_each(|it| drop(it.shutdown(std::net::Shutdown::Write)));
        closed.send(()).unwrap();
        let mut stream = accept(&listener);
        read_head(&mut stream);
        say(&mut stream, OK);
        sees_the_end(&mut stream)
    });
    let upstream = upstream(&url);
    let (one, two, three) = tokio::join!(get(&upstream), get(&upstream), get(&upstream));
    drop((one.unwrap(), two.unwrap(), three.unwrap()));
    assert_eq!(upstream.idle_connections(), 3);
    close.send(()).unwrap();
    soon(is_closed.recv()).await.unwrap();
    settle().await;
    assert_eq!(get_text(&upstream).await.unwrap(), "ok");
    assert_eq!((upstream.idle_connections(), upstream.busy_connections()), (1, 0));
}

#[tokio::test]
async fn a_request_that_may_have_been_sent_is_not_sent_again() {
    for body in [RequestBody::Empty, RequestBody::Full(Bytes::from_static(b"12345"))] {
        let (finish, finished) = mpsc::channel::<()>();
        let (url, alone) = script(move |listener| {
            let mut stream = accept(&listener);
            read_head(&mut stream);
            say(&mut stream, OK);
            // Reads the request, and answers it with the end of the connection.
            read_head(&mut stream);
            drop(stream);
            let _ = finished.recv_timeout(LONG);
            nobody_waits(&listener)
        });
        let upstream = upstream(&url);
        get_text(&upstream).await.unwrap();
        let error = soon(upstream.send(head(Method::DELETE, "/"), body, &mut Reached::default()))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Closed { .. }), "{error:?}");
        assert_eq!(error.kind(), RefusalKind::UpstreamFailed);
        drop(finish);
        assert!(soon(alone).await.unwrap(), "it must not be sent again");
    }
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_reaches_nobody() {
    for extra in ["", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstale"] {
        let (more, is_more) = mpsc::channel::<()>();
        let (said, mut is_said) = unbounded_channel();
        let (url, _) = script(move |listener| {
            let mut stream = accept(&listener);
            read_head(&mut stream);
            // Two answers at once, or the second when the connection is idle.
            say(&mut stream, format!("{OK}{extra}"));
            if extra.is_empty() {
                is_more.recv_timeout(LONG).unwrap();
                say(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstale");
            }
            said.send(()).unwrap();
            let mut stream = accept(&listener);
            read_head(&mut stream);
            say(&mut stream, OK);
            sees_the_end(&mut stream)
        });
        let upstream = upstream(&url);
        assert_eq!(get_text(&upstream).await.unwrap(), "ok");
        let _ = more.send(());
        soon(is_said.recv()).await.unwrap();
        settle().await;
        assert_eq!(get_text(&upstream).await.unwrap(), "ok");
    }
}

#[tokio::test]
async fn a_connection_that_will_close_is_not_kept() {
    for answer in [
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\n\r\nok",
        "HTTP/1.1 200 OK\r\n\r\nok",
    ] {
        let (url, _) = script(move |listener| {
            let mut stream = accept(&listener);
            read_head(&mut stream);
            say(&mut stream, answer);
        });
        let upstream = upstream(&url);
        let response = get(&upstream).await.unwrap();
        assert_eq!(response.version(), http::Version::HTTP_11);
        assert!(response.headers().get("connection").is_none());
        assert_eq!(crate::servers::text(response).await.unwrap(), "ok");
        assert_eq!((upstream.idle_connections(), upstream.busy_connections()), (0, 0), "{answer}");
    }
}

#[tokio::test]
async fn beyond_its_connections_an_upstream_is_busy() {
    let (url, _) = script(|listener| {
        let mut stream = accept(&listener);
        for _ in 0..2 {
            read_head(&mut stream);
            say(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no");
            read_head(&mut stream);
        }
    });
    let one = upstream_with(&url, |it| {
        it.connections_max = 1;
        it.connect_timeout = SHORT;
    });
    let held = get(&one).await.unwrap();
    let error = get(&one).await.unwrap_err();
    assert!(matches!(error, Error::Busy { connections_max: 1, .. }), "{error:?}");
    assert_eq!(error.kind(), RefusalKind::UpstreamBusy);
    assert_eq!(one.busy_connections(), 1);
    drop(held);
    assert_eq!(one.busy_connections(), 0);
}

#[tokio::test]
async fn whoever_waits_gets_the_connection_that_comes_free() {
    let (go, is_go) = mpsc::channel();
    let (url, _) = script(move |listener| {
        let mut stream = accept(&listener);
        read_head(&mut stream);
        say(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no");
        is_go.recv_timeout(LONG).unwrap();
        say(&mut stream, "k");
        read_head(&mut stream);
        say(&mut stream, OK);
        assert!(nobody_waits(&listener));
    });
    let one = upstream_with(&url, |it| it.connections_max = 1);
    let first = get(&one).await.unwrap();
    let mut second = std::pin::pin!(get_text(&one));
    assert!(tokio::time::timeout(SHORT, &mut second).await.is_err());
    go.send(()).unwrap();
    assert_eq!(crate::servers::text(first).await.unwrap(), "ok");
    assert_eq!(second.await.unwrap(), "ok");
}

#[tokio::test]
async fn only_so_many_may_wait() {
    let (url, _) = script(|listener| sees_the_end(&mut accept(&listener)));
    let one = upstream_with(&url, |it| {
        it.connections_max = 1;
        it.connect_timeout = Duration::from_secs(3600);
    });
    let mut tasks = JoinSet::new();
    for _ in 0..70 {
        let one = Arc::clone(&one);
        tasks.spawn(async move {
            one.send(head(Method::GET, "/"), RequestBody::Empty, &mut Reached::default())
                .await
                .map(drop)
                .unwrap_err()
        });
    }
    // One holds the connection, 64 wait, and the others are turned away at once.
    for _ in 0..5 {
        let error = soon(tasks.join_next()).await.unwrap().unwrap();
        assert!(matches!(error, Error::Busy { .. }), "{error:?}");
    }
    assert_eq!(tasks.len(), 65);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_connections_are_open_than_are_allowed() {
    const MAX: usize = 4;
    let open = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (address, _tasks) = counting_server(&open, &most);
    let upstream = upstream_with(&address, |it| it.connections_max = MAX);
    let mut tasks = JoinSet::new();
    for _ in 0..32 {
        let upstream = Arc::clone(&upstream);
        tasks.spawn(async move {
            for _ in 0..50 {
                assert_eq!(get_text(&upstream).await.unwrap(), "ok");
            }
        });
    }
    while let Some(done) = soon(tasks.join_next()).await {
        done.unwrap();
    }
    assert_eq!(upstream.busy_connections(), 0);
    assert!(upstream.idle_connections() <= MAX);
    let most = most.load(SeqCst);
    assert!((1..=MAX).contains(&most), "{most} connections were open at once");
}

/// Answers each request with a body in two parts, and counts the connections that are open.
fn counting_server(open: &Arc<AtomicUsize>, most: &Arc<AtomicUsize>) -> (String, mpsc::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (alive, _) = mpsc::channel();
    let (open, most) = (Arc::clone(open), Arc::clone(most));
    std::thread::spawn(move || {
        loop {
            let mut stream = accept(&listener);
            let now = open.fetch_add(1, SeqCst) + 1;
            most.fetch_max(now, SeqCst);
            let open = Arc::clone(&open);
            std::thread::spawn(move || {
                while read_head(&mut stream).ends_with("\r\n\r\n") {
                    say(&mut stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
                    say(&mut stream, "2\r\nok\r\n");
                    say(&mut stream, "0\r\n\r\n");
                }
                open.fetch_sub(1, SeqCst);
            });
        }
    });
    (url, alive)
}
