//! Why a call did not go through: one closed enum for all surfaces.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use serde::Serialize;

use crate::TokenScopes;

/// What a caller is told. Each surface has its own words for each, in one exhaustive match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// A role or a surface does not allow it.
    Forbidden,
    /// The operation was retired.
    Gone,
    /// Something went wrong on our side, and so nothing was done.
    Internal,
    /// The arguments do not fit the operation.
    InvalidArguments,
    /// The issuer of a token cannot be asked about it now.
    IssuerUnavailable,
    /// A rate or a quota is used up.
    LimitReached,
    /// The request is broken or can be read in two ways.
    Malformed,
    /// The operation does not have this method.
    MethodNotAllowed,
    /// There is no such operation.
    NotFound,
    /// An operator has stopped the caller, or what is called.
    Stopped,
    /// The request is larger than is allowed.
    TooLarge,
    /// No valid credential was shown.
    Unauthenticated,
    /// The call cannot be recorded, and so is not carried out; or what came of it cannot, and so is not told.
    Unrecorded,
    /// The upstream is busy: all its connections are in use.
    UpstreamBusy,
    /// The upstream could not be reached, or broke off.
    UpstreamFailed,
    /// The upstream did not answer in time.
    UpstreamTimeout,
}

impl RefusalKind {
    /// Every kind, for tables and tests.
    pub const ALL: [Self; 16] = [
        Self::Forbidden,
        Self::Gone,
        Self::Internal,
        Self::InvalidArguments,
        Self::IssuerUnavailable,
        Self::LimitReached,
        Self::Malformed,
        Self::MethodNotAllowed,
        Self::NotFound,
        Self::Stopped,
        Self::TooLarge,
        Self::Unauthenticated,
        Self::Unrecorded,
        Self::UpstreamBusy,
        Self::UpstreamFailed,
        Self::UpstreamTimeout,
    ];

    /// The word for it in records and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::Gone => "gone",
            Self::Internal => "internal",
            Self::InvalidArguments => "invalid_arguments",
            Self::IssuerUnavailable => "issuer_unavailable",
            Self::LimitReached => "limit_reached",
            Self::Malformed => "malformed",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NotFound => "not_found",
            Self::Stopped => "stopped",
            Self::TooLarge => "too_large",
            Self::Unauthenticated => "unauthenticated",
            Self::Unrecorded => "unrecorded",
            Self::UpstreamBusy => "upstream_busy",
            Self::UpstreamFailed => "upstream_failed",
            Self::UpstreamTimeout => "upstream_timeout",
        }
    }
}

impl RefusalKind {
    /// The HTTP status that stands for it: on the REST surface, and in every record.
    #[must_use]
    pub fn status(self) -> http::StatusCode {
        use http::StatusCode as Status;
        match self {
            Self::Forbidden | Self::Stopped => Status::FORBIDDEN,
            Self::Gone => Status::GONE,
            Self::Internal => Status::INTERNAL_SERVER_ERROR,
            Self::InvalidArguments | Self::Malformed => Status::BAD_REQUEST,
            Self::LimitReached => Status::TOO_MANY_REQUESTS,
            Self::MethodNotAllowed => Status::METHOD_NOT_ALLOWED,
            Self::NotFound => Status::NOT_FOUND,
            Self::TooLarge => Status::PAYLOAD_TOO_LARGE,
            Self::Unauthenticated => Status::UNAUTHORIZED,
            Self::IssuerUnavailable | Self::Unrecorded | Self::UpstreamBusy => {
                Status::SERVICE_UNAVAILABLE
            }
            Self::UpstreamFailed => Status::BAD_GATEWAY,
            Self::UpstreamTimeout => Status::GATEWAY_TIMEOUT,
        }
    }
}

/// How a limit stood when it refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitState {
    /// The limit's id.
    pub limit: Arc<str>,
    /// How many fit into its window.
    pub count: u32,
    /// How long its window is.
    pub window: Duration,
    /// How long until the next call fits.
    pub retry_after: Duration,
}

impl LimitState {
    /// Whole seconds to wait, never too few: what callers are told.
    #[must_use]
    pub fn retry_after_seconds(&self) -> u128 {
        self.retry_after.as_millis().div_ceil(1000).max(1)
    }
}

/// That a key has to be proved with the request (RFC 9449), and what was wrong with how it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofDemand {
    /// The word for what was wrong.
    pub error: &'static str,
    /// What the next proof has to hold, where it has to hold something.
    pub nonce: Option<String>,
}

/// What can be told of a credential that was refused: whether somebody tries out what they make up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// It was good once, or says so of itself: its holder is to get another.
    Ended,
    /// Nothing is known of it.
    Unknown,
}

/// Why a call did not go through: a public kind and detail, and a private cause.
#[derive(Debug, Clone)]
pub struct Refusal(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: RefusalKind,
    detail: Cow<'static, str>,
    cause: Option<String>,
    rule: Option<Arc<str>>,
    limit: Option<LimitState>,
    scope: Option<TokenScopes>,
    demand: Option<ProofDemand>,
    wrong: Option<Wrong>,
}

impl Refusal {
    /// `detail` is for the caller: lower case, no full stop, never a secret.
    #[must_use]
    pub fn new(kind: RefusalKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            detail: detail.into(),
            cause: None,
            rule: None,
            limit: None,
            scope: None,
            demand: None,
            wrong: None,
        }))
    }

    /// Adds what only the record may say.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Adds the rule that refused.
    #[must_use]
    pub fn by_rule(mut self, rule: impl Into<Arc<str>>) -> Self {
        self.0.rule = Some(rule.into());
        self
    }

    /// Adds the limit that refused.
    #[must_use]
    pub fn by_limit(mut self, limit: LimitState) -> Self {
        self.0.limit = Some(limit);
        self
    }

    /// Adds the scopes with which a token would have been let through: those that it has, and what
    /// is missing.
    #[must_use]
    pub fn lacking(mut self, scope: TokenScopes) -> Self {
        self.0.scope = Some(scope);
        self
    }

    /// Adds that a key has to be proved.
    #[must_use]
    pub fn demanding(mut self, demand: ProofDemand) -> Self {
        self.0.demand = Some(demand);
        self
    }

    /// Adds what is known of the credential, where that is why.
    #[must_use]
    pub fn of_wrong(mut self, wrong: Wrong) -> Self {
        self.0.wrong = Some(wrong);
        self
    }

    /// What is known of the credential, where that is why.
    #[must_use]
    pub fn wrong(&self) -> Option<Wrong> {
        self.0.wrong
    }

    /// Whether, and how, a key has to be proved.
    #[must_use]
    pub fn demand(&self) -> Option<&ProofDemand> {
        self.0.demand.as_ref()
    }

    /// The scopes that would have done, where nothing else was missing.
    #[must_use]
    pub fn scope(&self) -> Option<&TokenScopes> {
        self.0.scope.as_ref()
    }

    /// What the caller is told.
    #[must_use]
    pub fn kind(&self) -> RefusalKind {
        self.0.kind
    }

    /// A sentence for the caller.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// What only the record may say.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The rule that refused.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        self.0.rule.as_deref()
    }

    /// The limit that refused.
    #[must_use]
    pub fn limit(&self) -> Option<&LimitState> {
        self.0.limit.as_ref()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.kind.as_str(), self.0.detail)
    }
}
