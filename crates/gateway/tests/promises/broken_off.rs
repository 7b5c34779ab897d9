//! What was answered is told as it ended: whole, broken off by its upstream, or left by its caller.

use std::{
    future::{Future, poll_fn},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use gateway::{
    Entrance,
    pipeline::{self, Arrival, Outgoing, Received},
};
use http::{HeaderMap, Method};
use identity::Presented;
use model::{Path, Query, RequestHead, RequestId, Surface};
use serde_json::{Value, json};
use testkit::{Answer, House, Stream};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::Notify,
    task::JoinSet,
    time::{sleep, timeout},
};
use upstream::RequestBody;

use crate::shop;

/// An answer with half of its body.
const HALF: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 8\r\n\r\nhalf";
const BROKEN: &[&str] = &[HALF];
const WHOLE: &[&str] = &[HALF, "half"];

/// The shop in front of an upstream that answers each request with pieces, byte by byte as they are
/// here, and closes its connection: all but the first of these when they are asked for.
struct Broken {
    house: House,
    next: Arc<Notify>,
    _upstream: JoinSet<()>,
}

impl Broken {
    async fn open(pieces: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let collection = collection(&listener, "");
        let (next, mut upstream) = (Arc::new(Notify::new()), JoinSet::new());
        upstream.spawn(answer_all(listener, pieces, Arc::clone(&next)));
        let builder = shop::builder().file("collections/shop.yaml", &collection);
        let house = builder.open().await.expect("the shop has no faults");
        Self { house, next, _upstream: upstream }
    }

    /// A request by REST, up to the first piece of its answer.
    async fn begin(&self) -> Stream {
        let mut stream = begin(&self.house, "/shop/items/7").await;
        assert_eq!(soon(stream.piece()).await.unwrap().unwrap(), "half");
        stream
    }

    async fn call(&self) -> Answer {
        let (key, arguments) = (self.house.key("app/full"), json!({"id": "7"}));
        soon(self.house.client.call_tool(key, "shop_get_item", &arguments)).await
    }
}

/// The shop over what listens here, with more said of it.
fn collection(upstream: &TcpListener, more: &str) -> String {
    format!(
        "owner: shop team\nbase: /shop\nupstream: {{url: 'http://{}'{more}}}\n\
         document: documents/shop.yaml\n",
        upstream.local_addr().unwrap()
    )
}

/// Answers one request by a heartbeat now and then, for as long as anybody takes it.
async fn trickle(listener: &TcpListener) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let Ok(1..) = stream.read(&mut [0; 4096]).await else { return };
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                transfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    while stream.write_all(b"3\r\n:\n\n\r\n").await.is_ok() {
        sleep(Duration::from_millis(5)).await;
    }
}

async fn answer_all(listener: TcpListener, pieces: &[&str], next: Arc<Notify>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        // The head of a request without a body comes in one read.
        let Ok(1..) = stream.read(&mut [0; 4096]).await else { continue };
        for piece in pieces {
            stream.write_all(piece.as_bytes()).await.ok();
            next.notified().await;
        }
    }
}

async fn begin(house: &House, target: &str) -> Stream {
    let headers = [("x-api-key", house.key("app/full"))];
    let stream = house.client.open("GET", target, &headers, "").await;
    assert_eq!(stream.status, 200);
    stream
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(5), what).await.expect("it comes soon")
}

/// Waits for the record of an answer that did not come to its end.
async fn cut(house: &House) -> Value {
    soon(async {
        loop {
            match house.records().into_iter().find(|it| it["kind"] == "cut") {
                Some(record) => return record,
                None => sleep(Duration::from_millis(5)).await,
            }
        }
    })
    .await
}

/// That `cut` is of the call that is the only one, which was answered.
fn check_call(house: &House, cut: &Value) {
    let records = house.records();
    let [call, last] = &records[..] else { panic!("a call, and what became of it: {records:?}") };
    assert_eq!((&call["kind"], &call["outcome"]), (&json!("call"), &json!("answered")));
    assert_eq!((last, &cut["id"]), (cut, &call["id"]));
    for name in ["client", "profile", "operation", "surface", "peer", "revision"] {
        assert_eq!(cut[name], call[name], "{name}");
    }
}

