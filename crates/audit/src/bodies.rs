//! Bodies of calls, kept beside the log, each sealed under a key of the subject that it is about.
//!
//! Who destroys that key destroys them, and the log stays as it was: a record has no more of a body than
//! the hash of what is sealed. Bodies are copied as they pass, and sealed by a thread of their own.

mod capture;
mod error;
mod file;
mod frame;
mod keeper;
mod keys;
mod queue;
mod subject;
mod told;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

use model::{Clock, RequestId};
use serde_json::Value;

use self::{keys::Keys, queue::Shared};
use crate::{Journal, Salt};

pub use capture::{Call, Capture, Part};
pub use error::BodyError;
pub use file::Reference;
pub(crate) use file::remove;
pub use frame::{Content, Opened};
pub use keys::Wrap;
pub use subject::{ReadSubject, Subject, Whose};
pub use told::{due, lost};

/// Which body of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// What came with the request.
    Request,
    /// What was answered.
    Response,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Request, Self::Response];

    /// The word for it in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
        }
    }
}

/// Where sealed bodies are, and their keys. Neither folder is made before the first body.
#[derive(Debug)]
pub struct Places {
    /// Of the log: the bodies are below it.
    pub log: PathBuf,
    /// Of the keys: somewhere else, so that a copy of the log has none.
    pub keys: PathBuf,
}

/// The bodies that are kept, and who keeps them.
#[derive(Debug)]
pub struct Bodies {
    shared: Arc<Shared>,
    keeper: Mutex<Option<JoinHandle<()>>>,
}

impl Bodies {
    /// Begins to keep bodies of calls that are recorded in `log`. Keys are sealed by `wrap`.
    ///
    /// # Errors
    /// [`BodyError::Disk`] where what a crash left of a destroyed key cannot be removed, or there is no
    /// thread to be had.
    pub fn open(
        places: Places,
        (log, salt): (Arc<Journal>, Arc<Salt>),
        wrap: Box<dyn Wrap>,
        clock: Clock,
    ) -> Result<Self, BodyError> {
        let Places { log: folder, keys } = places;
        let disk = |source| BodyError::Disk { path: folder.clone(), source };
        let keys = Keys::open(keys, wrap)?;
        let shared = Arc::new(Shared::new(folder.join(file::FOLDER), keys, (log, salt), clock));
        let keeper = std::thread::Builder::new().name("audit bodies".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || keeper::keep(&shared)
        });
        let keeper = Mutex::new(Some(keeper.map_err(disk)?));
        Ok(Self { shared, keeper })
    }

    /// Whether a call may count on its bodies being kept. After a failure it is tried again behind this.
    ///
    /// # Errors
    /// Why it may not.
    pub fn admit(&self) -> Result<(), String> {
        self.shared.admit()
    }

    /// Why the last bodies could not be kept; none where they could.
    #[must_use]
    pub fn failing(&self) -> Option<String> {
        self.shared.failing()
    }

    /// Begins to keep the bodies of `call`. That has a record of its own, once they have passed.
    #[must_use]
    pub fn capture(&self, call: Call) -> Capture {
        Capture::new(Arc::clone(&self.shared), call)
    }

    /// Opens the body that a record of the call `id` refers to. Blocks.
    ///
    /// # Errors
    /// [`BodyError`]
    pub fn read(&self, id: RequestId, reference: &Reference) -> Result<Opened, BodyError> {
        self.shared.read(id, reference)
    }

    /// Destroys the key of `subject`, behind all bodies that were handed over before: none of them can be
    /// read any more, and what comes later has a new key. Says whether there was one. Blocks.
    ///
    /// # Errors
    /// [`BodyError`]: then it is to be tried again.
    pub fn forget(&self, subject: Subject) -> Result<bool, BodyError> {
        self.shared.ask(move |shared| shared.forget(&subject)).unwrap_or(Err(BodyError::Ended))
    }

    /// Brings all keys under what seals them now, and says how many that were. Blocks.
    ///
    /// # Errors
    /// [`BodyError`]
    pub fn rewrap(&self) -> Result<u64, BodyError> {
        self.shared.ask(|shared| shared.keys.rewrap()).unwrap_or(Err(BodyError::Ended))
    }

    /// How many keys are sealed under each of what seals them, by its id. Blocks.
    ///
    /// # Errors
    /// [`BodyError`]
    pub fn under_keys(&self) -> Result<BTreeMap<String, u64>, BodyError> {
        self.shared.keys.under_keys()
    }

    /// Keeps what was handed over, and nothing after that.
    pub fn end(&self) {
        self.shared.end();
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(keeper) = keeper {
            // One that panicked has said so.
            keeper.join().ok();
        }
    }
}

impl Drop for Bodies {
    fn drop(&mut self) {
        self.end();
    }
}

/// What the record of a call says of a body, as it stands in the log: the member `bodies`.
///
/// # Errors
/// [`BodyError::NotKept`], with the reason that the record has.
pub fn reference(bodies: &Value, direction: Direction) -> Result<Reference, BodyError> {
    told::reference(bodies, direction)
}

#[cfg(test)]
mod tests;
