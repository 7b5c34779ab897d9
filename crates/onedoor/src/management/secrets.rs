//! Keeps the fleet's slots filled with the values of the secrets that are declared.

mod sources;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use model::{DeclaredSecret, SecretId};
use secrets::{Keyring, Resolver, Sources};
use state::Desired;
use store::Store;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until, timeout},
};
use upstream::Fleet;

pub(crate) use self::sources::Places;

/// How soon a secret without a value is looked for again.
const RETRY: Duration = Duration::from_secs(10);

/// How long a start waits for the values of secrets.
const FIRST: Duration = Duration::from_secs(5);

/// How many secrets are looked for at once.
const AT_ONCE: usize = 16;

/// Finds values, and puts them where requests take them from.
pub(crate) struct Supplier {
    fleet: Arc<Fleet>,
    resolver: Resolver,
    declared: Mutex<Arc<Desired>>,
    missing: Mutex<BTreeSet<SecretId>>,
    /// What is to be looked at: a set, so that it cannot outgrow what is declared.
    asked: Mutex<BTreeSet<SecretId>>,
    news: Notify,
}

/// The work of a supplier: who runs it looks for values, for ever.
pub(crate) struct Supply {
    supplier: Arc<Supplier>,
    /// When a value is looked for again.
    due: BTreeMap<SecretId, Instant>,
}

impl Supplier {
    /// A supplier for `fleet`, which knows nothing yet.
    pub(crate) fn new(
        fleet: Arc<Fleet>,
        store: Option<Store>,
        keyring: Option<Arc<Keyring>>,
        places: Places,
        clock: model::Clock,
    ) -> (Arc<Self>, Supply) {
        let sources = Sources {
            environment: Arc::new(places.clone()),
            files: Arc::new(places),
            stored: Arc::new(sources::InStore(store)),
            fetch: Arc::new(sources::VaultEgress(fleet.egress(upstream::Trust::Operator))),
            keyring,
        };
        let supplier = Arc::new(Self {
            fleet,
            resolver: Resolver::new(sources, clock),
            declared: Mutex::default(),
            missing: Mutex::default(),
            asked: Mutex::default(),
            news: Notify::new(),
        });
        (Arc::clone(&supplier), Supply { supplier, due: BTreeMap::new() })
    }

    /// Takes over what is declared now, and looks for the values of what is declared anew.
    pub(crate) fn declare(&self, desired: &Arc<Desired>) {
        let before = mem::replace(&mut *locked(&self.declared), Arc::clone(desired));
        let known: HashMap<_, _> = before.secrets.iter().map(|it| (&it.id, it)).collect();
        for secret in &desired.secrets {
            if known.get(&secret.id).is_none_or(|it| it.source != secret.source) {
                self.changed(&secret.id);
            }
        }
        // Those that are gone are forgotten with that.
        self.news.notify_one();
    }

    /// Looks for the value of one secret again.
    pub(crate) fn changed(&self, secret: &SecretId) {
        locked(&self.asked).insert(secret.clone());
        self.news.notify_one();
    }

    /// The secrets that have no value.
    pub(crate) fn missing(&self) -> Vec<String> {
        locked(&self.missing).iter().map(ToString::to_string).collect()
    }

    /// The declared secrets. Only their ids and places, never a value.
    fn declared(&self) -> Vec<DeclaredSecret> {
        let desired = Arc::clone(&locked(&self.declared));
        desired.secrets.iter().map(|it| DeclaredSecret::clone(it)).collect()
    }

    /// Takes the values of secrets away that are no longer declared.
    fn forget(&self, declared: &[DeclaredSecret], due: &mut BTreeMap<SecretId, Instant>) {
        let is_declared = |id: &SecretId| declared.iter().any(|it| it.id == *id);
        due.retain(|id, _| is_declared(id));
        locked(&self.missing).retain(|id| is_declared(id));
        let slots = self.fleet.secrets();
        for secret in slots.held().iter().filter(|it| !is_declared(it)) {
            slots.clear(secret);
        }
    }

    /// Finds the value of one secret. Gives back when to look again.
    async fn supply(
        &self,
        secret: DeclaredSecret,
        others: &[DeclaredSecret],
    ) -> (SecretId, Option<Duration>) {
        let again = match self.resolver.resolve(&secret, others).await {
            Ok(resolved) => {
                self.fleet.secrets().set(&secret.id, resolved.value, resolved.version);
                locked(&self.missing).remove(&secret.id);
                resolved.fresh_for
            }
            Err(error) => {
                self.fleet.secrets().clear(&secret.id);
                // Told once, not at each try.
                if locked(&self.missing).insert(secret.id.clone()) {
                    tracing::warn!("calls that need the secret {} are refused: {error}", secret.id);
                }
                Some(RETRY)
            }
        };
        (secret.id, again)
    }
}

impl Supply {
    /// Looks once for what is declared, so that the first call finds it. A vault that does not answer
    /// holds nobody up for longer than a few seconds.
    pub(crate) async fn begin(&mut self) {
        if timeout(FIRST, self.look()).await.is_err() {
            // Those that were found stay, and the others are looked for again.
            let declared = self.supplier.declared();
            let slots = self.supplier.fleet.secrets();
            let late = declared.iter().filter(|it| !slots.held().contains(&it.id));
            locked(&self.supplier.asked).extend(late.map(|it| it.id.clone()));
            self.supplier.news.notify_one();
        }
    }

    /// Looks for values whenever something changes, or one is no longer fresh; for ever.
    pub(crate) async fn run(mut self) {
        loop {
            tokio::select! {
                () = self.supplier.news.notified() => {}
                () = until(self.due.values().min().copied()) => {}
            }
            self.look().await;
        }
    }

    /// Looks for the values of what was asked for, and of what is no longer fresh.
    async fn look(&mut self) {
        let Self { supplier, due } = self;
        let asked = mem::take(&mut *locked(&supplier.asked));
        let others = supplier.declared();
        let now = Instant::now();
        let is_due = |it: &SecretId| due.get(it).is_some_and(|at| *at <= now);
        let mut wanted = others.clone();
        wanted.retain(|it| asked.contains(&it.id) || is_due(&it.id));
        // Several at once: a vault that does not answer must not hold up the others.
        let found: Vec<_> = stream::iter(wanted)
            .map(|it| supplier.supply(it, &others))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        for (secret, again) in found {
            match again.and_then(|it| Instant::now().checked_add(it)) {
                Some(at) => drop(due.insert(secret, at)),
                None => drop(due.remove(&secret)),
            }
        }
        supplier.forget(&others, due);
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Supplier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supplier").field("missing", &self.missing()).finish_non_exhaustive()
    }
}
