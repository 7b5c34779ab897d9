//! The key that signs the audit log, and how another follows it while the door serves.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context as _;
use audit::{Changed, Journal};

use crate::data::NextKey;

/// The log, and where the key is that signs it.
#[derive(Debug, Clone)]
pub(crate) struct LogKey {
    pub(super) log: Arc<Journal>,
    pub(super) path: PathBuf,
}

impl LogKey {
    /// Makes a key that signs from now on; `why` is recorded.
    ///
    /// # Errors
    /// Where it cannot be made or kept, or the log cannot be written.
    pub(crate) fn rotate(&self, why: &str) -> anyhow::Result<Changed> {
        let key = self.log.verifying_key().context("this log is kept in memory")?;
        let folder = self.log.folder().context("this log is kept in memory")?;
        let next = NextKey::make(&self.path, (key.name(), folder))?;
        let changed = self.log.change_key(next.key()?, why, || next.take())?;
        next.publish(&self.log.verifying_keys()?)?;
        Ok(changed)
    }
}
