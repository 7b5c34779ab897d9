//! A gateway with its management, put together from the configuration.

use std::{path::Path, sync::Arc};

use admin::Admin;
use anyhow::Context as _;
use gateway::Gateway;
use identity::api_key::Pepper;
use model::Clock;
use sinks::Surroundings;
use store::{Location, Store};
use upstream::Trust;

use super::{
    indexing::Indexing,
    keys::KeyFiles,
    log_key::LogKey,
    proofs::{forget, proofs},
    quotas::Quotas,
    rehash,
    retention::Retention,
    sinks::Sinks,
    start::{Recording, key_file, live, settings},
    webhooks::{self, Webhooks},
};
use crate::{
    authorization,
    config::Config,
    data::DataFolder,
    management::{self, DataPlane, Places, Supplier, Supply},
};

/// A gateway with nothing in force yet, its management, and who finds the values of its secrets.
pub(crate) struct Door {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) admin: Arc<Admin>,
    pub(crate) supplier: Arc<Supplier>,
    /// Taken by who runs it.
    pub(crate) supply: Option<Supply>,
    pub(crate) pepper: Arc<Pepper>,
    /// None where it is off.
    pub(crate) authorization: Option<Arc<oauth::Server>>,
    /// Who is told what happens to credentials; none where nobody is. Taken by who runs it.
    webhooks: Option<Webhooks>,
    /// Where its records are brought to. Taken by who runs it.
    pub(crate) sinks: Option<Sinks>,
    indexing: Indexing,
    /// What is used of its quotas, over starts.
    pub(crate) quotas: Quotas,
    /// The files of its keys. Taken by who runs it.
    key_files: Option<KeyFiles>,
    /// How much of the audit log is kept.
    retention: Retention,
    /// Where used proofs are remembered, if anywhere, and the time by which they are forgotten.
    forgetful: (Option<Store>, Clock),
}

impl Door {
    /// A door whose desired state is in `store`, or nowhere that management could change it. What it
    /// gives is kept in `grants`.
    ///
    /// # Errors
    /// Where the data folder, one of its keys or the audit log cannot be used.
    pub(crate) async fn new(
        config: &Config,
        data: &DataFolder,
        (store, grants): (Option<Store>, Option<Store>),
    ) -> anyhow::Result<Self> {
        let clock = Clock::system();
        let pepper = Arc::new(data.pepper()?);
        let replays = grants.clone().or_else(|| store.clone());
        let proofs = proofs(replays.clone(), &pepper, config.oauth.demands_nonce);
        let keyring = data.keyring(store.is_some() || grants.is_some())?.map(Arc::new);
        let recording = Recording::open(config, data, keyring.clone(), &clock)?;
        let live = live(recording, config, (clock.clone(), proofs));
        let fleet = Arc::clone(&live.fleet);
        let gateway = Gateway::new(settings(config), live);
        let places = Places::new(data.secrets());
        let around = Surroundings {
            egress: fleet.egress(Trust::Operator),
            secrets: Arc::clone(fleet.secrets()),
            clock: clock.clone(),
        };
        let log = Arc::clone(&gateway.live().log);
        let sinks = Sinks::open(&config.sinks, (&log, data), &around)?;
        let log_key = LogKey { log: Arc::clone(&log), path: key_file(&config.audit, data) };
        let retention = Retention {
            log,
            keep: config.audit.keep,
            compress_after: config.audit.compress_after,
            sinks: sinks.watched().all(),
        };
        let webhooks = webhooks::open(&config.webhooks, store.as_ref(), (&fleet, &clock))?;
        let (supplier, supply) =
            Supplier::new(fleet, store.clone(), keyring.clone(), places, clock.clone());
        let indexing = Indexing::of(&gateway, &clock);
        let authorization = match (grants, keyring.clone()) {
            (Some(grants), Some(keyring)) => {
                authorization::mount(&gateway, grants, keyring, (&pepper, config.oauth.signing))
            }
            (Some(_), None) | (None, _) => None,
        };
        if let Some(server) = &authorization {
            server
                .start()
                .await
                .context("the keys that sign tokens, and what was taken back, cannot be had")?;
        }
        let parts = (Arc::clone(&supplier), authorization.clone(), sinks.watched());
        let log = (indexing.index(), retention.clone(), log_key);
        let plane = DataPlane::new(Arc::clone(&gateway), Arc::clone(&pepper), log, parts);
        let key_files = KeyFiles {
            data: data.clone(),
            gateway: Arc::clone(&gateway),
            pepper: Arc::clone(&pepper),
            keyring: keyring.clone(),
        };
        let admin = Admin::new(store, Arc::new(plane), keyring, clock.clone());
        let admin = admin.context("management cannot begin")?;
        let admin = Arc::new(admin.telling(webhooks::told(&config.webhooks)));
        management::mount(&gateway, Arc::clone(&admin));
        Ok(Self {
            quotas: Quotas::of(&gateway, data),
            gateway,
            admin,
            supplier,
            supply: Some(supply),
            pepper,
            authorization,
            webhooks,
            sinks: Some(sinks),
            indexing,
            key_files: Some(key_files),
            retention,
            forgetful: (replays, clock),
        })
    }

