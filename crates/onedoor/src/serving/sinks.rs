//! Brings the log to each sink, on a thread of its own: to read files blocks, and no call waits for it.

use std::{mem, sync::Arc, thread, time::Duration};

use admin::Part;
use anyhow::Context as _;
use audit::{
    Journal, Kind, Record,
    ship::{Place, Shipper, Status, Step, Told, Watch},
};
use model::Clock;
use sinks::{Declared, Sink, Surroundings};
use tokio::{runtime::Builder, sync::oneshot, time::sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::data::DataFolder;

/// How long what is recorded last may take to be delivered, after the last call has ended.
const DRAIN: Duration = Duration::from_secs(5);
/// How long behind that a thread may take to end. One that a disk holds may never do.
const ENDS_WITHIN: Duration = Duration::from_secs(1);
/// So long a record may wait before something is wrong with its receiver.
const LAG_MAX: Duration = Duration::from_secs(15 * 60);
/// A log that ends earlier than it did is whole by all that stands beside it.
const NOWHERE_ELSE: &str = "nothing of it goes anywhere else, so nobody could find that its end was cut off: \
                     name checkpoints under [audit], or a sink";

/// The sinks of a door.
pub(crate) struct Sinks {
    stopping: CancellationToken,
    /// Those that were not started yet.
    lines: Vec<Line>,
    /// Each answers when the thread of a sink has ended.
    ends: Vec<oneshot::Receiver<()>>,
    watched: Watched,
}

/// How far each sink is.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    sinks: Vec<(String, Watch)>,
    clock: Clock,
}

/// A sink on its thread.
struct Line {
    name: String,
    shipper: Shipper<Sink>,
    log: Arc<Journal>,
    clock: Clock,
    stopping: CancellationToken,
}

impl Sinks {
    /// Makes ready to bring `log` to what is declared.
    ///
    /// # Errors
    /// Where a sink cannot be opened.
    pub(crate) fn open(
        declared: &[Declared],
        (log, data): (&Arc<Journal>, &DataFolder),
        around: &Surroundings,
    ) -> anyhow::Result<Self> {
        let (stopping, clock) = (CancellationToken::new(), around.clock.clone());
        let (mut sinks, mut lines) = (Vec::new(), Vec::new());
        for declared in declared {
            let name = declared.name.clone();
            let what = || format!("the sink \"{}\" cannot be opened", declared.name);
            let sink = Sink::open(declared, around).with_context(what)?;
            let log = Arc::clone(log);
            let folder = log.folder().context("a log in memory is brought nowhere")?.to_owned();
            let place = Place { log: folder, state: data.sinks(), name: name.clone() };
            let shipper = Shipper::open(sink, place, declared.receiver.batching(), clock.clone());
            let shipper = shipper.with_context(what)?;
            sinks.push((name.clone(), shipper.watch()));
            let (clock, stopping) = (clock.clone(), stopping.clone());
            lines.push(Line { name, shipper, log, clock, stopping });
        }
        Ok(Self { stopping, lines, ends: Vec::new(), watched: Watched { sinks, clock } })
    }

    /// Begins. What the receivers are shown should be there by now.
    ///
    /// # Errors
    /// Where there is no thread to be had.
    pub(crate) fn start(&mut self) -> anyhow::Result<()> {
        for line in mem::take(&mut self.lines) {
            let what = format!("the sink \"{}\" cannot be started", line.name);
            let runtime = Builder::new_current_thread().enable_all().build();
            let runtime = runtime.with_context(|| what.clone())?;
            let thread = thread::Builder::new().name(format!("sink {}", line.name));
            let (ended, end) = oneshot::channel();
            let thread = thread.spawn(move || {
                runtime.block_on(line.run());
                // Without what was given up: a write that blocks may never end.
                runtime.shutdown_background();
                ended.send(()).ok();
            });
            thread.context(what)?;
            self.ends.push(end);
        }
        Ok(())
    }

    /// How far each is.
    pub(crate) fn watched(&self) -> Watched {
        self.watched.clone()
    }

    /// Lets each bring what was recorded last, for a few seconds or until `hurry` is over. What is not
    /// brought then is brought after the next start.
    pub(crate) async fn end(self, hurry: impl Future<Output = ()>) {
        self.stopping.cancel();
        let ended = async {
            for end in self.ends {
                // One that panicked has said so.
                end.await.ok();
            }
        };
        // Bounded, whatever a thread is in the midst of: nothing is lost by not waiting for it.
        tokio::select! {
            () = ended => {}
            () = sleep(DRAIN.saturating_add(ENDS_WITHIN)) => {}
            () = hurry => {}
        }
    }
}

