//! The keys in the data folder: read again when their files change, so that a new one needs no restart.

use std::{
    convert::Infallible, fs, os::unix::fs::MetadataExt as _, path::Path, sync::Arc, time::Duration,
};

use admin::Admin;
use identity::api_key::Pepper;
use model::KeyHash;
use secrets::Keyring;

use crate::data::DataFolder;

/// How often the files are looked at. Nobody is told of changes in this folder: the store and the audit
/// log are written there, and every one of their writes would be told.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is hashed to see whether a pepper is the one that had this id before.
const PROBE: &str = "onedoor pepper probe";

/// The files of the pepper and the keyring, and who goes by what they hold.
pub(super) struct KeyFiles {
    pub(super) data: DataFolder,
    pub(super) pepper: Arc<Pepper>,
    /// None where nothing is sealed here.
    pub(super) keyring: Option<Arc<Keyring>>,
}

impl KeyFiles {
    /// Reads the files again after each change, for ever. What is wrong with them, or would shut
    /// somebody out, is told once, and the last good keys stay until that is over.
    pub(super) async fn keep_current(self, admin: Arc<Admin>) -> Infallible {
        let files = [self.data.pepper_file(), self.data.keyring_file()];
        // Not seen yet: they may have changed since they were read at the start.
        let (mut seen, mut told) = ([None, None], [None, None]);
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = files.each_ref().map(|it| stamp(it));
            if now == seen {
                continue;
            }
            let refused = [self.look_at_pepper(&admin).await, self.look_at_keyring(&admin).await];
            let refused = refused.map(|it| it.err().map(|error| format!("{error:#}")));
            // Looked at until it is taken: what stands in its way may go.
            if refused.iter().all(Option::is_none) {
                seen = now;
            }
            if refused != told {
                tell(&refused);
                told = refused;
            }
        }
    }

    async fn look_at_pepper(&self, admin: &Admin) -> anyhow::Result<()> {
        let new = self.data.read_pepper()?;
        let (before, after) = (self.pepper.hashes(PROBE), new.hashes(PROBE));
        if before == after {
            return Ok(());
        }
        let id = |it: &KeyHash| it.pepper.to_string();
        let changed =
            |it: &&KeyHash| before.iter().any(|was| was.pepper == it.pepper && was != *it);
        if let Some(other) = after.iter().find(changed) {
            anyhow::bail!(
                "the pepper {} is another under the same id: give a new one an id of its own",
                other.pepper
            );
        }
        let was: Vec<_> = before.iter().map(id).collect();
        let is: Vec<_> = after.iter().map(id).collect();
        let used = admin.peppers_in_use().await.map_err(anyhow::Error::msg)?;
        refuse_loss(was, &is, &used, "onedoor pepper list")?;
        self.pepper.replace(&new);
        tell_read("pepper", &is);
        Ok(())
    }

    async fn look_at_keyring(&self, admin: &Admin) -> anyhow::Result<()> {
        let Some(keyring) = &self.keyring else { return Ok(()) };
        let Some(new) = self.data.keyring(false)? else {
            anyhow::bail!("its file is gone: restore it from a backup")
        };
        let (was, is) = (keyring.ids(), new.ids());
        if was == is {
            return Ok(());
        }
        let used = admin.sealing_keys_in_use().await.map_err(anyhow::Error::msg)?;
        refuse_loss(was, &is, &used, "onedoor health get")?;
        keyring.replace(&new);
        tell_read("keyring", &is);
        Ok(())
    }
}

/// By what a file is known to be as it was: which one, when it was written, and how long it is.
fn stamp(file: &Path) -> Option<(u64, i64, i64, u64)> {
    let it = fs::metadata(file).ok()?;
    Some((it.ino(), it.mtime(), it.mtime_nsec(), it.len()))
}

/// Whether nothing goes that something depends on.
fn refuse_loss(
    was: Vec<String>,
    is: &[String],
    used: &[String],
    command: &str,
) -> anyhow::Result<()> {
    let gone = was.into_iter().filter(|it| !is.contains(it) && used.contains(it));
    let gone: Vec<_> = gone.collect();
    anyhow::ensure!(
        gone.is_empty(),
        "{} is gone and something depends on it ({command} says what): put it back",
        gone.join(", ")
    );
    Ok(())
}

fn tell_read(what: &str, ids: &[String]) {
    tracing::info!("the {what} was read again, the newest first: {}", ids.join(", "));
}

fn tell(refused: &[Option<String>; 2]) {
    for (what, why) in ["pepper", "keyring"].into_iter().zip(refused) {
        if let Some(why) = why {
            tracing::error!("the {what} stays as it was: {why}");
        }
    }
}
