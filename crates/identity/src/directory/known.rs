//! Whom a token leads to, whoever gave it, and whether it ever led to anybody.

use std::{net::IpAddr, sync::Arc};

use model::{Caller, Timestamp};

use super::{Directory, Holder, binding::Contract, own::OwnHolder};
use crate::{failure::Failure, fingerprint::Fingerprint, token::Confirmation};

/// Whom a token leads to, whoever gave it.
pub(super) enum Known {
    Other(Arc<Holder>),
    Own(Arc<OwnHolder>),
}

impl Known {
    pub(super) fn admit(&self, peer: IpAddr, now: Timestamp) -> Result<(), Failure> {
        match self {
            Self::Other(holder) => holder.binding.admit(peer, now),
            Self::Own(holder) => holder.admit(peer, now),
        }
    }

    /// What the token is bound to, and whose it is.
    pub(super) fn bond(&self) -> (&Confirmation, &Contract) {
        match self {
            Self::Other(holder) => (&holder.confirmation, holder.binding.contract()),
            Self::Own(holder) => holder.bond(),
        }
    }

    /// When it ends at the latest, or has to be looked at again.
    pub(super) fn until(&self) -> Timestamp {
        match self {
            Self::Other(holder) => holder.expires.min(holder.binding.until()),
            Self::Own(holder) => holder.until(),
        }
    }

    pub(super) fn caller(&self) -> &Arc<Caller> {
        match self {
            Self::Other(holder) => &holder.caller,
            Self::Own(holder) => holder.caller(),
        }
    }
}

impl Directory {
    /// Whether a token was good here, as far as that is remembered.
    pub(super) fn knew(&self, token: &str) -> bool {
        let fingerprint = Fingerprint::of(token.as_bytes());
        self.own.as_ref().is_some_and(|it| it.verified.peek(&fingerprint).is_some())
            || self.tokens.verified.peek(&fingerprint).is_some()
            || self.tokens.opaque.as_ref().is_some_and(|it| it.knew(&fingerprint))
    }
}
