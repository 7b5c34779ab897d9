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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    async fn is_told(watch: &mut Watch) -> bool {
        let told = timeout(PATIENCE, watch.changed()).await.is_ok();
        watch.arm();
        told
    }

    fn watch(file: &Path) -> Watch {
        Watch::new(std::iter::once(Arc::from(file)))
    }

    #[tokio::test]
    async fn every_way_to_change_a_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tls.pem");
        let mut watch = watch(&file);
        fs::write(&file, "1").unwrap();
        assert!(is_told(&mut watch).await, "made");
        fs::write(&file, "2").unwrap();
        assert!(is_told(&mut watch).await, "written in place");
        fs::write(folder.path().join("new"), "3").unwrap();
        fs::rename(folder.path().join("new"), &file).unwrap();
        assert!(is_told(&mut watch).await, "renamed over it");
        fs::remove_file(&file).unwrap();
        assert!(is_told(&mut watch).await, "removed");
    }

    #[tokio::test]
    async fn a_link_that_is_turned_to_another_file_is_told() {
        // As ACME clients do it: live/tls.pem -> ../archive/1.pem.
        let folder = tempfile::tempdir().unwrap();
        let (live, archive) = (folder.path().join("live"), folder.path().join("archive"));
        fs::create_dir(&live).unwrap();
        fs::create_dir(&archive).unwrap();
        for name in ["1.pem", "2.pem"] {
            fs::write(archive.join(name), name).unwrap();
        }
        let file = live.join("tls.pem");
        symlink("../archive/1.pem", &file).unwrap();
        let mut watch = watch(&file);
        fs::write(archive.join("1.pem"), "in place").unwrap();
        assert!(is_told(&mut watch).await, "the file that it leads to");
        symlink("../archive/2.pem", live.join("new")).unwrap();
        fs::rename(live.join("new"), &file).unwrap();
        assert!(is_told(&mut watch).await, "the link");
    }

    #[tokio::test]
    async fn a_mounted_secret_that_is_swapped_by_its_folder_is_told() {
        // As Kubernetes does it: tls.pem -> ..data/tls.pem, ..data -> ..1.
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for version in ["..1", "..2"] {
            fs::create_dir(root.join(version)).unwrap();
            fs::write(root.join(version).join("tls.pem"), version).unwrap();
        }
        symlink("..1", root.join("..data")).unwrap();
        symlink("..data/tls.pem", root.join("tls.pem")).unwrap();
        let mut watch = watch(&root.join("tls.pem"));
        symlink("..2", root.join("..data_tmp")).unwrap();
        fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
        assert!(is_told(&mut watch).await);
    }

    #[tokio::test]
    async fn what_happens_to_its_neighbours_wakes_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tls.pem");
        fs::write(&file, "1").unwrap();
        let watch = watch(&file);
        fs::write(folder.path().join("audit.jsonl"), "{}").unwrap();
        fs::read_to_string(&file).unwrap();
        assert!(timeout(QUIET * 3, watch.changed()).await.is_err());
    }

    #[test]
    fn links_that_lead_round_in_a_circle_end() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        symlink("two", &one).unwrap();
        symlink("one", &two).unwrap();
        assert!(ways(&one).len() <= NAMES_MAX);
        fs::remove_file(&two).unwrap();
        symlink("two/deeper", &two).unwrap();
        assert!(ways(&one).len() <= NAMES_MAX);
    }
}
