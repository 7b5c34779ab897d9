//! Why something was not given, in the words of OAuth.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use model::{Refusal, RefusalKind};
use serde_json::json;

/// What the next proof of a key has to hold (RFC 9449 section 8).
const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// What a client is told. A closed set: RFC 6749 section 5.2, RFC 7591 section 3.2.2, RFC 8628
/// section 3.5, RFC 8707, RFC 9101 section 7, RFC 9449 sections 5 and 8. `NotFound` and
/// `MethodNotAllowed` are HTTP's own, for where there is no endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    AccessDenied,
    AuthorizationPending,
    /// To a device, by the person.
    Declined,
    ExpiredToken,
    InvalidClient,
    InvalidClientMetadata,
    InvalidDpopProof,
    InvalidGrant,
    InvalidRedirectUri,
    InvalidRequest,
    InvalidRequestUri,
    InvalidScope,
    InvalidTarget,
    MethodNotAllowed,
    NotFound,
    RequestNotSupported,
    ServerError,
    SlowDown,
    TemporarilyUnavailable,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
    UseDpopNonce,
}

impl Code {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::AccessDenied | Self::Declined => "access_denied",
            Self::AuthorizationPending => "authorization_pending",
            Self::ExpiredToken => "expired_token",
            Self::InvalidClient => "invalid_client",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NotFound => "not_found",
            Self::RequestNotSupported => "request_not_supported",
            Self::ServerError => "server_error",
            Self::SlowDown => "slow_down",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::UseDpopNonce => "use_dpop_nonce",
        }
    }

    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::InvalidClient => StatusCode::UNAUTHORIZED,
            Self::AccessDenied => StatusCode::FORBIDDEN,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::AuthorizationPending
            | Self::Declined
            | Self::ExpiredToken
            | Self::InvalidClientMetadata
            | Self::InvalidDpopProof
            | Self::InvalidGrant
            | Self::InvalidRedirectUri
            | Self::InvalidRequest
            | Self::InvalidRequestUri
            | Self::InvalidScope
            | Self::InvalidTarget
            | Self::RequestNotSupported
            | Self::SlowDown
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType
            | Self::UnsupportedResponseType
            | Self::UseDpopNonce => StatusCode::BAD_REQUEST,
        }
    }

    fn kind(self) -> RefusalKind {
        match self {
            Self::AccessDenied | Self::Declined | Self::UnauthorizedClient => {
                RefusalKind::Forbidden
            }
            Self::AuthorizationPending
            | Self::ExpiredToken
            | Self::InvalidClient
            | Self::InvalidDpopProof
            | Self::InvalidGrant
            | Self::UseDpopNonce => RefusalKind::Unauthenticated,
            Self::InvalidScope | Self::InvalidTarget => RefusalKind::InvalidArguments,
            Self::MethodNotAllowed => RefusalKind::MethodNotAllowed,
            Self::NotFound => RefusalKind::NotFound,
            Self::ServerError => RefusalKind::Internal,
            Self::SlowDown | Self::TemporarilyUnavailable => RefusalKind::LimitReached,
            Self::InvalidClientMetadata
            | Self::InvalidRedirectUri
            | Self::InvalidRequest
            | Self::InvalidRequestUri
            | Self::RequestNotSupported
            | Self::UnsupportedGrantType
            | Self::UnsupportedResponseType => RefusalKind::Malformed,
        }
    }
}

/// Why something was not given: a code and a sentence for the client, a cause for the record.
#[derive(Debug, Clone)]
pub(crate) struct Denied {
    pub(crate) code: Code,
    pub(crate) detail: Cow<'static, str>,
    cause: Option<String>,
    /// How many seconds to wait before it is tried again.
    pub(crate) retry_after: Option<u64>,
    is_slowed: bool,
    /// Whether what was shown is right all the same: it has only ended.
    pub(crate) is_right: bool,
}

impl Denied {
    /// `detail` is for the client: lower case, no full stop, never a secret.
    pub(crate) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        let (cause, retry_after, is_slowed, is_right) = (None, None, false, false);
        Self { code, detail: detail.into(), cause, retry_after, is_slowed, is_right }
    }

    /// Adds what only the record may say.
    pub(crate) fn because(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// What was shown was right, and has only ended: nobody guessed.
    pub(crate) fn though_right(mut self) -> Self {
        self.is_right = true;
        self
    }

    pub(crate) fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Too many attempts: the same words with status 429, and to be tried again after so many seconds.
    pub(crate) fn slowed(mut self, seconds: u64) -> Self {
        self.is_slowed = true;
        self.after(seconds)
    }

    /// The status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        if self.is_slowed { StatusCode::TOO_MANY_REQUESTS } else { self.code.status() }
    }

    /// As records have it.
    pub(crate) fn refusal(&self) -> Refusal {
        let kind = if self.is_slowed { RefusalKind::LimitReached } else { self.code.kind() };
        let refusal = Refusal::new(kind, self.detail.clone());
        let refusal = refusal.by_rule(self.code.as_str());
        match &self.cause {
            Some(cause) => refusal.because(cause),
            None => refusal,
        }
    }

    /// As clients get it (RFC 6749 section 5.2).
    pub(crate) fn response(&self) -> Response<Bytes> {
        let body = json!({ "error": self.code.as_str(), "error_description": self.detail });
        let mut response = json_response(self.status(), &body);
        let headers = response.headers_mut();
        if self.code == Code::InvalidClient && !self.is_slowed {
            let value = HeaderValue::from_static("Basic realm=\"onedoor\"");
            headers.insert(header::WWW_AUTHENTICATE, value);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// The same, with what the next proof of a key has to hold, where this one was not right.
    pub(crate) fn response_with(&self, nonce: Option<String>) -> Response<Bytes> {
        let mut response = self.response();
        let is_of_proof = matches!(self.code, Code::InvalidDpopProof | Code::UseDpopNonce);
        let nonce = nonce.filter(|_| is_of_proof).and_then(|it| HeaderValue::try_from(it).ok());
        if let Some(nonce) = nonce {
            let headers = response.headers_mut();
            headers.insert(NONCE, nonce);
            // Of other headers, scripts in browsers see nothing.
            let exposed = HeaderValue::from_static("dpop-nonce");
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
        response
    }
}

/// The store or another part of the door failed: nothing was given.
impl From<store::Error> for Denied {
    fn from(error: store::Error) -> Self {
        if matches!(error, store::Error::Nul { .. }) {
            let detail = "a parameter has a character in it that nothing here has";
            return Self::new(Code::InvalidRequest, detail).because(error);
        }
        Self::new(Code::ServerError, "this cannot be carried out now: try again").because(error)
    }
}

/// An answer that nobody keeps.
pub(crate) fn json_response(status: StatusCode, body: &serde_json::Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
