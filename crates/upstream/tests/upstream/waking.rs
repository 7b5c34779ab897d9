//! A task is woken where its own call can go on, and for nothing else.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    task::{Context, Wake, Waker},
};

use http_body_util::BodyExt;
use tokio::{sync::mpsc::unbounded_channel, task::JoinSet, time::timeout};

use crate::servers::{
    LONG, OK, SHORT, accept, get, get_text, read_head, say, script, sees_the_end, settle, soon,
    text, upstream,
};

/// The waker of a task, which counts how often it is used.
struct Counted {
    wakes: Arc<AtomicUsize>,
    task: Waker,
}

impl Wake for Counted {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, SeqCst);
        self.task.wake_by_ref();
    }
}

/// Awaits `future`, and counts how often it is woken, also afterwards.
async fn counted<F: Future>(wakes: &Arc<AtomicUsize>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let counted = Counted { wakes: Arc::clone(wakes), task: cx.waker().clone() };
        let waker = Waker::from(Arc::new(counted));
        future.as_mut().poll(&mut Context::from_waker(&waker))
    })
    .await
}

#[tokio::test]
async fn a_call_is_woken_by_its_answer_alone() {
    let (url, _) = script(|listener| {
        let mut stream = accept(&listener);
        for _ in 0..2 {
            read_head(&mut stream);
            say(&mut stream, OK);
        }
        sees_the_end(&mut stream)
    });
    let upstream = upstream(&url);
    let (first, second) = (Arc::default(), Arc::default());
    assert_eq!(counted(&first, get_text(&upstream)).await.unwrap(), "ok");
    let woken = first.load(SeqCst);
    assert_eq!(counted(&second, get_text(&upstream)).await.unwrap(), "ok");
    assert_eq!(second.load(SeqCst), 1, "by its answer");
    assert_eq!(first.load(SeqCst), woken, "whoever used the connection before is done with it");
}

#[tokio::test]
async fn the_end_of_an_idle_connection_wakes_nobody_and_is_seen() {
    let (closed, mut is_closed) = unbounded_channel();
    let (close, may_close) = mpsc::channel::<()>();
    let (url, _) = script(move |listener| {
        let mut stream = accept(&listener);
        read_head(&mut stream);
        say(&mut stream, OK);
        may_close.recv_timeout(LONG).unwrap();
        drop(stream);
        closed.send(()).unwrap();
        let mut stream = accept(&listener);
        read_head(&mut stream);
        say(&mut stream, OK);
        sees_the_end(&mut stream)
    });
    let upstream = upstream(&url);
    let first = Arc::default();
    assert_eq!(counted(&first, get_text(&upstream)).await.unwrap(), "ok");
    let woken = first.load(SeqCst);
    close.send(()).unwrap();
    soon(is_closed.recv()).await.unwrap();
    settle().await;
    assert_eq!(first.load(SeqCst), woken);
    assert_eq!(get_text(&upstream).await.unwrap(), "ok");
}

#[tokio::test]
async fn whoever_reads_from_a_connection_that_was_idle_is_woken_for_each_piece() {
    const PIECES: usize = 20;
    let (go, may_go) = mpsc::channel::<()>();
    let (url, _) = script(move |listener| {
        let mut stream = accept(&listener);
        read_head(&mut stream);
        say(&mut stream, OK);
        read_head(&mut stream);
        say(&mut stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        for _ in 0..PIECES {
            may_go.recv_timeout(LONG).unwrap();
            say(&mut stream, "2\r\nok\r\n");
        }
        say(&mut stream, "0\r\n\r\n");
        sees_the_end(&mut stream)
    });
    let upstream = upstream(&url);
    assert_eq!(get_text(&upstream).await.unwrap(), "ok");
    let mut response = get(&upstream).await.unwrap();
    for _ in 1..PIECES {
        let mut frame = pin!(response.frame());
        assert!(timeout(SHORT / 20, &mut frame).await.is_err(), "nothing has come");
        go.send(()).unwrap();
        let frame = soon(frame).await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), "ok");
    }
    // The rest is read by another task than the one that drove the connection so far.
    let mut tasks = JoinSet::new();
    tasks.spawn(text(response));
    settle().await;
    go.send(()).unwrap();
    assert_eq!(soon(tasks.join_next()).await.unwrap().unwrap().unwrap(), "ok");
    assert_eq!((upstream.idle_connections(), upstream.busy_connections()), (1, 0));
}

#[tokio::test]
async fn a_slow_reader_of_a_connection_that_was_idle_gets_all_of_it() {
    const LENGTH: usize = 16 << 20;
    let (url, _) = script(|listener| {
        let mut stream = accept(&listener);
        read_head(&mut stream);
        say(&mut stream, OK);
        read_head(&mut stream);
        say(&mut stream, format!("HTTP/1.1 200 OK\r\ncontent-length: {LENGTH}\r\n\r\n"));
        say(&mut stream, vec![b'x'; LENGTH]);
        sees_the_end(&mut stream)
    });
    let upstream = upstream(&url);
    assert_eq!(get_text(&upstream).await.unwrap(), "ok");
    let mut response = get(&upstream).await.unwrap();
    let mut length = 0;
    for _ in 0..50 {
        let frame = soon(response.frame()).await.unwrap().unwrap();
        length += frame.into_data().unwrap().len();
        // What comes meanwhile rings, and is read only when it is asked for.
        settle().await;
    }
    let mut tasks = JoinSet::new();
    tasks.spawn(text(response));
    let rest = soon(tasks.join_next()).await.unwrap().unwrap().unwrap();
    assert_eq!(length + rest.len(), LENGTH);
    assert_eq!((upstream.idle_connections(), upstream.busy_connections()), (1, 0));
}
