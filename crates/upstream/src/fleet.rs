//! All upstreams that are in use. A live thing: its connections outlast the snapshots that name them.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
    time::Duration,
};

use model::Clock;
use rustls::RootCertStore;
use tokio_util::task::TaskTracker;

use crate::{
    Egress, Error, SecretSlots, Upstream,
    connect::{AddressRule, Connector, Resolve, SystemNames, Tls, Trust},
    egress::Gate,
    link::OwnedTask,
};

/// How often idle connections are looked at.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// The upstreams in use, and what they share.
#[derive(Debug)]
pub struct Fleet(Arc<Shared>);

/// What the world looks like from a fleet. The default is what the machine says, and public addresses for documents.
#[derive(Debug, Default)]
pub struct Surroundings {
    /// The root certificates that are trusted; those of the machine where there are none.
    pub roots: Option<RootCertStore>,
    /// Where documents may be fetched from. Upstreams stand where they are declared to.
    pub rule: AddressRule,
    /// Who knows the addresses of names; the machine's resolver where it is nobody.
    pub names: Option<Arc<dyn Resolve>>,
}

/// What all upstreams of a fleet share.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) connector: Connector,
    pub(crate) gate: Arc<Gate>,
    pub(crate) tasks: TaskTracker,
    pub(crate) secrets: Arc<SecretSlots>,
    upstreams: Mutex<HashMap<model::Upstream, Weak<Upstream>>>,
    sweeper: OnceLock<OwnedTask>,
}

impl Fleet {
    /// A fleet that trusts the root certificates of the machine. Opens nothing yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self::within(clock, Surroundings::default())
    }

    /// A fleet that trusts `roots` and nothing else.
    #[must_use]
    pub fn with_roots(clock: Clock, roots: RootCertStore) -> Self {
        Self::within(clock, Surroundings { roots: Some(roots), ..Surroundings::default() })
    }

    /// A fleet that sees the world so. Opens nothing yet.
    #[must_use]
    pub fn within(clock: Clock, surroundings: Surroundings) -> Self {
        let Surroundings { roots, rule, names } = surroundings;
        let tls = roots.map_or_else(Tls::native, Tls::trusting);
        let names = names.unwrap_or_else(|| Arc::new(SystemNames));
        Self(Arc::new(Shared {
            clock,
            connector: Connector::new(tls, names),
            gate: Arc::new(Gate::new(rule)),
            tasks: TaskTracker::new(),
            secrets: Arc::default(),
            upstreams: Mutex::default(),
            sweeper: OnceLock::new(),
        }))
    }

    /// The upstream that was declared so. Equal declarations share one, and so its connections.
    ///
    /// It lives as long as somebody holds it.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`], and [`Error::Tls`] where TLS is needed and cannot be had.
    pub fn upstream(&self, declared: &model::Upstream) -> Result<Arc<Upstream>, Error> {
        let mut upstreams = self.0.upstreams();
        if let Some(upstream) = upstreams.get(declared).and_then(Weak::upgrade) {
            return Ok(upstream);
        }
        let upstream = Arc::new(Upstream::new(declared, &self.0)?);
        upstreams.retain(|_, it| it.strong_count() > 0);
        upstreams.insert(declared.clone(), Arc::downgrade(&upstream));
        Ok(upstream)
    }

    /// A client for single documents whose URLs `trust` writes. It trusts the certificates that this fleet trusts.
    #[must_use]
    pub fn egress(&self, trust: Trust) -> Egress {
        self.0.egress(trust)
    }

    /// The values of the secrets that upstreams are shown. Whoever finds them puts them there.
    #[must_use]
    pub fn secrets(&self) -> &Arc<SecretSlots> {
        &self.0.secrets
    }

    /// How many upstreams are in use.
    #[must_use]
    pub fn upstream_count(&self) -> usize {
        self.0.upstreams().values().filter(|it| it.strong_count() > 0).count()
    }

    /// Closes idle connections that are over or too old. Happens by itself once a second.
    pub fn sweep(&self) {
        self.0.sweep();
    }
}

impl Shared {
    pub(crate) fn egress(&self, trust: Trust) -> Egress {
        Egress::new(self.connector.clone(), Arc::clone(&self.gate), trust)
    }

    /// Starts to sweep with the first connection, as only then there is surely a runtime.
    pub(crate) fn ensure_sweeper(self: &Arc<Self>) {
        self.sweeper.get_or_init(|| {
            let task = self.tasks.spawn(sweep_until_gone(Arc::downgrade(self)));
            OwnedTask(task.abort_handle())
        });
    }

    fn sweep(&self) {
        // Taken out, so that nobody waits for the lock meanwhile.
        let live: Vec<_> = self.upstreams().values().filter_map(Weak::upgrade).collect();
        for upstream in live {
            upstream.sweep();
        }
    }

    fn upstreams(&self) -> MutexGuard<'_, HashMap<model::Upstream, Weak<Upstream>>> {
        self.upstreams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn sweep_until_gone(shared: Weak<Shared>) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        let Some(shared) = shared.upgrade() else { return };
        shared.sweep();
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
