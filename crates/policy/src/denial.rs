//! Why a call is not allowed.

use std::sync::Arc;

use model::{Refusal, RefusalKind, Surface, TokenScopes};

/// Why a call is not allowed, and the rule that says so where one does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", reason.detail())]
pub struct Denial {
    /// Why.
    pub reason: Reason,
    /// The rule that denies it; none where only a rule that allows it is missing.
    pub rule: Option<Arc<str>>,
    /// The scopes that would do, where the token's own are all that is in the way.
    pub scope: Option<TokenScopes>,
}

/// Why a call is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The token is for another resource of this door.
    Audience,
    /// The operation is not public, and no credential was shown.
    Anonymous,
    /// A guard forbids this call.
    Guard,
    /// No role of the profile allows the operation.
    NoRole,
    /// A client does this for itself, and not for a person.
    OnBehalf,
    /// The profile allows the operation, and the token does not carry that.
    Scope,
    /// The profile may not use this surface.
    Surface(Surface),
    /// The operation is not in the rules' snapshot.
    UnknownOperation,
    /// The profile is not in the rules' snapshot, or it or its client is disabled.
    UnknownProfile,
}

impl Reason {
    /// The word for it in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Audience => "audience",
            Self::Guard => "guard",
            Self::NoRole => "no_role",
            Self::OnBehalf => "on_behalf",
            Self::Scope => "scope",
            Self::Surface(_) => "surface",
            Self::UnknownOperation => "unknown_operation",
            Self::UnknownProfile => "unknown_profile",
        }
    }

    /// What the caller is told.
    fn detail(self) -> &'static str {
        match self {
            Self::Anonymous => "this operation needs a credential, and none was shown",
            Self::Audience => "the token is for another resource",
            Self::Guard => "a guard forbids this call",
            Self::OnBehalf => {
                "a client does this for itself: call it with a credential or token of its own, without a person"
            }
            Self::Scope => "the token does not carry the scope that this operation needs",
            // What the state folder holds is nobody's business but the operator's.
            Self::NoRole | Self::UnknownOperation | Self::UnknownProfile => {
                "no role of this profile allows this operation"
            }
            Self::Surface(Surface::Mcp) => "this profile may not be used over mcp",
            Self::Surface(Surface::Rest) => "this profile may not be used over rest",
        }
    }

    fn kind(self) -> RefusalKind {
        match self {
            // A caller who may only have forgotten its credential is told to show one.
            // One with a token for another resource is told to get one for this.
            Self::Anonymous | Self::Audience => RefusalKind::Unauthenticated,
            Self::Guard
            | Self::NoRole
            | Self::OnBehalf
            | Self::Scope
            | Self::Surface(_)
            | Self::UnknownOperation
            | Self::UnknownProfile => RefusalKind::Forbidden,
        }
    }
}

impl Denial {
    pub(crate) fn new(reason: Reason) -> Self {
        Self { reason, rule: None, scope: None }
    }

    pub(crate) fn needing(mut self, scope: TokenScopes) -> Self {
        self.scope = Some(scope);
        self
    }

    pub(crate) fn by_rule(mut self, rule: impl Into<Arc<str>>) -> Self {
        self.rule = Some(rule.into());
        self
    }
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        let Denial { reason, rule, scope } = denial;
        let mut refusal = Self::new(reason.kind(), reason.detail()).because(reason.as_str());
        if let Some(scope) = scope {
            refusal = refusal.lacking(scope);
        }
        match rule {
            Some(rule) => refusal.by_rule(rule),
            None => refusal,
        }
    }
}
