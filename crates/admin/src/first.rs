//! The first revision, which nobody can call for: there is no operator yet.

use std::sync::Arc;

use store::Commit;

use crate::{Admin, Error, change::Plan, failure::Failure};

impl Admin {
    /// Makes the first revision of a store that has none, and puts it in force.
    ///
    /// Who asks for it was not authenticated here: that must be somebody whom the machine obeys.
    ///
    /// # Errors
    /// [`Error::InUse`] where there is a revision already, [`Error::Uncompilable`] and
    /// [`Error::Store`]: nothing was stored.
    pub async fn begin(&self, commit: &Commit) -> Result<u64, Error> {
        let store = self.store.as_ref().ok_or(Error::InUse)?;
        let mut library = self.library.lock().await;
        let before = self.working();
        if before.revision > 0 {
            return Err(Error::InUse);
        }
        let files = commit.files.iter().cloned().collect();
        let plan = Plan { files, ..Plan::default() };
        let broken = |failure: Failure| Error::Uncompilable {
            revision: before.revision.saturating_add(1),
            fault: failure.problem().detail,
        };
        let after = self.candidate(&mut library, &before, &plan).map_err(broken)?;
        let ready = self.plane.prepare(&after.desired, after.revision);
        let ready = ready.map_err(|it| broken(Failure::faults(it, None)))?;
        match store.commit(&Commit { base: Some(before.revision), ..commit.clone() }).await {
            Ok(revision) => {
                ready();
                self.working.store(Arc::new(after));
                Ok(revision.number)
            }
            Err(store::Error::Conflict { .. }) => Err(Error::InUse),
            Err(error) => Err(error.into()),
        }
    }
}
