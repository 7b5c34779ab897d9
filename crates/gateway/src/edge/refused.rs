//! What is refused below every surface: bytes that no request came of. Each has its record, as long as
//! they are few; of a flood it is recorded that it is counted, and how many they were.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
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
    /// Those of addresses that are not told apart.
    others: Untold,
}

/// How many refusals of one address there were.
#[derive(Debug, Default)]
struct Count {
    told: u64,
    untold: Untold,
}

/// Refusals without records of their own, behind one that says that they are counted.
#[derive(Debug, Default)]
struct Untold {
    count: u64,
    /// Whether that one is written.
    is_begun: Arc<AtomicBool>,
}

/// Of which address it has to be said that its refusals are counted, and what is to be set when that is done.
type Begins = (Option<IpAddr>, Arc<AtomicBool>);

/// What is to be done about one.
#[derive(Debug, PartialEq, Eq)]
struct Turn {
    is_told: bool,
    /// Whether a second begins with it.
    is_first: bool,
}

impl Tally {
    /// Counts one more of `peer`. With the first that is not told, `begin` says so of its address. Who comes
    /// meanwhile is told, so that none goes out which no record covers.
    fn count(&self, peer: IpAddr, begin: impl FnOnce(Option<IpAddr>)) -> Turn {
        let (turn, begins) = self.second().count(peer);
        // Without the lock: a write that hangs is to hold this thread alone.
        if let Some((of, is_begun)) = begins {
            begin(of);
            is_begun.store(true, Ordering::Release);
        }
        turn
    }

    /// How many have no record of their own, by their address; none for all that are not told apart.
    fn take(&self) -> Vec<(Option<IpAddr>, u64)> {
        let Second { is_begun: _, sources, told: _, others } = std::mem::take(&mut *self.second());
        let sources = sources.into_iter().map(|(peer, count)| (Some(peer), count.untold.count));
        sources.chain([(None, others.count)]).filter(|(_, count)| *count > 0).collect()
    }

    fn second(&self) -> MutexGuard<'_, Second> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Second {
    /// Counts one more of `peer`, and says where a count begins with it.
    fn count(&mut self, peer: IpAddr) -> (Turn, Option<Begins>) {
        let is_first = !std::mem::replace(&mut self.is_begun, true);
        let is_apart = self.sources.len() < SOURCES_MAX || self.sources.contains_key(&peer);
        let (of, untold) = if is_apart {
            let count = self.sources.entry(peer).or_default();
            if count.told < TOLD_OF_ONE_MAX && self.told < TOLD_MAX {
                count.told = count.told.saturating_add(1);
                self.told = self.told.saturating_add(1);
                return (Turn { is_told: true, is_first }, None);
            }
            (Some(peer), &mut count.untold)
        } else {
            (None, &mut self.others)
        };
        let (is_told, begins) = untold.add();
        (Turn { is_told, is_first }, begins.map(|it| (of, it)))
    }
}

impl Untold {
    /// Whether one more has a record of its own, since what covers it is not written yet. With the first, what
    /// is to be set when it is.
    fn add(&mut self) -> (bool, Option<Arc<AtomicBool>>) {
        if self.count > 0 && !self.is_begun.load(Ordering::Acquire) {
            return (true, None);
        }
        self.count = self.count.saturating_add(1);
        (false, (self.count == 1).then(|| Arc::clone(&self.is_begun)))
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
    let revision = gateway.snapshot().revision;
    let arrival = ends.arrival(gateway, Surface::Rest);
    let facts = Facts::new(Kind::Malformed, arrival, revision).named(event);
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
    fn nobody_waits_while_it_is_written_that_a_flood_is_counted() {
        let (tally, mut begun) = (Tally::default(), Vec::new());
        for _ in 0..TOLD_OF_ONE_MAX {
            count(&tally, 1, &mut begun);
        }
        let mut meanwhile = None;
        let turn = tally.count(address(1), |_| {
            assert!(tally.0.try_lock().is_ok(), "a write that hangs holds nobody else");
            meanwhile = Some(count(&tally, 1, &mut begun));
        });
        assert_eq!((turn, meanwhile), (COUNTED, Some(TOLD)), "nothing covers it yet");
        assert_eq!(count(&tally, 1, &mut begun), COUNTED);
        assert!(begun.is_empty(), "said once, by who came first");
        assert_eq!(tally.take(), vec![(Some(address(1)), 2)]);
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
