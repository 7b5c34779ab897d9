//! What is guessed, who pays for it, and how much there is to pay with.

use std::{net::IpAddr, time::Duration};

use identity::sources::{Budget, network};
use store::Digest;

use crate::{
    error::{Code, Denied},
    ticket,
};

/// People mistype; many of them may share a source.
const SOURCE: Budget = Budget { burst: 50, every: Duration::from_secs(10) };
const SOURCE_AND_ACCOUNT: Budget = Budget { burst: 5, every: Duration::from_secs(60) };
/// Over all sources that are not known: less than a thousand guesses a day.
const ACCOUNT: Budget = Budget { burst: 20, every: Duration::from_secs(120) };
/// Where somebody has signed in before as the one that they want to be again.
const KNOWN_BROWSER: Budget = Budget { burst: 10, every: Duration::from_secs(60) };
/// Codes of a second factor, by who has the password: three of a million are good at once.
const SECOND_FACTOR: Budget = Budget { burst: 10, every: Duration::from_secs(300) };
/// Codes that devices show. There are 25 billion: fewer than a thousand guesses a day find none.
const PERSON: Budget = Budget { burst: 10, every: Duration::from_secs(120) };
/// Secrets and keys of clients are random: this bounds the work of checking signatures, and shows who
/// tries.
const SOURCE_AND_CLIENT: Budget = Budget { burst: 20, every: Duration::from_secs(10) };
const CLIENT: Budget = Budget { burst: 100, every: Duration::from_secs(10) };

/// What is guessed, and from where.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Guess<'a> {
    /// What a client signs for who it is, which is work to check. Counted for each source by itself:
    /// what all of them shared, others could use up, and lock the client out.
    Assertion { source: IpAddr, client: &'a str },
    /// A person's password. `browser` names one that is known to be this account's.
    Password { source: IpAddr, account: &'a str, browser: Option<&'a str> },
    /// The second factor of somebody whose password is known. `browser` is as with that.
    SecondFactor { source: IpAddr, account: &'a str, browser: Option<&'a str> },
    /// The code of a device, by somebody who is signed in.
    UserCode { source: IpAddr, person: &'a str },
    /// What was shown as the secret of a client, and was found wrong.
    WrongSecret { source: IpAddr, client: &'a str },
}

/// A budget, and whose it is.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) key: Digest,
    pub(super) budget: Budget,
    pub(super) of: &'static str,
}

impl Guess<'_> {
    fn source(&self) -> IpAddr {
        let (Self::Assertion { source, .. }
        | Self::Password { source, .. }
        | Self::SecondFactor { source, .. }
        | Self::UserCode { source, .. }
        | Self::WrongSecret { source, .. }) = self;
        network(*source)
    }

    fn of_source(&self) -> Digest {
        match self {
            Self::Assertion { source: _, client } => key("assertions from", &self.source(), client),
            Self::Password { source: _, account, browser: _ } => {
                key("account from", &self.source(), account)
            }
            Self::SecondFactor { source: _, account, browser: _ } => {
                key("second factor from", &self.source(), account)
            }
            Self::UserCode { source: _, person } => key("codes from", &self.source(), person),
            Self::WrongSecret { source: _, client } => key("secret from", &self.source(), client),
        }
    }

    pub(super) fn buckets(&self) -> Vec<Bucket> {
        let bucket = |of, budget, key| Bucket { key, budget, of };
        let source = self.source();
        match self {
            // Its own budget alone: what others do at its source or its account is not its doing.
            Self::Password { source: _, account, browser: Some(browser) } => {
                vec![bucket("this browser", KNOWN_BROWSER, key("browser", browser, account))]
            }
            Self::Password { source: _, account, browser: None } => vec![
                bucket("this source and account", SOURCE_AND_ACCOUNT, self.of_source()),
                bucket("this source", SOURCE, key("accounts from", &source, "")),
                bucket("this account", ACCOUNT, key("account", &"", account)),
            ],
            // As with passwords: who has stolen one locks nobody out of a browser that is known.
            Self::SecondFactor { source: _, account, browser: Some(browser) } => vec![bucket(
                "this browser",
                SECOND_FACTOR,
                key("second factor in", browser, account),
            )],
            Self::SecondFactor { source: _, account, browser: None } => vec![
                bucket("this source and account", SOURCE_AND_ACCOUNT, self.of_source()),
                bucket("this source", SOURCE, key("second factors from", &source, "")),
                bucket("this account", SECOND_FACTOR, key("second factor of", &"", account)),
            ],
            Self::UserCode { source: _, person } => vec![
                bucket("this person", PERSON, key("codes of", &"", person)),
                bucket("this source", SOURCE, key("codes at", &source, "")),
            ],
            Self::Assertion { .. } => {
                vec![bucket("this source and client", SOURCE_AND_CLIENT, self.of_source())]
            }
            Self::WrongSecret { source: _, client } => vec![
                bucket("this source and client", SOURCE_AND_CLIENT, self.of_source()),
                bucket("this source", SOURCE, key("secrets from", &source, "")),
                bucket("this client", CLIENT, key("secrets of", &"", client)),
            ],
        }
    }

    /// Refused for now, with who and from where for the record.
    pub(super) fn slowed(&self, of: &str, wait: Duration) -> Denied {
        let seconds = wait.as_secs().saturating_add(1);
        let detail = format!("too many attempts: try again in {seconds} seconds");
        let (code, who) = match self {
            Self::Assertion { source: _, client } | Self::WrongSecret { source: _, client } => {
                (Code::InvalidClient, format!("client {client:.64?}"))
            }
            Self::Password { source: _, account, browser: _ }
            | Self::SecondFactor { source: _, account, browser: _ } => {
                (Code::TemporarilyUnavailable, format!("account {account:.64?}"))
            }
            Self::UserCode { source: _, person } => {
                (Code::TemporarilyUnavailable, format!("person {person:.64?}"))
            }
        };
        let cause = format!("{who} from {}: the budget of {of} is used up", self.source());
        Denied::new(code, detail).because(cause).slowed(seconds)
    }
}

/// Names a budget in as many bytes whatever was sent.
pub(super) fn key(of: &str, one: &dyn std::fmt::Display, other: &str) -> Digest {
    ticket::digest(&format!("{of}\0{one}\0{other}"))
}
