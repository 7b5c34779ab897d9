//! The keys in the data folder: read again when their files change, so that a new one needs no restart.

use std::{
    convert::Infallible, fs, os::unix::fs::MetadataExt as _, path::Path, sync::Arc, time::Duration,
};

use admin::Admin;
use audit::{EventId, Happened};
use gateway::Gateway;
use identity::api_key::Pepper;
use model::KeyHash;
use secrets::Keyring;

use crate::data::DataFolder;

/// How often the files are looked at. Nobody is told of changes in this folder: the store and the audit
/// log are written there, and every one of their writes would be told.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often where one is refused, as something depends on what would go: to see that costs more.
const REFUSED_LOOK_EVERY: Duration = Duration::from_secs(5);

/// What is hashed to see whether a pepper is the one that had this id before.
const PROBE: &str = "onedoor pepper probe";

/// What came of a look at a file.
enum Looked {
    /// What it holds is in force.
    Taken,
    /// Something goes with the next look.
    Leaving,
}

/// The files of the pepper and the keyring, and who goes by what they hold.
pub(super) struct KeyFiles {
    pub(super) data: DataFolder,
    /// Where it is recorded what comes of them.
    pub(super) gateway: Arc<Gateway>,
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
        // For which of them something has been about to go since the last look.
        let mut leaving = [false, false];
        loop {
            let is_refused = told.iter().any(Option::is_some);
            tokio::time::sleep(if is_refused { REFUSED_LOOK_EVERY } else { LOOK_EVERY }).await;
            let now = files.each_ref().map(|it| stamp(it));
            if now == seen {
                continue;
            }
            let [pepper, keyring] = leaving;
            let looked = [
                self.look_at_pepper(&admin, pepper).await,
                self.look_at_keyring(&admin, keyring).await,
            ];
            leaving = looked.each_ref().map(|it| matches!(it, Ok(Looked::Leaving)));
            // Looked at until it is taken: what stands in its way may go.
            if looked.iter().all(|it| matches!(it, Ok(Looked::Taken))) {
                seen = now;
            }
            let refused = looked.map(|it| it.err().map(|error| format!("{error:#}")));
            if refused != told {
                self.tell(&refused);
                told = refused;
            }
        }
    }

    /// What goes, goes with the second look at which nothing depends on it: until the first one calls
    /// began by what did, and are not through.
    async fn look_at_pepper(&self, admin: &Admin, is_leaving: bool) -> anyhow::Result<Looked> {
        let new = self.data.read_pepper()?;
        let (before, after) = (self.pepper.hashes(PROBE), new.hashes(PROBE));
        if before == after {
            return Ok(Looked::Taken);
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
        if goes(&was, &is, &used, "onedoor pepper list")? && !is_leaving {
            return Ok(Looked::Leaving);
        }
        self.pepper.replace(&new);
        self.tell_read(("pepper", EventId::KeyPepperRead), &is);
        Ok(Looked::Taken)
    }

    /// As [`KeyFiles::look_at_pepper`].
    async fn look_at_keyring(&self, admin: &Admin, is_leaving: bool) -> anyhow::Result<Looked> {
        let Some(keyring) = &self.keyring else { return Ok(Looked::Taken) };
        let Some(new) = self.data.keyring(false)? else {
            anyhow::bail!("its file is gone: restore it from a backup")
        };
        let (was, is) = (keyring.ids(), new.ids());
        if was == is {
            return Ok(Looked::Taken);
        }
        // To count what is sealed means to look at all of it: only where a key would go.
        let used = match was.iter().all(|it| is.contains(it)) {
            true => Vec::new(),
            false => admin.sealing_keys_in_use().await.map_err(anyhow::Error::msg)?,
        };
        if goes(&was, &is, &used, "onedoor health get")? && !is_leaving {
            return Ok(Looked::Leaving);
        }
        keyring.replace(&new);
        self.tell_read(("keyring", EventId::KeyKeyringRead), &is);
        Ok(Looked::Taken)
    }

    fn tell_read(&self, (what, event): (&str, EventId), ids: &[String]) {
        let note = format!("the {what} was read again, the newest first: {}", ids.join(", "));
        self.gateway.live().happened(&Happened::new(event, &note));
        tracing::info!("{note}");
    }

    fn tell(&self, refused: &[Option<String>; 2]) {
        let files =
            [("pepper", EventId::KeyPepperRefused), ("keyring", EventId::KeyKeyringRefused)];
        for ((what, event), why) in files.into_iter().zip(refused) {
            let Some(why) = why else { continue };
            let note = format!("the {what} stays as it was");
            let refused = Happened::new(event, &note);
            self.gateway.live().happened(&Happened { fault: Some(why), ..refused });
            tracing::error!("{note}: {why}");
        }
    }
}

/// By what a file is known to be as it was: which one, when it was written, and how long it is.
fn stamp(file: &Path) -> Option<(u64, i64, i64, u64)> {
    let it = fs::metadata(file).ok()?;
    Some((it.ino(), it.mtime(), it.mtime_nsec(), it.len()))
}

/// Whether something goes, on which nothing may depend.
fn goes(was: &[String], is: &[String], used: &[String], command: &str) -> anyhow::Result<bool> {
    let gone: Vec<_> = was.iter().filter(|it| !is.contains(it)).cloned().collect();
    let needed: Vec<_> = gone.iter().filter(|it| used.contains(it)).cloned().collect();
    anyhow::ensure!(
        needed.is_empty(),
        "{} is gone and something depends on it ({command} says what): put it back",
        needed.join(", ")
    );
    Ok(!gone.is_empty())
}
