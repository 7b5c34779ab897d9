//! What anybody can have this server do without being anybody, and how much of it.

use std::{net::IpAddr, time::Duration};

use super::guess::{Bucket, Budget, key, network};
use crate::error::{Code, Denied};

/// Each holds up one of the few fetches that go on at the same time: one source never has all of them.
const DOCUMENTS: Budget = Budget::new(8, Duration::from_secs(10));
/// What the door sends to one host on behalf of others.
const DOCUMENTS_OF_HOST: Budget = Budget::new(30, Duration::from_secs(5));

/// Each costs a row. There is a bound for all together besides, which one source is not to use up.
const REGISTRATIONS: Budget = Budget::new(20, Duration::from_secs(60));

/// What anybody can have this server do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Effort<'a> {
    /// Fetches a document that nothing is known of.
    Document { source: IpAddr, host: &'a str },
    /// Keeps a client that registers itself.
    Registration { source: IpAddr },
}

impl Effort<'_> {
    fn source(&self) -> IpAddr {
        let (Self::Document { source, .. } | Self::Registration { source }) = self;
        network(*source)
    }

    pub(super) fn buckets(&self) -> Vec<Bucket> {
        let bucket = |of, budget, key| Bucket { key, budget, of };
        let source = self.source();
        match self {
            Self::Document { source: _, host } => vec![
                bucket("this source", DOCUMENTS, key("documents for", &source, "")),
                bucket("this host", DOCUMENTS_OF_HOST, key("documents of", &"", host)),
            ],
            Self::Registration { source: _ } => {
                vec![bucket("this source", REGISTRATIONS, key("registrations of", &source, ""))]
            }
        }
    }

    /// Refused for now, with what and from where for the record. Nobody is told that a client is unknown:
    /// many would throw away what they have.
    pub(super) fn slowed(&self, of: &str, wait: Duration) -> Denied {
        let seconds = wait.as_secs().saturating_add(1);
        let what = match self {
            Self::Document { source: _, host } => format!("a document of {host:.64?}"),
            Self::Registration { source: _ } => "a registration".to_owned(),
        };
        let cause = format!("{what} for {}: the budget of {of} is used up", self.source());
        let detail = format!("too many requests: try again in {seconds} seconds");
        Denied::new(Code::TemporarilyUnavailable, detail).because(cause).slowed(seconds)
    }
}