    /// Has the values of secrets and what was used of quotas before the first call comes, and brings
    /// records to sinks from now on. What is in force is in force already.
    ///
    /// # Errors
    /// Where what was used cannot be read, or a sink cannot be started.
    pub(crate) async fn begin(&mut self) -> anyhow::Result<()> {
        if let Some(supply) = &mut self.supply {
            supply.begin().await;
        }
        self.quotas.begin().await.context("what was used of quotas cannot be read")?;
        self.sinks.as_mut().map_or(Ok(()), Sinks::start)
    }

    /// What goes on beside the calls, for ever: values of secrets are kept fresh, what other replicas
    /// take back is taken over, and what happens to credentials is told.
    pub(crate) fn background(&mut self) -> impl Future<Output = ()> + Send + use<> {
        let (supply, authorization) = (self.supply.take(), self.authorization.clone());
        let (replays, clock) = self.forgetful.clone();
        let (admin, webhooks) = (Arc::clone(&self.admin), self.webhooks.take());
        let (key_files, indexing) = (self.key_files.take(), self.indexing.clone());
        let (retention, quotas) = (self.retention.clone(), self.quotas.clone());
        async move {
            tokio::join!(
                run(supply),
                follow(authorization),
                forget(replays, clock),
                admin.watch_ends(),
                tell(webhooks),
                keep_keys(key_files, &admin),
                indexing.follow(),
                retention.run(),
                quotas.keep(),
            );
        }
    }
}

async fn run(supply: Option<Supply>) {
    if let Some(supply) = supply {
        supply.run().await;
    }
}

/// Keys are read anew, and hashes made anew, for ever.
async fn keep_keys(files: Option<KeyFiles>, admin: &Arc<Admin>) {
    if let Some(files) = files {
        let beside = files.data.rehashed();
        let rehashed = rehash::keep(Arc::clone(admin), beside);
        tokio::join!(Box::pin(files.keep_current(Arc::clone(admin))), Box::pin(rehashed));
    }
}

async fn tell(webhooks: Option<Webhooks>) {
    if let Some(webhooks) = webhooks {
        webhooks.run().await;
    }
}

async fn follow(authorization: Option<Arc<oauth::Server>>) {
    if let Some(server) = authorization {
        match oauth::follow(server).await {}
    }
}

/// The store that the configuration names; a SQLite file in the data folder where it names none.
///
/// # Errors
/// Where it cannot be opened.
pub(crate) async fn open_store(config: &Config, data: &Path) -> anyhow::Result<Store> {
    let location = match &config.store.url {
        Some(url) => Location::parse(url.expose())?,
        None => Location::Sqlite(data.join("onedoor.db")),
    };
    Store::open(&location).await.context("cannot open the store")
}
