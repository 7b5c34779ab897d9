//! Replies as HTTP answers.

use std::sync::LazyLock;

use ::mcp::{Id, Server, SessionId, headers::SESSION_ID};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use model::{Refusal, RequestId};

use super::refusal;
use crate::{Body, surface::rest::problem};

/// What one message is answered with.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
    /// The session that it began.
    pub(super) session: Option<SessionId>,
    /// What HTTP has to say besides: how to authenticate, when to come back.
    pub(super) refusal: Option<Refusal>,
}

impl Reply {
    pub(super) fn ok(body: Bytes) -> Self {
        Self { status: StatusCode::OK, body, session: None, refusal: None }
    }
}

/// What the door says of itself.
pub(super) fn server() -> &'static Server {
    static SERVER: LazyLock<Server> = LazyLock::new(|| Server {
        name: "onedoor".to_owned(),
        title: Some("Onedoor".to_owned()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        instructions: None,
    });
    &SERVER
}

/// The answer to a single message.
pub(super) fn one(reply: Reply) -> Response<Body> {
    let Reply { status, body, session, refusal } = reply;
    let mut response = json(status, body);
    let headers = response.headers_mut();
    if let Some(session) = session {
        headers.insert(SESSION_ID, session.header_value());
    }
    if let Some(refusal) = refusal {
        problem::challenge(headers, &refusal);
        problem::waiting_time(headers, &refusal);
    }
    response
}

/// The answer to one message that may have wanted none.
pub(super) fn first(mut replies: Vec<Reply>) -> Response<Body> {
    replies.pop().map_or_else(|| empty(StatusCode::ACCEPTED), one)
}

/// The answers to a batch, in the order of its requests.
pub(super) fn batch(replies: &[Reply]) -> Response<Body> {
    let bodies: Vec<Bytes> = replies.iter().map(|it| it.body.clone()).collect();
    match ::mcp::answer::batch(&bodies) {
        Some(body) => json(StatusCode::OK, body),
        None => empty(StatusCode::ACCEPTED),
    }
}

/// The answer to a POST that was refused before its message was read.
pub(super) fn refused(id: RequestId, refusal: &Refusal) -> Response<Body> {
    let data = refusal::data(id, refusal);
    let code = refusal::code(refusal.kind());
    let body = ::mcp::answer::error(None, code, refusal.detail(), Some(&data));
    let mut response = json(refusal.kind().status(), body);
    let headers = response.headers_mut();
    problem::challenge(headers, refusal);
    problem::waiting_time(headers, refusal);
    response
}

/// The answer to another method than these (RFC 9110 section 15.5.6).
pub(super) fn other_method(
    id: RequestId,
    refusal: &Refusal,
    allowed: &'static str,
) -> Response<Body> {
    let mut response = refused(id, refusal);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

/// The reply where something cannot be recorded: it is not done.
pub(super) fn unrecorded(id: Option<&Id>, request: RequestId, refusal: &Refusal) -> Reply {
    let status = refusal.kind().status();
    let (code, data) = (refusal::code(refusal.kind()), refusal::data(request, refusal));
    let body = ::mcp::answer::error(id, code, refusal.detail(), Some(&data));
    Reply { status, ..Reply::ok(body) }
}

/// A status without a body.
pub(super) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn json(status: StatusCode, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
