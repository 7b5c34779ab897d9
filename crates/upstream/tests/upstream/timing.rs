//! Every wait ends.

use std::{io::Write, net::TcpListener};

use http_body_util::BodyExt;
use model::RefusalKind;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    sync::mpsc::unbounded_channel,
    task::JoinSet,
};
use upstream::Error;

use crate::servers::{
    LONG, SHORT, accept, door, get, get_text, read_head, say, script, sees_the_end, soon, upstream,
    upstream_with,
};

#[tokio::test]
async fn a_refused_connection_is_told_at_once() {
    let url = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let upstream = upstream(&url);
    let error = get(&upstream).await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert_eq!(upstream.busy_connections(), 0);
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_ends_in_time() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    // Nobody accepts: when the queue is full, the system answers no further attempt.
    let mut queue = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, SHORT) {
        queue.push(stream);
    }
    let upstream = upstream_with(&format!("http://{address}"), |it| it.connect_timeout = SHORT);
    let error = get(&upstream).await.unwrap_err();
    assert!(matches!(error, Error::ConnectTimeout { timeout: SHORT, .. }), "{error:?}");
    assert_eq!(error.kind(), RefusalKind::UpstreamTimeout);
    assert_eq!(upstream.busy_connections(), 0);
}

#[tokio::test]
async fn an_answer_that_does_not_begin_ends_in_time() {
    for beginning in ["", "HTTP/1.1 200 OK\r\ncontent-le", "HTTP/1.1 100 Continue\r\n\r\n"] {
        let (url, end) = script(move |listener| {
            let mut stream = accept(&listener);
            read_head(&mut stream);
            say(&mut stream, beginning);
            sees_the_end(&mut stream)
        });
        let upstream = upstream_with(&url, |it| it.answer_timeout = SHORT);
        let error = get(&upstream).await.unwrap_err();
        assert!(matches!(error, Error::AnswerTimeout { timeout: SHORT, .. }), "{error:?}");
        assert_eq!(error.kind(), RefusalKind::UpstreamTimeout);
        assert!(soon(end).await.unwrap(), "the upstream sees that nobody waits");
    }
}

#[tokio::test]
async fn the_wait_of_one_request_is_not_the_wait_of_the_next() {
    // Each answer comes when the one before it is read, so that the timer of the link moves with each.
    let (url, _) = script(move |listener| {
        let mut stream = accept(&listener);
        for _ in 0..3 {
            read_head(&mut stream);
            say(&mut stream, crate::servers::OK);
        }
        sees_the_end(&mut stream)
    });
    let upstream = upstream_with(&url, |it| it.answer_timeout = SHORT);
    for _ in 0..3 {
        get_text(&upstream).await.unwrap();
        // Longer than the wait: the timer of the link goes off between two requests.
        pause().await;
    }
    let error = get(&upstream).await.unwrap_err();
    assert!(matches!(error, Error::AnswerTimeout { .. }), "{error:?}");
}

#[tokio::test]
async fn a_body_that_stops_coming_ends_in_time() {
    let (url, end) = script(|listener| {
        let mut stream = accept(&listener);
        read_head(&mut stream);
        say(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345");
        sees_the_end(&mut stream)
    });
    let upstream = upstream_with(&url, |it| it.idle_timeout = SHORT);
    let mut response = get(&upstream).await.unwrap();
    let frame = soon(response.frame()).await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "12345");
    let error = soon(response.frame()).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::IdleTimeout { timeout: SHORT, .. }), "{error:?}");
    assert!(soon(end).await.unwrap());
    assert_eq!((upstream.idle_connections(), upstream.busy_connections()), (0, 0));
}

#[tokio::test]
async fn a_client_that_stops_within_its_body_is_told_from_an_upstream_that_does() {
    let mut tasks = JoinSet::new();
    let (url, _) = script(|listener| sees_the_end(&mut accept(&listener)));
    let upstream = upstream_with(&url, |it| it.idle_timeout = SHORT);
    let door = door(&mut tasks, upstream, u64::MAX).await;
    let mut client = tokio::net::TcpStream::connect(door).await.unwrap();
    client.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n1234").await.unwrap();
    expect(&mut client, "stopped coming for 100ms").await;

    // Accepts and reads nothing, until the system's buffers are full.
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let (url, _) = script(move |listener| {
        let _stream = accept(&listener);
        let _ = stopped.recv_timeout(LONG);
    });
    let upstream = upstream_with(&url, |it| it.idle_timeout = SHORT);
    let door = crate::servers::door(&mut tasks, upstream, u64::MAX).await;
    let client = tokio::net::TcpStream::connect(door).await.unwrap();
    let (mut reading, mut writing) = client.into_split();
    tasks.spawn(async move {
        let head = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000000\r\n\r\n";
        drop(writing.write_all(head.as_bytes()).await);
        while writing.write_all(&[b'x'; 65536]).await.is_ok() {}
    });
    expect(&mut reading, "AnswerTimeout").await;
    drop(stop);
}

/// Reads until `want` has come.
async fn expect(client: &mut (impl tokio::io::AsyncRead + Unpin), want: &str) {
    let mut text = String::new();
    while !text.contains(want) {
        let mut bytes = [0; 4096];
        let length = soon(client.read(&mut bytes)).await.unwrap();
        assert!(length > 0, "{text}");
        text.extend(bytes.iter().take(length).copied().map(char::from));
    }
}

/// Lets time pass that something else must not notice.
async fn pause() {
    tokio::time::timeout(SHORT * 2, std::future::pending::<()>()).await.unwrap_err();
}

#[tokio::test]
async fn a_slow_upload_does_not_use_up_the_wait_for_the_answer() {
    // The client pauses longer than the answer may take, the answer comes when the body is there.
    let (go, mut is_go) = unbounded_channel();
    let (url, _) = script(move |listener| {
        let mut stream = accept(&listener);
        read_head(&mut stream);
        go.send(()).unwrap();
        let mut body = [0; 4];
        std::io::Read::read_exact(&mut stream, &mut body).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n").unwrap();
        stream.write_all(&body).unwrap();
    });
    let mut tasks = JoinSet::new();
    let upstream = upstream_with(&url, |it| it.answer_timeout = SHORT);
    let door = door(&mut tasks, upstream, u64::MAX).await;
    let mut client = tokio::net::TcpStream::connect(door).await.unwrap();
    client.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n12").await.unwrap();
    soon(is_go.recv()).await.unwrap();
    pause().await;
    client.write_all(b"34").await.unwrap();
    expect(&mut client, "1234").await;
}

#[tokio::test]
async fn an_upload_may_take_long_if_it_goes_on() {
    let (url, _) = script(|listener| {
        let mut stream = accept(&listener);
        read_head(&mut stream);
        let mut body = [0; 5];
        std::io::Read::read_exact(&mut stream, &mut body).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n").unwrap();
        stream.write_all(&body).unwrap();
    });
    let mut tasks = JoinSet::new();
    let upstream = upstream_with(&url, |it| it.idle_timeout = SHORT * 5);
    let door = door(&mut tasks, upstream, u64::MAX).await;
    let mut client = tokio::net::TcpStream::connect(door).await.unwrap();
    client.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n").await.unwrap();
    for byte in b"12345" {
        client.write_all(&[*byte]).await.unwrap();
        pause().await;
    }
    expect(&mut client, "12345").await;
}
