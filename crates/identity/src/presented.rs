//! What a request shows to prove who sends it: nothing, an API key or a token. Never two of them.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};
use model::{Refusal, RefusalKind};
use zeroize::Zeroizing;

use crate::api_key;

/// The longest key or token that is looked at.
pub const CREDENTIAL_BYTES_MAX: usize = 16 * 1024;

/// The cause of a refusal where what was shown is of a scheme that is not taken here: no credential is in
/// it that could be known, so it is no more than to show none.
pub const OTHER_SCHEME: &str = "another scheme";

const API_KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");

/// The one credential of a request, as it was sent and not yet believed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Presented<'a> {
    /// No credential: the built-in client `anonymous`.
    Nothing,
    /// Something that is meant as an API key.
    ApiKey(&'a str),
    /// Something that is meant as an access token.
    Token(&'a str),
    /// The same, by a sender who holds a key that it is bound to (RFC 9449).
    TokenWithProof(&'a str),
}

/// The same, kept beyond its request. Its memory is cleared when it is dropped.
pub enum Kept {
    /// As [`Presented::Nothing`].
    Nothing,
    /// As [`Presented::ApiKey`].
    ApiKey(Zeroizing<String>),
    /// As [`Presented::Token`].
    Token(Zeroizing<String>),
    /// As [`Presented::TokenWithProof`].
    TokenWithProof(Zeroizing<String>),
}

impl Presented<'_> {
    /// Keeps it beyond the request.
    #[must_use]
    pub fn keep(&self) -> Kept {
        let owned = |it: &str| Zeroizing::new(it.to_owned());
        match self {
            Self::Nothing => Kept::Nothing,
            Self::ApiKey(key) => Kept::ApiKey(owned(key)),
            Self::Token(token) => Kept::Token(owned(token)),
            Self::TokenWithProof(token) => Kept::TokenWithProof(owned(token)),
        }
    }
}

impl Kept {
    /// As it was presented.
    #[must_use]
    pub fn presented(&self) -> Presented<'_> {
        match self {
            Self::Nothing => Presented::Nothing,
            Self::ApiKey(key) => Presented::ApiKey(key),
            Self::Token(token) => Presented::Token(token),
            Self::TokenWithProof(token) => Presented::TokenWithProof(token),
        }
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.presented().fmt(f)
    }
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the key or the token itself.
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::ApiKey(_) => "ApiKey(..)",
            Self::Token(_) => "Token(..)",
            Self::TokenWithProof(_) => "TokenWithProof(..)",
        })
    }
}

/// Finds the credential in `Authorization: Bearer ..`, `Authorization: DPoP ..` or `X-API-Key: ..`.
///
/// # Errors
/// `Malformed` where there are two, or one that is broken; `Unauthenticated` for another scheme.
pub fn present(headers: &HeaderMap) -> Result<Presented<'_>, Refusal> {
    let authorization = only(headers, &AUTHORIZATION)?;
    let api_key = only(headers, &API_KEY_HEADER)?;
    match (authorization, api_key) {
        (None, None) => Ok(Presented::Nothing),
        (Some(_), Some(_)) => {
            Err(malformed("two credentials; send authorization or x-api-key, not both"))
        }
        (Some(value), None) => authorization_of(value),
        (None, Some(value)) => text(value).map(Presented::ApiKey),
    }
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(malformed("a credential header was sent more than once: send one"));
    }
    Ok(first)
}

fn authorization_of(value: &HeaderValue) -> Result<Presented<'_>, Refusal> {
    let value = readable(value)?;
    let (scheme, credential) = value.split_once(' ').unwrap_or((value, ""));
    let with_proof = scheme.eq_ignore_ascii_case("dpop");
    if !with_proof && !scheme.eq_ignore_ascii_case("bearer") {
        let detail = "the authorization scheme is not supported: send authorization: bearer";
        return Err(Refusal::new(RefusalKind::Unauthenticated, detail).because(OTHER_SCHEME));
    }
    let credential = visible(credential.trim_start_matches(' '))?;
    if with_proof {
        // A key is bound to nothing: with this scheme it is read as a token, and is none.
        Ok(Presented::TokenWithProof(credential))
    } else if credential.starts_with(api_key::PREFIX) {
        Ok(Presented::ApiKey(credential))
    } else {
        Ok(Presented::Token(credential))
    }
}

