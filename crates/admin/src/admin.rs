//! Carries management operations out.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use model::{Clock, LastUse};
use serde_json::Value;
use state::{Desired, Folder, Library};
use store::Store;
use tokio::sync::Mutex;

use crate::{
    Call, Plane, Webhook, budget::Budget, ends::Told, event, failure::Failure, list,
    purge::Proposals, reply::Reply, table::Table, working::Working,
};

/// The management of one door.
pub struct Admin {
    /// None where what is served is a folder: then nothing can be changed here.
    pub(crate) store: Option<Store>,
    pub(crate) plane: Arc<dyn Plane>,
    pub(crate) keyring: Option<Arc<secrets::Keyring>>,
    pub(crate) working: ArcSwap<Working>,
    /// Who is told what happens to credentials.
    pub(crate) webhooks: Vec<Webhook>,
    /// The ends of credentials that were told, by this process or another.
    pub(crate) told: Mutex<Told>,
    /// Held while a revision is made or taken over: one at a time.
    pub(crate) library: Mutex<Library>,
    /// Uses of credentials that are not stored yet.
    uses: Mutex<BTreeMap<String, LastUse>>,
    pub(crate) clock: Clock,
    /// Keys that were handed in as found, and are none.
    pub(crate) guesses: Budget,
    /// Changes that clients make to their own credentials.
    pub(crate) own_changes: Budget,
    /// Purges of the audit log that wait for somebody to agree.
    pub(crate) purges: Proposals,
    /// Held while something is looked for in the audit log: each search has a thread to itself, and many
    /// at once would leave calls a small part of the processors.
    pub(crate) searching: Mutex<()>,
    /// Held while the audit log is checked.
    pub(crate) checking: Mutex<()>,
    /// When it began, by the clock that never jumps.
    pub(crate) started: Duration,
    management: Table,
    self_service: Table,
}

/// Why the management cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is a first operator already.
    #[error(
        "the store is in use already: ask an operator for a key (onedoor credential issue); if the first key reached nobody, see docs/store.md"
    )]
    InUse,
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// What is stored cannot be put in force: the door that stored it was another.
    #[error("revision {revision} cannot be put in force: {fault}")]
    Uncompilable {
        /// The revision.
        revision: u64,
        /// The first of its faults.
        fault: String,
    },
    /// An operation's schema is none: a mistake of ours.
    #[error("{0}")]
    Schema(String),
}

/// How long after a revision could not be taken over it is tried again.
const RETRY: Duration = Duration::from_secs(1);

impl Admin {
    /// The management over `store`, or over nothing that can be changed. Nothing is in force yet.
    ///
    /// # Errors
    /// [`Error::Schema`], which no input leads to.
    pub fn new(
        store: Option<Store>,
        plane: Arc<dyn Plane>,
        keyring: Option<Arc<secrets::Keyring>>,
        clock: Clock,
    ) -> Result<Self, Error> {
        let management = Table::new(list::all()).map_err(Error::Schema)?;
        let self_service = Table::new(list::of_clients()).map_err(Error::Schema)?;
        let nothing =
            Working { revision: 0, folder: Folder::new(), desired: Arc::new(Desired::default()) };
        Ok(Self {
            store,
            plane,
            keyring,
            working: ArcSwap::from_pointee(nothing),
            webhooks: Vec::new(),
            told: Mutex::default(),
            library: Mutex::new(Library::new()),
            uses: Mutex::default(),
            guesses: Budget::of_wrong_keys(),
            own_changes: Budget::of_own_changes(),
            purges: Proposals::default(),
            searching: Mutex::default(),
            checking: Mutex::default(),
            started: clock.elapsed(),
            clock,
            management,
            self_service,
        })
    }

    /// Tells these webhooks what happens to credentials. Without a store there is nowhere to keep it
    /// until it is told, so then only the log tells.
    #[must_use]
    pub fn telling(mut self, webhooks: Vec<Webhook>) -> Self {
        self.webhooks = webhooks;
        self
    }

    /// Puts the last stored revision in force.
    ///
    /// # Errors
    /// Where the store cannot be read, or what it has cannot be put in force.
    pub async fn start(&self) -> Result<u64, Error> {
        let mut library = self.library.lock().await;
        let Some(store) = &self.store else { return Ok(0) };
        let texts = store.read().await?;
        let revision = texts.revision;
        let broken = |fault: String| Error::Uncompilable { revision, fault };
        let mut folder = Folder::new();
        for (path, text) in texts.files {
            folder.insert(path, text).map_err(|full| broken(full.to_string()))?;
        }
        let first = |faults: Vec<model::Fault>| {
            broken(faults.first().map(ToString::to_string).unwrap_or_default())
        };
        let desired = Arc::new(library.read(&folder).map_err(first)?);
        let working = Working { revision, folder, desired };
        self.put_in_force(working).map_err(|failure| broken(failure.problem().detail))?;
        self.record_revision("stored last, in force from the start on", None);
        // No reason not to start: health says it too.
        self.tell_missing_keys().await;
        self.tell_missing_peppers(&self.working().desired);
        Ok(revision)
    }

