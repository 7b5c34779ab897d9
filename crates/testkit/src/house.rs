//! A whole gateway on a loopback port: real sockets, a fake clock, records in memory.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use audit::bodies::{Places, Wrap};
use gateway::{Entrance, Forwarding, Gateway, Guesses, Live, Settings};
use identity::{
    OwnIssuer,
    api_key::{self, Pepper, SystemRandom},
    dpop::Proofs,
};
use model::{Clock, Fault, KeyKind, Rate, Secret, Timestamp};
use serde_json::Value;
use state::{Folder, Library};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{Client, Recorder};

/// Where every house's clock starts: 2026-11-23T00:00:00Z.
const START: Timestamp = Timestamp::from_seconds(1_795_392_000);

/// How often it is looked for a record that comes by itself.
const LOOKS_MAX: usize = 100_000;

/// What a house is made of.
#[derive(Debug, Default)]
pub struct HouseBuilder {
    files: BTreeMap<String, String>,
    keys: BTreeMap<String, String>,
    public_url: Option<String>,
    proofs: Option<Arc<Proofs>>,
    own_issuer: Option<Arc<OwnIssuer>>,
    set: Option<fn(&mut Settings)>,
    keeps_bodies: bool,
}

/// A gateway in front of a [`Recorder`].
#[derive(Debug)]
pub struct House {
    /// The gateway.
    pub gateway: Arc<Gateway>,
    /// Its clock. It moves only by `advance`.
    pub clock: Clock,
    /// What the collections' upstream is, where a file says `UPSTREAM`.
    pub recorder: Recorder,
    /// A client of its listener.
    pub client: Client,
    /// Where it listens.
    pub address: SocketAddr,
    keys: BTreeMap<String, String>,
    pepper: Pepper,
    files: BTreeMap<String, String>,
    library: Library,
    /// The log behind the records: it can be made to fail.
    pub log: audit::Memory,
    /// Where bodies and their keys are, if they are kept.
    pub folder: TempDir,
    stop: CancellationToken,
    _tasks: JoinSet<()>,
}

impl HouseBuilder {
    /// Adds a file of desired state. `UPSTREAM` in it stands for the recorder's URL.
    #[must_use]
    pub fn file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), text.to_owned());
        self
    }

    /// Issues an API key for a profile; [`House::key`] gives it.
    #[must_use]
    pub fn key(mut self, profile: &str) -> Self {
        self.keys.insert(profile.to_owned(), String::new());
        self
    }

    /// Says by which URL callers reach it.
    #[must_use]
    pub fn at(mut self, public_url: &str) -> Self {
        self.public_url = Some(public_url.to_owned());
        self
    }

    /// Remembers used proofs here.
    #[must_use]
    pub fn proofs(mut self, proofs: &Arc<Proofs>) -> Self {
        self.proofs = Some(Arc::clone(proofs));
        self
    }

    /// Takes tokens of this issuer as the door's own.
    #[must_use]
    pub fn own_issuer(mut self, issuer: &Arc<OwnIssuer>) -> Self {
        self.own_issuer = Some(Arc::clone(issuer));
        self
    }

    /// Has it set up otherwise than usual.
    #[must_use]
    pub fn set(mut self, set: fn(&mut Settings)) -> Self {
        self.set = Some(set);
        self
    }

    /// Keeps bodies where a collection says so.
    #[must_use]
    pub fn keeping_bodies(mut self) -> Self {
        self.keeps_bodies = true;
        self
    }

    /// Opens the house.
    ///
    /// # Errors
    /// The faults of its state.
    pub async fn open(self) -> Result<House, Vec<Fault>> {
        let Self { mut files, mut keys, public_url, proofs, own_issuer, set, keeps_bodies } = self;
        let (recorder, clock) = (Recorder::start().await, Clock::fake(START));
        let pepper = Pepper::new(&Secret::new(vec![7; 32])).expect("it is long enough");
        for (number, (profile, key)) in keys.iter_mut().enumerate() {
            let (issued, hash) = api_key::make(KeyKind::ApiKey, &pepper, &SystemRandom::new())
                .expect("the machine has chance");
            key.push_str(issued.expose());
            let text = format!(
                "profile: {profile}\nkind: api_key\nexpires: 2027-12-31\nhmac: {}\n",
                hash.text()
            );
            files.insert(format!("credentials/key-{number}.yaml"), text);
        }
        for text in files.values_mut() {
            *text = text.replace("UPSTREAM", &recorder.url());
        }
        let (log, records) = audit::Journal::memory(clock.clone());
        let (log, root) = (Arc::new(log), tempfile::tempdir().unwrap());
        let salt = Arc::new(audit::Salt::new(&[7; audit::Salt::BYTES]));
        let bodies = keeps_bodies.then(|| bodies(root.path(), (&log, &salt), &clock));
        let fleet = upstream::Fleet::new(clock.clone());
        let egress = Arc::new(KeySetEgress(fleet.egress(upstream::Trust::Operator)));
        let live = Live {
            clock: clock.clone(),
            log,
            salt,
            bodies,
            fleet: Arc::new(fleet),
            meter: Arc::new(limits::Meter::new(clock.clone())),
            key_sets: Arc::new(identity::KeySets::new(egress, clock.clone())),
            guesses: Guesses::default(),
            proofs: proofs.unwrap_or_else(|| Arc::new(Proofs::new(None))),
            own_issuer,
        };
        let mut settings = settings(public_url);
        if let Some(set) = set {
            set(&mut settings);
        }
        let gateway = Gateway::new(settings, live);
        let mut library = Library::new();
        let desired = library.read(&folder(&files))?;
        gateway.swap(gateway.compile(&desired, Some(&pepper), 1)?);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        let served = Arc::clone(&gateway).serve(listener, Entrance::Everything, stop.clone());
        tasks.spawn(async move { served.await.unwrap() });
        let client = Client::new(address);
        let log = records;
        Ok(House {
            gateway,
            clock,
            recorder,
            client,
            address,
            keys,
            pepper,
            files,
            library,
            log,
            folder: root,
            stop,
            _tasks: tasks,
        })
    }
}

