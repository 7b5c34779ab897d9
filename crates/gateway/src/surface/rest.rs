//! REST: a reverse proxy. Method and path are the operation; everything else streams through.

pub(crate) mod problem;
mod view;

use std::sync::Arc;

use audit::Recorded;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Version, header, request::Parts};
use hyper::body::{Body as _, Incoming};
use model::{Path, Query, Refusal, RefusalKind};
use upstream::RequestBody;

use crate::{
    Body, Entrance, Gateway, Snapshot,
    edge::canonical,
    pipeline::{self, Arrival, Outgoing, Received},
    snapshot::{Found, Route},
};

/// Answers one request of the REST surface.
pub(crate) async fn answer(
    gateway: &Arc<Gateway>,
    arrival: Arrival,
    request: Request<Incoming>,
) -> Recorded<Response<Body>> {
    let snapshot = gateway.snapshot();
    let (parts, body) = request.into_parts();
    let (id, entrance) = (arrival.id, arrival.entrance);
    let has_body = !body.is_end_stream();
    let target = canonical::target(&parts);
    if let Some(shelf) = view::shelf(&snapshot, entrance, &parts.method, &target) {
        return view::answer(gateway, &snapshot, shelf, arrival, &parts).await;
    }
    let received = received(gateway, (&snapshot, entrance), &parts, target, body);
    pipeline::run(gateway, &snapshot, arrival, received).await.map(|outcome| match outcome {
        Ok(answer) => answer,
        Err(refusal) => {
            let mut response = problem::response(id, &refusal);
            if refusal.kind() == RefusalKind::MethodNotAllowed {
                response.headers_mut().extend(allow(&snapshot, entrance, &parts));
            }
            // A body that nobody read costs the connection: say so, or the next request on it is lost.
            if has_body && parts.version <= Version::HTTP_11 {
                response
                    .headers_mut()
                    .insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            response
        }
    })
}

/// A 405 names the methods that there are (RFC 9110 section 15.5.6).
fn allow(
    snapshot: &Snapshot,
    entrance: Entrance,
    parts: &Parts,
) -> Option<(header::HeaderName, HeaderValue)> {
    let (path, _) = canonical::target(parts).ok()?;
    match snapshot.find(entrance, &parts.method, path.as_str()) {
        Found::OtherMethods(methods) => {
            HeaderValue::try_from(listed(&methods)).ok().map(|it| (header::ALLOW, it))
        }
        Found::Operation(_) | Found::Nothing => None,
    }
}

fn listed(methods: &[Method]) -> String {
    let mut names: Vec<_> = methods.iter().map(Method::as_str).collect();
    names.sort_unstable();
    names.join(", ")
}

fn received<'a>(
    gateway: &Gateway,
    (snapshot, entrance): (&Snapshot, Entrance),
    parts: &'a Parts,
    target: Result<(Path, Query), Refusal>,
    body: Incoming,
) -> Received<'a> {
    let presented = identity::present(&parts.headers);
    let found_none = |presented, refusal| Received {
        presented,
        target: Err(refusal),
        asked: Some(format!("{} {}", parts.method, parts.uri.path())),
        request: Err(unknown()),
    };
    let (path, query) = match target {
        Ok(target) => target,
        Err(refusal) => return found_none(presented, refusal),
    };
    match route(snapshot, entrance, &parts.method, &path) {
        Ok(route) => {
            let request = request_body(gateway, &parts.headers, body).and_then(|body| {
                let below = path.below(route.base()).ok_or_else(unknown)?;
                let head = canonical::head(parts, below, query);
                // What is wrong with a request of management, management says, all of it at once.
                if !route.is_local() {
                    route.contract.check_required(&head, !body.is_end_stream())?;
                }
                Ok(Box::new(Outgoing { head, body }))
            });
            let target = Ok(route);
            Received { presented, target, asked: None, request }
        }
        Err(refusal) => found_none(presented, refusal),
    }
}

fn route(
    snapshot: &Snapshot,
    entrance: Entrance,
    method: &Method,
    path: &Path,
) -> Result<Arc<Route>, Refusal> {
    match snapshot.find(entrance, method, path.as_str()) {
        Found::Operation(position) => snapshot.routes.get(position).cloned().ok_or_else(unknown),
        Found::OtherMethods(methods) => {
            let detail = format!("{method} is not among {} of this path", listed(&methods));
            Err(Refusal::new(RefusalKind::MethodNotAllowed, detail))
        }
        Found::Nothing => Err(unknown()),
    }
}

fn unknown() -> Refusal {
    Refusal::new(RefusalKind::NotFound, "there is no such operation")
}

/// The body as it will be streamed; one that says itself that it is too large is not begun.
fn request_body(
    gateway: &Gateway,
    headers: &HeaderMap,
    body: Incoming,
) -> Result<RequestBody, Refusal> {
    let bytes_max = gateway.settings.request_body_bytes_max;
    if body.is_end_stream() && !headers.contains_key(header::TRANSFER_ENCODING) {
        return Ok(RequestBody::Empty);
    }
    if body.size_hint().lower() > bytes_max {
        let detail = format!("the body is larger than {bytes_max} bytes");
        return Err(Refusal::new(RefusalKind::TooLarge, detail));
    }
    Ok(RequestBody::stream(body, bytes_max))
}
