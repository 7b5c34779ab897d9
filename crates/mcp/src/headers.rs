//! The HTTP headers that the protocol defines, and how their values are read.

mod encoded;

use http::{HeaderMap, HeaderName, StatusCode, header};

use crate::ProtocolError;

pub use encoded::{decode, encode};

/// Which revision a message is in.
pub const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// The method of the body's request.
pub const METHOD: HeaderName = HeaderName::from_static("mcp-method");
/// The tool, prompt, resource or task that the body's request names.
pub const NAME: HeaderName = HeaderName::from_static("mcp-name");
/// The session of the older revisions.
pub const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

/// The one value of a header, without the blanks around it; none where there is none.
pub(crate) fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a str>, ProtocolError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(ProtocolError::header_mismatch(format!(
            "the header {} is there more than once",
            shown(name)
        )));
    }
    match value.to_str() {
        Ok(text) => Ok(Some(text.trim_matches([' ', '\t']))),
        Err(_) => Err(ProtocolError::header_mismatch(format!(
            "the header {} has characters other than visible ASCII",
            shown(name)
        ))),
    }
}

/// Whether a header says what the body says, byte for byte.
pub(crate) fn agree(
    name: &HeaderName,
    told: Option<&str>,
    body: &str,
) -> Result<(), ProtocolError> {
    match told {
        Some(told) if told == body => Ok(()),
        Some(_) => Err(ProtocolError::header_mismatch(format!(
            "the header {} does not say what the body says",
            shown(name)
        ))),
        None => {
            Err(ProtocolError::header_mismatch(format!("the header {} is missing", shown(name))))
        }
    }
}

/// The same for a header that may be written in base64.
pub(crate) fn agree_decoded(
    name: &HeaderName,
    told: Option<&str>,
    body: &str,
) -> Result<(), ProtocolError> {
    let Some(told) = told else { return agree(name, None, body) };
    let decoded = decode(told).ok_or_else(|| {
        ProtocolError::header_mismatch(format!("the header {} is broken base64", shown(name)))
    })?;
    agree(name, Some(&decoded), body)
}

/// The spelling of the specification.
fn shown(name: &HeaderName) -> &'static str {
    match name.as_str() {
        "mcp-protocol-version" => "MCP-Protocol-Version",
        "mcp-method" => "Mcp-Method",
        "mcp-name" => "Mcp-Name",
        "mcp-session-id" => "Mcp-Session-Id",
        _ => "(other)",
    }
}

/// Checks that a POST carries JSON and that its sender takes JSON.
///
/// Demanding the media type also keeps a web page from posting here without a CORS preflight.
///
/// # Errors
/// [`ProtocolError`] with status 415 or 406.
pub fn check_media_types(headers: &HeaderMap) -> Result<(), ProtocolError> {
    let content_type = headers.get(header::CONTENT_TYPE).map(|it| it.to_str().unwrap_or_default());
    if !content_type.is_some_and(|it| is_media_type(it, &["application/json"])) {
        return Err(ProtocolError::not_acceptable(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the header Content-Type must be application/json",
        ));
    }
    let mut accepted = headers.get_all(header::ACCEPT).iter().peekable();
    let takes_json = accepted.peek().is_none()
        || accepted
            .filter_map(|it| it.to_str().ok())
            .flat_map(|it| it.split(','))
            .any(|it| is_media_type(it, &["application/json", "application/*", "*/*"]));
    if takes_json {
        Ok(())
    } else {
        Err(ProtocolError::not_acceptable(
            StatusCode::NOT_ACCEPTABLE,
            "the header Accept must name application/json and text/event-stream",
        ))
    }
}

fn is_media_type(value: &str, wanted: &[&str]) -> bool {
    let bare = value.split(';').next().unwrap_or_default().trim();
    wanted.iter().any(|it| bare.eq_ignore_ascii_case(it))
}
