//! The forms in which secrets are shown.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderValue;
use model::Secret;
use url::form_urlencoded::{Serializer, byte_serialize};
use zeroize::Zeroizing;

const NO_HEADER: &str =
    "cannot stand in a header: it is empty, or holds a space at an end or a control character";

/// `Basic` with user and password (RFC 7617).
pub(super) fn basic(user: &[u8], password: &[u8]) -> Result<HeaderValue, &'static str> {
    if password.is_empty() {
        return Err("is empty");
    }
    let pair = Zeroizing::new([user, b":", password].concat());
    if pair.iter().any(u8::is_ascii_control) {
        return Err("holds a control character, which no password may (RFC 7617)");
    }
    let encoded = Zeroizing::new(STANDARD.encode(&*pair));
    sensitive(&[b"Basic ", encoded.as_bytes()].concat())
}

/// `Basic` with a client's id and secret, each encoded as in a form (RFC 6749, section 2.3.1).
pub(super) fn client_basic(id: &str, secret: &[u8]) -> Result<HeaderValue, &'static str> {
    let id: String = byte_serialize(id.as_bytes()).collect();
    let secret = Zeroizing::new(byte_serialize(secret).collect::<String>());
    basic(id.as_bytes(), secret.as_bytes())
}

/// `Bearer` with a token (RFC 6750, section 2.1).
pub(super) fn bearer(token: &[u8]) -> Result<HeaderValue, &'static str> {
    // More than token68, which not all tokens keep to; but one word.
    if token.is_empty() || !token.iter().all(u8::is_ascii_graphic) {
        return Err("is no bearer token: it is empty, or not one word of ASCII");
    }
    sensitive(&[b"Bearer ", token].concat())
}

/// A value as it is.
pub(super) fn header(value: &[u8]) -> Result<HeaderValue, &'static str> {
    if value.is_empty() || value.trim_ascii().len() != value.len() {
        return Err(NO_HEADER);
    }
    sensitive(value)
}

/// A value for a query, not encoded yet.
pub(super) fn query(value: &[u8]) -> Result<Secret<String>, &'static str> {
    match str::from_utf8(value) {
        Ok(text) if !text.is_empty() && !text.contains(char::is_control) => {
            Ok(Secret::new(text.to_owned()))
        }
        _ => Err("cannot stand in a query: it is empty, no UTF-8, or holds a control character"),
    }
}

/// The form that asks for a token (RFC 6749, section 4.4.2, and RFC 8707).
pub(super) fn grant(scopes: &[String], resource: Option<&str>) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    if !scopes.is_empty() {
        form.append_pair("scope", &scopes.join(" "));
    }
    if let Some(resource) = resource {
        form.append_pair("resource", resource);
    }
    form.finish()
}

fn sensitive(value: &[u8]) -> Result<HeaderValue, &'static str> {
    let mut value = HeaderValue::from_bytes(value).map_err(|_| NO_HEADER)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_ids_and_secrets_are_encoded_before_they_are_joined() {
        let header = client_basic("a:b c", b"p+q%\xc3\xa9").unwrap();
        let encoded = header.to_str().unwrap().strip_prefix("Basic ").unwrap().to_owned();
        assert_eq!(STANDARD.decode(encoded).unwrap(), b"a%3Ab+c:p%2Bq%25%C3%A9");
    }

    #[test]
    fn a_value_that_would_break_a_request_is_none() {
        for value in ["", " x", "x\n", "x\r\ny: z", "\0"] {
            header(value.as_bytes()).unwrap_err();
            bearer(value.as_bytes()).unwrap_err();
        }
        bearer(b"two words").unwrap_err();
        basic(b"u", b"x\n").unwrap_err();
        query(b"x\n").unwrap_err();
        query(b"\xff").unwrap_err();
    }

    #[test]
    fn what_is_shown_does_not_show_itself() {
        let headers = [basic(b"u", b"hunter2"), bearer(b"hunter2"), header(b"hunter2")];
        for header in headers {
            assert_eq!(format!("{:?}", header.unwrap()), "Sensitive");
        }
    }

    #[test]
    fn a_grant_is_a_form() {
        assert_eq!(grant(&[], None), "grant_type=client_credentials");
        let scopes = ["a".to_owned(), "b:c".to_owned()];
        assert_eq!(
            grant(&scopes, Some("https://x/y")),
            "grant_type=client_credentials&scope=a+b%3Ac&resource=https%3A%2F%2Fx%2Fy"
        );
    }
}
