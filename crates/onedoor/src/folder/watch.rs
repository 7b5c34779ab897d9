//! Tells when a state folder may have changed, whatever way the change was made.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::{sync::Notify, time::timeout};

use super::walk;

/// A change is over when nothing more came for this long.
const QUIET: Duration = Duration::from_millis(100);
/// A change that never ends is looked at after this long all the same.
const QUIET_ROUNDS_MAX: usize = 20;
/// How often a folder that cannot be watched is looked at.
const POLL: Duration = Duration::from_secs(2);

/// Watches a folder: each folder of documents in it, and the one it stands in.
///
/// Not the whole tree at once: the data folder may stand inside, and every record written there
/// would wake us. The parent belongs to it because a folder that is moved away, or a link that is
/// turned to another, says so only there.
pub(crate) struct Watch {
    root: PathBuf,
    woken: Arc<Notify>,
    watcher: Option<RecommendedWatcher>,
}

impl Watch {
    /// Begins to watch `root`.
    pub(crate) fn new(root: &Path) -> Self {
        let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        let mut watch = Self { root, woken: Arc::new(Notify::new()), watcher: None };
        watch.arm();
        watch
    }

    /// Watches the folders that are there now. Call it before each reading: what changes after it
    /// is told, and what changed before it is read.
    pub(crate) fn arm(&mut self) {
        self.watcher = self
            .watcher()
            .inspect_err(|error| {
                tracing::warn!("cannot watch {}: {error}; looking every 2 s", self.root.display());
            })
            .ok();
    }

    fn watcher(&self) -> notify::Result<RecommendedWatcher> {
        let (woken, root) = (Arc::clone(&self.woken), self.root.clone());
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                // Reading is an event too, and we read. An error means that events were lost.
                let is_change = event.map_or(true, |event| {
                    let is_inside = event.paths.iter().any(|it| it.starts_with(&root));
                    let is_reading = matches!(event.kind, EventKind::Access(_));
                    event.need_rescan() || (is_inside && !is_reading)
                });
                if is_change {
                    woken.notify_one();
                }
            })?;
        if let Some(parent) = self.root.parent() {
            watcher.watch(parent, RecursiveMode::NonRecursive)?;
        }
        for directory in walk::directories(&self.root) {
            watcher.watch(&directory, RecursiveMode::NonRecursive)?;
        }
        Ok(watcher)
    }

    /// Waits until something has changed and has come to rest.
    pub(crate) async fn changed(&self) {
        if self.watcher.is_none() {
            let _ = timeout(POLL, self.woken.notified()).await;
            return;
        }
        self.woken.notified().await;
        for _ in 0..QUIET_ROUNDS_MAX {
            if timeout(QUIET, self.woken.notified()).await.is_err() {
                break;
            }
        }
    }
}
