//! What an upstream can say, it can only do to its own answer: no panic, no hang, no reuse of a broken connection.

use std::{io::Write, time::Duration};

use http_body_util::BodyExt;
use model::RefusalKind;
use proptest::prelude::*;
use upstream::{Error, Upstream};

use crate::servers::{
    OK, accept, get, get_text, read_head, say, script, soon, text, upstream, upstream_with,
};

/// An upstream that says `answer` to whatever it is asked, and closes the connection.
fn saying(answer: impl AsRef<[u8]> + Send + 'static) -> std::sync::Arc<Upstream> {
    let (url, _) = script(move |listener| {
        let mut stream = accept(&listener);
        read_head(&mut stream);
        say(&mut stream, answer);
    });
    upstream(&url)
}

fn kind(error: &Error) -> &'static str {
    match error {
        Error::InvalidAnswer { .. } => "invalid",
        Error::Closed { .. } => "closed",
        _ => panic!("unexpected {error:?}"),
    }
}

#[tokio::test]
async fn a_head_that_is_not_http_is_an_invalid_answer() {
    let many_headers = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(101));
    let long_header = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(70_000));
    for (answer, want) in [
        ("", "closed"),
        ("HTTP/1.1 200 OK\r\ncontent-le", "closed"),
        ("HTTP/1.1 100 Continue\r\n\r\n", "closed"),
        ("SSH-2.0-OpenSSH_9.6\r\n", "invalid"),
        ("\0\0\0\0\0\0\0\0", "invalid"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "invalid"),
        ("HTTP/2.0 200 OK\r\n\r\n", "invalid"),
        ("<html>hello</html>", "invalid"),
        ("HTTP/1.1 000 Zero\r\n\r\n", "invalid"),
        ("HTTP/1.1 999 Odd\r\n\r\n", "invalid"),
        ("HTTP/1.1 2000 OK\r\n\r\n", "invalid"),
        (
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
            "invalid",
        ),
        ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "invalid"),
        ("HTTP/1.1 200 OK\r\nspace : x\r\n\r\n", "invalid"),
        ("HTTP/1.1 200 OK\r\nx: y\r\n folded\r\n\r\n", "invalid"),
        ("HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n", "invalid"),
        ("HTTP/1.1 200 OK\r\nx: a\rset-cookie: b\r\n\r\n", "invalid"),
        ("HTTP/1.1 200 O\0K\r\n\r\n", "invalid"),
        ("HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", "invalid"),
        ("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", "invalid"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!", "invalid"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n", "invalid"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nok", "invalid"),
        ("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "invalid"),
        (many_headers.leak(), "invalid"),
        (long_header.leak(), "invalid"),
    ] {
        let upstream = saying(answer);
        let error = get(&upstream).await.expect_err(answer);
        assert_eq!(kind(&error), want, "{answer:?}: {error}");
        assert_eq!(error.kind(), RefusalKind::UpstreamFailed);
        assert_eq!(
            (upstream.idle_connections(), upstream.busy_connections()),
            (0, 0),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_body_that_breaks_its_framing_breaks_off() {
    let extension = format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(20_000));
    let trailers = format!("0\r\n{}\r\n", "x: y\r\n".repeat(2_000));
    for (framing, body, want) in [
        ("content-length: 10", "12345", "closed"),
        ("transfer-encoding: chunked", "", "closed"),
        ("transfer-encoding: chunked", "5\r\n123", "closed"),
        ("transfer-encoding: chunked", "5\r\n12345\r\n", "closed"),
        ("transfer-encoding: chunked", "x\r\n", "invalid"),
        ("transfer-encoding: chunked", "-1\r\n", "invalid"),
        ("transfer-encoding: chunked", "5\r\n1234567\r\n0\r\n\r\n", "invalid"),
        ("transfer-encoding: chunked", "ffffffffffffffffff\r\n", "invalid"),
        ("transfer-encoding: chunked", extension.leak(), "invalid"),
        ("transfer-encoding: chunked", trailers.leak(), "invalid"),
    ] {
        let upstream = saying(format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{body}"));
        let response = get(&upstream).await.unwrap();
        let error = text(response).await.expect_err(body);
        assert_eq!(kind(&error), want, "{body:?}: {error}");
        assert_eq!((upstream.idle_connections(), upstream.busy_connections()), (0, 0), "{body:?}");
    }
}

#[tokio::test]
async fn what_follows_a_whole_answer_is_never_part_of_another() {
    let upstream = saying(format!("{OK}HTTP/1.1 200 OK\r\nset-cookie: evil=1\r\n\r\n"));
    let response = get(&upstream).await.unwrap();
    assert!(response.headers().get("set-cookie").is_none());
    assert_eq!(text(response).await.unwrap(), "ok");
    assert_eq!(upstream.idle_connections(), 0);
}

#[tokio::test]
async fn an_answer_of_two_lengths_has_the_one_that_counts() {
    let both = "HTTP/1.1 200 OK\r\ncontent-length: 99\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    let response = get(&saying(both)).await.unwrap();
    assert!(response.headers().is_empty(), "{:?}", response.headers());
    assert_eq!(text(response).await.unwrap(), "ok");
    let twice = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok";
    let response = get(&saying(twice)).await.unwrap();
    let lengths: Vec<_> = response.headers().get_all("content-length").iter().collect();
    assert_eq!(lengths, ["2"]);
}

#[tokio::test]
async fn interim_answers_are_not_passed_on() {
    let answer =
        format!("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n{OK}");
    let response = get(&saying(answer)).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers().get("link").is_none());
}

#[tokio::test]
async fn a_reason_phrase_is_not_passed_on() {
    let answer = "HTTP/1.1 200 <b>hello</b>\r\ncontent-length: 0\r\n\r\n";
    let response = get(&saying(answer)).await.unwrap();
    assert!(response.extensions().is_empty());
}

#[tokio::test]
async fn a_flood_before_the_head_ends_by_its_size_and_not_by_the_clock() {
    for drop_of_flood in
        ["HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n", "HTTP/1.1 200 OK\r\n", "x: y\r\n"]
    {
        let (url, sent) = script(move |listener| {
            let mut stream = accept(&listener);
            read_head(&mut stream);
            let wave = drop_of_flood.repeat(1000);
            if drop_of_flood.starts_with('x') {
                say(&mut stream, "HTTP/1.1 200 OK\r\n");
            }
            let mut sent = 0;
            while stream.write_all(wave.as_bytes()).is_ok() {
                sent += wave.len();
            }
            sent
        });
        let upstream = upstream_with(&url, |it| it.answer_timeout = Duration::from_secs(3600));
        let error = get(&upstream).await.unwrap_err();
        assert_eq!(kind(&error), "invalid", "{error}");
        assert_eq!(upstream.busy_connections(), 0);
        // What is more than the bound lies in the system's buffers.
        assert!(soon(sent).await.unwrap() < 32 << 20);
    }
}

#[tokio::test]
async fn trailers_come_through_without_framing() {
    let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n\
                  2\r\nok\r\n0\r\nx-sum: 7\r\ncontent-length: 5\r\n\r\n";
    let (url, _) = script(move |listener| {
        let mut stream = accept(&listener);
        for answer in [answer, OK] {
            read_head(&mut stream);
            say(&mut stream, answer);
        }
    });
    let upstream = upstream(&url);
    let response = get(&upstream).await.unwrap();
    let body = soon(response.into_body().collect()).await.unwrap();
    let trailers = body.trailers().unwrap();
    assert_eq!(trailers.len(), 1);
    assert_eq!(trailers.get("x-sum").unwrap(), "7");
    assert_eq!(body.to_bytes(), "ok");
    assert_eq!(upstream.idle_connections(), 1, "the connection is clean");
    assert_eq!(get_text(&upstream).await.unwrap(), "ok");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn whatever_an_upstream_says_the_exchange_ends(
        start in prop::sample::select(vec![
            "", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "HTTP/1.1 103 x\r\n\r\n",
        ]),
        rest in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "[0-9a-fx:; \r\nHTP/1.]{0,80}".prop_map(String::into_bytes),
        ],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let upstream = saying([start.as_bytes(), &rest].concat());
            let read = match get(&upstream).await {
                Ok(response) => soon(response.into_body().collect()).await.map(drop),
                Err(error) => Err(error),
            };
            if let Err(error) = read {
                kind(&error);
            }
            assert_eq!(upstream.busy_connections(), 0);
        });
    }
}
