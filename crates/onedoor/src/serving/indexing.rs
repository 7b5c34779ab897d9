//! Puts what is recorded into the index of the log: beside the calls, and never much of a core's time.

use std::{
    io,
    path::Path,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use audit::{Index, Journal};
use gateway::Gateway;
use model::Clock;
use tokio::{sync::oneshot, time::sleep};

/// So many times as long as a piece of work took is rested after it.
const REST: u32 = 9;
/// The same where calls come fast: what is left over then is done later, or by whoever asks.
const BUSY_REST: u32 = 49;
/// The longest rest: giving way to others is no work of its own.
const REST_MAX: Duration = Duration::from_secs(5);
/// So many records in a second are fast.
const BUSY_RECORDS: u64 = 2000;
/// How soon it is looked again where there is nothing to do.
const LOOK_AFTER: Duration = Duration::from_secs(1);
/// How often what could not be written is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// An index, and the log that it follows.
#[derive(Debug, Clone)]
pub(super) struct Indexing {
    index: Arc<Index>,
    log: Arc<Journal>,
    clock: Clock,
}

impl Indexing {
    /// The index of the log of `gateway`.
    pub(super) fn of(gateway: &Gateway, clock: &Clock) -> Self {
        let log = Arc::clone(&gateway.live().log);
        // A log in memory has no folder: whoever asks it is told that there is none.
        let index = Arc::new(Index::open(log.folder().unwrap_or(Path::new(""))));
        Self { index, log, clock: clock.clone() }
    }

    /// What finds records.
    pub(super) fn index(&self) -> Arc<Index> {
        Arc::clone(&self.index)
    }

    /// Follows the log, for ever.
    pub(super) async fn follow(self) {
        match Worker::start(&self.index, &self.clock) {
            Ok(worker) => self.follow_by(worker).await,
            Err(error) => {
                tracing::warn!("the audit log gets no index, so questions take longer: {error}");
            }
        }
    }

    async fn follow_by(self, worker: Worker) {
        let Self { index: _, log, clock } = self;
        let mut before = (log.reached(), clock.elapsed());
        let mut was_well = true;
        loop {
            let (reached, started) = (log.reached(), clock.elapsed());
            let made = worker.advance(reached).await;
            let now = clock.elapsed();
            if let (Err(error), true) = (&made, was_well) {
                tracing::warn!("the audit log cannot be put into its index: {error}");
            }
            was_well = made.is_ok();
            let is_busy =
                is_busy(reached.saturating_sub(before.0), started.saturating_sub(before.1));
            before = (reached, started);
            let rest = if is_busy { BUSY_REST } else { REST };
            sleep(match made {
                Ok(true) => now.saturating_sub(started).saturating_mul(rest).min(REST_MAX),
                Ok(false) | Err(_) => LOOK_AFTER,
            })
            .await;
        }
    }
}

/// A thread of its own, which gives way to those that answer calls.
struct Worker(mpsc::Sender<(u64, oneshot::Sender<io::Result<bool>>)>);

impl Worker {
    fn start(index: &Arc<Index>, clock: &Clock) -> io::Result<Self> {
        let (ask, asked) = mpsc::channel::<(u64, oneshot::Sender<io::Result<bool>>)>();
        let (index, clock) = (Arc::clone(index), clock.clone());
        // Ends with who asks.
        let work = move || advance(&index, &clock, &asked);
        thread::Builder::new().name("index".to_owned()).spawn(work)?;
        Ok(Self(ask))
    }

    async fn advance(&self, reached: u64) -> io::Result<bool> {
        let (answer, answered) = oneshot::channel();
        self.0.send((reached, answer)).map_err(io::Error::other)?;
        answered.await.map_err(io::Error::other).flatten()
    }
}

/// Adds to the index whenever that is asked for.
fn advance(
    index: &Index,
    clock: &Clock,
    asked: &mpsc::Receiver<(u64, oneshot::Sender<io::Result<bool>>)>,
) {
    audit::give_way();
    let mut retried = clock.elapsed();
    for (reached, answer) in asked {
        if clock.elapsed().saturating_sub(retried) >= RETRY_AFTER {
            // Here, because who reads the index holds its locks for as long as that takes.
            index.retry();
            retried = clock.elapsed();
        }
        // Who does not wait for it does not need it.
        answer.send(index.advance(reached)).ok();
    }
}

fn is_busy(records: u64, time: Duration) -> bool {
    u128::from(records).saturating_mul(1000)
        > u128::from(BUSY_RECORDS).saturating_mul(time.as_millis())
}
