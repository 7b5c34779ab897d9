//! Whoever goes away closes the connection, and so the upstream learns that nobody waits.

use http::Method;
use http_body_util::BodyExt;
use tokio::sync::mpsc::unbounded_channel;
use upstream::{Reached, RequestBody};

use crate::servers::{accept, get, head, read_head, say, script, sees_the_end, soon, upstream};

#[tokio::test]
async fn a_request_that_nobody_waits_for_closes_its_connection() {
    let (received, mut is_received) = unbounded_channel();
    let (url, end) = script(move |listener| {
        let mut stream = accept(&listener);
        read_head(&mut stream);
        received.send(()).unwrap();
        sees_the_end(&mut stream)
    });
    let upstream = upstream(&url);
    let mut reached = Reached::default();
    tokio::select! {
        biased;
        () = async { is_received.recv().await.unwrap() } => {}
        _ = upstream.send(head(Method::GET, "/"), RequestBody::Empty, &mut reached) => panic!("no answer comes"),
    }
    assert!(soon(end).await.unwrap());
    assert!(
        url.ends_with(&reached.address.unwrap().to_string()),
        "told though nobody waited for more"
    );
    assert_eq!((upstream.idle_connections(), upstream.busy_connections()), (0, 0));
}

#[tokio::test]
async fn an_answer_that_nobody_reads_to_its_end_closes_its_connection() {
    for framing in ["content-length: 1000", "transfer-encoding: chunked"] {
        let (url, end) = script(move |listener| {
            let mut stream = accept(&listener);
            read_head(&mut stream);
            say(&mut stream, format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n5\r\nhello\r\n"));
            sees_the_end(&mut stream)
        });
        let upstream = upstream(&url);
        let mut response = get(&upstream).await.unwrap();
        soon(response.frame()).await.unwrap().unwrap();
        assert_eq!(upstream.busy_connections(), 1);
        drop(response);
        assert!(soon(end).await.unwrap(), "{framing}");
        assert_eq!((upstream.idle_connections(), upstream.busy_connections()), (0, 0));
    }
}
