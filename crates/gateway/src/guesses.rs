//! What is refused of whom nobody knows: how many wrong credentials a source may show until it is slowed
//! down, and how a flood of them, or of requests without any, is told. Looked at only behind a refusal:
//! good calls pay nothing for it.

mod flood;

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use audit::Receipt;
use identity::sources::{Budget, Excess, Sources, network, site};
use model::{Refusal, Wrong};
use tokio::sync::OnceCell;

use self::flood::slowed;
pub(crate) use self::flood::{Flood, Of, Origin};

/// Refusals of one source that are told one by one, and wrong credentials of it that are refused as such.
/// Many programs may share a source, and one that was set up wrongly tries again and again.
const OF_SOURCE: Budget = Budget { burst: 100, every: Duration::from_secs(1) };

/// The same of a site, a /48 of IPv6, whose sources would be as many as somebody wants: so no site keeps the
/// records of all others from being written.
const OF_SITE: Budget = Budget { burst: 300, every: Duration::from_millis(333) };

/// The same of all sources together. It bounds what they make the log grow by, and what is remembered.
const OF_ALL: Budget = Budget { burst: 1000, every: Duration::from_millis(100) };

/// How long a flood is counted until it is told how many they were.
const COUNT_FOR: Duration = Duration::from_secs(60);

/// What was refused of whom nobody knows. Of one process: replicas do not tell each other.
#[derive(Debug)]
pub struct Guesses {
    /// Of wrong credentials, and of strangers: who shows nothing slows down nobody's guesses.
    wrong: Sources,
    strangers: Sources,
    floods: Mutex<HashMap<Flood, Window>>,
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

/// How somebody is refused, and how that is told.
#[derive(Debug)]
pub(crate) enum Weighed {
    /// As one of a flood, which are counted.
    Counted(Refusal, Counting),
    /// By a record of its own.
    Told(Refusal),
}

impl Default for Guesses {
    fn default() -> Self {
        let [wrong, strangers] =
            [(); 2].map(|()| Sources::new(OF_SOURCE, OF_ALL).with_sites(OF_SITE));
        Self { wrong, strangers, floods: Mutex::default() }
    }
}

impl Guesses {
    /// Counts a refusal. Of a flood, who makes credentials up has to wait. Who holds one that has ended
    /// hears that as before, since it is to get another, and so does who shows none.
    pub(crate) fn weigh(
        &self,
        (refusal, of): (Refusal, Of),
        peer: IpAddr,
        now: Duration,
    ) -> Weighed {
        let sources = match of {
            Of::Strangers => &self.strangers,
            Of::WrongCredentials => &self.wrong,
        };
        let (from, wait) = match sources.attempt(peer, now) {
            Ok(()) => return Weighed::Told(refusal),
            Err(Excess::All(wait)) => (Origin::All, wait),
            // Without a site there is no budget of one.
            Err(Excess::Site(wait)) => (site(peer).map_or(Origin::All, Origin::Site), wait),
            Err(Excess::Source(wait)) => (Origin::Source(network(peer)), wait),
        };
        let flood = Flood { of, from };
        let refusal = match refusal.wrong() {
            Some(Wrong::Unknown) => slowed(&refusal, flood, wait),
            Some(Wrong::Ended) | None => refusal,
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
        let (count, what, from) = (self.count, self.flood.of.what(), self.flood.from);
        format!("{count} {what} from {from} were refused in about {} s", COUNT_FOR.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, ready},
        task::{Context, Waker},
    };

    use audit::{Journal, Kind, Outcome, Record};
    use model::{Clock, RefusalKind, Timestamp};

    use super::*;

    fn wrong(wrong: Wrong) -> (Refusal, Of) {
        let refusal = Refusal::new(RefusalKind::Unauthenticated, "the api key is not valid");
        (refusal.of_wrong(wrong), Of::WrongCredentials)
    }

    /// From one source.
    fn flood(of: Of) -> Flood {
        Flood { of, from: Origin::Source(address(1)) }
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
        assert_eq!((counted.flood, counted.count), (flood(Of::WrongCredentials), 9900));
        let guesses = Guesses::default();
        assert_eq!(shown(&guesses, 10_000, |it| address(it % 1000)), [1000, 9000, 1000]);
        let [counted] = guesses.take_counted(None).try_into().unwrap();
        assert_eq!((counted.flood.from, counted.count), (Origin::All, 9000));
    }

    #[test]
    fn a_site_of_many_sources_keeps_no_others_from_being_told() {
        let guesses = Guesses::default();
        let of_site = |number: u32| {
            let number = u16::try_from(number).unwrap();
            IpAddr::from([0x2001, 0xdb8, 1, number, 0, 0, 0, 1])
        };
        assert_eq!(shown(&guesses, 10_000, of_site), [300, 9700, 300]);
        assert_eq!(shown(&guesses, 10_000, |it| address(it % 1000)), [700, 9300, 700]);
        let counted = guesses.take_counted(None);
        let mut counted: Vec<_> = counted.iter().map(|it| (it.count, it.note())).collect();
        counted.sort();
        let [(9300, _), (9700, told)] = &counted[..] else { panic!("{counted:?}") };
        assert!(told.starts_with("9700 wrong credentials from 2001:db8:1::/48 were"), "{told}");
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
        let flood = flood(Of::WrongCredentials);
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
    fn strangers_hear_what_they_did_and_slow_down_no_guesses() {
        let guesses = Guesses::default();
        for number in 0..1000 {
            let refusal = Refusal::new(RefusalKind::Malformed, "the host is not served here");
            match guesses.weigh((refusal, Of::Strangers), address(1), Duration::ZERO) {
                Weighed::Told(_) => assert!(number < 100),
                Weighed::Counted(it, _) => assert_eq!(it.kind(), RefusalKind::Malformed),
            }
        }
        assert_eq!(shown(&guesses, 100, |_| address(1)), [100, 0, 100]);
        let flood = flood(Of::Strangers);
        assert_eq!(guesses.take_counted(None), [Counted { flood, count: 900 }]);
    }
}
