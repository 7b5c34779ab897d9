//! What is refused below every surface, by HTTP itself, leaves its record too, and a flood leaves few.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use testkit::House;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::yield_now,
    time::timeout,
};

use crate::{garbage::raw, shop};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// So many frames are read for an answer, so many streams are broken until the door is tired of them,
/// and so often it is looked for what is told a second later.
const FRAMES_MAX: usize = 1000;
const BROKEN_MAX: u32 = 1000;
const LOOKS_MAX: usize = 1_000_000;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A text as HPACK writes it plainly (RFC 7541 section 5.2).
fn text(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    match text.len() {
        length @ ..127 => out.push(u8::try_from(length).unwrap()),
        length => {
            let mut rest = length - 127;
            out.push(127);
            while rest >= 128 {
                out.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            out.push(u8::try_from(rest).unwrap());
        }
    }
    out.extend(text.bytes());
    out
}

/// Fields as HPACK writes them without its tables.
fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

/// A connection that speaks HTTP/2, and has said so.
async fn connect(house: &House) -> TcpStream {
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await.unwrap();
    stream
}

/// The kind and the payload of the next frame that is no chore of the protocol.
async fn next(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    for _ in 0..FRAMES_MAX {
        let mut head = [0; 9];
        let read = timeout(Duration::from_secs(10), stream.read_exact(&mut head)).await;
        read.expect("a frame comes in time").ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload).await.ok()?;
        if [HEADERS, RST_STREAM, GOAWAY].contains(&head[3]) {
            return Some((head[3], payload));
        }
    }
    panic!("{FRAMES_MAX} frames, and no answer");
}

#[tokio::test]
async fn what_http_1_refuses_by_itself_has_its_record() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    for (bytes, status) in [
        ("GARBAGE\r\n\r\n".to_owned(), 400),
        (format!("GET /{} HTTP/1.1\r\n\r\n", "z".repeat(1 << 17)), 431),
        (format!("GET / HTTP/1.1\r\n{}\r\n", "x: 1\r\n".repeat(101)), 431),
    ] {
        let before = house.records().len();
        let answer = raw(&house, bytes.as_bytes()).await;
        assert_eq!(answer.split(' ').nth(1), Some(status.to_string().as_str()), "{answer}");
        let records = house.records().split_off(before);
        let [record] = &records[..] else { panic!("one record: {records:?}") };
        assert_eq!((&record["kind"], &record["status"]), (&json!("malformed"), &json!(status)));
        assert_eq!(record["event"], "connection.http1_refused");
    }
}

#[tokio::test]
async fn a_target_that_is_too_long_is_told_as_that_and_not_as_a_long_head() {
    let builder = shop::builder().set(|it| it.header_bytes_max = 1 << 20);
    let house = builder.open().await.expect("the shop has no faults");
    let answer =
        raw(&house, format!("GET /{} HTTP/1.1\r\n\r\n", "z".repeat(66_000)).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 414 "), "{answer}");
    let records = house.records();
    let [record] = &records[..] else { panic!("one record: {records:?}") };
    assert_eq!((&record["status"], &record["reason"]), (&json!(414), &json!("too_large")));
}

#[tokio::test]
async fn what_http_2_refuses_by_itself_has_its_record_before_it_goes_out() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    let whole = END_STREAM | END_HEADERS;
    let host = house.address.to_string();
    let request = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", &host)];
    let long = fields(&[("x", &"y".repeat(16_000))]);
    let (last, rest) =
        (frame(CONTINUATION, END_HEADERS, 1, &long), frame(CONTINUATION, 0, 1, &long));
    let begun = frame(HEADERS, END_STREAM, 1, &fields(&request));
    let open = frame(HEADERS, 0, 1, &fields(&request));
    let large = [rest.clone(), rest.clone(), rest.clone(), rest, last].concat();
    let with = |more| frame(HEADERS, whole, 1, &fields(&[&request[..], &[more]].concat()));
    let cases = [
        (frame(HEADERS, whole, 1, &fields(&request[1..])), RST_STREAM, "a stream: PROTOCOL_ERROR"),
        (with(("connection", "close")), RST_STREAM, "a stream: PROTOCOL_ERROR"),
        ([begun, large.clone()].concat(), HEADERS, ""),
        ([open, large].concat(), HEADERS, ""),
        (frame(DATA, 0, 0, b"x"), GOAWAY, "the connection: PROTOCOL_ERROR"),
        (with(("Upper", "case")), GOAWAY, "the connection: PROTOCOL_ERROR"),
        (frame(HEADERS, whole, 1, &[0xff; 9]), GOAWAY, "the connection: PROTOCOL_ERROR"),
        (frame(SETTINGS, 0, 0, &[0; 5]), GOAWAY, "the connection: PROTOCOL_ERROR"),
        (frame(DATA, 0, 1, &[0; 20_000]), GOAWAY, "the connection: FRAME_SIZE_ERROR"),
        (frame(HEADERS, whole, 2, &fields(&request)), GOAWAY, "the connection: PROTOCOL_ERROR"),
    ];
    for (index, (bytes, want, detail)) in cases.into_iter().enumerate() {
        let before = house.records().len();
        let mut stream = connect(&house).await;
        stream.write_all(&bytes).await.unwrap();
        let kind = next(&mut stream).await.expect("an answer").0;
        let records = house.records().split_off(before);
        assert_eq!(kind, want, "{index}: {records:?}");
        let [record, ..] = &records[..] else { panic!("{index} has no record") };
        let told = (&record["kind"], &record["event"], &record["peer"]);
        assert_eq!(
            told,
            (&json!("malformed"), &json!("connection.http2_refused"), &json!("127.0.0.1"))
        );
        let is_told = record["detail"].as_str().is_some_and(|it| it.ends_with(detail));
        let status = if want == HEADERS { json!(431) } else { Value::Null };
        assert!(is_told && record["status"] == status, "{index}: {record}");
    }
}

