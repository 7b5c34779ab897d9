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

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    async fn is_told(watch: &mut Watch) -> bool {
        let told = timeout(PATIENCE, watch.changed()).await.is_ok();
        watch.arm();
        told
    }

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("state");
        fs::create_dir_all(root.join("roles")).unwrap();
        fs::create_dir_all(root.join(".onedoor")).unwrap();
        fs::write(root.join("roles/a.yaml"), "1").unwrap();
        (parent, root)
    }

    #[tokio::test]
    async fn every_way_to_change_a_file_is_told() {
        let (parent, root) = folder();
        let mut watch = Watch::new(&root);
        fs::write(root.join("roles/a.yaml"), "2").unwrap();
        assert!(is_told(&mut watch).await, "written in place");
        fs::write(root.join("roles/.a.new"), "3").unwrap();
        fs::rename(root.join("roles/.a.new"), root.join("roles/a.yaml")).unwrap();
        assert!(is_told(&mut watch).await, "renamed over it");
        fs::create_dir(root.join("limits")).unwrap();
        assert!(is_told(&mut watch).await, "a new folder");
        fs::write(root.join("limits/b.yaml"), "").unwrap();
        assert!(is_told(&mut watch).await, "a file in the new folder");
        fs::rename(&root, parent.path().join("away")).unwrap();
        assert!(is_told(&mut watch).await, "moved away");
        fs::rename(parent.path().join("away"), &root).unwrap();
        assert!(is_told(&mut watch).await, "moved back");
        fs::remove_file(root.join("limits/b.yaml")).unwrap();
        assert!(is_told(&mut watch).await, "removed after the folder came back");
    }

    #[tokio::test]
    async fn a_mounted_configuration_that_is_swapped_by_its_link_is_told() {
        // As Kubernetes does it: ROOT/..data -> ..1, ROOT/roles -> ..data/roles.
        let (_parent, root) = folder();
        fs::remove_dir_all(root.join("roles")).unwrap();
        for (version, text) in [("..1", "one"), ("..2", "two")] {
            fs::create_dir_all(root.join(version).join("roles")).unwrap();
            fs::write(root.join(version).join("roles/a.yaml"), text).unwrap();
        }
        symlink("..1", root.join("..data")).unwrap();
        symlink("..data/roles", root.join("roles")).unwrap();
        let mut watch = Watch::new(&root);
        symlink("..2", root.join("..data_tmp")).unwrap();
        fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
        assert!(is_told(&mut watch).await);
        assert_eq!(fs::read_to_string(root.join("roles/a.yaml")).unwrap(), "two");
    }

    #[tokio::test]
    async fn a_record_in_the_data_folder_wakes_nobody() {
        let (_parent, root) = folder();
        let watch = Watch::new(&root);
        fs::write(root.join(".onedoor/audit.jsonl"), "{}").unwrap();
        fs::read_to_string(root.join("roles/a.yaml")).unwrap();
        assert!(timeout(QUIET * 3, watch.changed()).await.is_err());
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_yet_is_told_when_it_comes() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("state");
        let mut watch = Watch::new(&root);
        fs::create_dir(&root).unwrap();
        assert!(is_told(&mut watch).await);
    }
}
