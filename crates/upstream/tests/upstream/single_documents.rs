//! The egress client fetches one document, within bounds, and follows nothing.

use model::Clock;
use upstream::{Egress, Error, Fleet, Trust};

use crate::servers::{
    LONG, OK, SHORT, accept, nobody_waits, read_head, say, script, sees_the_end, soon,
};

fn egress() -> Egress {
    Fleet::new(Clock::system()).egress(Trust::Operator)
}

#[tokio::test]
async fn a_document_is_fetched_from_this_machine() {
    let (url, head) = script(|listener| {
        let mut stream = accept(&listener);
        let head = read_head(&mut stream);
        say(&mut stream, OK);
        (head, sees_the_end(&mut stream))
    });
    let url = url.replace("127.0.0.1", "localhost");
    let document = soon(egress().get(&format!("{url}/keys?a=b"), 2, LONG)).await.unwrap();
    assert_eq!(document, "ok");
    let (head, end) = soon(head).await.unwrap();
    assert!(head.starts_with("GET /keys?a=b HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("host: localhost:") && head.contains("connection: close\r\n"), "{head}");
    assert!(end);
}

#[tokio::test]
async fn a_document_in_pieces_is_put_together() {
    let (url, _) = script(|listener| {
        let mut stream = accept(&listener);
        read_head(&mut stream);
        say(&mut stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        for _ in 0..100 {
            say(&mut stream, "2\r\nok\r\n");
        }
        say(&mut stream, "0\r\n\r\n");
    });
    let document = soon(egress().get(&url, 200, LONG)).await.unwrap();
    assert_eq!(document, "ok".repeat(100));
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_other_answers_are_none() {
    for (answer, want) in [
        ("HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n", "status 302"),
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "status 404"),
        ("HTTP/1.1 206 Partial\r\ncontent-length: 0\r\n\r\n", "status 206"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", "more than 2 bytes"),
        ("HTTP/1.1 200 OK\r\n\r\nabc", "more than 2 bytes"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na", "closed the connection"),
    ] {
        let (url, alone) = script(move |listener| {
            let mut stream = accept(&listener);
            read_head(&mut stream);
            say(&mut stream, answer);
            drop(stream);
            nobody_waits(&listener)
        });
        let error = soon(egress().get(&url, 2, LONG)).await.unwrap_err();
        assert!(error.to_string().contains(want), "{error}");
        assert!(soon(alone).await.unwrap());
    }
}

#[tokio::test]
async fn the_whole_fetch_ends_in_time() {
    for beginning in ["", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"] {
        let (url, _) = script(move |listener| {
            let mut stream = accept(&listener);
            read_head(&mut stream);
            say(&mut stream, beginning);
            sees_the_end(&mut stream)
        });
        let error = soon(egress().get(&url, 100, SHORT)).await.unwrap_err();
        assert!(matches!(error, Error::AnswerTimeout { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn other_machines_are_reached_over_https_alone() {
    for (url, want) in [
        ("http://192.0.2.1/keys", "write https://"),
        ("http://localhost.example/keys", "write https://"),
        ("http://0.0.0.0/keys", "write https://"),
        ("file:///etc/passwd", "write http:// or https://"),
        ("https://user:pass@localhost/", "no password"),
        ("keys", "relative URL"),
    ] {
        let error = soon(egress().get(url, 100, SHORT)).await.unwrap_err();
        assert!(matches!(error, Error::InvalidUrl { .. }), "{error:?}");
        assert!(
            error.to_string().contains(want) && !error.to_string().contains("pass@"),
            "{error}"
        );
    }
}
