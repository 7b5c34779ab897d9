//! The threads beside a journal: one for the disk, one that signs what that has, and one that looks how long
//! the disk takes.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{self, Sender},
    },
    thread::{Builder, JoinHandle},
};

use super::{Shared, hang, keeper, signer, state::Phase};

/// The threads beside a journal.
#[derive(Debug)]
pub(super) struct Threads {
    keeper: JoinHandle<()>,
    signer: JoinHandle<()>,
    watch: JoinHandle<()>,
    /// The last one ends when this does.
    ends: Sender<()>,
}

impl Threads {
    /// Starts them.
    pub(super) fn start(shared: &Arc<Shared>) -> io::Result<Self> {
        let (ends, ended) = mpsc::channel();
        let watched = Arc::clone(shared);
        let watch = named("audit watch").spawn(move || hang::watch(&watched, &ended))?;
        let begin = |name: &str, keep: fn(&Shared)| {
            let shared = Arc::clone(shared);
            named(name).spawn(move || keep(&shared))
        };
        let keeper = begin("audit", keeper::keep)?;
        // Apart from the keeper: a place that checkpoints are handed to may hang, and records that must be on
        // the disk would wait for it.
        let signer = begin("audit signer", signer::keep).inspect_err(|_| {
            shared.lock().come_to(Phase::Ends);
            shared.work.notify_all();
        })?;
        Ok(Self { keeper, signer, watch, ends })
    }

    /// Waits for them, where the log is said to end. The disk is watched to the last.
    pub(super) fn join(self, shared: &Shared) {
        let Self { keeper, signer, watch, ends } = self;
        // One that panicked has said so.
        keeper.join().ok();
        // It brought all to the disk: the other signs that, and ends as well.
        shared.lock().come_to(Phase::Synced);
        shared.signs.notify_all();
        signer.join().ok();
        drop(ends);
        watch.join().ok();
    }
}

fn named(name: &str) -> Builder {
    Builder::new().name(name.to_owned())
}