impl Line {
    async fn run(mut self) {
        let (name, watch, stopping) =
            (self.name.clone(), self.shipper.watch(), self.stopping.clone());
        let late = async {
            stopping.cancelled().await;
            sleep(DRAIN).await;
        };
        tokio::select! {
            () = self.deliver() => {}
            () = late => tell_undrained(&name, watch.status().lag_records),
        }
        for told in self.shipper.end() {
            self.record(&told);
        }
    }

    /// Delivers until it is to stop and all is delivered.
    async fn deliver(&mut self) {
        loop {
            let step = self.step().await;
            let is_stopping = self.stopping.is_cancelled();
            if is_stopping {
                self.shipper.hasten();
            }
            if is_stopping && self.shipper.watch().status().next >= self.log.safe() {
                return;
            }
            // While it stops, what waits for new records only waits no more.
            let stopping = self.stopping.clone();
            tokio::select! {
                () = sleep(step.wait) => {}
                () = stopping.cancelled(), if !is_stopping => {}
            }
        }
    }

    async fn step(&mut self) -> Step {
        let chance = u16::try_from(Uuid::new_v4().as_u128() & 0xffff).unwrap_or_default();
        let step = Box::pin(self.shipper.step(self.log.safe(), chance)).await;
        for told in &step.told {
            self.record(told);
        }
        step
    }

    /// What people should know of a sink is recorded as all is, and so brought to the others, too.
    fn record(&self, told: &Told) {
        let note = format!("{}: {told}", self.name);
        let record = Record {
            event: Some(told.event()),
            note: Some(&note),
            ..Record::new(self.clock.now(), Kind::Event, told.outcome())
        };
        tell(&note);
        if let Err(error) = self.log.append(&record) {
            tell(&error.to_string());
        }
    }
}

impl Watched {
    /// What tells of each.
    pub(crate) fn all(&self) -> Vec<Watch> {
        self.sinks.iter().map(|(_, watch)| watch.clone()).collect()
    }

    /// What to know of a log on a disk of which nothing goes anywhere else.
    pub(crate) fn kept_nowhere_else(&self, log: &Journal) -> Option<&'static str> {
        let is_alone = self.sinks.is_empty() && !log.is_kept_outside() && log.folder().is_some();
        is_alone.then_some(NOWHERE_ELSE)
    }

    /// How far each is, by its name.
    pub(crate) fn statuses(&self) -> impl Iterator<Item = (&str, Status)> {
        self.sinks.iter().map(|(name, watch)| (name.as_str(), watch.status()))
    }

    /// How they are, for whoever asks how the door is.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let now = self.clock.now();
        let part = |(name, watch): &(String, Watch)| {
            let status = watch.status();
            let lag = status.lag(now);
            let mut detail = match status.lag_records {
                0 => "all records are delivered".to_owned(),
                count => format!("{count} records wait, the oldest for {} s", lag.as_secs()),
            };
            if status.dead > 0 {
                detail = format!("{detail}; {} were refused and put aside", status.dead);
            }
            if let Some((at, why)) = status.last_failure.filter(|_| status.attempts > 0) {
                detail = format!("{detail}; {} failures, the last at {at}: {why}", status.attempts);
            }
            Part { name: format!("sink {name}"), ok: lag <= LAG_MAX, detail }
        };
        self.sinks.iter().map(part).collect()
    }
}

fn tell(note: &str) {
    tracing::warn!("sink {note}");
}

fn tell_undrained(name: &str, count: u64) {
    tracing::warn!(
        "{count} records were not brought to the sink {name} yet: they are after the start"
    );
}

#[cfg(test)]
mod tests {
    use audit::{Location, Rules, SigningKey};
    use model::Timestamp;

    use super::*;

    #[test]
    fn a_log_of_which_nothing_goes_anywhere_says_so() {
        let (folder, clock) =
            (tempfile::tempdir().unwrap(), Clock::fake(Timestamp::from_seconds(0)));
        let open = |name: &str, checkpoints: Option<&str>| {
            let key = SigningKey::from_seed("onedoor-test", &[1; 32]).unwrap();
            let location = Location {
                folder: folder.path().join(name),
                checkpoints: checkpoints.map(|it| folder.path().join(it)),
                about: None,
            };
            Journal::open(&location, (key, Rules::default()), clock.clone()).unwrap()
        };
        let none = Watched { sinks: Vec::new(), clock: clock.clone() };
        let some = Watched { sinks: vec![("siem".to_owned(), Watch::default())], ..none.clone() };
        let alone = open("alone", None);
        assert_eq!(
            (none.kept_nowhere_else(&alone), some.kept_nowhere_else(&alone)),
            (Some(NOWHERE_ELSE), None)
        );
        assert_eq!(none.kept_nowhere_else(&open("kept", Some("outside"))), None);
        assert_eq!(none.kept_nowhere_else(&Journal::memory(clock.clone()).0), None);
    }
}
