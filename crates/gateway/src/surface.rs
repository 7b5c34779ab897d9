//! The two faces of an operation. A surface turns bytes into a call, and an answer or a refusal
//! back into bytes. It decides nothing.

pub(crate) mod mcp;
pub(crate) mod rest;

use std::sync::Arc;

use audit::Recorded;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header};
use hyper::body::Incoming;
use identity::dpop::RequestProof;
use model::{Path, Refusal, RequestId, Surface};

use crate::{Body, Entrance, Gateway, Settings, pipeline::Arrival, protected_resource};

/// Where browsers say which page makes them ask (Fetch Metadata).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

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
) -> Recorded<Response<Body>> {
    // Cloned cheaply: it is a view of the request's own bytes.
    let uri = request.uri().clone();
    let (id, entrance) = (arrival.id, arrival.entrance);
    let proof = proof(&gateway, &arrival, &request);
    let arrival = arrival.proving(proof, is_led(request.headers()));
    let recorded = match arrival.surface {
        // Boxed: it is the larger of the two, and each REST call would be moved at its size.
        Surface::Mcp => Box::pin(mcp::answer(Arc::clone(&gateway), arrival, request)).await,
        Surface::Rest => rest::answer(&gateway, arrival, request).await,
    };
    recorded.map(|mut response| {
        // What an upstream asks for is between it and who calls: to be let in here helps nobody there.
        let is_ours = !response.body().is_upstreams();
        if is_ours && response.headers().contains_key(header::WWW_AUTHENTICATE) {
            protected_resource::complete(&gateway, entrance, uri.path(), response.headers_mut());
        }
        name(&mut response, id);
        response
    })
}

/// What the request brings to prove that its sender holds a key. It is for the URL that its sender
/// knows: the public one, where there is one.
fn proof<B>(gateway: &Gateway, arrival: &Arrival, request: &Request<B>) -> Option<RequestProof> {
    let url = || {
        let (uri, headers) = (request.uri(), request.headers());
        format!("{}{}", origin(&gateway.settings, arrival, (uri, headers)), uri.path())
    };
    let target = (request.method().as_str(), url);
    RequestProof::of(&gateway.live.proofs, request.headers(), target)
}

/// Whether a browser says that a page of another site makes it ask (Fetch Metadata).
pub(crate) fn is_led(headers: &HeaderMap) -> bool {
    let site = headers.get(&SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    site.is_some_and(|it| !matches!(it, b"same-origin" | b"none"))
}

/// Where its sender reaches us: by the public URL, else by the host that it used, which was checked.
pub(crate) fn origin(
    settings: &Settings,
    arrival: &Arrival,
    (uri, headers): (&Uri, &HeaderMap),
) -> String {
    let public = settings.public_url.as_ref().filter(|_| arrival.entrance != Entrance::Management);
    let host = || headers.get(header::HOST).and_then(|it| it.to_str().ok());
    match (public, uri.authority()) {
        (Some(url), _) => url.clone(),
        (None, Some(authority)) => format!("{}://{authority}", arrival.scheme()),
        (None, None) => format!("{}://{}", arrival.scheme(), host().unwrap_or("localhost")),
    }
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
