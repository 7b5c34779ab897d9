//! Puts a gateway together from the configuration.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, anyhow};
use gateway::{Gateway, Guesses, Live};
use identity::{
    KeySets, OwnIssuer,
    api_key::{Pepper, SecureRandom as _, SystemRandom},
    dpop::Proofs,
};
use limits::Meter;
use model::{Clock, Fault, Place, Secret};
use tokio::runtime::{Builder, Runtime};
use upstream::{AddressRule, Fleet, Surroundings, Trust};

use super::{
    Door, Places, Served, Summary,
    door::open_store,
    egress::{DocumentEgress, IssuerEgress},
    unused,
};
use crate::{
    config::{Audit, Bounds, Config, Egress, Limits, Listen, Tls},
    data::DataFolder,
    folder,
};

/// The runtime of a process that serves.
///
/// # Errors
/// What the operating system says.
pub(crate) fn runtime() -> anyhow::Result<Runtime> {
    Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}

impl Served {
    /// A gateway over the folders in `places`, with nothing in force yet.
    ///
    /// # Errors
    /// Where the data folder, the pepper or the audit log cannot be used.
    pub(crate) async fn new(config: &Config, places: &Places) -> anyhow::Result<Self> {
        let data = DataFolder::open(&places.data)?;
        // What is given happens, and is not declared: it needs a store where the state has none.
        let grants = match config.gives_tokens() {
            true => Some(open_store(config, &places.data).await?),
            false => None,
        };
        Ok(Self {
            door: Door::new(config, &data, (None, grants)).await?,
            state: places.state.clone(),
            revisions: data.revisions()?,
            in_force: None,
        })
    }
}

/// Reads and compiles the folder `state` as it would be served. Needs no data folder and leaves no trace.
///
/// With what there is goes what of the collections' documents cannot be used.
///
/// # Errors
/// Every fault: of the disk, of each file, of what they say of each other, and of what comes of it.
pub(crate) fn check(state: &Path) -> Result<(Summary, Vec<String>), Vec<Fault>> {
    let (loaded, unread) = folder::load_readable(state);
    let reading = state::read_sound(&loaded.folder, &unread);
    let stopped = |error: anyhow::Error| {
        let place = Place::new(&Arc::from(state.display().to_string()), 0);
        vec![Fault::new(&place, format!("{error:#}"), "repair this machine, then check again")]
    };
    let runtime = runtime().map_err(stopped)?;
    let _entered = runtime.enter();
    let config = Config::read(None)?;
    // Nothing is called, so nothing is recorded.
    let clock = Clock::system();
    let (log, _) = audit::Journal::memory(clock.clone());
    let proofs = Proofs::new(None);
    let salt = Arc::new(audit::Salt::new(&[0; audit::Salt::BYTES]));
    let records = Recording { log: Arc::new(log), salt, bodies: None };
    let gateway = Gateway::new(settings(&config), live(records, &config, (clock, proofs)));
    let pepper = throwaway_pepper().map_err(stopped)?;
    let snapshot = gateway.compile_read(&reading, Some(&pepper), 0)?;
    let summary = Summary::of(&reading.sound, snapshot.counts(), 0, loaded.digest);
    Ok((summary, unused::all(&snapshot)))
}

/// Whether keys are of the right pepper, only the machine that serves can tell.
fn throwaway_pepper() -> anyhow::Result<Pepper> {
    let mut bytes = vec![0; Pepper::BYTES_MIN];
    SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow!("no random bytes are to be had"))?;
    Ok(Pepper::new(&Secret::new(bytes))?)
}

/// Where is recorded what happens.
pub(super) struct Recording {
    pub(super) log: Arc<audit::Journal>,
    pub(super) salt: Arc<audit::Salt>,
    pub(super) bodies: Option<Arc<audit::Bodies>>,
}

impl Recording {
    /// That of a door with this data folder.
    ///
    /// # Errors
    /// Where the audit log, or something that belongs to it, cannot be used.
    pub(super) fn open(
        config: &Config,
        data: &DataFolder,
        keyring: Option<Arc<secrets::Keyring>>,
        clock: &Clock,
    ) -> anyhow::Result<Self> {
        let log = Arc::new(open_log(config, data, clock.clone())?);
        let salt = Arc::new(data.audit_salt()?);
        let places = audit::bodies::Places {
            log: log_folder(&config.audit, data),
            keys: data.body_keys_folder(),
        };
        let recorded = (Arc::clone(&log), Arc::clone(&salt));
        let wrap = Box::new(data.body_keys(keyring));
        let bodies = audit::Bodies::open(places, recorded, wrap, clock.clone())?;
        Ok(Self { log, salt, bodies: Some(Arc::new(bodies)) })
    }
}

