//! What is refused below every surface: bytes that no request came of. Each has its record, as long as
//! they are few; of a flood it is recorded that it is counted, and how many they were.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use audit::{Entry, EventId, Kind, Outcome, Record};
use http::StatusCode;
use identity::sources::network;
use model::{Refusal, RefusalKind, Surface};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::connection::Ends;
use crate::{
    Gateway,
    pipeline::{Facts, Ledger},
};

/// So many refusals of one address have records of their own in a second, and so many of all together.
const TOLD_OF_ONE_MAX: u64 = 32;
const TOLD_MAX: u64 = 128;
/// So many addresses are told apart in a second.
const SOURCES_MAX: usize = 64;
/// How long is counted until it is told.
const COUNT_FOR: Duration = Duration::from_secs(1);

/// A refusal below every surface.
#[derive(Debug)]
pub(super) struct Refused {
    /// What it is called in the log.
    pub(super) event: EventId,
    /// What was answered; none where that is no status.
    pub(super) status: Option<StatusCode>,
    pub(super) refusal: Refusal,
}

/// What was refused within the second that began with the first of it.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Second>);

#[derive(Debug, Default)]
struct Second {
    is_begun: bool,
    sources: HashMap<IpAddr, Count>,
    /// How many have records of their own.
    told: u64,
    /// How many are of addresses that are not told apart.
    others: u64,
}

/// How many refusals of one address there were.
#[derive(Debug, Default)]
struct Count {
    told: u64,
    untold: u64,
}

/// What is to be done about one.
#[derive(Debug, PartialEq, Eq)]
struct Turn {
    is_told: bool,
    /// Whether a second begins with it.
    is_first: bool,
}

impl Tally {
    /// Counts one more of `peer`. With the first that is not told, `begin` says so of its address: others
    /// wait for that, so that none goes out which no record covers.
    fn count(&self, peer: IpAddr, begin: impl FnOnce(Option<IpAddr>)) -> Turn {
        let mut second = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let second = &mut *second;
        let is_first = !std::mem::replace(&mut second.is_begun, true);
        if second.sources.len() >= SOURCES_MAX && !second.sources.contains_key(&peer) {
            if second.others == 0 {
                begin(None);
            }
            second.others = second.others.saturating_add(1);
            return Turn { is_told: false, is_first };
        }
        let count = second.sources.entry(peer).or_default();
        let is_told = count.told < TOLD_OF_ONE_MAX && second.told < TOLD_MAX;
        if is_told {
            count.told = count.told.saturating_add(1);
            second.told = second.told.saturating_add(1);
        } else {
            if count.untold == 0 {
                begin(Some(peer));
            }
            count.untold = count.untold.saturating_add(1);
        }
        Turn { is_told, is_first }
    }

    /// How many have no record of their own, by their address; none for all that are not told apart.
    fn take(&self) -> Vec<(Option<IpAddr>, u64)> {
        let mut second = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Second { is_begun: _, sources, told: _, others } = std::mem::take(&mut *second);
        let sources = sources.into_iter().map(|(peer, count)| (Some(peer), count.untold));
        sources.chain([(None, others)]).filter(|(_, count)| *count > 0).collect()
    }
}

impl Gateway {
    /// Whether one more refusal of `peer` that no call came of has a record of its own. Of a flood it is
    /// recorded that it is counted, and, a second later, how many more there were.
    pub fn tells_of(self: &Arc<Self>, peer: IpAddr, stop: &CancellationToken) -> bool {
        let Turn { is_told, is_first } = self.refused.count(network(peer), |of| {
            let detail = format!(
                "connections or streams of {} are refused without records of their own from now on",
                whose(of)
            );
            tell(self, of, detail);
        });
        if is_first {
            let (shared, stop) = (Arc::clone(self), stop.clone());
            self.tasks.spawn(async move {
                tokio::select! {
                    () = sleep(COUNT_FOR) => {}
                    () = stop.cancelled() => {}
                }
                tell_rest(&shared);
            });
        }
        is_told
    }
}

