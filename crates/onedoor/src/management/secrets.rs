//! Keeps the fleet's slots filled with the values of the secrets that are declared.

mod sources;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::{DeclaredSecret, SecretId};
use secrets::{Keyring, Resolver, Sources};
use state::Desired;
use store::Store;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use upstream::Fleet;

pub(crate) use self::sources::Places;

/// How soon a secret without a value is looked for again.
const RETRY: Duration = Duration::from_secs(10);

/// Finds values, and puts them where requests take them from.
pub(crate) struct Supplier {
    fleet: Arc<Fleet>,
    resolver: Resolver,
    declared: Mutex<Arc<Desired>>,
    missing: Mutex<BTreeSet<SecretId>>,
    asked: mpsc::UnboundedSender<Asked>,
}

/// What to look at.
enum Asked {
    /// Those that are no longer fresh.
    Due,
    /// This one.
    One(SecretId),
}

/// The other end of a supplier: who runs it looks for values, for ever.
pub(crate) struct Supply {
    supplier: Arc<Supplier>,
    asked: mpsc::UnboundedReceiver<Asked>,
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
            fetch: Arc::new(sources::VaultEgress(fleet.egress())),
            keyring,
        };
        let (sender, asked) = mpsc::unbounded_channel();
        let supplier = Arc::new(Self {
            fleet,
            resolver: Resolver::new(sources, clock),
            declared: Mutex::default(),
            missing: Mutex::default(),
            asked: sender,
        });
        (Arc::clone(&supplier), Supply { supplier, asked })
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
        self.ask(Asked::Due);
    }

    /// Looks for the value of one secret again.
    pub(crate) fn changed(&self, secret: &SecretId) {
        self.ask(Asked::One(secret.clone()));
    }

    /// The secrets that have no value.
    pub(crate) fn missing(&self) -> Vec<String> {
        locked(&self.missing).iter().map(ToString::to_string).collect()
    }

    fn ask(&self, asked: Asked) {
        // Nobody looks any more: the process is ending.
        if self.asked.send(asked).is_err() {
            tracing::debug!("secrets are no longer looked for");
        }
    }

    /// The declared secrets. Only their ids and places, never a value.
    fn declared(&self) -> Vec<DeclaredSecret> {
        let desired = Arc::clone(&locked(&self.declared));
        desired.secrets.iter().map(|it| DeclaredSecret::clone(it)).collect()
    }

    /// Finds the value of one secret. Gives back when to look again.
    async fn supply(&self, secret: &DeclaredSecret, others: &[DeclaredSecret]) -> Option<Duration> {
        match self.resolver.resolve(secret, others).await {
            Ok(resolved) => {
                self.fleet.secrets().set(&secret.id, resolved.value);
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
        }
    }
}

impl Supply {
    /// Looks for values whenever something changes, or one is no longer fresh; for ever.
    pub(crate) async fn run(mut self) {
        let mut due: BTreeMap<SecretId, Instant> = BTreeMap::new();
        loop {
            let next = due.values().min().copied();
            let asked = tokio::select! {
                asked = self.asked.recv() => match asked {
                    Some(asked) => asked,
                    None => return,
                },
                () = until(next) => Asked::Due,
            };
            let others = self.supplier.declared();
            let now = Instant::now();
            let is_due = |it: &SecretId| due.get(it).is_some_and(|at| *at <= now);
            let wanted: Vec<_> = match &asked {
                Asked::One(secret) => others.iter().filter(|it| it.id == *secret).collect(),
                Asked::Due => others.iter().filter(|it| is_due(&it.id)).collect(),
            };
            for secret in wanted {
                let again = self.supplier.supply(secret, &others).await;
                match again.and_then(|it| Instant::now().checked_add(it)) {
                    Some(at) => drop(due.insert(secret.id.clone(), at)),
                    None => drop(due.remove(&secret.id)),
                }
            }
            self.forget(&others, &mut due);
        }
    }

    /// Takes the values of secrets away that are no longer declared.
    fn forget(&self, declared: &[DeclaredSecret], due: &mut BTreeMap<SecretId, Instant>) {
        let is_declared = |id: &SecretId| declared.iter().any(|it| it.id == *id);
        due.retain(|id, _| is_declared(id));
        locked(&self.supplier.missing).retain(|id| is_declared(id));
        let slots = self.supplier.fleet.secrets();
        for secret in slots.held().iter().filter(|it| !is_declared(it)) {
            slots.clear(secret);
        }
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
