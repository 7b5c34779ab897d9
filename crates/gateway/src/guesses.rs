//! Wrong credentials: how many a source may show until it is slowed down, and how often a flood of
//! them is told. Looked at only behind a credential that was refused: good ones pay nothing for it.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use identity::sources::{Budget, Excess, Sources, network};
use model::{LimitState, Refusal, RefusalKind, Wrong};

/// Wrong credentials of one source that are refused as such. Many programs may share a source, and
/// one that was set up wrongly tries again and again.
const OF_SOURCE: Budget = Budget { burst: 100, every: Duration::from_secs(1) };

/// The same of all sources together. It bounds what they make the log grow by, and what is remembered.
const OF_ALL: Budget = Budget { burst: 1000, every: Duration::from_millis(100) };

/// How often the same flood is told.
const TOLD_EVERY: Duration = Duration::from_secs(60);

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

/// The time in which a flood was told, and is counted.
#[derive(Debug)]
struct Window {
    end: Duration,
    more: u64,
}

/// What a window has counted besides what was told at its beginning.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) flood: Flood,
    pub(crate) more: u64,
}

/// How a wrong credential is refused, and how that is told.
#[derive(Debug)]
pub(crate) enum Weighed {
    /// As one of a flood, of which a record tells already.
    Counted(Refusal),
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
        if self.is_news(flood, now) { Weighed::Told(refusal) } else { Weighed::Counted(refusal) }
    }

    /// Takes what was counted in windows that have ended `now`; in all of them where there is no time.
    pub(crate) fn take_counted(&self, now: Option<Duration>) -> Vec<Counted> {
        let mut counted = Vec::new();
        self.floods().retain(|flood, window| {
            let goes_on = now.is_some_and(|now| now < window.end);
            if !goes_on && window.more > 0 {
                counted.push(Counted { flood: *flood, more: window.more });
            }
            goes_on
        });
        counted
    }

    /// Whether the flood is to be told now: else it is counted.
    fn is_news(&self, flood: Flood, now: Duration) -> bool {
        let mut floods = self.floods();
        // One whose time has ended counts on until it is taken.
        if let Some(window) = floods.get_mut(&flood) {
            window.more = window.more.saturating_add(1);
            return false;
        }
        let end = now.saturating_add(TOLD_EVERY);
        floods.insert(flood, Window { end, more: 0 });
        true
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

impl Counted {
    /// What it is, in a sentence.
    pub(crate) fn note(&self) -> String {
        let (more, seconds) = (self.more, TOLD_EVERY.as_secs());
        let from = match self.flood {
            Flood::All => "all sources".to_owned(),
            Flood::Source(address @ IpAddr::V4(_)) => address.to_string(),
            Flood::Source(network @ IpAddr::V6(_)) => format!("{network}/64"),
        };
        format!("{more} more wrong credentials from {from} were refused in about {seconds} s")
    }

    /// The refusal of all of them.
    pub(crate) fn refusal(&self) -> Refusal {
        let detail = "too many wrong credentials came";
        slowed(&Refusal::new(RefusalKind::LimitReached, detail), self.flood, Duration::ZERO)
    }

    /// From where they came, where that is one source.
    pub(crate) fn peer(&self) -> Option<IpAddr> {
        match self.flood {
            Flood::All => None,
            Flood::Source(address) => Some(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(wrong: Wrong) -> Refusal {
        Refusal::new(RefusalKind::Unauthenticated, "the api key is not valid").of_wrong(wrong)
    }

    /// How many are refused as wrong, made to wait, and told, of so many wrong credentials.
    fn shown(guesses: &Guesses, count: u32, from: impl Fn(u32) -> IpAddr) -> [usize; 3] {
        let shown = (0..count).map(|number| {
            match guesses.weigh(wrong(Wrong::Unknown), from(number), Duration::ZERO) {
                Weighed::Told(refusal) => (true, refusal.kind()),
                Weighed::Counted(refusal) => (false, refusal.kind()),
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
        assert_eq!(shown(&guesses, 10_000, |_| address(1)), [100, 9900, 101]);
        let [counted] = guesses.take_counted(None).try_into().unwrap();
        assert_eq!((counted.peer(), counted.more), (Some(address(1)), 9899));
        let guesses = Guesses::default();
        assert_eq!(shown(&guesses, 10_000, |it| address(it % 1000)), [1000, 9000, 1001]);
        let [counted] = guesses.take_counted(None).try_into().unwrap();
        assert_eq!((counted.peer(), counted.more), (None, 8999));
    }

    #[test]
    fn who_holds_what_has_ended_hears_that_however_many_there_are() {
        let guesses = Guesses::default();
        for _ in 0..1000 {
            match guesses.weigh(wrong(Wrong::Ended), address(1), Duration::ZERO) {
                Weighed::Told(it) | Weighed::Counted(it) => {
                    assert_eq!(it.kind(), RefusalKind::Unauthenticated);
                }
            }
        }
        assert_eq!(guesses.take_counted(None).len(), 1);
    }

    #[test]
    fn a_flood_is_told_once_a_minute_and_counted_between() {
        let (guesses, at) = (Guesses::default(), Duration::from_secs);
        shown(&guesses, 110, |_| address(1));
        assert_eq!(guesses.take_counted(Some(at(59))), []);
        let flood = Flood::Source(address(1));
        assert_eq!(guesses.take_counted(Some(at(60))), [Counted { flood, more: 9 }]);
        assert_eq!(guesses.take_counted(None), [], "taken once");
        shown(&guesses, 2, |_| address(1));
        assert_eq!(guesses.take_counted(None), [Counted { flood, more: 1 }]);
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
