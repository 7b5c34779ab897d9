//! What of an answer's head and trailers may be passed on.

use std::{error::Error as _, io, sync::Arc};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING},
};
use http_body::{Body, Frame};

use crate::{BodyError, Error};

/// Brings the head of an answer to the form that is passed on.
///
/// # Errors
/// What makes it impossible.
pub(crate) fn accept<B: Body>(response: &mut Response<B>) -> Result<(), &'static str> {
    let status = response.status();
    // Nobody asked for another protocol, and hyper skips all other 1xx.
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return Err("status 101 that nobody asked for");
    }
    if status.as_u16() >= 600 {
        return Err("a status above 599");
    }
    // Holds the reason phrase, which is the upstream's text and nobody's business.
    response.extensions_mut().clear();
    *response.version_mut() = Version::HTTP_11;
    let exact = response.body().size_hint().exact();
    let headers = response.headers_mut();
    let is_coded = headers.contains_key(TRANSFER_ENCODING);
    if is_coded && !is_chunked(headers) {
        return Err("a transfer coding other than chunked");
    }
    // With a transfer coding a length means nothing, and read by another it means another end of the message
    // (RFC 9112, section 6.3).
    if is_coded || status == StatusCode::NO_CONTENT {
        headers.remove(CONTENT_LENGTH);
    } else {
        one_length(headers, exact);
    }
    strip_hop_by_hop(headers);
    Ok(())
}

/// Takes out of trailers what no trailer may say.
pub(crate) fn accept_frame(frame: Frame<Bytes>) -> Frame<Bytes> {
    match frame.into_trailers() {
        Ok(mut trailers) => {
            strip_hop_by_hop(&mut trailers);
            trailers.remove(CONTENT_LENGTH);
            Frame::trailers(trailers)
        }
        Err(frame) => frame,
    }
}

/// Says what a broken exchange was: the client's fault, an answer that is not HTTP, or a connection that ended.
pub(crate) fn broken(upstream: Arc<str>, error: &hyper::Error) -> Error {
    let source = error.source();
    match source.and_then(|it| it.downcast_ref::<BodyError>()) {
        Some(BodyError::TooLarge { bytes_max }) => {
            return Error::BodyTooLarge { bytes_max: *bytes_max };
        }
        Some(BodyError::Broken(error)) => {
            return Error::RequestBody { reason: format!("broke off: {error}") };
        }
        None => {}
    }
    let reason = chain(error);
    // Said by hyper's decoder and by our own bound, never by a socket.
    let is_garbage = source.and_then(|it| it.downcast_ref::<io::Error>()).is_some_and(|it| {
        matches!(it.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
    });
    if error.is_parse() || is_garbage {
        return Error::InvalidAnswer { upstream, reason: reason.into() };
    }
    Error::Closed { upstream, reason }
}

fn chain(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

fn is_chunked(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let first = codings.next().is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"chunked"));
    first && codings.next().is_none()
}

/// Leaves one `Content-Length` in its plain form, or none. hyper takes `5, 5` for 5; others may not.
fn one_length(headers: &mut HeaderMap, exact: Option<u64>) {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let Some(first) = lengths.next() else { return };
    let is_digits = first.as_bytes().iter().all(u8::is_ascii_digit) && !first.is_empty();
    if is_digits && lengths.next().is_none() {
        return;
    }
    headers.remove(CONTENT_LENGTH);
    // An answer to HEAD has no body and any length; then none is better than a wrong one.
    if let Some(exact) = exact.filter(|it| *it > 0) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(exact));
    }
}

fn strip_hop_by_hop(headers: &mut HeaderMap) {
    strip_named(headers);
    // From the beginning for each: most answers have none or one.
    while let Some(name) = headers.keys().find(|it| is_hop_by_hop(it.as_str())).cloned() {
        headers.remove(name);
    }
}