fn text(value: &HeaderValue) -> Result<&str, Refusal> {
    visible(readable(value)?)
}

fn readable(value: &HeaderValue) -> Result<&str, Refusal> {
    if value.len() > CREDENTIAL_BYTES_MAX {
        return Err(malformed("the credential is longer than 16 KiB"));
    }
    value.to_str().map_err(|_| malformed("the credential has characters outside visible ascii"))
}

fn visible(credential: &str) -> Result<&str, Refusal> {
    match credential {
        "" => Err(malformed("the credential is empty")),
        // No early end: so it is told many bytes at a time.
        _ if credential.bytes().fold(true, |is_visible, it| is_visible & it.is_ascii_graphic()) => {
            Ok(credential)
        }
        _ => Err(malformed("the credential has a space or a control character in it")),
    }
}

fn malformed(detail: &'static str) -> Refusal {
    Refusal::new(RefusalKind::Malformed, detail)
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn headers(lines: &[(&str, &[u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_key_or_a_token_is_found_where_it_may_stand() {
        for (lines, want) in [
            (&[][..], Presented::Nothing),
            (&[("authorization", &b"Bearer a.b.c"[..])], Presented::Token("a.b.c")),
            (&[("Authorization", b"bEARER   a.b.c")], Presented::Token("a.b.c")),
            (&[("authorization", b"Bearer odk_x")], Presented::ApiKey("odk_x")),
            (&[("authorization", b"DPoP a.b.c")], Presented::TokenWithProof("a.b.c")),
            (&[("authorization", b"dpop odk_x")], Presented::TokenWithProof("odk_x")),
            (&[("X-API-Key", b"odk_x")], Presented::ApiKey("odk_x")),
            (&[("x-api-key", b"a.b.c")], Presented::ApiKey("a.b.c")),
            // Another name is another header, whatever an upstream would make of it.
            (&[("x_api_key", b"odk_x")], Presented::Nothing),
        ] {
            assert_eq!(present(&headers(lines)).unwrap(), want, "{lines:?}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        let long = [b"Bearer ", "x".repeat(CREDENTIAL_BYTES_MAX).as_bytes()].concat();
        for (lines, want) in [
            (&[("authorization", &b"Bearer a"[..]), ("x-api-key", b"b")][..], "two credentials"),
            (&[("authorization", b"Bearer a"), ("authorization", b"Bearer a")], "more than once"),
            (&[("x-api-key", b"a"), ("x-api-key", b"b")], "more than once"),
            (&[("authorization", b"")], "not supported"),
            (&[("authorization", b"Basic YTpi")], "not supported"),
            (&[("authorization", b"DPoP")], "empty"),
            (&[("authorization", b"DPoP a, Bearer b")], "a space"),
            (&[("authorization", b"DPoPa.b.c")], "not supported"),
            (&[("authorization", b"a.b.c")], "not supported"),
            (&[("authorization", b"Bearer")], "empty"),
            (&[("authorization", b"Bearer ")], "empty"),
            (&[("authorization", b"Bearer\ta")], "not supported"),
            (&[("authorization", b"Bearer a, Bearer b")], "a space"),
            (&[("authorization", b"Bearer a\tb")], "a space"),
            (&[("authorization", b"Bearer \xc3\xa4")], "visible ascii"),
            (&[("authorization", &long)], "longer than 16 KiB"),
            (&[("x-api-key", b"")], "empty"),
            (&[("x-api-key", b"a b")], "a space"),
        ] {
            let refusal = present(&headers(lines)).unwrap_err();
            assert!(refusal.detail().contains(want), "{lines:?} got {refusal}");
            // Whoever shows no credential at all can have any of these at will: each is counted.
            let is_malformed = refusal.kind() == RefusalKind::Malformed;
            let is_counted = is_malformed || refusal.cause() == Some(OTHER_SCHEME);
            assert!(is_counted, "{lines:?} got {refusal}");
        }
    }

    #[test]
    fn debug_does_not_show_the_credential() {
        let shown = [
            Presented::ApiKey("odk_x"),
            Presented::Token("a.b.c"),
            Presented::TokenWithProof("a.b.c"),
        ];
        assert_eq!(format!("{shown:?}"), "[ApiKey(..), Token(..), TokenWithProof(..)]");
    }
}
