//! A refusal in the words of plain HTTP: problem+json (RFC 9457).

use http::{HeaderName, HeaderValue, Response, header};
use identity::{OTHER_SCHEME, dpop};
use model::{ProofDemand, Refusal, RefusalKind, RequestId};
use serde::Serialize;

use crate::{Body, pipeline::NOTHING_SHOWN};

/// What the next proof has to hold (RFC 9449 section 8).
const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The members of a problem document; `rule`, `limit` and `request_id` are ours.
#[derive(Debug, Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<&'a str>,
    request_id: String,
}

/// What REST calls each kind: a title that does not change.
fn title(kind: RefusalKind) -> &'static str {
    match kind {
        RefusalKind::Forbidden => "not allowed",
        RefusalKind::Gone => "retired",
        RefusalKind::Internal => "internal error",
        RefusalKind::InvalidArguments => "invalid arguments",
        RefusalKind::IssuerUnavailable => "issuer unavailable",
        RefusalKind::LimitReached => "limit reached",
        RefusalKind::Malformed => "malformed request",
        RefusalKind::MethodNotAllowed => "method not allowed",
        RefusalKind::NotFound => "not found",
        RefusalKind::Stopped => "stopped",
        RefusalKind::TooLarge => "too large",
        RefusalKind::Unauthenticated => "not authenticated",
        RefusalKind::Unrecorded => "cannot be recorded",
        RefusalKind::UpstreamBusy => "upstream busy",
        RefusalKind::UpstreamFailed => "upstream failed",
        RefusalKind::UpstreamTimeout => "upstream timed out",
    }
}

/// The whole answer: status, challenge or waiting time, and the problem document.
pub(crate) fn response(id: RequestId, refusal: &Refusal) -> Response<Body> {
    let status = refusal.kind().status();
    let problem = Problem {
        r#type: format!("urn:onedoor:refusal:{}", refusal.kind().as_str()),
        title: title(refusal.kind()),
        status: status.as_u16(),
        detail: refusal.detail(),
        rule: refusal.rule(),
        limit: refusal.limit().map(|it| &*it.limit),
        request_id: id.to_string(),
    };
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    challenge(headers, refusal);
    waiting_time(headers, refusal);
    response
}

/// A 401 says how to do better (RFC 6750 section 3).
pub(crate) fn challenge(headers: &mut http::HeaderMap, refusal: &Refusal) {
    if let Some(demand) = refusal.demand() {
        return challenge_key(headers, demand);
    }
    if refusal.kind() == RefusalKind::Unauthenticated {
        // Without a credential, or by another scheme, there is no error to speak of, only the scheme.
        let value = match refusal.cause() {
            Some(NOTHING_SHOWN | OTHER_SCHEME) => "Bearer realm=\"onedoor\"",
            _ => "Bearer realm=\"onedoor\", error=\"invalid_token\"",
        };
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(value));
    }
    // What is missing, all of it, in one challenge (RFC 6750 section 3.1).
    if let Some(scope) = refusal.scope() {
        let value =
            format!("Bearer realm=\"onedoor\", error=\"insufficient_scope\", scope=\"{scope}\"");
        headers.extend(HeaderValue::try_from(value).map(|it| (header::WWW_AUTHENTICATE, it)));
    }
}

/// The same where a key has to be proved (RFC 9449 sections 7.1 and 9).
fn challenge_key(headers: &mut http::HeaderMap, demand: &ProofDemand) {
    let ProofDemand { error, nonce } = demand;
    let algorithms = dpop::ALGORITHMS.join(" ");
    let value = format!("DPoP realm=\"onedoor\", error=\"{error}\", algs=\"{algorithms}\"");
    headers.extend(HeaderValue::try_from(value).map(|it| (header::WWW_AUTHENTICATE, it)));
    if let Some(nonce) = nonce {
        headers.extend(HeaderValue::try_from(nonce).map(|it| (NONCE, it)));
    }
}

/// A 429 says when to come back, also in the fields of the `RateLimit` draft.
pub(crate) fn waiting_time(headers: &mut http::HeaderMap, refusal: &Refusal) {
    let Some(limit) = refusal.limit() else { return };
    let seconds = limit.retry_after_seconds();
    let (name, window) = (&limit.limit, limit.window.as_secs().max(1));
    for (field, value) in [
        ("retry-after", seconds.to_string()),
        ("ratelimit", format!("\"{name}\";r=0;t={seconds}")),
        ("ratelimit-policy", format!("\"{name}\";q={};w={window}", limit.count)),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(field, value);
        }
    }
}