pub(super) fn live(
    Recording { log, salt, bodies }: Recording,
    config: &Config,
    (clock, proofs): (Clock, Proofs),
) -> Live {
    let rule = address_rule(&config.egress);
    let surroundings = Surroundings { rule, ..Surroundings::default() };
    let fleet = Fleet::within(clock.clone(), surroundings);
    let fleet = Arc::new(fleet);
    let egress = Arc::new(DocumentEgress(fleet.egress(Trust::Operator)));
    let issuers = IssuerEgress::new(&fleet);
    let key_sets = KeySets::new(egress, clock.clone()).introspecting(Arc::new(issuers));
    Live {
        log,
        salt,
        bodies,
        fleet,
        meter: Arc::new(Meter::new(clock.clone())),
        key_sets: Arc::new(key_sets),
        guesses: Guesses::default(),
        proofs: Arc::new(proofs),
        own_issuer: config.own_url().map(|it| Arc::new(own_issuer(it, config))),
        clock,
    }
}

fn own_issuer(url: &str, config: &Config) -> OwnIssuer {
    OwnIssuer::new(url).managed_at(config.management.public_url.as_deref())
}

/// Opens the log of the door with this data folder.
///
/// # Errors
/// Where its key, or the log, cannot be used.
pub(super) fn open_log(
    config: &Config,
    data: &DataFolder,
    clock: Clock,
) -> anyhow::Result<audit::Journal> {
    let about = config.audit.describe(&config.sinks);
    let config = &config.audit;
    let Audit { directory: _, signing_key: _, checkpoints, rules, keep: _, compress_after: _ } =
        config;
    let location = audit::Location {
        folder: log_folder(config, data),
        checkpoints: checkpoints.clone(),
        about: Some(about),
    };
    let key = DataFolder::audit_key(&key_file(config, data), &location.folder)?;
    Ok(audit::Journal::open(&location, (key, *rules), clock)?)
}

/// Where the log is.
pub(super) fn log_folder(config: &Audit, data: &DataFolder) -> PathBuf {
    config.directory.clone().unwrap_or_else(|| data.audit_folder())
}

/// Where the key is that signs the log.
pub(super) fn key_file(config: &Audit, data: &DataFolder) -> PathBuf {
    config.signing_key.clone().unwrap_or_else(|| data.audit_key_file())
}

fn address_rule(egress: &Egress) -> AddressRule {
    let Egress { allowed_networks, stranger_networks, stranger_ports } = egress;
    AddressRule {
        operator_networks: allowed_networks.clone(),
        stranger_networks: stranger_networks.clone(),
        stranger_ports: stranger_ports.clone(),
    }
}

/// What the data plane needs to know. Every field by name: a new one must stop the build here.
pub(super) fn settings(config: &Config) -> gateway::Settings {
    let Config {
        listen,
        management,
        tls,
        management_tls: _,
        folders: _,
        store: _,
        bounds,
        limits,
        oauth: _,
        egress: _,
        audit: _,
        log: _,
        webhooks: _,
        sinks: _,
        metrics: _,
    } = config;
    let Listen {
        address: _,
        public_url,
        allowed_hosts,
        allowed_origins,
        trusted_proxies,
        forwarding,
        connections_max,
        header_timeout,
        message_timeout,
        drain_timeout,
    } = listen;
    let Bounds {
        request_body_bytes_max,
        message_bytes_max,
        tool_answer_bytes_max,
        tools_page_max,
        header_bytes_max,
        headers_max,
    } = bounds;
    let Limits { default_rate } = limits;
    gateway::Settings {
        public_url: public_url.clone(),
        management_url: management.public_url.clone(),
        allowed_hosts: allowed_hosts.clone(),
        allowed_origins: allowed_origins.clone(),
        trusted_proxies: trusted_proxies.clone(),
        forwarding: *forwarding,
        asks_for_certificates: tls.as_ref().is_some_and(Tls::asks_for_certificates),
        request_body_bytes_max: u64::try_from(*request_body_bytes_max).unwrap_or(u64::MAX),
        message_bytes_max: *message_bytes_max,
        tool_answer_bytes_max: *tool_answer_bytes_max,
        tools_page_max: *tools_page_max,
        headers_max: *headers_max,
        header_bytes_max: *header_bytes_max,
        header_timeout: *header_timeout,
        message_timeout: *message_timeout,
        connections_max: *connections_max,
        drain_timeout: *drain_timeout,
        default_rate: *default_rate,
    }
}
