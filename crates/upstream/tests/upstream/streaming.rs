//! Bodies pass both ways as they come, and nobody makes us keep what is not read.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
};

use http_body_util::BodyExt;
use tokio::{sync::mpsc::unbounded_channel, task::JoinSet};

use crate::servers::{
    LONG, OK, SHORT, accept, door, get, nobody_waits, read_head, say, script, sees_the_end, serve,
    settle, soon, upstream,
};

/// What the system's buffers of a connection on loopback may hold, and a little of ours.
const BUFFERED_MAX: usize = 24 << 20;

/// Writes until nobody takes any more for a while; gives how much was taken.
fn write_until_stuck(stream: &mut TcpStream) -> usize {
    stream.set_write_timeout(Some(SHORT * 3)).unwrap();
    let chunk = [b'x'; 64 * 1024];
    let mut sent = 0;
    while sent < 10 * BUFFERED_MAX {
        match stream.write(&chunk) {
            Ok(length) => sent += length,
            Err(_) => break,
        }
    }
    sent
}

/// Runs a client that blocks, beside the test.
async fn client<T: Send + 'static>(
    address: std::net::SocketAddr,
    run: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> T {
    soon(tokio::task::spawn_blocking(move || {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_nodelay(true).unwrap();
        run(stream)
    }))
    .await
    .unwrap()
}

