//! Another key that signs the log. Both sign where one follows the other, so each leads to the other.

use std::{
    io,
    sync::{Arc, PoisonError},
};

use super::{Journal, medium::Medium};
use crate::{Checkpoint, Error, EventId, SigningKey, VerifyingKey, keys::Change};

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The key that signed until then.
    pub from: VerifyingKey,
    /// The key that signs now.
    pub to: VerifyingKey,
    /// For so many records both signed: the older one signs for no more.
    pub records: u64,
}

/// Why no key followed.
#[derive(Debug, thiserror::Error)]
pub enum KeyChangeError {
    /// What the disk says.
    #[error("the change of the key cannot be kept: {0}")]
    Disk(#[from] io::Error),
    /// The log cannot be written.
    #[error(transparent)]
    Log(#[from] Error),
    /// It is in memory.
    #[error("this log is kept in memory: nobody signs it")]
    Memory,
    /// The new key is of another log, or the one that signs.
    #[error("the new key is none of this log, or it signs already")]
    Other,
}

impl Journal {
    /// Has `next` sign the log from now on. `keep` keeps it where it is read at the next start: it is
    /// called once the log says that this key follows, and no earlier. Blocks this thread.
    ///
    /// # Errors
    /// [`KeyChangeError`]. Where `keep` fails the key has changed all the same, and `keep` is still to be
    /// done before the next start.
    pub fn change_key(
        &self,
        next: SigningKey,
        why: &str,
        keep: impl FnOnce() -> io::Result<()>,
    ) -> Result<Changed, KeyChangeError> {
        let _alone = self.purging.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = &*self.shared;
        let (Medium::Directory(directory), Some(lock)) = (&shared.medium, &shared.key) else {
            return Err(KeyChangeError::Memory);
        };
        let (from, to) =
            (self.verifying_key().ok_or(KeyChangeError::Memory)?, next.verifying_key());
        if from.name() != to.name() || from == to {
            return Err(KeyChangeError::Other);
        }
        // Before the lock: whoever signs waits for that, and the disk may take its time.
        self.note(EventId::AuditKeyChange, &format!("{to} is to follow {from}: {why}"))?;
        let mut key = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let edge = shared.lock().synced.edge().clone();
        let checkpoint = Checkpoint { size: edge.size(), root: edge.root() };
        let followed = directory.follow(&Change::sign(checkpoint, &key, &next));
        if followed.is_ok() {
            *key = Arc::new(next);
        }
        drop(key);
        let kept = followed.map(|()| keep());
        let records = checkpoint.size;
        match kept {
            Err(error) => {
                self.fail(EventId::AuditKeyFailed, &format!("{from} signs as before: {error}"))?;
                Err(error.into())
            }
            Ok(kept) => {
                self.note(
                    EventId::AuditKeyChanged,
                    &format!("{to} signs from record {records} on"),
                )?;
                drop(shared.say_signed(shared.sign(shared.lock())));
                kept?;
                Ok(Changed { from, to, records })
            }
        }
    }

    /// All keys that sign or signed it, the oldest first; none where it is in memory.
    ///
    /// # Errors
    /// What the disk says.
    pub fn verifying_keys(&self) -> io::Result<Vec<VerifyingKey>> {
        match (self.folder(), self.verifying_key()) {
            (Some(folder), Some(key)) => Ok(crate::Keys::read(folder, &key)?.all()),
            _ => Ok(Vec::new()),
        }
    }
}
