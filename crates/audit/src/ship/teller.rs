//! When what happens at a sink is told. Telling makes a record, which is delivered in its turn: so one that
//! comes soon after its like waits, and is told with those that come meanwhile.

use std::{mem, time::Duration};

use super::Told;

/// Of failures, and of what is refused, one record is made in this time.
const TELL_EVERY: Duration = Duration::from_secs(600);

/// What is to be told of a sink, and what waits for that.
#[derive(Debug, Default)]
pub(super) struct Teller {
    told: Vec<Told>,
    failures: Pause,
    refusals: Pause,
    /// Whether the failure that goes on was told.
    is_told: bool,
    /// What the one that goes on is, where it was not.
    untold: Option<String>,
    /// Those that have ended and were not told.
    ended: Ended,
    /// What was put aside and was not told.
    refused: Option<Told>,
    /// Where the log is read from, as it was told last, and until when that is not told again.
    from: Option<(Told, Duration)>,
}

/// Until when no more of a kind are told.
#[derive(Debug, Default)]
struct Pause(Option<Duration>);

/// Failures that ended before they were told.
#[derive(Debug, Default)]
struct Ended {
    count: u64,
    /// How often it was tried in vain, in all of them.
    attempts: u32,
    /// What the last of them was.
    why: String,
}

impl Pause {
    /// Whether something may be told `now`. Then another pause begins, since it is.
    fn lets_through(&mut self, now: Duration) -> bool {
        if self.0.is_some_and(|until| now < until) {
            return false;
        }
        self.0 = Some(now.saturating_add(TELL_EVERY));
        true
    }
}

impl Teller {
    /// Has this told in any case.
    pub(super) fn tell(&mut self, told: impl IntoIterator<Item = Told>) {
        self.told.extend(told);
    }

    /// Has it told where the log is read from, and why. A reader that is opened again says the same again.
    pub(super) fn begins(&mut self, told: Told, now: Duration) {
        let is_known = |(before, until): &(Told, Duration)| *before == told && now < *until;
        if !self.from.as_ref().is_some_and(is_known) {
            self.from = Some((told.clone(), now.saturating_add(TELL_EVERY)));
            self.told.push(told);
        }
    }

    /// Notes that it was tried in vain.
    pub(super) fn failed(&mut self, why: String, now: Duration) {
        if !self.failures.lets_through(now) {
            self.untold = Some(why).filter(|_| !self.is_told);
            return;
        }
        let before = mem::take(&mut self.ended).count;
        (self.is_told, self.untold) = (true, None);
        self.told.push(Told::Failed { why, before });
    }

    /// Notes that it goes on after so many failures, if there were any.
    pub(super) fn recovered(&mut self, attempts: u32) {
        if mem::take(&mut self.is_told) {
            self.told.push(Told::Recovered { attempts });
        } else if let Some(why) = self.untold.take() {
            let Ended { count, attempts: before, why: _ } = mem::take(&mut self.ended);
            let (count, attempts) = (count.saturating_add(1), before.saturating_add(attempts));
            self.ended = Ended { count, attempts, why };
        }
    }

    /// Notes that these were put aside, and why.
    pub(super) fn refused(&mut self, refused: Vec<(u64, String)>) {
        for (seq, why) in refused {
            if let Some(Told::Dead { last, count, .. }) = &mut self.refused {
                (*last, *count) = (seq, count.saturating_add(1));
            } else {
                self.refused = Some(Told::Dead { first: seq, last: seq, count: 1, why });
            }
        }
    }

    /// What is to be told `now`.
    pub(super) fn take(&mut self, now: Duration) -> Vec<Told> {
        if self.refused.is_some() && self.refusals.lets_through(now) {
            self.told.extend(self.refused.take());
        }
        if self.ended.count > 0 && self.failures.lets_through(now) {
            let Ended { count, attempts, why } = mem::take(&mut self.ended);
            let before = count.saturating_sub(1);
            self.told.extend([Told::Failed { why, before }, Told::Recovered { attempts }]);
        }
        mem::take(&mut self.told)
    }

    /// All that was not told, since nothing comes after it.
    pub(super) fn end(&mut self, now: Duration) -> Vec<Told> {
        (self.failures, self.refusals) = (Pause::default(), Pause::default());
        let mut told = self.take(now);
        told.extend(self.untold.take().map(|why| Told::Failed { why, before: 0 }));
        told
    }
}
