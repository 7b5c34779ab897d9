//! What a record is of, how it ended, and what was decided: closed sets.

use model::{Refusal, RefusalKind};

/// What a record is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something that was asked of the authorization server. Where it is the outcome of an intent, that
    /// has the same id.
    Authorization,
    /// What was kept of the bodies of a call, which has a record of its own, with the same id.
    Bodies,
    /// One request for one operation.
    Call,
    /// An answer that broke off: its caller might not have the rest or did not take it, or the upstream
    /// did not give it. Its call has a record of its own, with the same id.
    Cut,
    /// Something in the life of the door itself.
    Event,
    /// A call, or something that was asked of the authorization server, that is about to be carried out.
    /// Its outcome has a record of its own, with the same id.
    Intent,
    /// A question for what there is: tools, a document.
    List,
    /// Something in the life of the log: a segment, a recovery.
    Log,
    /// A request that could not be read.
    Malformed,
    /// The beginning or the end of a session, or another step of the protocol.
    Session,
}

impl Kind {
    /// All of them, by name.
    pub const ALL: [Self; 10] = [
        Self::Authorization,
        Self::Bodies,
        Self::Call,
        Self::Cut,
        Self::Event,
        Self::Intent,
        Self::List,
        Self::Log,
        Self::Malformed,
        Self::Session,
    ];

    /// The word for it in a line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authorization => "authorization",
            Self::Bodies => "bodies",
            Self::Call => "call",
            Self::Cut => "cut",
            Self::Event => "event",
            Self::Intent => "intent",
            Self::List => "list",
            Self::Log => "log",
            Self::Malformed => "malformed",
            Self::Session => "session",
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy)]
pub enum Outcome<'a> {
    /// The answer goes out with this record.
    Answered,
    /// It was permitted, and what comes of it is not known yet.
    Begun,
    /// The caller left, or took its call back, before it had the whole answer.
    Cancelled,
    /// What the door or its log was to do by itself failed: nobody was refused by it.
    Failed,
    /// It did not go through.
    Refused(&'a Refusal),
    /// It was begun, and what came of it could not be recorded, or that may be lost.
    Unknown,
}

impl<'a> Outcome<'a> {
    /// Why it did not go through.
    #[must_use]
    pub fn refusal(&self) -> Option<&'a Refusal> {
        match *self {
            Self::Refused(refusal) => Some(refusal),
            Self::Answered | Self::Begun | Self::Cancelled | Self::Failed | Self::Unknown => None,
        }
    }

    /// The word for it in a line.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Begun => "begun",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Refused(_) => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// What was decided on a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It was permitted.
    Allow,
    /// It was not.
    Deny,
    /// It could not be decided or carried out.
    Error,
    /// It came too often.
    Limit,
}

impl Decision {
    /// The decision behind a refusal of this kind.
    #[must_use]
    pub fn of(kind: RefusalKind) -> Self {
        match kind {
            RefusalKind::Forbidden
            | RefusalKind::Gone
            | RefusalKind::InvalidArguments
            | RefusalKind::Malformed
            | RefusalKind::MethodNotAllowed
            | RefusalKind::NotFound
            | RefusalKind::Stopped
            | RefusalKind::TooLarge
            | RefusalKind::Unauthenticated => Self::Deny,
            RefusalKind::Internal
            | RefusalKind::IssuerUnavailable
            | RefusalKind::Unrecorded
            | RefusalKind::UpstreamBusy
            | RefusalKind::UpstreamFailed
            | RefusalKind::UpstreamTimeout => Self::Error,
            RefusalKind::LimitReached => Self::Limit,
        }
    }

    /// The word for it in a line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Error => "error",
            Self::Limit => "limit",
        }
    }
}