#[tokio::test]
async fn what_http_2_answers_for_a_surface_has_no_record_besides_its_own() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    let host = house.address.to_string();
    let mut stream = connect(&house).await;
    for (stream_id, path, method) in
        [(1, "/shop/ping", "GET"), (3, "/nowhere", "GET"), (5, "/shop/openapi.json", "HEAD")]
    {
        let request =
            [(":method", method), (":scheme", "http"), (":path", path), (":authority", &host)];
        let head = frame(HEADERS, END_STREAM | END_HEADERS, stream_id, &fields(&request));
        stream.write_all(&head).await.unwrap();
        assert_eq!(next(&mut stream).await.expect("an answer").0, HEADERS, "{path}");
    }
    let events: Vec<_> = house.records().into_iter().map(|it| it["event"].clone()).collect();
    assert!(events.iter().all(Value::is_null), "{events:?}");
}

// More than 64 streams that are broken in one connection: the door is tired of it, which is told too.
#[tokio::test]
async fn of_a_flood_some_are_recorded_and_the_rest_is_counted() {
    let house = shop::builder().open().await.expect("the shop has no faults");
    let mut stream = connect(&house).await;
    let broken = |number| frame(HEADERS, END_STREAM | END_HEADERS, number, &fields(&[("a", "b")]));
    let mut refused = 0;
    let mut is_tired = false;
    while !is_tired && refused < BROKEN_MAX {
        stream.write_all(&broken(2 * refused + 1)).await.unwrap();
        refused += 1;
        is_tired = next(&mut stream).await.expect("an answer").0 == GOAWAY;
    }
    assert!(is_tired && refused > 40, "{refused}");
    let told = || {
        let mut told = BTreeMap::new();
        for record in house.records() {
            let event = record["event"].as_str().unwrap_or("none").to_owned();
            told.entry(event).or_insert_with(Vec::new).push(record);
        }
        told
    };
    for _ in 0..LOOKS_MAX {
        if told().get("connection.flood").is_some_and(|it| it.len() > 1) {
            break;
        }
        yield_now().await;
    }
    let mut told = told();
    let flood = told.remove("connection.flood").expect("the flood is told");
    let [begun, rest] = &flood[..] else { panic!("{flood:?}") };
    assert!(flood.iter().all(|it| it["peer"] == "127.0.0.1"), "{flood:?}");
    assert!(begun["detail"].as_str().unwrap().ends_with("from now on"), "{begun}");
    let single = told["connection.http2_refused"].len();
    let rest = rest["detail"].as_str().unwrap().split(' ').next().unwrap();
    assert!(single <= 32, "{single}");
    let all = single + rest.parse::<usize>().unwrap();
    assert_eq!(u32::try_from(all).unwrap(), refused, "{flood:?}");
}