impl House {
    /// A house to be furnished.
    #[must_use]
    pub fn builder() -> HouseBuilder {
        HouseBuilder::default()
    }

    /// The API key of a profile.
    #[must_use]
    pub fn key(&self, profile: &str) -> &str {
        self.keys.get(profile).expect("a key was issued for it")
    }

    /// The file at `path`, as it was put there last.
    #[must_use]
    pub fn file(&self, path: &str) -> &str {
        self.files.get(path).expect("there is such a file")
    }

    /// Where the credential is that the key of a profile is of.
    #[must_use]
    pub fn key_path(&self, profile: &str) -> String {
        let number = self.keys.keys().position(|it| it == profile);
        format!("credentials/key-{}.yaml", number.expect("a key was issued for it"))
    }

    /// Replaces a file and swaps the tables, under `revision`.
    ///
    /// # Errors
    /// The faults of the new state; the old tables stay.
    pub fn change(&mut self, path: &str, text: &str, revision: u64) -> Result<(), Vec<Fault>> {
        let text = text.replace("UPSTREAM", &self.recorder.url());
        self.files.insert(path.to_owned(), text);
        self.put_in_force(revision)
    }

    /// Takes a file away and swaps the tables, under `revision`.
    ///
    /// # Errors
    /// The faults of the new state; the old tables stay.
    pub fn remove(&mut self, path: &str, revision: u64) -> Result<(), Vec<Fault>> {
        self.files.remove(path);
        self.put_in_force(revision)
    }

    fn put_in_force(&mut self, revision: u64) -> Result<(), Vec<Fault>> {
        let desired = self.library.read(&folder(&self.files))?;
        self.gateway.swap(self.gateway.compile(&desired, Some(&self.pepper), revision)?);
        Ok(())
    }

    /// The record of the bodies of the call with this id, which comes when they have passed.
    ///
    /// # Panics
    /// Where no bodies are kept, or it does not come.
    pub async fn bodies_record(&self, id: &str) -> Value {
        let bodies = self.gateway.live().bodies.clone().expect("bodies are kept");
        for _ in 0..LOOKS_MAX {
            let of_bodies = |it: &Value| it["kind"] == "bodies" && it["id"] == *id;
            if let Some(record) = self.records().into_iter().find(of_bodies) {
                return record;
            }
            tokio::task::yield_now().await;
            // Answered behind all that was handed over.
            bodies.rewrap().expect("keys can be read");
        }
        panic!("no record of the bodies of {id} came: {:?}", self.records());
    }

    /// All records so far, in their order.
    #[must_use]
    pub fn records(&self) -> Vec<Value> {
        self.log.records()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn bodies(
    folder: &Path,
    (log, salt): (&Arc<audit::Journal>, &Arc<audit::Salt>),
    clock: &Clock,
) -> Arc<audit::Bodies> {
    let places = Places { log: folder.join("audit"), keys: folder.join("body-keys") };
    let recorded = (Arc::clone(log), Arc::clone(salt));
    let bodies = audit::Bodies::open(places, recorded, Box::new(Plain), clock.clone());
    Arc::new(bodies.expect("a thread can be had"))
}

/// Seals nothing: what does is the binary's.
#[derive(Debug)]
struct Plain;

impl Wrap for Plain {
    fn seal(&self, _: &str, secret: &[u8]) -> Result<Vec<u8>, String> {
        Ok(secret.to_vec())
    }

    fn open(&self, _: &str, sealed: &[u8]) -> Result<Secret<Vec<u8>>, String> {
        Ok(Secret::new(sealed.to_vec()))
    }

    fn key(&self, _: &[u8]) -> Result<String, String> {
        Ok("none".to_owned())
    }

    fn rewrap(&self, _: &str, _: &[u8]) -> Result<Option<Vec<u8>>, String> {
        Ok(None)
    }
}

fn folder(files: &BTreeMap<String, String>) -> Folder {
    let mut folder = Folder::new();
    for (path, text) in files {
        folder.insert(path.as_str(), text.as_str()).expect("it fits");
    }
    folder
}

fn settings(public_url: Option<String>) -> Settings {
    Settings {
        public_url,
        management_url: None,
        asks_for_certificates: false,
        allowed_hosts: Vec::new(),
        allowed_origins: Vec::new(),
        trusted_proxies: Vec::new(),
        forwarding: Forwarding::default(),
        request_body_bytes_max: 1 << 20,
        message_bytes_max: 1 << 20,
        tool_answer_bytes_max: 4096,
        tools_page_max: 100,
        headers_max: 100,
        header_bytes_max: 64 * 1024,
        header_timeout: Duration::from_secs(5),
        message_timeout: Duration::from_secs(5),
        connections_max: 1024,
        drain_timeout: Duration::from_secs(1),
        default_rate: Rate::parse("1000/s").expect("it is a rate"),
    }
}

/// Fetches the key sets of issuers that a test serves on loopback.
struct KeySetEgress(upstream::Egress);

impl identity::Fetch for KeySetEgress {
    fn get<'a>(&'a self, url: &'a str) -> identity::Fetching<'a> {
        Box::pin(async move {
            let fetched = self.0.get(url, 64 * 1024, Duration::from_secs(5)).await;
            fetched.map(Into::into).map_err(|it| it.to_string())
        })
    }
}
