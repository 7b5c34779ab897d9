//! What a message that breaks the protocol is told: an HTTP status and a JSON-RPC error.

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{Era, Id, Version, json};

/// The body is not JSON.
pub const PARSE_ERROR: i32 = -32700;
/// The JSON is no message, or one that has no place here.
pub const INVALID_REQUEST: i32 = -32600;
/// There is no such method.
pub const METHOD_NOT_FOUND: i32 = -32601;
/// The parameters do not fit the method, or name a tool that is not there.
pub const INVALID_PARAMS: i32 = -32602;
/// Something went wrong on our side.
pub const INTERNAL_ERROR: i32 = -32603;
/// A header is missing or does not say what the body says.
pub const HEADER_MISMATCH: i32 = -32020;
/// The revision of the protocol is not one of ours.
pub const UNSUPPORTED_VERSION: i32 = -32022;

/// What a message that breaks the protocol is told.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct ProtocolError {
    /// The status of the HTTP answer.
    pub status: StatusCode,
    /// The code of the JSON-RPC error.
    pub code: i32,
    /// A sentence for the client: lower case, no full stop, never a secret.
    pub message: Cow<'static, str>,
    /// Details for programs.
    pub data: Option<Box<Value>>,
    /// The request's id, where it could be read.
    pub id: Option<Id>,
}

impl ProtocolError {
    fn new(status: StatusCode, code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), data: None, id: None }
    }

    /// Names the request that it answers.
    #[must_use]
    pub fn for_request(mut self, id: &Id) -> Self {
        self.id = Some(id.clone());
        self
    }

    pub(crate) fn unreadable(fault: &json::Fault) -> Self {
        let code = if fault.is_syntax() { PARSE_ERROR } else { INVALID_REQUEST };
        Self::new(StatusCode::BAD_REQUEST, code, fault.to_string())
    }

    /// The message has no place here.
    #[must_use]
    pub fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, INVALID_REQUEST, message)
    }

    /// There is no such method. Status 404 would end a session, so only the stateless era has it.
    #[must_use]
    pub fn method_not_found(era: Era, method: &str) -> Self {
        let status = match era {
            Era::Session(_) => StatusCode::OK,
            Era::Stateless => StatusCode::NOT_FOUND,
        };
        let message = format!("unknown method \"{}\"", json::excerpt(method));
        Self::new(status, METHOD_NOT_FOUND, message)
    }

    /// The parameters do not fit. Status 200: the request was heard, and clients read its error.
    #[must_use]
    pub fn invalid_params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::OK, INVALID_PARAMS, message)
    }

    /// A tool that is not there, or not for this caller: the two must read the same.
    #[must_use]
    pub fn unknown_tool(name: &str) -> Self {
        Self::invalid_params(format!("unknown tool \"{}\"", json::excerpt(name)))
    }

    pub(crate) fn missing_meta(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, INVALID_PARAMS, message)
    }

    pub(crate) fn header_mismatch(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, HEADER_MISMATCH, message)
    }

    pub(crate) fn unsupported_version(requested: &str) -> Self {
        let requested = json::excerpt(requested);
        let message = format!("unsupported protocol version \"{requested}\"");
        let data = json!({ "supported": Version::SUPPORTED, "requested": requested });
        let error = Self::new(StatusCode::BAD_REQUEST, UNSUPPORTED_VERSION, message);
        Self { data: Some(Box::new(data)), ..error }
    }

    pub(crate) fn not_acceptable(status: StatusCode, message: &'static str) -> Self {
        Self::new(status, INVALID_REQUEST, message)
    }

    /// A message of a session came without the session's id.
    #[must_use]
    pub fn session_required() -> Self {
        Self::invalid_request("no Mcp-Session-Id header: begin with initialize")
    }

    /// The session is gone, or another's: status 404 makes the client begin a new one.
    #[must_use]
    pub fn session_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, INVALID_REQUEST, "unknown session; begin with initialize")
    }

    /// The JSON-RPC answer.
    #[must_use]
    pub fn body(&self) -> Bytes {
        crate::answer::error(self.id.as_ref(), self.code, &self.message, self.data.as_deref())
    }
}

/// The error member of an answer.
#[derive(Serialize)]
pub(crate) struct ErrorObject<'a> {
    pub(crate) code: i32,
    pub(crate) message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<&'a Value>,
}
