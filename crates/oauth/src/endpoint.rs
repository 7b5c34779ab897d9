//! All endpoints of the authorization server: where they are, and what their records are of.

use audit::EventId;
use bytes::Bytes;
use http::{Method, Response};

use crate::{
    authorize::{self, account},
    device,
    error::Denied,
};

/// The methods that endpoints have.
const METHODS: [&str; 2] = ["GET", "POST"];

/// What there is to ask.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Endpoint {
    Account(account::Asked),
    Authorize,
    Consent,
    Device(authorize::device::Asked),
    Document(Document),
    Introspect,
    /// There is none at this path, or only one for another method.
    Missing {
        is_method: bool,
    },
    Provider(authorize::provider::Asked),
    Push,
    Register,
    Revoke,
    SignIn,
    SignOut,
    Token,
}

/// What everybody may read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Document {
    KeySet,
    Metadata,
}

impl Endpoint {
    /// What is asked at `path` by `method`.
    pub(crate) fn of(method: &Method, path: &str) -> Self {
        let other = || METHODS.iter().any(|it| Self::found(it, path).is_some());
        match Self::found(method.as_str(), path) {
            Some(endpoint) => endpoint,
            None => Self::Missing { is_method: other() },
        }
    }

    fn found(method: &str, path: &str) -> Option<Self> {
        Some(match (method, path) {
            (
                "GET" | "HEAD",
                "/.well-known/oauth-authorization-server" | "/.well-known/openid-configuration",
            ) => Self::Document(Document::Metadata),
            ("GET" | "HEAD", "/oauth/jwks") => Self::Document(Document::KeySet),
            ("GET", account::PATH) => Self::Account(account::Asked::Show),
            ("POST", account::ENTER) => Self::Account(account::Asked::Enter),
            ("POST", account::SIGN_OUT) => Self::Account(account::Asked::SignOut),
            ("POST", account::SECOND_FACTOR) => Self::Account(account::Asked::SetUp),
            ("POST", account::SECOND_FACTOR_REMOVE) => Self::Account(account::Asked::Remove),
            ("POST", account::TAKE_BACK) => Self::Account(account::Asked::TakeBack),
            ("GET", "/oauth/authorize") => Self::Authorize,
            ("POST", "/oauth/consent") => Self::Consent,
            ("GET", device::PAGE) => Self::Device(authorize::device::Asked::Show),
            ("POST", device::PAGE) => Self::Device(authorize::device::Asked::LookUp),
            ("POST", authorize::device::ENTER) => Self::Device(authorize::device::Asked::Enter),
            ("POST", "/oauth/device_authorization") => {
                Self::Device(authorize::device::Asked::Begin)
            }
            ("POST", "/oauth/introspect") => Self::Introspect,
            ("POST", "/oauth/par") => Self::Push,
            ("POST", "/oauth/register") => Self::Register,
            ("POST", "/oauth/revoke") => Self::Revoke,
            ("POST", "/oauth/sign-in") => Self::SignIn,
            ("POST", "/oauth/sign-out") => Self::SignOut,
            ("POST", "/oauth/token") => Self::Token,
            ("GET", "/oauth/sign-in") => Self::Provider(authorize::provider::Asked::Resume),
            ("GET", path) if path.starts_with(authorize::provider::CALLBACK) => {
                Self::Provider(authorize::provider::Asked::Arrive)
            }
            ("POST", path) if path.starts_with(authorize::provider::DEPARTURE) => {
                Self::Provider(authorize::provider::Asked::Depart)
            }
            _ => return None,
        })
    }

    /// Whether it shows a document or a page and does nothing else: nothing is written for it, and no
    /// stranger is asked anything. Before all others comes an intent.
    pub(crate) fn only_shows(self) -> bool {
        matches!(
            self,
            Self::Account(account::Asked::Show)
                | Self::Device(authorize::device::Asked::Show)
                | Self::Document(_)
                | Self::Missing { .. }
        )
    }

    /// What its records are of.
    pub(crate) fn event(self) -> EventId {
        match self {
            Self::Account(account::Asked::Show) => EventId::AccountRead,
            Self::Account(account::Asked::TakeBack) => EventId::ConsentRevoked,
            Self::Account(account::Asked::SetUp) => EventId::SecondFactorBegin,
            Self::Account(account::Asked::Remove) => EventId::SecondFactorRemoved,
            Self::Authorize => EventId::AuthorizationBegin,
            Self::Account(account::Asked::Enter)
            | Self::Provider(authorize::provider::Asked::Arrive)
            | Self::Device(authorize::device::Asked::Enter)
            | Self::SignIn => EventId::SignIn,
            Self::Consent => EventId::ConsentGiven,
            Self::Provider(authorize::provider::Asked::Depart) => EventId::SignInBegin,
            Self::Device(authorize::device::Asked::LookUp) => EventId::DeviceFound,
            Self::Device(authorize::device::Asked::Show) => EventId::DeviceRead,
            Self::Device(authorize::device::Asked::Begin) => EventId::DeviceBegin,
            Self::Introspect => EventId::TokenIntrospect,
            Self::Document(Document::KeySet) => EventId::KeySetRead,
            Self::Document(Document::Metadata) => EventId::MetadataRead,
            Self::Missing { .. } => EventId::EndpointUnknown,
            Self::Push => EventId::AuthorizationPush,
            Self::Register => EventId::ClientRegister,
            Self::Provider(authorize::provider::Asked::Resume) => EventId::AuthorizationResume,
            Self::Revoke => EventId::TokenRevoke,
            Self::Account(account::Asked::SignOut) | Self::SignOut => EventId::SignOut,
            Self::Token => EventId::TokenIssue,
        }
    }

    /// People get a page, programs JSON.
    pub(crate) fn denied(self, denied: &Denied, nonce: Option<String>) -> Response<Bytes> {
        match self {
            Self::Account(_)
            | Self::Provider(_)
            | Self::Authorize
            | Self::Consent
            | Self::Device(
                authorize::device::Asked::Enter
                | authorize::device::Asked::LookUp
                | authorize::device::Asked::Show,
            )
            | Self::SignIn
            | Self::SignOut => authorize::shown(denied),
            Self::Device(authorize::device::Asked::Begin)
            | Self::Introspect
            | Self::Document(_)
            | Self::Missing { .. }
            | Self::Push
            | Self::Register
            | Self::Revoke
            | Self::Token => denied.response_with(nonce),
        }
    }
}