    /// Takes over what is served from a folder, so that it can be read here.
    pub fn show(&self, folder: Folder, desired: Arc<Desired>, revision: u64) {
        let before = self.working();
        // What was there at the start is no news.
        if before.revision == 0 {
            self.tell_missing_peppers(&desired);
        } else {
            let events = event::between(&before.desired, &desired);
            events.iter().for_each(|it| it.tell(&*self.plane, None));
        }
        self.working.store(Arc::new(Working { revision, folder, desired }));
    }

    /// Takes over every revision that others store, for ever.
    pub async fn follow(&self) {
        let Some(store) = &self.store else { return std::future::pending().await };
        let mut heads = store.watch();
        // What is stored between the start and now is no news to this receiver.
        heads.mark_changed();
        let mut is_behind = false;
        loop {
            // Nothing more may be stored for long: what could not be taken over is tried again.
            let news = tokio::time::timeout(RETRY, heads.changed()).await;
            match news {
                Ok(Err(_)) => return tell_silent(),
                Err(_) if !is_behind => continue,
                Ok(Ok(())) | Err(_) => {}
            }
            let mut library = self.library.lock().await;
            let failed = self.catch_up(&mut library, store).await.err();
            drop(library);
            let was_behind = std::mem::replace(&mut is_behind, failed.is_some());
            if let Some(failure) = failed.filter(|_| !was_behind) {
                tell_behind(&failure);
                let note = "a stored revision is not in force, the last one stays";
                self.record_revision(note, Some(&failure.problem().detail));
            }
        }
    }

    /// Stores how credentials were last used. What cannot be stored is tried again the next time.
    pub async fn note_uses(&self) {
        if let Err(error) = self.store_uses().await {
            tracing::warn!("last uses of credentials are not stored: {error}");
        }
    }

    /// Stores all uses of credentials that this process knows of.
    ///
    /// # Errors
    /// What the store says. Nothing is forgotten then.
    pub(crate) async fn store_uses(&self) -> Result<(), store::Error> {
        let Some(store) = &self.store else { return Ok(()) };
        // Held meanwhile: whoever comes next finds them in the store.
        let mut uses = self.uses.lock().await;
        for (credential, of) in self.plane.take_uses() {
            let known = uses.entry(credential.to_string()).or_insert(of);
            if known.at < of.at {
                *known = of;
            }
        }
        let all: Vec<_> = uses.iter().map(|(id, of)| (id.clone(), *of)).collect();
        store.note_uses(&all).await?;
        uses.clear();
        Ok(())
    }

    /// The last revision that is known here.
    pub(crate) fn working(&self) -> Arc<Working> {
        self.working.load_full()
    }

    /// The number of the revision in force.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.working.load().revision
    }

    /// Carries one call of management out.
    pub async fn carry_out(&self, call: &Call) -> Response<Bytes> {
        answer(self.management.run(self, call).await)
    }

    /// Carries out what a client asks for itself. Nobody's reach counts there, and its own profile is
    /// all that it touches.
    pub async fn carry_out_for_client(&self, call: &Call) -> Response<Bytes> {
        answer(self.self_service.run(self, call).await)
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("revision", &self.revision()).finish_non_exhaustive()
    }
}

fn tell_silent() {
    tracing::error!("the store tells of no more revisions: restart the door");
}

fn tell_behind(failure: &Failure) {
    tracing::error!("a stored revision is not in force, the last one stays: {failure:?}");
}

fn answer(carried: Result<(StatusCode, Reply<Value>), Failure>) -> Response<Bytes> {
    match carried {
        Ok((status, reply)) => response(status, &reply),
        Err(failure) => problem(failure),
    }
}

fn response(status: StatusCode, reply: &Reply<Value>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(reply.value.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // Configuration is nobody else's business, and some answers hold a secret shown once.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let etag = reply.etag.as_deref().and_then(|it| HeaderValue::from_str(it).ok());
    headers.extend(etag.map(|it| (header::ETAG, it)));
    response
}

fn problem(failure: Failure) -> Response<Bytes> {
    let status = failure.status();
    let retry_after = failure.retry_after();
    let body = serde_json::to_vec(&failure.problem()).unwrap_or_default();
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.extend(retry_after.map(|it| (header::RETRY_AFTER, HeaderValue::from(it))));
    response
}
