//! Wrong credentials: how many a source may show until it is slowed down, and how often a flood of
//! them is told. Looked at only behind a credential that was refused: good ones pay nothing for it.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use audit::Receipt;
use identity::sources::{Budget, Excess, Sources, network};
use model::{LimitState, Refusal, RefusalKind, Wrong};
use tokio::sync::OnceCell;

/// Wrong credentials of one source that are refused as such. Many programs may share a source, and
/// one that was set up wrongly tries again and again.
const OF_SOURCE: Budget = Budget { burst: 100, every: Duration::from_secs(1) };

/// The same of all sources together. It bounds what they make the log grow by, and what is remembered.
const OF_ALL: Budget = Budget { burst: 1000, every: Duration::from_millis(100) };

/// How long a flood is counted until it is told how many they were.
const COUNT_FOR: Duration = Duration::from_secs(60);

/// What the limit is called, in records and answers.
const LIMIT: &str = "wrong-credentials";

/// Wrong credentials that were shown. Of one process: replicas do not tell each other.
#[derive(Debug)]
pub struct Guesses {
    sources: Sources,
    floods: Mutex<HashMap<Flood, Window>>,
}

/// Where more wrong credentials come from than are looked at one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Flood {
    /// From many sources together.
    All,
    /// From one: an address of IPv4, a /64 of IPv6.
    Source(IpAddr),
}

/// The time in which a flood is counted.
#[derive(Debug)]
struct Window {
    end: Duration,
    count: u64,
    begun: Arc<OnceCell<Receipt>>,
}

/// That one of a flood is counted, and by which record the door says that it counts them.
#[derive(Debug)]
pub(crate) struct Counting {
    pub(crate) flood: Flood,
    begun: Arc<OnceCell<Receipt>>,
}

/// How many a window has counted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) flood: Flood,
    pub(crate) count: u64,
}

/// How a wrong credential is refused, and how that is told.
#[derive(Debug)]
pub(crate) enum Weighed {
    /// As one of a flood, which are counted.
    Counted(Refusal, Counting),
    /// By a record of its own.
    Told(Refusal),
}

impl Default for Guesses {
    fn default() -> Self {
        Self { sources: Sources::new(OF_SOURCE, OF_ALL), floods: Mutex::default() }
    }
}

impl Guesses {
    /// Counts the credential that was refused, where one was. Of a flood, who makes credentials up has
    /// to wait, and who holds one that has ended hears that as before: it is to get another.
    pub(crate) fn weigh(&self, refusal: Refusal, peer: IpAddr, now: Duration) -> Weighed {
        let Some(wrong) = refusal.wrong() else { return Weighed::Told(refusal) };
        let (flood, wait) = match self.sources.attempt(peer, now) {
            Ok(()) => return Weighed::Told(refusal),
            Err(Excess::All(wait)) => (Flood::All, wait),
            Err(Excess::Source(wait)) => (Flood::Source(network(peer)), wait),
        };
        let refusal = match wrong {
            Wrong::Ended => refusal,
            Wrong::Unknown => slowed(&refusal, flood, wait),
        };
        Weighed::Counted(refusal, self.count(flood, now))
    }

    /// Takes what was counted in windows that have ended `now`; in all of them where there is no time.
    pub(crate) fn take_counted(&self, now: Option<Duration>) -> Vec<Counted> {
        let mut counted = Vec::new();
        self.floods().retain(|flood, window| {
            let goes_on = now.is_some_and(|now| now < window.end);
            if !goes_on {
                counted.push(Counted { flood: *flood, count: window.count });
            }
            goes_on
        });
        counted
    }

    /// Counts one more of `flood`: a window begins with it where there is none.
    fn count(&self, flood: Flood, now: Duration) -> Counting {
        let mut floods = self.floods();
        // One whose time has ended counts on until it is taken.
        let window = floods.entry(flood).or_insert_with(|| Window {
            end: now.saturating_add(COUNT_FOR),
            count: 0,
            begun: Arc::default(),
        });
        window.count = window.count.saturating_add(1);
        Counting { flood, begun: Arc::clone(&window.begun) }
    }

    fn floods(&self) -> MutexGuard<'_, HashMap<Flood, Window>> {
        self.floods.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The refusal of one too many.
fn slowed(refusal: &Refusal, flood: Flood, wait: Duration) -> Refusal {
    let (budget, detail) = match flood {
        Flood::All => (OF_ALL, "too many wrong credentials came: wait, then show a good one"),
        Flood::Source(_) => (
            OF_SOURCE,
            "too many wrong credentials came from this address: wait, then show a good one",
        ),
    };
    let limit = LimitState {
        limit: LIMIT.into(),
        count: budget.burst,
        window: budget.whole(),
        retry_after: wait,
    };
    let cause = refusal.cause().unwrap_or(refusal.detail());
    Refusal::new(RefusalKind::LimitReached, detail).because(cause).by_limit(limit)
}

impl Counting {
    /// The receipt of the record that says so. Who comes first has it written by `write` and all others
    /// wait for that; where it fails or is given up, the next of them writes it.
    pub(crate) async fn begun<E, F: Future<Output = Result<Receipt, E>>>(
        &self,
        write: impl FnOnce() -> F,
    ) -> Result<&Receipt, E> {
        self.begun.get_or_try_init(write).await
    }
}

impl Counted {
    /// How many there were, in a sentence.
    pub(crate) fn note(&self) -> String {
        let (count, from, seconds) = (self.count, self.flood.origin(), COUNT_FOR.as_secs());
        format!("{count} wrong credentials from {from} were refused in about {seconds} s")
    }
}

impl Flood {
    /// That it is counted from now on, in a sentence.
    pub(crate) fn note(self) -> String {
        let (from, seconds) = (self.origin(), COUNT_FOR.as_secs());
        format!(
            "wrong credentials from {from} are refused without records of their own from now on, and \
             counted for about {seconds} s"
        )
    }

