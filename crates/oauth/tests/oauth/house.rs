//! A server with a few clients, admissions and people, and a browser that keeps cookies.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use argon2::{Argon2, password_hash::PasswordHasher as _};
use audit::Carrier;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, header};
use identity::{
    Declared, Directory, Fetch, Fetched, Fetching, KeySets, Own, OwnIssuer,
    api_key::Pepper,
    dpop::{NonceMaker, Proofs},
};
use model::{
    Admission, AdmissionId, Assignment, Audience, Client, ClientCertificate, ClientId, ClientKind,
    Clock, CollectionId, Credential, CredentialId, CredentialState, Effect, GrantType, LastUse,
    PepperId, Place, Profile, ProfileId, Proof, Registration, RequestId, RoleId, RotationPolicy,
    Secret, Surface, Timestamp, TokenBounds, TokenScope, TokenTerms, User, UserId,
};
use oauth::{Algorithm, Parts, Permitted, Plane, Request, Server};
use secrets::Keyring;
use serde_json::{Map, Value};
use state::Desired;
use store::{Location, Store};
use tempfile::TempDir;

use crate::idp::Idp;

pub(crate) const DOOR: &str = "https://door.example";
pub(crate) const SECRET: &str = "ods_a-secret-of-a-test-and-of-nothing-else";
pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const BACK: &str = "https://app.example/cb";
pub(crate) const DOCUMENT: &str = "https://agent.example/client.json";
/// Of a client that proves itself by a certificate.
pub(crate) const BY_CERTIFICATE: &str = "https://agent.example/certified.json";
/// What documents begin with that never come.
pub(crate) const SILENT: &str = "https://agent.example/silent.json";
pub(crate) const VERIFIER: &str = "0123456789012345678901234567890123456789abc";

/// A server, and what is behind it.
pub(crate) struct House {
    pub(crate) server: Arc<Server>,
    pub(crate) clock: Clock,
    pub(crate) issuer: Arc<OwnIssuer>,
    pub(crate) store: Store,
    pub(crate) desired: Desired,
    pub(crate) log: audit::Memory,
    pub(crate) idp: Arc<Idp>,
    pub(crate) plane: Arc<Orders>,
    /// From where requests come.
    pub(crate) peer: Cell<IpAddr>,
    /// What their connection showed.
    pub(crate) certificate: RefCell<Option<ClientCertificate>>,
    kept: Kept,
    folder: TempDir,
}

/// What outlives a server.
struct Kept {
    issuer: Arc<OwnIssuer>,
    store: Store,
    keyring: Arc<Keyring>,
    pepper: Arc<Pepper>,
    log: Arc<audit::Journal>,
    clock: Clock,
    web: Arc<Web>,
    idp: Arc<Idp>,
    proofs: Arc<Proofs>,
    plane: Arc<Orders>,
}

impl Kept {
    fn strangers(&self) -> Arc<dyn Fetch> {
        Arc::clone(&self.web) as Arc<dyn Fetch>
    }

    fn parts(&self, signing: Algorithm) -> Parts {
        Parts {
            issuer: Arc::clone(&self.issuer),
            store: self.store.clone(),
            keyring: Arc::clone(&self.keyring),
            pepper: Arc::clone(&self.pepper),
            log: Arc::clone(&self.log),
            signing,
            clock: self.clock.clone(),
            plane: Arc::clone(&self.plane) as Arc<dyn Plane>,
            key_sets: Arc::new(KeySets::new(self.strangers(), self.clock.clone())),
            proofs: Arc::clone(&self.proofs),
            asks_for_certificates: true,
            strangers: self.strangers(),
            outside: Arc::clone(&self.idp) as Arc<dyn oauth::Outside>,
        }
    }
}

/// What strangers publish, and what of it was asked for.
#[derive(Debug)]
pub(crate) struct Web {
    pages: Mutex<BTreeMap<String, Fetched>>,
    asked: Mutex<Vec<String>>,
}

impl Web {
    fn new(pages: impl Iterator<Item = (String, String)>) -> Self {
        let pages = pages.map(|(url, text)| (url, Bytes::from(text).into())).collect();
        Self { pages: Mutex::new(pages), asked: Mutex::default() }
    }

    /// Has this at `url` from now on, which may be kept for so many seconds.
    pub(crate) fn publish(&self, url: &str, text: &Value, fresh_for: Option<u64>) {
        let body = Bytes::from(text.to_string());
        let page = Fetched { body, fresh_for: fresh_for.map(Duration::from_secs) };
        self.pages.lock().unwrap().insert(url.to_owned(), page);
    }

