//! What anybody can have this server do without being anybody, and how much of it.

use std::{net::IpAddr, time::Duration};

use identity::sources::{Budget, network, site};

use super::guess::{Bucket, key};
use crate::error::{Code, Denied};

/// Each holds up one of the few fetches that go on at the same time: neither one source nor one site ever
/// has all of them.
const DOCUMENTS: Budget = Budget { burst: 8, every: Duration::from_secs(10) };
const DOCUMENTS_OF_SITE: Budget = Budget { burst: 12, every: Duration::from_secs(5) };
/// What the door sends to one host on behalf of others.
const DOCUMENTS_OF_HOST: Budget = Budget { burst: 30, every: Duration::from_secs(5) };

/// Each costs a row. There is a bound for all together besides, which one source or site is not to use up.
const REGISTRATIONS: Budget = Budget { burst: 20, every: Duration::from_secs(60) };
const REGISTRATIONS_OF_SITE: Budget = Budget { burst: 60, every: Duration::from_secs(30) };

/// Each costs a row for the 10 minutes that a person has to decide, or two. Many people may share a source.
const WAITING: Budget = Budget { burst: 100, every: Duration::from_secs(2) };
const WAITING_OF_SITE: Budget = Budget { burst: 500, every: Duration::from_secs(1) };
/// Over all sources: so bounds the rows that there are at once, 5,000 and what comes in 10 minutes.
const WAITING_IN_ALL: Budget = Budget { burst: 5_000, every: Duration::from_millis(120) };

/// Each costs a look into the store, and finds nothing: people may come late, and share a source.
const LOOK_UPS: Budget = Budget { burst: 100, every: Duration::from_secs(2) };
const LOOK_UPS_OF_SITE: Budget = Budget { burst: 500, every: Duration::from_secs(1) };

/// What anybody can have this server do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Effort<'a> {
    /// Fetches a document that nothing is known of.
    Document { source: IpAddr, host: &'a str },
    /// Keeps what a device asks for until a person has decided.
    Device { source: IpAddr },
    /// Looked for a ticket that nobody was given. Paid for after it: who has one gets in, whatever others
    /// look for. `code` is what they are told, also where it was too often: it is decided.
    LookUp { source: IpAddr, code: Code },
    /// Keeps a client that registers itself.
    Registration { source: IpAddr },
    /// Keeps what a browser was sent for until a person has decided.
    Waiting { source: IpAddr },
}

impl Effort<'_> {
    fn source(&self) -> IpAddr {
        let (Self::Document { source, .. }
        | Self::Device { source }
        | Self::LookUp { source, .. }
        | Self::Registration { source }
        | Self::Waiting { source }) = self;
        network(*source)
    }

    pub(super) fn buckets(&self) -> Vec<Bucket> {
        let bucket = |of, budget, key| Bucket { key, budget, of };
        let source = self.source();
        let (what, of_source, of_site) = match self {
            Self::Document { .. } => ("documents for", DOCUMENTS, DOCUMENTS_OF_SITE),
            Self::LookUp { .. } => ("look-ups of", LOOK_UPS, LOOK_UPS_OF_SITE),
            Self::Registration { .. } => ("registrations of", REGISTRATIONS, REGISTRATIONS_OF_SITE),
            Self::Device { .. } | Self::Waiting { .. } => ("waiting for", WAITING, WAITING_OF_SITE),
        };
        let of_all = match self {
            Self::Document { source: _, host } => {
                Some(bucket("this host", DOCUMENTS_OF_HOST, key("documents of", &"", host)))
            }
            Self::Device { .. } | Self::Waiting { .. } => {
                Some(bucket("all sources", WAITING_IN_ALL, key("waiting", &"", "")))
            }
            Self::LookUp { .. } | Self::Registration { .. } => None,
        };
        let site = site(source).map(|it| bucket("this site", of_site, key(what, &it, "site")));
        let source = bucket("this source", of_source, key(what, &source, ""));
        [Some(source), site, of_all].into_iter().flatten().collect()
    }

    /// Refused for now, with what and from where for the record. Nobody is told that a client is unknown:
    /// many would throw away what they have.
    pub(super) fn slowed(&self, of: &str, wait: Duration) -> Denied {
        let seconds = wait.as_secs().saturating_add(1);
        let (code, what) = match self {
            Self::Document { source: _, host } => {
                (Code::TemporarilyUnavailable, format!("a document of {host:.64?}"))
            }
            // The word that devices know.
            Self::Device { source: _ } => (Code::SlowDown, "what a device asks for".to_owned()),
            Self::LookUp { source: _, code } => (*code, "a look for what is not there".to_owned()),
            Self::Registration { source: _ } => {
                (Code::TemporarilyUnavailable, "a registration".to_owned())
            }
            Self::Waiting { source: _ } => {
                (Code::TemporarilyUnavailable, "a request that waits".to_owned())
            }
        };
        let cause = format!("{what} for {}: the budget of {of} is used up", self.source());
        let detail = format!("too many requests: try again in {seconds} seconds");
        Denied::new(code, detail).because(cause).slowed(seconds)
    }
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::*;
    use crate::throttle::Throttle;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn all_sources_together_keep_only_so_many_waiting() {
        let throttle = Throttle::default();
        let spend = |number: u32, now| {
            let [_, b, c, d] = number.to_be_bytes();
            let source = IpAddr::from([10, b, c, d]);
            throttle.spend(Effort::Waiting { source }, now).map_err(|it| it.retry_after)
        };
        let admitted = (0..6_000).filter(|it| spend(*it, at(0)).is_ok());
        assert_eq!(admitted.count(), 5_000);
        assert_eq!(spend(9_999, at(0)), Err(Some(1)));
        // What comes in the time that one waits is as much again.
        let later = (0..6_000).filter(|it| spend(*it, at(600)).is_ok());
        assert_eq!(later.count(), 5_000);
    }

    /// How many of so many efforts are let through, each from another /64 of one /48.
    fn admitted(throttle: &Throttle, count: u16, of: impl Fn(IpAddr) -> Effort<'static>) -> usize {
        let source = |it| IpAddr::from([0x2001, 0xdb8, 1, it, 0, 0, 0, 1]);
        (0..count).filter(|it| throttle.spend(of(source(*it)), at(0)).is_ok()).count()
    }

    #[test]
    fn who_has_many_networks_has_not_as_many_budgets() {
        let throttle = Throttle::default();
        let document = |source| Effort::Document { source, host: "agent.example" };
        assert_eq!(admitted(&throttle, 100, document), 12);
        assert_eq!(admitted(&throttle, 100, |source| Effort::Registration { source }), 60);
        assert_eq!(admitted(&throttle, 600, |source| Effort::Waiting { source }), 500);
        assert_eq!(admitted(&throttle, 9, |source| Effort::Device { source }), 0);
        let code = Code::InvalidGrant;
        assert_eq!(admitted(&throttle, 600, |source| Effort::LookUp { source, code }), 500);
        let denied = throttle.spend(document("2001:db8:1:ffff::1".parse().unwrap()), at(0));
        assert!(format!("{denied:?}").contains("this site"), "{denied:?}");
        let neighbour = "2001:db8:2::1".parse().unwrap();
        assert!(throttle.spend(document(neighbour), at(0)).is_ok());
    }
}