#[tokio::test]
async fn a_slow_reader_holds_the_upstream_back() {
    let (url, sent) = script(|listener| {
        let mut stream = accept(&listener);
        read_head(&mut stream);
        say(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 100000000000\r\n\r\n");
        write_until_stuck(&mut stream)
    });
    let upstream = upstream(&url);
    let mut response = get(&upstream).await.unwrap();
    let mut largest = 0;
    for _ in 0..100 {
        let frame = soon(response.frame()).await.unwrap().unwrap().into_data().unwrap();
        largest = largest.max(frame.len());
    }
    assert!(largest <= 128 * 1024, "{largest} bytes in one frame");
    // Held, and not read any more.
    let sent = soon(sent).await.unwrap();
    assert!(sent < BUFFERED_MAX, "{sent} bytes were taken");
    drop(response);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_upstream_holds_the_client_back() {
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let (url, _) = script(move |listener| {
        let _stream = accept(&listener);
        let _ = stopped.recv_timeout(LONG);
    });
    let mut tasks = JoinSet::new();
    let door = door(&mut tasks, upstream(&url), u64::MAX).await;
    let sent = client(door, |mut stream| {
        say(&mut stream, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000000\r\n\r\n");
        write_until_stuck(&mut stream)
    })
    .await;
    // Twice the buffers of the system: before the door and behind it.
    assert!(sent < 2 * BUFFERED_MAX, "{sent} bytes were taken");
    drop(stop);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_chunk_passes_before_the_next_is_there() {
    let mut tasks = JoinSet::new();
    let echo =
        serve(&mut tasks, |request| async { Ok(http::Response::new(request.into_body())) }).await;
    let upstream = upstream(&format!("http://{echo}"));
    let door = door(&mut tasks, upstream.clone(), u64::MAX).await;
    client(door, |mut stream| {
        say(&mut stream, "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
        for turn in 0..20 {
            let chunk = format!("8\r\nchunk {turn:02}\r\n");
            say(&mut stream, &chunk);
            if turn == 0 {
                assert!(read_head(&mut stream).starts_with("HTTP/1.1 200 OK\r\n"));
            }
            let mut back = vec![0; chunk.len()];
            stream.read_exact(&mut back).unwrap();
            assert_eq!(back, chunk.as_bytes());
        }
        say(&mut stream, "0\r\n\r\n");
        let mut end = [0; 5];
        stream.read_exact(&mut end).unwrap();
        assert_eq!(&end, b"0\r\n\r\n");
    })
    .await;
    assert_eq!(upstream.busy_connections(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_reads_only_after_its_upload_is_served() {
    // The upstream begins with more of its answer than the buffers of this machine would keep for a client
    // that does not read, and then wants the whole upload before it goes on.
    const LENGTH: usize = 32 << 20;
    let (url, _) = script(|listener| {
        let mut stream = accept(&listener);
        read_head(&mut stream);
        let mut writing = stream.try_clone().unwrap();
        say(&mut writing, format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", LENGTH + 4));
        let writer = std::thread::spawn(move || {
            say(&mut writing, vec![b'y'; LENGTH]);
            writing
        });
        let mut upload = vec![0; LENGTH];
        stream.read_exact(&mut upload).unwrap();
        say(&mut writer.join().unwrap(), "done");
    });
    let mut tasks = JoinSet::new();
    let door = door(&mut tasks, upstream(&url), u64::MAX).await;
    let end = client(door, |mut stream| {
        say(&mut stream, format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {LENGTH}\r\n\r\n"));
        stream.write_all(&vec![b'x'; LENGTH]).unwrap();
        read_head(&mut stream);
        let mut answer = vec![0; LENGTH + 4];
        stream.read_exact(&mut answer).unwrap();
        answer.split_off(LENGTH)
    })
    .await;
    assert_eq!(end, b"done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_ends_with_whoever_reads_its_answer() {
    let (url, end) = script(|listener| {
        let mut stream = accept(&listener);
        read_head(&mut stream);
        say(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello");
        sees_the_end(&mut stream)
    });
    let mut tasks = JoinSet::new();
    let upstream = upstream(&url);
    let door = door(&mut tasks, upstream.clone(), u64::MAX).await;
    client(door, |mut stream| {
        say(&mut stream, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n12345");
        read_head(&mut stream);
        stream.shutdown(Shutdown::Both).unwrap();
    })
    .await;
    assert!(soon(end).await.unwrap());
    soon(async {
        while upstream.busy_connections() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(upstream.idle_connections(), 0);
}

#[tokio::test]
async fn a_body_beyond_the_bound_is_refused() {
    // Announced: the upstream hears nothing of it.
    let (look, may_look) = std::sync::mpsc::channel();
    let (url, alone) = script(move |listener| {
        may_look.recv_timeout(LONG).unwrap();
        nobody_waits(&listener)
    });
    let mut tasks = JoinSet::new();
    let announced = door(&mut tasks, upstream(&url), 10).await;
    let answer = client(announced, |mut stream| {
        say(&mut stream, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 11\r\n\r\n");
        read_head(&mut stream)
    })
    .await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    look.send(()).unwrap();
    assert!(soon(alone).await.unwrap());

    // Found out on the way: the upstream never sees the end of the body.
    let (url, got) = script(|listener| {
        let mut stream = accept(&listener);
        let mut got = String::new();
        drop(stream.read_to_string(&mut got));
        got
    });
    let found_out = door(&mut tasks, upstream(&url), 10).await;
    let answer = client(found_out, |mut stream| {
        say(&mut stream, "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
        say(&mut stream, "a\r\n1234567890\r\n1\r\nx\r\n0\r\n\r\n");
        read_head(&mut stream);
        let mut text = [0; 32];
        let length = stream.read(&mut text).unwrap();
        String::from_utf8_lossy(&text[..length]).into_owned()
    })
    .await;
    assert_eq!(answer, "BodyTooLarge { bytes_max: 10 }");
    let got = soon(got).await.unwrap();
    assert!(got.contains("transfer-encoding: chunked") && !got.ends_with("0\r\n\r\n"), "{got}");
}

#[tokio::test]
async fn a_body_of_just_the_bound_passes() {
    let (url, got) = script(|listener| {
        let mut stream = accept(&listener);
        let head = read_head(&mut stream);
        let mut body = [0; 20];
        stream.read_exact(&mut body).unwrap();
        say(&mut stream, OK);
        let is_over = sees_the_end(&mut stream);
        (head, String::from_utf8(body.to_vec()).unwrap(), is_over)
    });
    let mut tasks = JoinSet::new();
    let upstream = upstream(&url);
    let door = door(&mut tasks, upstream.clone(), 10).await;
    // A GET, which hyper would send without its body if it were not told.
    let answer = client(door, |mut stream| {
        say(&mut stream, "GET / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
        say(&mut stream, "a\r\n1234567890\r\n0\r\n\r\n");
        read_head(&mut stream)
    })
    .await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    // The upload was over before the answer came, so the connection is as good as any.
    assert_eq!((upstream.idle_connections(), upstream.busy_connections()), (1, 0));
    drop((tasks, upstream));
    let (head, body, _) = soon(got).await.unwrap();
    assert!(head.contains("transfer-encoding: chunked\r\n"), "{head}");
    assert_eq!(body, "A\r\n1234567890\r\n0\r\n\r\n");
}

#[tokio::test]
async fn a_client_that_breaks_off_breaks_the_request_off() {
    let (received, mut is_received) = unbounded_channel();
    let (url, got) = script(move |listener| {
        let mut stream = accept(&listener);
        read_head(&mut stream);
        let mut body = [0; 4];
        stream.read_exact(&mut body).unwrap();
        received.send(()).unwrap();
        let mut rest = Vec::new();
        drop(stream.read_to_end(&mut rest));
        rest.len()
    });
    let mut tasks = JoinSet::new();
    let upstream = upstream(&url);
    let door = door(&mut tasks, upstream.clone(), u64::MAX).await;
    let stream = client(door, |mut stream| {
        say(&mut stream, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n1234");
        stream
    })
    .await;
    soon(is_received.recv()).await.unwrap();
    drop(stream);
    assert_eq!(soon(got).await.unwrap(), 0, "nothing was made up");
    assert_eq!(upstream.idle_connections(), 0);
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_upload_closes_the_connection_after_it() {
    let (url, end) = script(|listener| {
        let mut stream = accept(&listener);
        read_head(&mut stream);
        say(&mut stream, "HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno");
        sees_the_end(&mut stream)
    });
    let mut tasks = JoinSet::new();
    let upstream = upstream(&url);
    let door = door(&mut tasks, upstream.clone(), u64::MAX).await;
    let (answer, client) = client(door, |mut stream| {
        say(&mut stream, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n1234");
        (read_head(&mut stream), stream)
    })
    .await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(soon(end).await.unwrap());
    drop(client);
    assert_eq!((upstream.idle_connections(), upstream.busy_connections()), (0, 0));
}

#[tokio::test]
async fn a_long_answer_comes_whole_and_its_connection_goes_back() {
    const LENGTH: usize = 3_000_000;
    for framing in [format!("content-length: {LENGTH}"), "transfer-encoding: chunked".to_owned()] {
        let is_chunked = framing.contains("chunked");
        let (url, _) = script(move |listener| {
            let mut stream = accept(&listener);
            for _ in 0..2 {
                read_head(&mut stream);
                say(&mut stream, format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n"));
                if is_chunked {
                    for _ in 0..LENGTH / 1000 {
                        say(&mut stream, format!("3e8\r\n{}\r\n", "x".repeat(1000)));
                    }
                    say(&mut stream, "0\r\n\r\n");
                } else {
                    say(&mut stream, "x".repeat(LENGTH));
                }
            }
            sees_the_end(&mut stream)
        });
        let upstream = upstream(&url);
        for _ in 0..2 {
            let response = get(&upstream).await.unwrap();
            assert_eq!(crate::servers::text(response).await.unwrap().len(), LENGTH);
            assert_eq!((upstream.idle_connections(), upstream.busy_connections()), (1, 0));
        }
    }
}

#[tokio::test]
async fn a_streamed_body_goes_along_when_its_connection_was_dead() {
    let (closed, mut is_closed) = unbounded_channel();
    let (close, may_close) = std::sync::mpsc::channel();
    let (url, got) = script(move |listener| {
        let mut first = accept(&listener);
        read_head(&mut first);
        say(&mut first, OK);
        may_close.recv_timeout(LONG).unwrap();
        drop(first);
        closed.send(()).unwrap();
        let mut second = accept(&listener);
        read_head(&mut second);
        let mut body = [0; 9];
        second.read_exact(&mut body).unwrap();
        say(&mut second, OK);
        body
    });
    let mut tasks = JoinSet::new();
    let upstream = upstream(&url);
    let door = door(&mut tasks, upstream.clone(), u64::MAX).await;
    get(&upstream).await.unwrap();
    close.send(()).unwrap();
    soon(is_closed.recv()).await.unwrap();
    settle().await;
    let answer = client(door, |mut stream| {
        say(&mut stream, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n12345");
        say(&mut stream, "6789");
        read_head(&mut stream)
    })
    .await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!(&soon(got).await.unwrap(), b"123456789");
}
