//! What stands in the head of a request, and what of an answer counts.

use bytes::Bytes;
use http::{HeaderValue, Method};
use model::Refusal;
use upstream::{Reached, RequestBody};

use crate::servers::{OK, accept, head, read_head, say, script, sees_the_end, soon, upstream};

#[tokio::test]
async fn the_framing_is_made_from_the_body_alone() {
    for body in [RequestBody::Full(Bytes::from_static(b"12345")), RequestBody::Empty] {
        let is_empty = matches!(body, RequestBody::Empty);
        let (url, got) = script(|listener| {
            let mut stream = accept(&listener);
            let head = read_head(&mut stream);
            say(&mut stream, OK);
            head
        });
        let upstream = upstream(&url);
        let mut head = head(Method::DELETE, "/x");
        for (name, value) in [
            ("host", "evil.example"),
            ("content-length", "99"),
            ("transfer-encoding", "chunked"),
            ("x-kept", "yes"),
        ] {
            head.headers.append(name, HeaderValue::from_static(value));
        }
        soon(upstream.send(head, body, &mut Reached::default())).await.unwrap();
        let host = url.replace("http://", "host: ");
        let mut want = vec!["DELETE /x HTTP/1.1", &host, "x-kept: yes", "", ""];
        if !is_empty {
            want.push("content-length: 5");
        }
        let got = soon(got).await.unwrap();
        let mut got: Vec<_> = got.split("\r\n").collect();
        got.sort_unstable();
        want.sort_unstable();
        assert_eq!(got, want);
    }
}

#[tokio::test]
async fn a_path_stands_below_the_prefix_of_its_upstream() {
    for (prefix, path, want) in [
        ("", "/", "GET / HTTP/1.1\r\n"),
        ("/", "/a", "GET /a HTTP/1.1\r\n"),
        ("/api/v2", "/a/?b=c&d", "GET /api/v2/a/?b=c&d HTTP/1.1\r\n"),
        ("/api/v2/", "/a%20b?x=%26", "GET /api/v2/a%20b?x=%26 HTTP/1.1\r\n"),
    ] {
        let (url, got) = script(|listener| {
            let mut stream = accept(&listener);
            let head = read_head(&mut stream);
            say(&mut stream, OK);
            head
        });
        let upstream = upstream(&format!("{url}{prefix}"));
        soon(upstream.send(head(Method::GET, path), RequestBody::Empty, &mut Reached::default()))
            .await
            .unwrap();
        let got = soon(got).await.unwrap();
        assert!(got.starts_with(want), "{got}");
    }
}

#[tokio::test]
async fn an_answer_without_a_body_has_none_whatever_it_says() {
    for (method, answer) in [
        (Method::HEAD, "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n"),
        (Method::GET, "HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\n\r\n"),
        (Method::GET, "HTTP/1.1 204 No Content\r\n\r\n"),
    ] {
        let (url, _) = script(move |listener| {
            let mut stream = accept(&listener);
            read_head(&mut stream);
            say(&mut stream, answer);
            sees_the_end(&mut stream)
        });
        let upstream = upstream(&url);
        let response =
            soon(upstream.send(head(method, "/"), RequestBody::Empty, &mut Reached::default()))
                .await
                .unwrap();
        assert_eq!(upstream.idle_connections(), 1);
        let length = response.headers().get("content-length").cloned();
        assert_eq!(length.is_some(), answer.contains("length: 99"));
        assert_eq!(crate::servers::text(response).await.unwrap(), "");
    }
}

#[tokio::test]
async fn a_request_error_names_no_header_and_no_body() {
    let (url, _) = script(|listener| drop(accept(&listener)));
    let upstream = upstream(&url);
    let mut head = head(Method::POST, "/");
    head.headers.insert("x-token", HeaderValue::from_static("hunter2"));
    let body = RequestBody::Full(Bytes::from_static(b"hunter3"));
    let refusal =
        Refusal::from(soon(upstream.send(head, body, &mut Reached::default())).await.unwrap_err());
    let shown = format!("{refusal:?} {refusal} {:?}", refusal.cause());
    assert!(!shown.contains("hunter"), "{shown}");
}

#[tokio::test]
async fn a_request_without_a_body_does_not_wait_for_one() {
    let (url, head_seen) = script(|listener| {
        let mut stream = accept(&listener);
        let head = read_head(&mut stream);
        say(&mut stream, OK);
        head
    });
    let upstream = upstream(&url);
    soon(upstream.send(head(Method::POST, "/a?b=c"), RequestBody::Empty, &mut Reached::default()))
        .await
        .unwrap();
    let seen = soon(head_seen).await.unwrap();
    assert!(seen.starts_with("POST /a?b=c HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains("content-length: 0\r\n"), "{seen}");
}