#[tokio::test]
async fn a_stream_that_its_upstream_breaks_off_is_told_as_that() {
    let broken = Broken::open(BROKEN).await;
    let mut stream = broken.begin().await;
    assert_eq!(broken.house.records().len(), 1, "its head was answered, and it goes on");
    broken.next.notify_one();
    assert!(soon(stream.piece()).await.is_err(), "it never looks whole");
    let record = cut(&broken.house).await;
    assert_eq!(
        (&record["outcome"], &record["reason"], &record["decision"]),
        (&json!("refused"), &json!("upstream_failed"), &json!("error")),
        "{record}"
    );
    check_call(&broken.house, &record);
}

#[tokio::test]
async fn a_stream_that_its_caller_leaves_is_told_as_that() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    let mut stream = begin(&house, "/shop/items/drip").await;
    assert!(soon(stream.piece()).await.unwrap().is_some());
    drop(stream);
    let record = cut(&house).await;
    assert_eq!(
        (&record["outcome"], &record["reason"], &record["decision"]),
        (&json!("cancelled"), &Value::Null, &json!("allow")),
        "{record}"
    );
    check_call(&house, &record);
}

/// Takes a call so far as it comes by being polled so often, and drops it: whether it was over by then.
async fn dropped_behind(polls: usize, house: &House) -> bool {
    let snapshot = house.gateway.snapshot();
    let route = snapshot.routes().find(|it| it.tool_name() == "shop_get_item").unwrap();
    let arrival = Arrival {
        id: RequestId::parse("018f3a5e-0000-7000-8000-000000000001").unwrap(),
        at: house.clock.now(),
        started: house.clock.elapsed(),
        peer: "127.0.0.1:50000".parse().unwrap(),
        entrance: Entrance::Everything,
        surface: Surface::Rest,
        protocol: "HTTP/1.1",
        encryption: None,
        proof: None,
        trace: None,
        is_led: false,
    };
    let head = RequestHead {
        method: Method::GET,
        path: Path::parse("/items/7").unwrap(),
        query: Query::parse("").unwrap(),
        headers: HeaderMap::new(),
    };
    let received = Received {
        presented: Ok(Presented::ApiKey(house.key("app/full"))),
        target: Ok(Arc::clone(route)),
        asked: None,
        request: Ok(Box::new(Outgoing { head, body: RequestBody::Empty })),
    };
    let mut call = Box::pin(pipeline::run(&house.gateway, &snapshot, arrival, received));
    for _ in 0..polls {
        if poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_ready())).await {
            return true;
        }
        // What it waits for comes.
        sleep(Duration::from_millis(5)).await;
    }
    false
}

#[tokio::test]
async fn whenever_its_caller_leaves_a_call_is_told_as_left() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    for polls in 1.. {
        house.clock.advance(Duration::from_secs(86_400));
        let before = house.records().len();
        if dropped_behind(polls, &house).await {
            assert!(polls > 2, "it was left on its way, too");
            break;
        }
        let records = house.records();
        let ends: Vec<_> =
            records[before..].iter().map(|it| it["outcome"].as_str().unwrap()).collect();
        // Also where its answer only waits for its record.
        assert!(
            matches!(&ends[..], ["cancelled"] | ["answered", "cancelled"]),
            "{polls}: {ends:?}"
        );
    }
}