    /// The refusal of all of them.
    pub(crate) fn refusal(self) -> Refusal {
        let detail = "too many wrong credentials came";
        slowed(&Refusal::new(RefusalKind::LimitReached, detail), self, Duration::ZERO)
    }

    /// From where they come, where that is one source.
    pub(crate) fn peer(self) -> Option<IpAddr> {
        match self {
            Self::All => None,
            Self::Source(address) => Some(address),
        }
    }

    fn origin(self) -> String {
        match self {
            Self::All => "all sources".to_owned(),
            Self::Source(address @ IpAddr::V4(_)) => address.to_string(),
            Self::Source(network @ IpAddr::V6(_)) => format!("{network}/64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, ready},
        task::{Context, Waker},
    };

    use audit::{Journal, Kind, Outcome, Record};
    use model::{Clock, Timestamp};

    use super::*;

    fn wrong(wrong: Wrong) -> Refusal {
        Refusal::new(RefusalKind::Unauthenticated, "the api key is not valid").of_wrong(wrong)
    }

    /// How many are refused as wrong, made to wait, and told, of so many wrong credentials.
    fn shown(guesses: &Guesses, count: u32, from: impl Fn(u32) -> IpAddr) -> [usize; 3] {
        let shown = (0..count).map(|number| {
            match guesses.weigh(wrong(Wrong::Unknown), from(number), Duration::ZERO) {
                Weighed::Told(refusal) => (true, refusal.kind()),
                Weighed::Counted(refusal, _) => (false, refusal.kind()),
            }
        });
        let shown: Vec<_> = shown.collect();
        let of = |kind| shown.iter().filter(|it| it.1 == kind).count();
        let told = shown.iter().filter(|it| it.0).count();
        [of(RefusalKind::Unauthenticated), of(RefusalKind::LimitReached), told]
    }

    fn address(number: u32) -> IpAddr {
        IpAddr::from((0x0a00_0000 | number).to_be_bytes())
    }

    #[test]
    fn ten_thousand_guesses_are_slowed_down_from_one_source_and_from_a_thousand() {
        let guesses = Guesses::default();
        assert_eq!(shown(&guesses, 10_000, |_| address(1)), [100, 9900, 100]);
        let [counted] = guesses.take_counted(None).try_into().unwrap();
        assert_eq!((counted.flood.peer(), counted.count), (Some(address(1)), 9900));
        let guesses = Guesses::default();
        assert_eq!(shown(&guesses, 10_000, |it| address(it % 1000)), [1000, 9000, 1000]);
        let [counted] = guesses.take_counted(None).try_into().unwrap();
        assert_eq!((counted.flood.peer(), counted.count), (None, 9000));
    }

    #[test]
    fn who_holds_what_has_ended_hears_that_however_many_there_are() {
        let guesses = Guesses::default();
        for _ in 0..1000 {
            match guesses.weigh(wrong(Wrong::Ended), address(1), Duration::ZERO) {
                Weighed::Told(it) | Weighed::Counted(it, _) => {
                    assert_eq!(it.kind(), RefusalKind::Unauthenticated);
                }
            }
        }
        assert_eq!(guesses.take_counted(None).len(), 1);
    }

    #[test]
    fn a_flood_is_counted_and_told_once_a_minute() {
        let (guesses, at) = (Guesses::default(), Duration::from_secs);
        shown(&guesses, 110, |_| address(1));
        assert_eq!(guesses.take_counted(Some(at(59))), []);
        let flood = Flood::Source(address(1));
        assert_eq!(guesses.take_counted(Some(at(60))), [Counted { flood, count: 10 }]);
        assert_eq!(guesses.take_counted(None), [], "taken once");
        shown(&guesses, 2, |_| address(1));
        assert_eq!(guesses.take_counted(None), [Counted { flood, count: 2 }]);
    }

    #[tokio::test]
    async fn all_of_a_flood_wait_for_the_record_that_counts_them() {
        let guesses = Guesses::default();
        shown(&guesses, 100, |_| address(1));
        let next = || match guesses.weigh(wrong(Wrong::Unknown), address(1), Duration::ZERO) {
            Weighed::Counted(_, counting) => counting,
            Weighed::Told(refusal) => panic!("{refusal:?}"),
        };
        let (first, second, third) = (next(), next(), next());
        let at = Timestamp::from_seconds(0);
        let (log, _) = Journal::memory(Clock::fake(at));
        let record = Record::new(at, Kind::Event, Outcome::Answered);
        let receipt = log.enter(&record).unwrap().written().unwrap();
        let mut context = Context::from_waker(Waker::noop());
        let mut writes = Box::pin(first.begun(pending::<Result<Receipt, ()>>));
        assert!(writes.as_mut().poll(&mut context).is_pending());
        let mut waits = Box::pin(second.begun(|| ready(Ok::<_, ()>(receipt))));
        assert!(waits.as_mut().poll(&mut context).is_pending(), "it is not written yet");
        // Its caller went away.
        drop(writes);
        assert!(waits.await.is_ok(), "the next one writes it");
        assert!(third.begun(|| ready(Err("written twice"))).await.is_ok());
    }

    #[test]
    fn what_is_no_matter_of_a_credential_is_not_counted() {
        let guesses = Guesses::default();
        for _ in 0..2000 {
            let refusal = Refusal::new(RefusalKind::Forbidden, "no role allows it");
            assert!(matches!(guesses.weigh(refusal, address(1), Duration::ZERO), Weighed::Told(_)));
        }
    }
}
