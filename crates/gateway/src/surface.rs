//! The two faces of an operation. A surface turns bytes into a call, and an answer or a refusal
//! back into bytes. It decides nothing.

pub(crate) mod mcp;
pub(crate) mod rest;

use std::sync::Arc;

use http::{Request, Response, StatusCode, header::WWW_AUTHENTICATE};
use hyper::body::Incoming;
use model::{Path, Refusal, RequestId, Surface};

use crate::{Body, Gateway, pipeline::Arrival, protected_resource};

/// Which surface a path belongs to, however it is spelled.
pub(crate) fn of_path(path: &str) -> Surface {
    let canonical = path.contains('%').then(|| Path::parse(path).ok()).flatten();
    let path = canonical.as_ref().map_or(path, Path::as_str);
    match path.strip_prefix("/mcp") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => Surface::Mcp,
        _ => Surface::Rest,
    }
}

/// Answers one request, whatever becomes of it.
pub(crate) async fn answer(
    gateway: Arc<Gateway>,
    arrival: Arrival,
    request: Request<Incoming>,
) -> Response<Body> {
    // Cloned cheaply: it is a view of the request's own bytes.
    let uri = request.uri().clone();
    let (id, entrance) = (arrival.id, arrival.entrance);
    let mut response = match arrival.surface {
        // Boxed: it is the larger of the two, and each REST call would be moved at its size.
        Surface::Mcp => Box::pin(mcp::answer(Arc::clone(&gateway), arrival, request)).await,
        Surface::Rest => rest::answer(&gateway, arrival, request).await,
    };
    if response.headers().contains_key(WWW_AUTHENTICATE) {
        protected_resource::complete(&gateway, entrance, uri.path(), response.headers_mut());
    }
    name(&mut response, id);
    response
}

/// Answers a request that no surface got to see, in plain HTTP's words.
pub(crate) fn refused(id: RequestId, status: StatusCode, refusal: &Refusal) -> Response<Body> {
    let mut response = rest::problem::response(id, refusal);
    *response.status_mut() = status;
    name(&mut response, id);
    response
}

pub(crate) fn name(response: &mut Response<Body>, id: RequestId) {
    response.headers_mut().insert(RequestId::HEADER, id.header_value());
}
