//! When a credential was last used, and how: whoever ends one has to know who still holds it.

use std::{fmt, net::IpAddr, time::Duration};

use crate::{Timestamp, quantity::parse_duration};

/// When a credential was last used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastUse {
    /// To the second.
    pub at: Timestamp,
    /// How, where that was noted.
    pub how: Option<How>,
}

impl LastUse {
    /// How often each replica stores the uses that it knows of.
    pub const STORED_EVERY: Duration = Duration::from_secs(5);

    /// After so long a use is stored, whichever replica knows of it: twice as long as it takes where
    /// nothing is in its way.
    pub const KNOWN_AFTER: Duration = Self::STORED_EVERY.saturating_mul(2);

    /// Shortest time in which somebody may say that a credential was not used. All of its younger half may
    /// be unknown yet, so the older half has to be as long as that.
    const UNUSED_FOR_MIN: Duration = Self::KNOWN_AFTER.saturating_mul(2);

    /// Reads for how long a credential must not have been used: so long that its uses are known.
    ///
    /// # Errors
    /// A sentence that says what is wrong, and what to write.
    pub fn parse_unused_for(text: &str) -> Result<Duration, String> {
        let duration = parse_duration(text)?;
        if duration < Self::UNUSED_FOR_MIN {
            let (known, least) = (Self::KNOWN_AFTER.as_secs(), Self::UNUSED_FOR_MIN.as_secs());
            return Err(format!(
                "every replica has told of a use after {known} s, and not before: write {least}s or more"
            ));
        }
        Ok(duration)
    }
}

/// How a credential was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct How {
    /// In which way.
    pub way: Way,
    /// From which address.
    pub from: IpAddr,
}

/// In which way a credential was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It was shown with a call.
    Call,
    /// A token was shown with a call that was got with it.
    Token,
    /// It was shown to the authorization server.
    TokenRequest,
}

impl Way {
    const ALL: [Self; 3] = [Self::Call, Self::Token, Self::TokenRequest];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Token => "token",
            Self::TokenRequest => "token_request",
        }
    }

    /// The way that `word` is for.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }
}

impl fmt::Display for LastUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}", self.at)?;
        match self.how {
            None => Ok(()),
            Some(How { way: Way::Call, from }) => write!(f, ", with a call from {from}"),
            Some(How { way: Way::Token, from }) => write!(f, ", by a token of it, from {from}"),
            Some(How { way: Way::TokenRequest, from }) => {
                write!(f, ", to get a token, from {from}")
            }
        }
    }
}