    /// Has nothing there any more.
    pub(crate) fn take(&self, url: &str) {
        self.pages.lock().unwrap().remove(url);
    }

    /// What was asked for since this was asked before.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Fetch for Web {
    fn get<'a>(&'a self, url: &'a str) -> Fetching<'a> {
        self.asked.lock().unwrap().push(url.to_owned());
        let found = self.pages.lock().unwrap().get(url).cloned();
        Box::pin(async move {
            if url.starts_with(SILENT) {
                std::future::pending::<()>().await;
            }
            found.ok_or_else(|| "404".to_owned())
        })
    }
}

/// A data plane in which everybody may read orders.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    pub(crate) uses: Mutex<Vec<(String, LastUse)>>,
    /// What may be done besides.
    pub(crate) more: Mutex<Vec<Permitted>>,
    /// What is put in force, and where, while it is asked the next time what may be done.
    pub(crate) meanwhile: Mutex<Option<(Arc<Server>, Arc<Desired>)>>,
    /// Whom the data plane lets in.
    directory: Mutex<Option<Directory>>,
}

impl Plane for Orders {
    fn permitted(&self, _: &ProfileId, bounds: &TokenBounds) -> Vec<Permitted> {
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some((server, desired)) = meanwhile {
            server.declare(&desired);
        }
        let mut permitted = vec![Permitted {
            collection: "orders".to_owned(),
            summary: "Show an order".to_owned(),
            effect: Effect::Read,
        }];
        permitted.extend(self.more.lock().unwrap().iter().cloned());
        permitted.retain(|it| is_within(bounds, &it.collection));
        permitted
    }

    fn admits(&self, claims: &Map<String, Value>, now: Timestamp) -> Result<(), String> {
        let directory = self.directory.lock().unwrap();
        let standing = directory.as_ref().unwrap().standing(claims, now);
        standing.map(drop).map_err(|it| it.cause().unwrap_or_default().to_owned())
    }

    fn note_use(&self, credential: &CredentialId, of: LastUse) {
        self.uses.lock().unwrap().push((credential.to_string(), of));
    }
}

/// Whether a token goes so far. Every role may do all that there is.
fn is_within(bounds: &TokenBounds, collection: &str) -> bool {
    let id = CollectionId::parse(collection).unwrap();
    let is_it = |it: &TokenScope| match it {
        TokenScope::Collection(of) => *of == id,
        TokenScope::Role(_) => true,
    };
    let carries = bounds.scopes.as_ref().is_none_or(|it| it.iter().any(is_it));
    carries && bounds.audience.has(&id)
}

impl House {
    /// What strangers publish.
    pub(crate) fn web(&self) -> Arc<Web> {
        Arc::clone(&self.kept.web)
    }

    pub(crate) async fn open() -> Self {
        Self::signing(Algorithm::EdDsa).await
    }

