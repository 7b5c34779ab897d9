//! What the crate promises about the protocol, through its public types.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests: a fault in the test itself should stop it"
)]

mod answers;
mod headers;
mod hostile_json;
mod messages;
mod sessions;

use http::{HeaderMap, HeaderName, HeaderValue};
use mcp::{Incoming, Message, ProtocolError, Request, parse};

/// The one request in a body.
fn request(body: &str) -> Request<'_> {
    match parse(body.as_bytes()) {
        Ok(Incoming::One(Message::Request(request))) => request,
        other => panic!("no request: {body}: {other:?}"),
    }
}

/// What an outcome is on the wire: of an error, the status and the code.
type Verdict<T> = Result<T, (u16, i32)>;

/// Header lines: name and value.
type Lines<'a> = &'a [(&'a str, &'a str)];

fn verdict<T>(outcome: Result<T, ProtocolError>) -> Verdict<T> {
    outcome.map_err(|error| (error.status.as_u16(), error.code))
}

fn headers(lines: Lines<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name = HeaderName::try_from(*name).unwrap();
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}
