//! Which pages of the web may read an answer (CORS): those of allowed origins, and where everybody may
//! read, all. None of them is sent along with cookies: nobody is let in by one here.

use std::{fmt::Write as _, net::SocketAddr};

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
        ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
    },
};

use super::guard::{self, Fault};
use crate::{Body, Settings, authorization::WELL_KNOWN};

/// What programs in browsers ask of the authorization server themselves. People are sent to all else.
const ENDPOINTS: [&str; 5] =
    ["/oauth/jwks", "/oauth/par", "/oauth/register", "/oauth/revoke", "/oauth/token"];

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");

/// What of an answer a page may read besides its body.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "WWW-Authenticate, Mcp-Session-Id, X-Request-Id, Retry-After, RateLimit, RateLimit-Policy, \
     DPoP-Nonce, ETag, Link, Location",
);

/// Seconds for which a browser need not ask again.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// What an answer to a preflight depends on.
const VARY_PREFLIGHT: HeaderValue =
    HeaderValue::from_static("Access-Control-Request-Method, Access-Control-Request-Headers");

/// Longest list of headers that a page asks for.
const ASKED_BYTES_MAX: usize = 4096;

/// Whose pages may read the answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Readers {
    /// All pages.
    Anybody,
    /// None: no page asks, or it may not.
    Nobody,
    /// Those of the origin that asks.
    Origin(HeaderValue),
}

impl Readers {
    /// Who may read the answer to `request`, which arrived at the address `local`.
    ///
    /// # Errors
    /// Where a page asks that may not.
    pub(super) fn of<B>(
        settings: &Settings,
        local: SocketAddr,
        request: &Request<B>,
    ) -> Result<Self, Fault> {
        if is_open(request.uri().path()) {
            return Ok(Self::Anybody);
        }
        match request.headers().get(ORIGIN) {
            None => Ok(Self::Nobody),
            Some(origin) => {
                guard::check_origin(settings, local, origin)?;
                Ok(Self::Origin(origin.clone()))
            }
        }
    }

    /// Says in an answer who may read it.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        let origin = match self {
            Self::Anybody => HeaderValue::from_static("*"),
            Self::Nobody => {
                // What is kept of this answer is not what a page would get.
                headers.append(VARY, HeaderValue::from_static("Origin"));
                return;
            }
            Self::Origin(origin) => {
                headers.append(VARY, HeaderValue::from_static("Origin"));
                origin.clone()
            }
        };
        // Who may read what the door gives, no upstream says.
        let of_upstream: Vec<HeaderName> =
            headers.keys().filter(|it| is_said_by_upstream(it)).cloned().collect();
        of_upstream.iter().for_each(|it| drop(headers.remove(it)));
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}

fn is_said_by_upstream(name: &HeaderName) -> bool {
    let ours = [ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE];
    name.as_str().starts_with("access-control-") && !ours.contains(name)
}

/// Whether everybody may read what is at this path, and no page could do anything there that another
/// program could not.
fn is_open(path: &str) -> bool {
    let is_document = path.strip_prefix(WELL_KNOWN).is_some_and(|it| it.starts_with('/'));
    is_document || ENDPOINTS.contains(&path)
}

/// Whether a browser asks for a page whether it may send a request.
pub(super) fn is_preflight<B>(request: &Request<B>) -> bool {
    *request.method() == Method::OPTIONS
        && request.headers().contains_key(ORIGIN)
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to that, for a page that may.
pub(super) fn allowed<B>(request: &Request<B>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    headers.insert(VARY, VARY_PREFLIGHT);
    // Any that it asks for: who may call an operation may send it all its headers, and none of them
    // is one that a browser adds by itself.
    if let Some(names) = request.headers().get(ACCESS_CONTROL_REQUEST_HEADERS).and_then(names) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names);
    }
    response
}

/// Names of headers, written as we write them; nothing where one of them is none.
fn names(asked: &HeaderValue) -> Option<HeaderValue> {
    let asked = asked.to_str().ok().filter(|it| it.len() <= ASKED_BYTES_MAX)?;
    let mut names = String::new();
    for name in asked.split(',') {
        let name = name.trim().parse::<HeaderName>().ok()?;
        let separator = if names.is_empty() { "" } else { ", " };
        write!(names, "{separator}{name}").ok()?;
    }
    names.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_person_is_led_to_is_open_to_all_pages() {
        for path in [
            "/.well-known/oauth-authorization-server",
            "/.well-known/oauth-protected-resource/mcp",
            "/oauth/token",
            "/oauth/jwks",
        ] {
            assert!(is_open(path), "{path}");
        }
        for path in [
            "/oauth/authorize",
            "/oauth/consent",
            "/oauth/introspect",
            "/oauth/sign-in",
            "/oauth/token/",
            "/.well-known",
            "/.well-knownx/a",
            "/mcp",
            "/",
        ] {
            assert!(!is_open(path), "{path}");
        }
    }

    #[test]
    fn names_of_headers_are_taken_apart_and_nothing_else_goes_back() {
        let of = |text: &'static str| names(&HeaderValue::from_static(text));
        assert_eq!(of("Authorization,x-trace").unwrap(), "authorization, x-trace");
        assert_eq!(of("a, b c"), None);
        assert_eq!(of(""), None);
        assert_eq!(of("a,,b"), None);
    }
}
