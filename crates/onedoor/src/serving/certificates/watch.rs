//! Tells when one of a few files may have changed, whatever way the change was made.

use std::{collections::BTreeSet, fs, path::Path, path::PathBuf, sync::Arc, time::Duration};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::{sync::Notify, time::timeout};

/// A change is over when nothing more came for this long.
const QUIET: Duration = Duration::from_millis(100);
/// A change that never ends is looked at after this long all the same.
const QUIET_ROUNDS_MAX: usize = 20;
/// How often files are looked at that nothing was told of: they may be on a disk that tells nothing.
const POLL: Duration = Duration::from_secs(30);
/// How many names are watched for one file: links can lead round in a circle.
const NAMES_MAX: usize = 16;

/// Watches the folders in which the files stand, and those in which their links do.
pub(super) struct Watch {
    files: Vec<Arc<Path>>,
    woken: Arc<Notify>,
    watcher: Option<RecommendedWatcher>,
}

impl Watch {
    /// Begins to watch `files`.
    pub(super) fn new(files: impl Iterator<Item = Arc<Path>>) -> Self {
        let mut watch = Self { files: files.collect(), woken: Arc::default(), watcher: None };
        watch.arm();
        watch
    }

    /// Watches the folders that there are now. Call it before each reading.
    pub(super) fn arm(&mut self) {
        self.watcher = self.watcher().inspect_err(tell_unwatched).ok();
    }

    fn watcher(&self) -> notify::Result<RecommendedWatcher> {
        let ways: BTreeSet<PathBuf> = self.files.iter().flat_map(|it| ways(it)).collect();
        let folders: BTreeSet<PathBuf> =
            ways.iter().filter_map(|it| it.parent()).map(Path::to_owned).collect();
        let woken = Arc::clone(&self.woken);
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                // Reading is an event too, and we read. An error means that events were lost.
                let is_change = event.map_or(true, |event| {
                    let is_ours = event.paths.iter().any(|it| ways.contains(it));
                    let is_reading = matches!(event.kind, EventKind::Access(_));
                    event.need_rescan() || (is_ours && !is_reading)
                });
                if is_change {
                    woken.notify_one();
                }
            })?;
        for folder in folders {
            watcher.watch(&folder, RecursiveMode::NonRecursive)?;
        }
        Ok(watcher)
    }

    /// Waits until something may have changed and has come to rest.
    pub(super) async fn changed(&self) {
        if self.files.is_empty() {
            return std::future::pending().await;
        }
        if timeout(POLL, self.woken.notified()).await.is_err() {
            return;
        }
        for _ in 0..QUIET_ROUNDS_MAX {
            if timeout(QUIET, self.woken.notified()).await.is_err() {
                break;
            }
        }
    }
}

/// The names on which the content of `file` depends: its own, and those of links on the way to it.
fn ways(file: &Path) -> BTreeSet<PathBuf> {
    let path = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let (mut found, mut open) = (BTreeSet::from([path.clone()]), vec![path]);
    // A folder among the names can be a link too: Kubernetes turns that one to another.
    while let Some(path) = open.pop() {
        for way in path.ancestors() {
            let (Ok(target), Some(folder)) = (fs::read_link(way), way.parent()) else { continue };
            let rest = path.strip_prefix(way).unwrap_or(Path::new(""));
            let led_to: PathBuf =
                folder.join(target).components().chain(rest.components()).collect();
            found.insert(way.to_owned());
            if found.len() < NAMES_MAX && found.insert(led_to.clone()) {
                open.push(led_to);
            }
        }
    }
    found
}

fn tell_unwatched(error: &notify::Error) {
    tracing::warn!("cannot watch the certificates: {error}; looking every 30 s");
}