/// Whether a header ends at this hop (RFC 9110, section 7.6.1), beside those that `Connection` names.
// A match, which looks at the length first: most names are told by that alone.
fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authentication-info"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Removes what `Connection` names.
fn strip_named(headers: &mut HeaderMap) {
    let is_plain = |it: &HeaderValue| {
        it.as_bytes().eq_ignore_ascii_case(b"close")
            || it.as_bytes().eq_ignore_ascii_case(b"keep-alive")
    };
    if headers.get_all(CONNECTION).iter().all(is_plain) {
        return;
    }
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|it| it.as_bytes().split(|it| *it == b','))
        .filter_map(|it| HeaderName::from_bytes(it.trim_ascii()).ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{Empty, Full};

    use super::*;

    fn head<B: Body>(body: B, headers: &[(&'static str, &'static str)]) -> Response<B> {
        let mut response = Response::new(body);
        for (name, value) in headers {
            response.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        response
    }

    fn check<B: Body>(mut response: Response<B>, want: Result<&[(&str, &str)], &str>) {
        let got = accept(&mut response).map(|()| {
            let headers = response.headers().iter();
            headers
                .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
                .collect::<Vec<_>>()
        });
        assert_eq!(got.as_deref(), want.as_ref().map(|it| *it));
    }

    #[test]
    fn hop_by_hop_headers_end_here() {
        let headers = [
            ("connection", "close, X-Hop , te"),
            ("connection", "X-Other"),
            ("x-hop", "1"),
            ("x-other", "1"),
            ("x-end", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "x"),
            ("proxy-authenticate", "Basic"),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("content-length", "0"),
        ];
        check(
            head(Empty::<Bytes>::new(), &headers),
            Ok(&[("x-end", "1"), ("content-length", "0")]),
        );
        check(
            head(Empty::<Bytes>::new(), &[("connection", "keep-alive"), ("keep-alive", "5")]),
            Ok(&[]),
        );
    }

    #[test]
    fn an_answer_has_one_length_or_none() {
        let body = || Full::new(Bytes::from_static(b"12345"));
        let want: &[_] = &[("content-length", "5")];
        check(head(body(), &[("content-length", "5")]), Ok(want));
        check(head(body(), &[("content-length", "5, 5")]), Ok(want));
        check(head(body(), &[("content-length", "5"), ("content-length", "5")]), Ok(want));
        check(head(body(), &[("content-length", "+5")]), Ok(want));
        let coded = [("transfer-encoding", "chunked"), ("content-length", "9")];
        check(head(body(), &coded), Ok(&[]));
        // An answer to HEAD: the length of what GET would bring.
        check(
            head(Empty::<Bytes>::new(), &[("content-length", "9")]),
            Ok(&[("content-length", "9")]),
        );
        check(head(Empty::<Bytes>::new(), &[("content-length", "9, 8")]), Ok(&[]));
        let mut no_content = head(Empty::<Bytes>::new(), &[("content-length", "9")]);
        *no_content.status_mut() = StatusCode::NO_CONTENT;
        check(no_content, Ok(&[]));
    }

    #[test]
    fn what_cannot_be_passed_on_is_refused() {
        let other = Err("a transfer coding other than chunked");
        for coding in ["gzip", "gzip, chunked", "identity", "chunked, chunked"] {
            check(head(Empty::<Bytes>::new(), &[("transfer-encoding", coding)]), other);
        }
        for (status, want) in
            [(101, "status 101 that nobody asked for"), (999, "a status above 599")]
        {
            let mut response = head(Empty::<Bytes>::new(), &[]);
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            check(response, Err(want));
        }
    }

    #[test]
    fn trailers_cannot_frame_a_message() {
        let mut trailers = HeaderMap::new();
        for name in ["x-sum", "content-length", "transfer-encoding", "connection"] {
            trailers.insert(name, HeaderValue::from_static("1"));
        }
        let trailers = accept_frame(Frame::trailers(trailers)).into_trailers().unwrap();
        assert_eq!(trailers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-sum"]);
    }
}