    /// As [`House::open`], with tokens that are signed by `algorithm`.
    pub(crate) async fn signing(algorithm: Algorithm) -> Self {
        let folder = TempDir::new().unwrap();
        let store = Store::open(&Location::Sqlite(folder.path().join("onedoor.db"))).await.unwrap();
        let clock = Clock::fake(Timestamp::from_seconds(1_800_000_000));
        let issuer = Arc::new(OwnIssuer::new(DOOR));
        let (log, records) = audit::Journal::memory(clock.clone());
        let document = format!(
            r#"{{"client_id":"{DOCUMENT}","client_name":"Agent","redirect_uris":["http://127.0.0.1/cb"]}}"#
        );
        let idp = Arc::new(Idp::new(clock.clone()));
        let certified = format!(
            r#"{{"client_id":"{BY_CERTIFICATE}","redirect_uris":["http://127.0.0.1/cb"],
                "token_endpoint_auth_method":"tls_client_auth","tls_client_auth_san_dns":"app.example",
                "tls_client_certificate_bound_access_tokens":true}}"#
        );
        let pages = [(DOCUMENT.to_owned(), document), (BY_CERTIFICATE.to_owned(), certified)];
        let pages = pages.into_iter().chain(idp.documents());
        let strangers = Arc::new(Web::new(pages));
        let pepper = Arc::new(Pepper::new(&Secret::new(vec![7; 32])).unwrap());
        let desired = desired(&pepper);
        let plane = Arc::new(Orders::default());
        let kept = Kept {
            issuer: Arc::clone(&issuer),
            store: store.clone(),
            keyring: Arc::new(Keyring::generate("k1").unwrap().0),
            pepper,
            log: Arc::new(log),
            clock: clock.clone(),
            web: strangers,
            idp: Arc::clone(&idp),
            proofs: Arc::new(Proofs::new(None)),
            plane: Arc::clone(&plane),
        };
        let server = Server::new(kept.parts(algorithm));
        server.start().await.unwrap();
        let house = Self {
            server,
            clock,
            issuer,
            store,
            desired,
            log: records,
            idp,
            plane,
            peer: Cell::new(IpAddr::from([192, 0, 2, 1])),
            certificate: RefCell::default(),
            kept,
            folder,
        };
        house.declare();
        house
    }

    /// Where the store is.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The pepper of all that is kept.
    pub(crate) fn pepper(&self) -> &Pepper {
        &self.kept.pepper
    }

    /// A new pepper, with the first one kept or not.
    pub(crate) fn new_pepper(&self, keeps_first: bool) {
        let pepper = |id: &str, byte| (PepperId::parse(id).unwrap(), Secret::new(vec![byte; 32]));
        let mut peppers = vec![pepper("p2", 8)];
        peppers.extend(keeps_first.then(|| pepper("p1", 7)));
        self.kept.pepper.replace(&Pepper::of(&peppers).unwrap());
    }

    /// Another replica: it shares the store, and has to find out all else by itself.
    pub(crate) async fn replica(&mut self) {
        self.issuer = Arc::new(OwnIssuer::new(DOOR));
        self.kept.issuer = Arc::clone(&self.issuer);
        self.restart(Algorithm::EdDsa).await;
    }

    /// Another server that demands nonces in proofs.
    pub(crate) async fn demand_nonces(&mut self) {
        let maker = NonceMaker::under(&self.kept.pepper);
        self.kept.proofs = Arc::new(Proofs::new(None).demanding(maker));
        self.restart(Algorithm::EdDsa).await;
    }

    /// Another server over the same store, after some time or with another algorithm.
    pub(crate) async fn restart(&mut self, algorithm: Algorithm) {
        self.server = Server::new(self.kept.parts(algorithm));
        self.server.start().await.unwrap();
        self.declare();
    }

    /// Puts what is declared in force.
    pub(crate) fn declare(&self) {
        self.server.declare(&Arc::new(self.desired.clone()));
        let Desired { clients, credentials, collections, admissions, users, issuers, .. } =
            &self.desired;
        let issuer = &self.issuer;
        let own = Own { issuer, collections, admissions, users, issuers };
        let (pepper, own) = (Some(&*self.kept.pepper), Some(own));
        let declared = Declared { clients, credentials, issuers, pepper, own };
        let key_sets = KeySets::new(self.web(), self.clock.clone());
        let directory = Directory::new(declared, &key_sets);
        *self.plane.directory.lock().unwrap() = Some(directory);
    }

    pub(crate) async fn ask(
        &self,
        method: Method,
        target: &str,
        headers: HeaderMap,
        body: impl Into<Bytes>,
    ) -> Response<Bytes> {
        let (path, query) = target.split_once('?').map_or((target, None), |(a, b)| (a, Some(b)));
        let request = Request {
            id: RequestId::new(uuid::Uuid::now_v7()),
            at: self.clock.now(),
            peer: self.peer.get(),
            carrier: Carrier {
                peer_port: Some(50_000),
                protocol: Some("HTTP/2"),
                ..Carrier::default()
            },
            certificate: self.certificate.borrow().clone(),
            method,
            path: path.to_owned(),
            query: query.map(str::to_owned),
            headers,
            body: body.into(),
        };
        self.server.answer(request).await.into_inner()
    }

    /// Posts a form, as the client with these basic credentials where there are any.
    pub(crate) async fn post(
        &self,
        path: &str,
        basic: Option<(&str, &str)>,
        form: &[(&str, &str)],
    ) -> (u16, Value) {
        let mut headers = form_headers();
        if let Some((id, secret)) = basic {
            let encoded = base64::engine::general_purpose::STANDARD
                .encode(format!("{}:{secret}", id.replace('/', "%2F")));
            let value = HeaderValue::try_from(format!("Basic {encoded}")).unwrap();
            headers.insert(header::AUTHORIZATION, value);
        }
        let answer = self.ask(Method::POST, path, headers, encode(form)).await;
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(answer.body()).unwrap_or(Value::Null))
    }

    /// Posts a form with this proof. The nonce that comes back.
    pub(crate) async fn prove(
        &self,
        path: &str,
        proof: &str,
        form: &[(&str, &str)],
    ) -> (u16, Value, Option<String>) {
        let mut headers = form_headers();
        headers.insert("dpop", HeaderValue::try_from(proof).unwrap());
        let answer = self.ask(Method::POST, path, headers, encode(form)).await;
        let nonce = answer.headers().get("dpop-nonce");
        let nonce = nonce.map(|it| it.to_str().unwrap().to_owned());
        let body = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
        (answer.status().as_u16(), body, nonce)
    }

    /// The key-encryption keys of all that is kept.
    pub(crate) fn keyring(&self) -> &Keyring {
        &self.kept.keyring
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// A browser: cookies, and the page it shows.
#[derive(Debug, Default)]
pub(crate) struct Browser {
    cookies: BTreeMap<String, String>,
    pub(crate) page: String,
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    answered: HeaderMap,
}

impl Browser {
    /// What a header of the last answer says.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        Some(self.answered.get(name)?.to_str().unwrap().to_owned())
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.get(name).cloned()
    }

    pub(crate) fn put_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn forget(&mut self, name: &str) {
        self.cookies.remove(name);
    }

    pub(crate) async fn open(&mut self, house: &House, target: &str) {
        let answer = house.ask(Method::GET, target, self.headers(HeaderMap::new()), "").await;
        self.take(answer);
    }

    /// Sends the form of the page whose action is `action`, with what a person filled in.
    pub(crate) async fn send(&mut self, house: &House, action: &str, filled: &[(&str, &str)]) {
        let form = self.page.split("<form").find(|it| it.contains(&format!("action=\"{action}\"")));
        let form = form.unwrap_or_default().to_owned();
        let hidden = |name: &str| {
            let start = format!("name=\"{name}\" value=\"");
            let value = form.split(&start).nth(1).and_then(|it| it.split('"').next());
            value.unwrap_or_default().to_owned()
        };
        let (authorization, csrf) = (hidden("authorization"), hidden("csrf"));
        let second = ["step", "enrolment", "offer"].map(|it| (it, hidden(it)));
        let mut pairs = vec![("authorization", &*authorization), ("csrf", &*csrf)];
        pairs.extend(second.iter().map(|(a, b)| (*a, &**b)).filter(|it| !it.1.is_empty()));
        pairs.extend_from_slice(filled);
        let headers = self.headers(form_headers());
        let answer = house.ask(Method::POST, action, headers, encode(&pairs)).await;
        self.take(answer);
    }

    fn take(&mut self, answer: Response<Bytes>) {
        for cookie in answer.headers().get_all(header::SET_COOKIE) {
            let (pair, _) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        self.status = answer.status().as_u16();
        self.answered = answer.headers().clone();
        let location = answer.headers().get(header::LOCATION);
        self.location = location.map(|it| it.to_str().unwrap().to_owned());
        self.page = String::from_utf8(answer.body().to_vec()).unwrap();
    }

    fn headers(&self, mut headers: HeaderMap) -> HeaderMap {
        let cookies: Vec<_> = self.cookies.iter().map(|(a, b)| format!("{a}={b}")).collect();
        if !cookies.is_empty() {
            headers.insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        }
        headers
    }

    /// What the client is sent back with.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let location = url::Url::parse(self.location.as_deref()?).unwrap();
        location.query_pairs().find(|it| it.0 == name).map(|it| it.1.into_owned())
    }

    /// Signs in as Ann and allows what `target` asks for. The code.
    pub(crate) async fn allow(&mut self, house: &House, target: &str) -> String {
        self.open(house, target).await;
        if self.page.contains("/oauth/sign-in") {
            let filled = [("name", "ann"), ("password", PASSWORD)];
            self.send(house, "/oauth/sign-in", &filled).await;
        }
        assert!(self.page.contains("/oauth/consent"), "{}", self.page);
        self.send(house, "/oauth/consent", &[("decision", "allow")]).await;
        self.parameter("code").unwrap_or_else(|| panic!("no code: {self:?}"))
    }
}

