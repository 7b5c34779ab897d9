//! What comes in floods, and what is said of one: by the records that stand for it, and to who is slowed down.

use std::{fmt, net::IpAddr, time::Duration};

use audit::EventId;
use identity::OTHER_SCHEME;
use model::{Caller, LimitState, Refusal, RefusalKind};

use super::{COUNT_FOR, OF_ALL, OF_SITE, OF_SOURCE};
use crate::pipeline::NOTHING_SHOWN;

/// What floods are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Of {
    /// Requests without a credential, and those that are refused before one is looked at.
    Strangers,
    /// Credentials that are none.
    WrongCredentials,
}

/// More of something than is told one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Flood {
    pub(crate) of: Of,
    pub(crate) from: Origin,
}

/// Where all of a flood comes from: whose budget is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// From many together.
    All,
    /// From a /48 of IPv6.
    Site(IpAddr),
    /// From an address of IPv4, or a /64 of IPv6.
    Source(IpAddr),
}

impl Of {
    /// What a refusal counts as; none where it is of somebody, or no fault of theirs. `caller` is who
    /// calls, as far as that was found out.
    pub(crate) fn refused(refusal: &Refusal, caller: Option<&Caller>) -> Option<Self> {
        if refusal.wrong().is_some() {
            // One that was good at the door is no guess.
            return caller.is_none().then_some(Self::WrongCredentials);
        }
        if caller.is_some_and(|it| !it.is_anonymous()) {
            return None;
        }
        let is_of_nobody = match refusal.kind() {
            // Otherwise it is of a credential that is known here, and good for nothing any more.
            RefusalKind::Unauthenticated => {
                matches!(refusal.cause(), Some(NOTHING_SHOWN | OTHER_SCHEME))
            }
            RefusalKind::Forbidden
            | RefusalKind::Gone
            | RefusalKind::InvalidArguments
            | RefusalKind::LimitReached
            | RefusalKind::Malformed
            | RefusalKind::MethodNotAllowed
            | RefusalKind::NotFound
            | RefusalKind::Stopped
            | RefusalKind::TooLarge => true,
            RefusalKind::Internal
            | RefusalKind::IssuerUnavailable
            | RefusalKind::Unrecorded
            | RefusalKind::UpstreamBusy
            | RefusalKind::UpstreamFailed
            | RefusalKind::UpstreamTimeout => false,
        };
        is_of_nobody.then_some(Self::Strangers)
    }

    /// What the limit is called, in records and answers.
    fn limit(self) -> &'static str {
        match self {
            Self::Strangers => "strangers",
            Self::WrongCredentials => "wrong-credentials",
        }
    }

    /// What comes, in a sentence.
    pub(super) fn what(self) -> &'static str {
        match self {
            Self::Strangers => "requests of strangers",
            Self::WrongCredentials => "wrong credentials",
        }
    }
}

impl Flood {
    /// That it is counted from now on, in a sentence.
    pub(crate) fn note(self) -> String {
        let (what, from, seconds) = (self.of.what(), self.from, COUNT_FOR.as_secs());
        format!(
            "{what} from {from} are refused without records of their own from now on, and counted for \
             about {seconds} s"
        )
    }

    /// The refusal of all of them.
    pub(crate) fn refusal(self) -> Refusal {
        let detail = format!("too many {} came", self.of.what());
        slowed(&Refusal::new(RefusalKind::LimitReached, detail), self, Duration::ZERO)
    }

    /// What its records are of.
    pub(crate) fn event(self) -> EventId {
        match self.of {
            Of::Strangers => EventId::StrangersRefused,
            Of::WrongCredentials => EventId::CredentialsWrong,
        }
    }

    /// How those of it are answered, where that is alike.
    pub(crate) fn status(self) -> Option<u16> {
        match self.of {
            Of::Strangers => None,
            Of::WrongCredentials => Some(RefusalKind::LimitReached.status().as_u16()),
        }
    }
}

impl Origin {
    /// The address that a record of it has; of a network the first one.
    pub(crate) fn peer(self) -> Option<IpAddr> {
        match self {
            Self::All => None,
            Self::Site(address) | Self::Source(address) => Some(address),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all sources"),
            Self::Site(network) => write!(f, "{network}/48"),
            Self::Source(address @ IpAddr::V4(_)) => write!(f, "{address}"),
            Self::Source(network @ IpAddr::V6(_)) => write!(f, "{network}/64"),
        }
    }
}

/// The refusal of one too many.
pub(super) fn slowed(refusal: &Refusal, flood: Flood, wait: Duration) -> Refusal {
    let (budget, from) = match flood.from {
        Origin::All => (OF_ALL, ""),
        Origin::Site(_) => (OF_SITE, " from this network"),
        Origin::Source(_) => (OF_SOURCE, " from this address"),
    };
    let detail = match flood.of {
        Of::Strangers => format!("too many requests of strangers came{from}"),
        Of::WrongCredentials => {
            format!("too many wrong credentials came{from}: wait, then show a good one")
        }
    };
    let limit = LimitState {
        limit: flood.of.limit().into(),
        count: budget.burst,
        window: budget.whole(),
        retry_after: wait,
    };
    let cause = refusal.cause().unwrap_or(refusal.detail());
    Refusal::new(RefusalKind::LimitReached, detail).because(cause).by_limit(limit)
}

#[cfg(test)]
mod tests {
    use model::{ClientId, Wrong};

    use super::*;

    #[test]
    fn what_is_refused_of_somebody_is_not_counted() {
        let nobody = Caller::anonymous();
        let app = Caller { client: ClientId::parse("app").unwrap(), ..Caller::anonymous() };
        let of = |kind: RefusalKind, caller| Of::refused(&Refusal::new(kind, "why"), caller);
        for kind in RefusalKind::ALL {
            assert_eq!(of(kind, Some(&app)), None, "{kind:?}");
        }
        for kind in [RefusalKind::Forbidden, RefusalKind::Malformed, RefusalKind::NotFound] {
            assert_eq!(of(kind, None), Some(Of::Strangers), "{kind:?}");
            assert_eq!(of(kind, Some(&nobody)), Some(Of::Strangers), "{kind:?}");
        }
        // What was revoked is known, and what went wrong here is no fault of theirs.
        for kind in [RefusalKind::Unauthenticated, RefusalKind::Internal] {
            assert_eq!(of(kind, None), None, "{kind:?}");
        }
        for cause in [NOTHING_SHOWN, OTHER_SCHEME] {
            let shown = Refusal::new(RefusalKind::Unauthenticated, "why").because(cause);
            assert_eq!(Of::refused(&shown, None), Some(Of::Strangers), "{cause}");
        }
        let made_up = Refusal::new(RefusalKind::Unauthenticated, "why").of_wrong(Wrong::Unknown);
        assert_eq!(Of::refused(&made_up, None), Some(Of::WrongCredentials));
        assert_eq!(Of::refused(&made_up, Some(&app)), None, "it ended under way");
    }
}
