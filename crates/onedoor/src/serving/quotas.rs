//! What is used of quotas outlives the process: in a file every few seconds, and in the audit log at once.
//!
//! Every call that is carried out has its intent in the log before that. So the file says what was
//! counted and how far the log was then, and a start counts again what the log has behind.

use std::{
    collections::HashMap,
    io::{self, ErrorKind},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use audit::{Intent, Since, WalkError};
use gateway::{Gateway, Snapshot};
use model::{Caller, CollectionId, Effect, Operation, OperationId};
use tokio::{task::spawn_blocking, time::sleep};

use crate::data::{DataFolder, Known, QuotaFile};

/// How often what was counted is stored, where there is something new.
const SAVE_EVERY: Duration = Duration::from_secs(5);
/// So many times as long as that took is rested after it, at least.
const REST: u32 = 20;
/// No more than so many records are read at a start.
const RECORDS_MAX: u64 = 10_000_000;

/// What is used of the quotas of a gateway, and the file that keeps it.
#[derive(Clone)]
pub(crate) struct Quotas {
    gateway: Arc<Gateway>,
    /// Locked while it is written: what is known later must be what stays.
    file: Arc<Mutex<QuotaFile>>,
}

impl Quotas {
    /// Those of `gateway`, kept in the folder `data`.
    pub(super) fn of(gateway: &Arc<Gateway>, data: &DataFolder) -> Self {
        let file = Arc::new(Mutex::new(data.quotas()));
        Self { gateway: Arc::clone(gateway), file }
    }

    /// Counts what was used before this process, by what is in force. Before the first call comes.
    ///
    /// # Errors
    /// Where that cannot be read now. What is damaged is told, and is no error.
    pub(super) async fn begin(&self) -> io::Result<()> {
        let this = self.clone();
        // It reads some of the log.
        let begun = spawn_blocking(move || {
            this.restore()?;
            this.end();
            Ok(())
        });
        begun.await.map_err(io::Error::other).flatten()
    }

    /// Stores what is counted, for ever.
    pub(super) async fn keep(self) {
        let live = self.gateway.live();
        let (mut saved, mut was_well, mut rest) = (None, true, SAVE_EVERY);
        loop {
            sleep(rest).await;
            // Nothing is counted without a record.
            if saved == Some(live.log.reached()) {
                continue;
            }
            let (this, started) = (self.clone(), live.clock.elapsed());
            let done = spawn_blocking(move || this.save()).await;
            let done = done.map_err(io::Error::other).flatten();
            let took = live.clock.elapsed().saturating_sub(started);
            rest = took.saturating_mul(REST).max(SAVE_EVERY);
            if let (Err(error), true) = (&done, was_well) {
                tell_unsaved(error);
            }
            was_well = done.is_ok();
            saved = done.ok();
        }
    }

    /// Stores what is counted, once: so far the next start has nothing to count again.
    pub(crate) fn end(&self) {
        if let Err(error) = self.save() {
            tell_unsaved(&error);
        }
    }

    /// Stores what is counted. Up to which record of the log that is.
    fn save(&self) -> io::Result<u64> {
        let (file, live) = (self.file(), self.gateway.live());
        // First how far the log is: a call that comes between the two is counted twice, and a call that is
        // counted not at all is a quota that does not hold.
        let from = live.log.reached();
        file.write(from, &live.meter.spent())?;
        Ok(from)
    }

    fn restore(&self) -> io::Result<()> {
        let (live, snapshot) = (self.gateway.live(), self.gateway.snapshot());
        let plan = snapshot.plan();
        // Without a quota nothing is to be counted.
        let Some(time) = plan.counts_since(live.clock.now()) else { return Ok(()) };
        let Known { from, counts } = self.known()?;
        for spent in counts {
            live.meter.restore(plan, spent);
        }
        let reached = live.log.reached();
        let record = if from > reached { 0 } else { from };
        if record < from {
            tell_other_log(from, reached);
        }
        let since = Since { record, time };
        live.log.folder().map_or(Ok(()), |it| self.recount(&snapshot, it, since))
    }

    /// What the file says; nothing where there is none or it is damaged, so that the log alone counts.
    fn known(&self) -> io::Result<Known> {
        let file = self.file();
        match file.read() {
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                tell_damaged(file.path(), &error);
                Ok(Known::default())
            }
            other => Ok(other?.unwrap_or_default()),
        }
    }

    /// Counts the calls that the log has since then.
    fn recount(&self, snapshot: &Snapshot, log: &Path, since: Since) -> io::Result<()> {
        let live = self.gateway.live();
        let record = since.record.max(live.log.reached().saturating_sub(RECORDS_MAX));
        if record > since.record {
            tell_left_out(record);
        }
        let operations: HashMap<_, _> =
            snapshot.routes().map(|it| (&it.operation().id, it.operation())).collect();
        let mut calls = 0_u64;
        let read = audit::intents(log, Since { record, ..since }, |intent| {
            let Intent { time, client, profile, collection, operation } = intent;
            let caller = Caller { client, profile, ..Caller::anonymous() };
            let (meter, plan) = (&live.meter, snapshot.plan());
            match operations.get(&operation) {
                Some(operation) => meter.recount(plan, &caller, operation, time),
                None => meter.recount(plan, &caller, &gone(collection, operation), time),
            }
            calls = calls.saturating_add(1);
        });
        match read {
            Ok(()) if calls == 0 => {}
            Ok(()) => tell_recounted(calls, record),
            Err(WalkError::Read(error)) => return Err(error),
            Err(error @ (WalkError::Damaged(_) | WalkError::Empty)) => tell_unread(&error),
        }
        Ok(())
    }

    fn file(&self) -> MutexGuard<'_, QuotaFile> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An operation that is not there any more: calls of it count where those of all operations do.
fn gone(collection: CollectionId, id: OperationId) -> Operation {
    let (effect, is_public, level, position) = (Effect::Read, false, None, usize::MAX);
    Operation { id, collection, effect, is_public, level, position }
}

fn tell_unsaved(error: &io::Error) {
    tracing::warn!(
        "what is used of quotas cannot be stored, so the next start reads more of the audit log: {error}"
    );
}

fn tell_damaged(path: &Path, error: &io::Error) {
    tracing::warn!(
        "{} cannot be read ({error}): what is used of quotas is counted from the audit log alone",
        path.display()
    );
}

fn tell_other_log(from: u64, reached: u64) {
    tracing::warn!(
        "calls were counted up to record {from} of an audit log, and this one has {reached}: what another log had behind that is not counted again"
    );
}

fn tell_left_out(record: u64) {
    tracing::warn!(
        "calls that were recorded before record {record} of the audit log are not looked at: quotas may have been used by them, too"
    );
}

fn tell_unread(error: &WalkError) {
    tracing::error!(
        "not all calls are counted again that were let in before, so quotas may be exceeded: {error}"
    );
}

fn tell_recounted(calls: u64, record: u64) {
    tracing::info!(
        "{calls} calls that are in the audit log from record {record} on were counted again for quotas"
    );
}