#[tokio::test]
async fn what_came_whole_is_told_once_however_its_end_is_known() {
    const CHUNKED: &[&str] =
        &["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n", "0\r\n\r\n"];
    const TRAILERS: &[&str] = &[
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-end\r\n\r\n4\r\nhalf\r\n",
        "0\r\nx-end: 1\r\n\r\n",
    ];
    // Its end is that of the connection.
    const CLOSED: &[&str] = &["HTTP/1.0 200 OK\r\n\r\nhalf"];
    for pieces in [WHOLE, CHUNKED, TRAILERS, CLOSED] {
        let broken = Broken::open(pieces).await;
        let mut stream = broken.begin().await;
        broken.next.notify_one();
        while soon(stream.piece()).await.unwrap().is_some() {}
        drop(stream);
        // Behind this one whatever is to be told of the other has been.
        let headers = [("x-api-key", "odk_x")];
        broken.house.client.send("GET", "/shop/items/7", &headers, "").await;
        let records = broken.house.records();
        assert_eq!(records.len(), 2, "{pieces:?}: {records:?}");
    }
    let house = shop::builder().open().await.expect("the shop has no faults");
    let headers = [("x-api-key", house.key("app/full"))];
    for (method, target) in [("GET", "/shop/items/nothing"), ("HEAD", "/shop/items/big")] {
        let answer = house.client.send(method, target, &headers, "").await;
        assert!(answer.status.is_success() && answer.body.is_empty(), "{method} {target}");
    }
    assert!(house.records().iter().all(|it| it["kind"] == "call"), "{:?}", house.records());
}

#[tokio::test]
async fn a_tool_whose_upstream_breaks_off_did_not_answer() {
    let broken = Broken::open(BROKEN).await;
    broken.next.notify_one();
    let answer = broken.call().await;
    let error = &answer.json()["error"];
    assert_eq!(
        (&error["code"], &error["data"]["reason"]),
        (&json!(502), &json!("upstream_failed"))
    );
    let records = broken.house.records();
    let [record] = &records[..] else { panic!("one call: {records:?}") };
    assert_eq!(
        (&record["outcome"], &record["reason"], &record["upstream_status"]),
        (&json!("refused"), &json!("upstream_failed"), &json!(200)),
        "{record}"
    );
}

#[tokio::test]
async fn a_tool_is_told_when_all_of_its_answer_is_there() {
    let broken = Broken::open(WHOLE).await;
    let calling = async {
        let answer = broken.call().await;
        assert_eq!(answer.json()["result"]["content"][0]["text"], "halfhalf", "{}", answer.text());
    };
    let looking = async {
        // Its head has come while these were answered.
        for _ in 0..20 {
            broken.house.client.send("GET", "/nowhere", &[], "").await;
        }
        let records = broken.house.records();
        assert!(records.iter().all(|it| it["operation"].is_null()), "{records:?}");
        broken.next.notify_one();
    };
    tokio::join!(calling, looking);
    let record = broken.house.records().pop().unwrap();
    assert_eq!((&record["outcome"], &record["bytes_out"]), (&json!("answered"), &json!(8)));
}

#[tokio::test]
async fn a_tool_whose_answer_has_no_end_gets_what_came_and_lets_go_of_its_upstream() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let collection = collection(&listener, ", tool_body_timeout: 100ms");
    let builder = shop::builder().file("collections/shop.yaml", &collection);
    let house = builder.open().await.expect("the shop has no faults");
    let arguments = json!({"id": "7"});
    let calling = house.client.call_tool(house.key("app/full"), "shop_get_item", &arguments);
    // The upstream is at its end as well: its connection is closed.
    let (answer, ()) = soon(async { tokio::join!(calling, trickle(&listener)) }).await;
    let result = answer.json()["result"].clone();
    let text = result["content"][0]["text"].as_str().unwrap();
    assert_eq!(result["isError"], true, "{text}");
    assert!(text.starts_with("upstream_timeout: ") && text.contains("after 100ms"), "{text}");
    assert!(text.contains("\n[cut: the first ") && result["structuredContent"].is_null(), "{text}");
    let records = house.records();
    let [record] = &records[..] else { panic!("one call: {records:?}") };
    // As it was told, with the status that the text tells.
    let names = ["outcome", "reason", "answer_truncated", "status", "upstream_status"];
    let want = json!(["refused", "upstream_timeout", true, 200, 200]);
    assert_eq!(json!(names.map(|it| &record[it])), want, "{record}");
    assert!(text.contains(record["detail"].as_str().unwrap()), "{record}");
    // A stream may go on for as long as it is taken.
    let taking = async {
        let mut stream = begin(&house, "/shop/items/7").await;
        for _ in 0..40 {
            assert!(stream.piece().await.unwrap().is_some());
        }
    };
    soon(async { tokio::join!(taking, trickle(&listener)) }).await;
}
