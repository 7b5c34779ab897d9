//! The gateway: the snapshot in force, live state, and the way in.

use std::{
    collections::BTreeMap,
    io, mem,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use arc_swap::ArcSwap;
use identity::api_key::Pepper;
use model::{CredentialId, Fault, LastUse, Refusal, Timestamp};
use serde_json::{Map, Value};
use state::{Desired, Reading, Wrong};
use tokio::{
    net::TcpListener,
    sync::{futures::Notified, watch},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    AuthorizationServer, Entrance, Live, LocalCollection, Settings, Snapshot, Tls, edge,
    rounds::Rounds, snapshot,
};

/// One front door: the tables in force and all that is alive behind them.
#[derive(Debug)]
pub struct Gateway {
    pub(crate) settings: Settings,
    pub(crate) live: Live,
    pub(crate) sessions: mcp::Sessions,
    /// Owns every task: connections, streams of HTTP/2, calls that outlive their connection.
    pub(crate) tasks: TaskTracker,
    /// Counts what is refused below every surface.
    pub(crate) refused: edge::Tally,
    /// The hosts that requests may be for, by the settings.
    pub(crate) given: edge::Given,
    snapshot: ArcSwap<Snapshot>,
    /// Counts what may end calls under way: new tables, and grants that are taken back.
    news: watch::Sender<u64>,
    rounds: Rounds,
    /// Uses of credentials under tables that are no longer in force, and beside the tables.
    uses: Mutex<BTreeMap<CredentialId, LastUse>>,
    local: OnceLock<Vec<LocalCollection>>,
    pub(crate) authorization: OnceLock<Arc<dyn AuthorizationServer>>,
}

impl Gateway {
    /// A gateway with empty tables: it refuses everything until the first [`Gateway::swap`].
    #[must_use]
    pub fn new(settings: Settings, live: Live) -> Arc<Self> {
        let empty = Snapshot::empty(&settings, &live);
        let given = edge::Given::of(&settings);
        let sessions = mcp::Sessions::new(live.clock.clone(), mcp::SessionBounds::default());
        let (snapshot, news) = (ArcSwap::from_pointee(empty), watch::Sender::new(0));
        if let Some(own) = &live.own_issuer {
            own.tell(news.clone());
        }
        Arc::new(Self {
            settings,
            live,
            sessions,
            tasks: TaskTracker::new(),
            refused: edge::Tally::default(),
            given,
            snapshot,
            news,
            rounds: Rounds::default(),
            uses: Mutex::default(),
            local: OnceLock::new(),
            authorization: OnceLock::new(),
        })
    }

    /// Adds collections whose operations are carried out in this process, to every snapshot that is
    /// compiled from now on. All at once: to do it again changes nothing.
    pub fn mount(&self, local: Vec<LocalCollection>) {
        self.local.get_or_init(|| local);
    }

    /// Adds the authorization server, at its paths. There is one at most: a second one changes nothing.
    pub fn authorize_by(&self, server: Arc<dyn AuthorizationServer>) {
        self.authorization.get_or_init(|| server);
    }

    /// Makes tables of desired state, under the number `revision`.
    ///
    /// # Errors
    /// Everything that is wrong, with its place.
    pub fn compile(
        &self,
        desired: &Desired,
        pepper: Option<&Pepper>,
        revision: u64,
    ) -> Result<Snapshot, Vec<Fault>> {
        self.tables((desired, &Wrong::default()), pepper, revision)
    }

    /// Makes tables of a folder as far as it could be read, under the number `revision`.
    ///
    /// # Errors
    /// Everything that is wrong: what was found in reading, and with what is sound.
    pub fn compile_read(
        &self,
        Reading { sound, wrong }: &Reading,
        pepper: Option<&Pepper>,
        revision: u64,
    ) -> Result<Snapshot, Vec<Fault>> {
        self.tables((sound, wrong), pepper, revision)
    }

    fn tables(
        &self,
        (desired, wrong): (&Desired, &Wrong),
        pepper: Option<&Pepper>,
        revision: u64,
    ) -> Result<Snapshot, Vec<Fault>> {
        let local = self.local.get().map(Vec::as_slice).unwrap_or_default();
        let sources = snapshot::Sources { desired, wrong, local, pepper };
        snapshot::compile(&self.settings, &self.live, &sources, &self.snapshot.load(), revision)
    }

    /// Puts `snapshot` in force. Calls under way keep the one they took, and end where it does not
    /// let them go on.
    pub fn swap(&self, snapshot: Snapshot) {
        let before = self.snapshot.swap(Arc::new(snapshot));
        // Last: who hears of it finds it.
        self.news.send_modify(|it| *it = it.wrapping_add(1));
        let mut noted = self.noted();
        let uses = before.directory.take_uses();
        uses.into_iter().for_each(|(credential, of)| note(&mut noted, credential, of));
    }

    /// Notes a use of a credential that was no call.
    pub fn note_use(&self, credential: CredentialId, of: LastUse) {
        note(&mut self.noted(), credential, of);
    }

    /// The credentials that were used since this was asked before, and when last, to the second.
    #[must_use]
    pub fn take_uses(&self) -> Vec<(CredentialId, LastUse)> {
        let mut uses = mem::take(&mut *self.noted());
        let now = self.snapshot.load().directory.take_uses();
        now.into_iter().for_each(|(credential, of)| note(&mut uses, credential, of));
        uses.into_iter().collect()
    }

    fn noted(&self) -> MutexGuard<'_, BTreeMap<CredentialId, LastUse>> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a call with a token of the door's own authorization server would be let in that says these
    /// claims, by the tables in force: from anywhere, and whichever operation is meant.
    ///
    /// # Errors
    /// Why not.
    pub fn admits(&self, claims: &Map<String, Value>, now: Timestamp) -> Result<(), Refusal> {
        let snapshot = self.snapshot.load();
        let caller = snapshot.directory.standing(claims, now)?;
        snapshot.stops.check_caller(&caller)
    }

    /// What outlives the tables.
    #[must_use]
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// Whether callers can show client certificates.
    #[must_use]
    pub fn asks_for_certificates(&self) -> bool {
        self.settings.asks_for_certificates
    }

    /// The tables in force.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Hears from now on of what may end calls under way.
    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Ready where a call under way that waits for it is looked at first.
    pub(crate) fn called(&self) -> Notified<'_> {
        self.rounds.called(&self.news)
    }

    /// Whether these are the tables in force.
    pub(crate) fn is_in_force(&self, snapshot: &Arc<Snapshot>) -> bool {
        Arc::ptr_eq(&self.snapshot.load(), snapshot)
    }

    /// Serves connections of `listener`, as `entrance`, until `stop`; then lets open calls end.
    ///
    /// # Errors
    /// Only where the listener itself cannot be asked for its address.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        entrance: Entrance,
        stop: CancellationToken,
    ) -> io::Result<()> {
        edge::serve(self, (listener, None), entrance, stop).await
    }

    /// The same over TLS. What `tls` is given meanwhile holds for connections that come after.
    ///
    /// # Errors
    /// Only where the listener itself cannot be asked for its address.
    pub async fn serve_tls(
        self: Arc<Self>,
        (listener, tls): (TcpListener, Arc<Tls>),
        entrance: Entrance,
        stop: CancellationToken,
    ) -> io::Result<()> {
        edge::serve(self, (listener, Some(tls)), entrance, stop).await
    }
}

/// Of several uses of a credential the last one counts.
fn note(uses: &mut BTreeMap<CredentialId, LastUse>, credential: CredentialId, of: LastUse) {
    let known = uses.entry(credential).or_insert(of);
    if known.at < of.at {
        *known = of;
    }
}
