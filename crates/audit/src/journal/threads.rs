//! The threads beside a journal: one for the disk, and one that looks how long it takes.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{self, Sender},
    },
    thread::{Builder, JoinHandle},
};

use super::{Shared, hang, keeper};

/// The threads beside a journal.
#[derive(Debug)]
pub(super) struct Threads {
    keeper: JoinHandle<()>,
    watch: JoinHandle<()>,
    /// The second one ends when this does.
    ends: Sender<()>,
}

impl Threads {
    /// Starts both.
    pub(super) fn start(shared: &Arc<Shared>) -> io::Result<Self> {
        let (ends, ended) = mpsc::channel();
        let watched = Arc::clone(shared);
        let watch = named("audit watch").spawn(move || hang::watch(&watched, &ended))?;
        let kept = Arc::clone(shared);
        let keeper = named("audit").spawn(move || keeper::keep(&kept))?;
        Ok(Self { keeper, watch, ends })
    }

    /// Waits for both, where the log is said to end. The disk is watched to the last.
    pub(super) fn join(self) {
        let Self { keeper, watch, ends } = self;
        // One that panicked has said so.
        keeper.join().ok();
        drop(ends);
        watch.join().ok();
    }
}

fn named(name: &str) -> Builder {
    Builder::new().name(name.to_owned())
}