/// A request for authorization, with these parameters in place of the usual ones.
pub(crate) fn authorize(changes: &[(&str, &str)]) -> String {
    let challenge = challenge(VERIFIER);
    let mut parameters: BTreeMap<&str, &str> = [
        ("client_id", "web/app"),
        ("redirect_uri", BACK),
        ("response_type", "code"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("state", "s1"),
        ("resource", "https://door.example/mcp"),
    ]
    .into();
    for (name, value) in changes {
        parameters.insert(name, value);
    }
    parameters.retain(|_, value| !value.is_empty());
    let pairs: Vec<_> = parameters.into_iter().collect();
    format!("/oauth/authorize?{}", encode(&pairs))
}

pub(crate) fn challenge(verifier: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    URL_SAFE_NO_PAD.encode(digest)
}

/// The claims of a token. Only for looking at: nobody has verified it here.
pub(crate) fn claims(token: &Value) -> Value {
    let part = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn encode(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn form_headers() -> HeaderMap {
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    HeaderMap::from_iter([(header::CONTENT_TYPE, form)])
}

fn desired(pepper: &Pepper) -> Desired {
    let hash = Argon2::default().hash_password(PASSWORD.as_bytes()).unwrap().to_string();
    let user = |id: &str, groups: &[&str]| {
        Arc::new(User {
            id: UserId::parse(id).unwrap(),
            name: None,
            password: Some(hash.clone()),
            groups: groups.iter().map(|it| (*it).to_owned()).collect(),
            second_factor: model::SecondFactor::default(),
            is_enabled: true,
            place: Place::default(),
        })
    };
    let web = [GrantType::AuthorizationCode, GrantType::RefreshToken];
    Desired {
        clients: vec![
            client("agents", "reader", terms(&web, &[BACK], true)),
            client("batch", "main", asking(terms(&[GrantType::ClientCredentials], &[], false))),
            client("web", "app", terms(&web, &[BACK], true)),
        ],
        credentials: vec![Arc::new(Credential {
            id: CredentialId::parse("batch-secret").unwrap(),
            profile: ProfileId::parse("batch/main").unwrap(),
            proof: Proof::ClientSecret { hash: pepper.hash(SECRET) },
            state: CredentialState::Active,
            created: None,
            replaced: None,
            expires: Timestamp::from_seconds(1_900_000_000),
            place: Place::default(),
        })],
        admissions: vec![Arc::new(Admission {
            id: AdmissionId::parse("staff-agents").unwrap(),
            description: None,
            profile: ProfileId::parse("agents/reader").unwrap(),
            registrations: vec![Registration::Dynamic, Registration::MetadataDocument],
            hosts: vec!["agent.example".to_owned(), "localhost".to_owned()],
            software: Vec::new(),
            issuer: None,
            groups: vec!["staff".to_owned()],
            position: 100,
            place: Place::default(),
        })],
        users: vec![user("ann", &["staff"]), user("ben", &[])],
        ..Desired::default()
    }
}

/// The same for a client that may ask of all tokens whether they are good.
fn asking(terms: TokenTerms) -> TokenTerms {
    TokenTerms { introspects: vec![Audience::Door], ..terms }
}

pub(crate) fn client(id: &str, profile: &str, tokens: TokenTerms) -> Arc<Client> {
    let id = ClientId::parse(id).unwrap();
    Arc::new(Client {
        kind: ClientKind::Agent,
        owner: "team".to_owned(),
        description: None,
        is_enabled: true,
        profiles: vec![Profile {
            id: ProfileId::new(&id, profile).unwrap(),
            roles: vec![Assignment::everywhere(RoleId::parse("reader").unwrap())],
            surfaces: vec![Surface::Mcp, Surface::Rest],
            networks: Vec::new(),
            expires: None,
            tokens: Some(tokens),
            rotation: RotationPolicy::default(),
            is_enabled: true,
            place: Place::default(),
        }],
        id,
        place: Place::default(),
    })
}

pub(crate) fn terms(grants: &[GrantType], redirects: &[&str], is_public: bool) -> TokenTerms {
    TokenTerms {
        grants: grants.to_vec(),
        redirect_uris: redirects.iter().map(|it| (*it).to_owned()).collect(),
        is_public,
        groups: Vec::new(),
        lifetime: TokenTerms::LIFETIME,
        refresh_lifetime: TokenTerms::REFRESH_LIFETIME,
        binding: None,
        is_opaque: false,
        must_push: false,
        introspects: Vec::new(),
    }
}
