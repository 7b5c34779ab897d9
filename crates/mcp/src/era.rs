//! Which era a POST belongs to, and whether its headers say what its body says.
//!
//! The body decides; the headers only have to agree, so that whoever routed by them was right.

mod meta;

use http::HeaderMap;

use crate::{
    Incoming, Message, ProtocolError, Version,
    headers::{self, METHOD, NAME, PROTOCOL_VERSION},
};
use meta::{Claims, Named};

/// How a message is to be understood and answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// It belongs to a session. The version is the header's; that of the session itself wins.
    Session(Version),
    /// It stands alone (2026-07-28).
    Stateless,
}

impl Era {
    /// The revision that answers follow.
    #[must_use]
    pub fn version(self) -> Version {
        match self {
            Self::Session(version) => version,
            Self::Stateless => Version::V2026_07_28,
        }
    }

    /// Whether each request stands alone.
    #[must_use]
    pub fn is_stateless(self) -> bool {
        match self {
            Self::Session(_) => false,
            Self::Stateless => true,
        }
    }
}

/// Says which era a body belongs to, and checks what that era demands of its headers.
///
/// # Errors
/// [`ProtocolError`] as the stateless revision words it, with the request's id: a header that is
/// missing, doubled or different from the body; an envelope in `_meta` that is incomplete; a
/// version that is not ours.
pub fn classify(headers: &HeaderMap, incoming: &Incoming<'_>) -> Result<Era, ProtocolError> {
    match incoming {
        Incoming::Batch(messages) => batch(headers, messages),
        Incoming::One(message) => one(headers, message)
            .map_err(|error| ProtocolError { id: message.request_id().cloned(), ..error }),
    }
}

fn batch(headers: &HeaderMap, messages: &[Message<'_>]) -> Result<Era, ProtocolError> {
    let is_stateless = messages.iter().any(|it| Claims::of(it.params()).is_stateless());
    match session_version(headers)? {
        Some(version) if !is_stateless => Ok(Era::Session(version)),
        Some(_) | None => Err(ProtocolError::invalid_request("a batch has no place in 2026-07-28")),
    }
}

fn one(headers: &HeaderMap, message: &Message<'_>) -> Result<Era, ProtocolError> {
    let claims = Claims::of(message.params());
    if !claims.is_stateless()
        && let Some(version) = session_version(headers)?
    {
        return Ok(Era::Session(version));
    }
    match message {
        // Which headers a notification must have is not defined, and none of them does anything.
        Message::Notification(_) => Ok(Era::Stateless),
        Message::Request(request) => {
            let version = claims.version()?;
            headers_agree(headers, &request.method, &version, &claims)?;
            match Version::parse(&version).filter(|it| it.is_stateless()) {
                Some(_) if request.method == "initialize" => {
                    Err(ProtocolError::method_not_found(Era::Stateless, &request.method))
                }
                Some(_) => Ok(Era::Stateless),
                None => Err(ProtocolError::unsupported_version(&version)),
            }
        }
        Message::Response(_) => {
            Err(ProtocolError::invalid_request("an answer has no place in 2026-07-28"))
        }
    }
}

/// The header's version where it has sessions; none where it says 2026-07-28.
fn session_version(headers: &HeaderMap) -> Result<Option<Version>, ProtocolError> {
    let Some(text) = headers::single(headers, &PROTOCOL_VERSION)? else {
        return Ok(Some(Version::WITHOUT_HEADER));
    };
    match Version::parse(text) {
        Some(version) => Ok(Some(version).filter(|it| !it.is_stateless())),
        None => Err(ProtocolError::unsupported_version(text)),
    }
}

fn headers_agree(
    headers: &HeaderMap,
    method: &str,
    version: &str,
    claims: &Claims<'_>,
) -> Result<(), ProtocolError> {
    headers::agree(&PROTOCOL_VERSION, headers::single(headers, &PROTOCOL_VERSION)?, version)?;
    headers::agree(&METHOD, headers::single(headers, &METHOD)?, method)?;
    match (claims.named_by(method), headers::single(headers, &NAME)?) {
        (Named::Text(name), told) => headers::agree_decoded(&NAME, told, &name),
        (Named::Absent, Some(_)) => Err(ProtocolError::header_mismatch(
            "the header Mcp-Name is there, but the parameters name nothing",
        )),
        (Named::Absent, None) | (Named::Nothing, _) => Ok(()),
    }
}
