//! When in a step a replica is killed.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use model::Clock;

use super::{super::chance::Chance, held::Kind, kills::Of};
use crate::run;

/// How often it is looked what a step is busy with.
const LOOK: Duration = Duration::from_micros(200);
/// A kill by time comes in so many parts of a thousand of the time that the step took before: some come when
/// it is done.
const LONGER: u32 = 1_500;

/// A kill, by what it is counted as.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strike<'a> {
    pub(super) of: Of,
    pub(super) at: At<'a>,
}

/// When it comes.
#[derive(Debug, Clone, Copy)]
pub(super) enum At<'a> {
    /// While something of this kind is worked on, after so many of it.
    Work(&'a Progress, Kind, usize),
    /// Somewhere in this time, or a little later.
    Time(Duration),
}

/// What a step is busy with.
#[derive(Debug)]
pub(super) struct Progress {
    clock: Clock,
    begun: Mutex<Vec<Begun>>,
}

/// Something that was worked on; still, where it took no time yet.
#[derive(Debug, Clone, Copy)]
struct Begun {
    kind: Kind,
    took: Option<Duration>,
}

impl At<'_> {
    /// Waits until then. Whether the work goes on.
    pub(super) fn wait(self, chance: &mut Chance, is_over: &AtomicBool) -> bool {
        match self {
            Self::Work(progress, kind, after) => {
                let share = u32::try_from(chance.below(1_000)).unwrap_or_default();
                progress.meet((kind, after), share, is_over)
            }
            Self::Time(time) => {
                let share = u32::try_from(chance.below(LONGER.into())).unwrap_or_default();
                run::rest(part(time, share));
                !is_over.load(Ordering::SeqCst)
            }
        }
    }
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { clock: Clock::system(), begun: Mutex::default() }
    }

    /// Begins another step: what was worked on before does not count.
    pub(super) fn begin(&self) {
        self.with(Vec::clear);
    }

    /// Works on something of this kind.
    pub(super) fn on<T>(&self, kind: Kind, work: impl FnOnce() -> T) -> T {
        let since = self.clock.elapsed();
        self.with(|begun| begun.push(Begun { kind, took: None }));
        let done = work();
        let took = self.clock.elapsed().saturating_sub(since);
        self.with(|begun| {
            if let Some(last) = begun.last_mut() {
                last.took = Some(took);
            }
        });
        done
    }

    /// Waits until something of this kind is worked on after so many, and for a share of the time that one
    /// takes. Whether that is still worked on then: where it was quicker the next one is met as it begins,
    /// until all is over.
    fn meet(&self, (kind, after): (Kind, usize), share: u32, is_over: &AtomicBool) -> bool {
        let (mut after, mut share) = (after, share);
        while !is_over.load(Ordering::SeqCst) {
            let Some(number) = self.current(kind).filter(|it| *it >= after) else {
                run::rest(LOOK);
                continue;
            };
            run::rest(part(self.usual(kind), share));
            if self.current(kind) == Some(number) {
                return true;
            }
            (after, share) = (number.saturating_add(1), 0);
        }
        false
    }

    /// How many of this kind there were before the one that is worked on; none where none is.
    fn current(&self, kind: Kind) -> Option<usize> {
        self.with(|begun| {
            begun.last().filter(|it| it.kind == kind && it.took.is_none())?;
            let of_kind = begun.iter().filter(|it| it.kind == kind).count();
            Some(of_kind.saturating_sub(1))
        })
    }

    /// How long one of this kind takes, by those that are done.
    fn usual(&self, kind: Kind) -> Duration {
        self.with(|begun| {
            let done = begun.iter().filter(|it| it.kind == kind).filter_map(|it| it.took);
            let (count, all) = done.fold((0_u32, Duration::ZERO), |(count, all), it| {
                (count.saturating_add(1), all.saturating_add(it))
            });
            all.checked_div(count).unwrap_or_default()
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Vec<Begun>) -> T) -> T {
        work(&mut self.begun.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// So many parts of a thousand.
fn part(time: Duration, share: u32) -> Duration {
    time.saturating_mul(share).checked_div(1_000).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn it_comes_while_the_kind_is_worked_on_after_so_many() {
        let (progress, is_over, is_met) =
            (Progress::new(), AtomicBool::new(false), AtomicBool::new(false));
        let until_met = || {
            while !is_met.load(Ordering::SeqCst) {
                thread::yield_now();
            }
        };
        thread::scope(|scope| {
            let met = scope.spawn(|| {
                let at = At::Work(&progress, Kind::ApiKey, 1);
                let met =
                    at.wait(&mut Chance::new(1), &is_over).then(|| progress.current(Kind::ApiKey));
                is_met.store(true, Ordering::SeqCst);
                met
            });
            progress.on(Kind::ApiKey, || ());
            progress.begin();
            progress.on(Kind::ApiKey, || ());
            progress.on(Kind::ClientSecret, || ());
            progress.on(Kind::ApiKey, until_met);
            assert_eq!(met.join().unwrap(), Some(Some(1)));
        });
    }

    #[test]
    fn where_the_work_is_over_it_came_late() {
        let (progress, is_over) = (Progress::new(), AtomicBool::new(true));
        for at in [At::Work(&progress, Kind::ApiKey, 0), At::Time(Duration::ZERO)] {
            assert!(!at.wait(&mut Chance::new(1), &is_over));
        }
    }
}
