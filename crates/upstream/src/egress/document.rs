//! A document as it was fetched, with what its server said about keeping it.

use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Response,
    header::{AGE, CACHE_CONTROL, CONTENT_TYPE, ETAG},
};

/// A document, and how long its server lets it be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its bytes.
    pub body: Bytes,
    /// What kind of document its server says it is.
    pub content_type: Option<HeaderValue>,
    /// The tag of this version of it, for an `If-None-Match`.
    pub etag: Option<HeaderValue>,
    /// How long it is fresh. Zero where it must not be kept; none where nothing is said, or nothing that can be read.
    ///
    /// Whoever keeps it sets bounds of its own: the server may be hostile.
    pub fresh_for: Option<Duration>,
}

impl Document {
    pub(super) fn of(answer: Response<Bytes>) -> Self {
        let (parts, body) = answer.into_parts();
        Self {
            body,
            content_type: parts.headers.get(CONTENT_TYPE).cloned(),
            etag: parts.headers.get(ETAG).cloned(),
            fresh_for: fresh_for(&parts.headers),
        }
    }
}

/// RFC 9111 section 5.2.2, as a private cache reads it.
fn fresh_for(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|it| it.to_str().ok());
    let mut max_age = None;
    for directive in values.flat_map(|it| it.split(',')).map(str::trim) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        if ["no-store", "no-cache"].iter().any(|it| name.eq_ignore_ascii_case(it)) {
            return Some(Duration::ZERO);
        }
        if name.eq_ignore_ascii_case("max-age") && max_age.is_none() {
            max_age = seconds(value.trim_matches('"'));
        }
    }
    let age = headers.get(AGE).and_then(|it| it.to_str().ok()).and_then(seconds);
    max_age.map(|it: Duration| it.saturating_sub(age.unwrap_or_default()))
}

fn seconds(text: &str) -> Option<Duration> {
    let is_number = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    // A number beyond all bounds is a long time.
    is_number.then(|| Duration::from_secs(text.parse().unwrap_or(u64::from(u32::MAX))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_how_long_its_document_is_fresh() {
        for (headers, want) in [
            (&[][..], None),
            (&[("cache-control", "max-age=60")][..], Some(60)),
            (&[("cache-control", "public, Max-Age=\"60\", must-revalidate")], Some(60)),
            (&[("cache-control", "public"), ("cache-control", "max-age=5, max-age=9")], Some(5)),
            (&[("cache-control", "max-age=60"), ("age", "45")], Some(15)),
            (&[("cache-control", "max-age=60"), ("age", "90")], Some(0)),
            (&[("cache-control", "max-age=60"), ("age", "soon")], Some(60)),
            (&[("cache-control", "max-age=60, No-Store")], Some(0)),
            (&[("cache-control", "no-cache=\"set-cookie\"")], Some(0)),
            (&[("cache-control", "max-age=-1")], None),
            (&[("cache-control", "max-age=")], None),
            (&[("cache-control", "s-maxage=60")], None),
            (&[("cache-control", "max-age=99999999999999999999")], Some(u64::from(u32::MAX))),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, HeaderValue::from_static(value));
            }
            assert_eq!(fresh_for(&map), want.map(Duration::from_secs), "{headers:?}");
        }
    }
}