/// Records a refusal that went out, or is about to, and that nobody but this process has seen.
pub(super) fn record(
    gateway: &Arc<Gateway>,
    ends: &Ends,
    refused: Refused,
    stop: &CancellationToken,
) {
    if !gateway.tells_of(ends.peer.ip(), stop) {
        return;
    }
    let Refused { event, status, refusal } = refused;
    let snapshot = gateway.snapshot();
    let arrival = ends.arrival(gateway, Surface::Rest);
    let facts = Facts::new(Kind::Malformed, arrival, &snapshot).named(event);
    Ledger::open(&gateway.live, facts).pass(status, &refusal);
}

/// Records how many were refused beyond those that have records of their own.
fn tell_rest(gateway: &Gateway) {
    for (peer, count) in gateway.refused.take() {
        let of = whose(peer);
        tell(gateway, peer, format!("{count} more connections or streams of {of} within a second"));
    }
}

/// Records what is to be said of a flood.
fn tell(gateway: &Gateway, peer: Option<IpAddr>, detail: String) {
    let refusal = Refusal::new(RefusalKind::LimitReached, detail);
    let live = &gateway.live;
    let recorded = live.log.enter(&Record {
        event: Some(EventId::ConnectionFlood),
        peer,
        ..Record::new(live.clock.now(), Kind::Malformed, Outcome::Refused(&refusal))
    });
    if let Err(error) = recorded.and_then(Entry::written) {
        error!("{}, and that could not be recorded: {error}", refusal.detail());
    }
}

fn whose(peer: Option<IpAddr>) -> &'static str {
    match peer {
        Some(IpAddr::V4(_)) => "this address",
        Some(IpAddr::V6(_)) => "this /64",
        None => "other addresses",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: Turn = Turn { is_told: true, is_first: false };
    const COUNTED: Turn = Turn { is_told: false, is_first: false };

    fn address(of: u8) -> IpAddr {
        [192, 0, 2, of].into()
    }

    /// Counts one; of whom it was said that they are counted is in `begun`.
    fn count(tally: &Tally, of: u8, begun: &mut Vec<Option<IpAddr>>) -> Turn {
        tally.count(address(of), |of| begun.push(of))
    }

    #[test]
    fn the_first_of_an_address_are_told_and_the_rest_is_counted() {
        let (tally, mut begun) = (Tally::default(), Vec::new());
        let first = Turn { is_told: true, is_first: true };
        assert_eq!(count(&tally, 1, &mut begun), first);
        for _ in 1..TOLD_OF_ONE_MAX {
            assert_eq!(count(&tally, 1, &mut begun), TOLD);
        }
        assert!(begun.is_empty(), "{begun:?}");
        for _ in 0..3 {
            assert_eq!(count(&tally, 1, &mut begun), COUNTED);
        }
        assert_eq!(begun, [Some(address(1))], "said once, with the first of them");
        assert_eq!(count(&tally, 2, &mut begun), TOLD, "one that floods hides no other");
        assert_eq!(tally.take(), vec![(Some(address(1)), 3)]);
        assert_eq!(count(&tally, 1, &mut begun), first);
        assert_eq!(tally.take(), vec![]);
    }

    #[test]
    fn however_many_addresses_there_are_no_more_is_told_and_none_is_lost() {
        let (tally, mut begun) = (Tally::default(), Vec::new());
        let mut told = 0;
        for round in 0..4 {
            for of in 0..u8::MAX {
                told += u64::from(count(&tally, of, &mut begun).is_told);
                assert!(told <= TOLD_MAX, "round {round}");
            }
        }
        let rest = tally.take();
        assert!(rest.len() <= SOURCES_MAX + 1, "{}", rest.len());
        assert_eq!(begun.len(), rest.len());
        let counted: u64 = rest.iter().map(|it| it.1).sum();
        assert_eq!(told + counted, 4 * u64::from(u8::MAX));
        assert!(rest.iter().any(|it| it.0.is_none()));
    }
}
