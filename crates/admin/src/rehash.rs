//! Hashes come under the newest pepper as the keys that they are of are shown.

use std::sync::Arc;

use model::{Credential, CredentialId, Rehash};
use state::{Desired, Kind};
use store::{Commit, Store};

use crate::{Admin, change::Plan, failure::Failure, working::Working};

/// Most credentials of one revision.
const AT_ONCE: usize = 100;
/// How often it is tried again because another replica was faster.
const TRIES: u32 = 5;

impl Admin {
    /// Keeps the hashes under the newest pepper of keys that were shown since. Where a folder is served
    /// it is not for the door to write there.
    pub async fn rehash(&self) {
        let Some(store) = &self.store else { return };
        let noted = self.plane.outdated();
        for some in noted.chunks(AT_ONCE) {
            match self.keep(store, some).await {
                Ok(()) => self.plane.settle(some),
                Err(failure) => return warn_left(&failure.problem().detail),
            }
        }
    }

    /// The documents of credentials whose keys were shown, as they would be under the newest pepper: by
    /// path. For whoever keeps the folder that is served, where the door does not write; none where
    /// there is a store.
    #[must_use]
    pub fn rehashed(&self) -> Vec<(String, String)> {
        if self.store.is_some() {
            return Vec::new();
        }
        let desired = &self.working().desired;
        let noted = self.plane.outdated();
        noted.iter().filter_map(|(id, it)| document(desired, id, it)).collect()
    }

    /// One revision of the door's own. Nobody calls for it: it gives nobody anything, and tells of no
    /// rotation, as the keys are the same.
    async fn keep(&self, store: &Store, noted: &[(CredentialId, Rehash)]) -> Result<(), Failure> {
        let mut library = self.library.lock().await;
        for _ in 0..TRIES {
            let before = self.working();
            let documents = noted.iter().filter_map(|(id, it)| document(&before.desired, id, it));
            let files = documents.map(|(path, text)| (path, Some(text))).collect();
            let plan = Plan { files, ..Plan::default() };
            if plan.files.is_empty() {
                return Ok(());
            }
            let after = self.candidate(&mut library, &before, &plan)?;
            let ready = self.plane.prepare(&after.desired, after.revision);
            let ready = ready.map_err(|it| Failure::faults(it, None))?;
            match store.commit(&self.commit(&before, plan)).await {
                Ok(_) => {
                    ready();
                    self.working.store(Arc::new(after));
                    return Ok(());
                }
                Err(store::Error::Conflict { .. }) => self.catch_up(&mut library, store).await?,
                Err(store::Error::NoChange { .. }) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::Conflict("others change the same state all the time".to_owned()))
    }

    fn commit(&self, before: &Working, plan: Plan) -> Commit {
        Commit {
            base: Some(before.revision),
            author: "onedoor".to_owned(),
            reason: "keys that were used are hashed under the newest pepper".to_owned(),
            request_id: String::new(),
            at: self.clock.now(),
            files: plan.files.into_iter().collect(),
            sealed: Vec::new(),
            lines: Vec::new(),
        }
    }
}

/// The credential with its new hash, unless it has another than the one that was looked at.
fn document(desired: &Desired, id: &CredentialId, rehash: &Rehash) -> Option<(String, String)> {
    let index = desired.credentials.binary_search_by(|it| it.id.cmp(id)).ok()?;
    let mut found = Credential::clone(desired.credentials.get(index)?);
    if !found.proof.replace(rehash) {
        return None;
    }
    Some((Kind::Credential.path(id.as_str()), state::write_credential(&found)))
}

fn warn_left(why: &str) {
    tracing::warn!("hashes stay under an older pepper for now: {why}");
}
