//! A connection that a client may go on to use is not closed behind its back.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::yield_now,
    time::timeout,
};

use crate::shop;

/// Reads the head of an answer and the body that it announces.
async fn answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut length = usize::MAX;
    while answer.len() < length {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await.unwrap();
        assert!(count > 0, "closed after {:?}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&answer);
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let (_, rest) = head.split_once("content-length: ").expect("a length");
            length = head.len() + 4 + rest.lines().next().unwrap().parse::<usize>().unwrap();
        }
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_stranger_whose_message_comes_after_its_head_hears_401_and_keeps_the_connection() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    for round in 1..=3 {
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: {}\r\nx-api-key: odk_wrong\r\ncontent-length: {}\r\n\r\n",
            house.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let refused = async {
            while house.records().len() < round {
                yield_now().await;
            }
        };
        timeout(Duration::from_secs(10), refused).await.expect("the head alone is refused");
        stream.write_all(body.as_bytes()).await.unwrap();
        let answer = answer(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "round {round}: {answer}");
    }
}
