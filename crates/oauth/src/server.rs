//! What the authorization server is made of, and who in it answers what is asked.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use audit::{Journal, Recorded};
use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use identity::{Fetch, KeySets, OwnIssuer, api_key::Pepper, dpop::Proofs};
use model::Clock;
use secrets::Keyring;
use state::Desired;
use store::Store;

pub use crate::signing::{Algorithm, Error};
use crate::{
    Outside, Plane, Request,
    authorize::{self, account},
    client::{self, Documents},
    departed::Departures,
    endpoint::{Document, Endpoint},
    error::{Code, Denied, json_response},
    facts::{Facts, Ledger},
    introspect, metadata,
    password::Passwords,
    reference, revoke,
    signing::SigningKeys,
    tables::Tables,
    throttle::Throttle,
    token,
};

/// What an authorization server is made of.
pub struct Parts {
    /// Its face to who checks its tokens.
    pub issuer: Arc<OwnIssuer>,
    /// Where grants, tickets and keys are kept.
    pub store: Store,
    /// What signing keys are sealed with.
    pub keyring: Arc<Keyring>,
    /// The key of the HMACs of secrets.
    pub pepper: Arc<Pepper>,
    /// Where records go.
    pub log: Arc<Journal>,
    /// What tokens are signed by.
    pub signing: Algorithm,
    /// The time.
    pub clock: Clock,
    /// What could be done with a token.
    pub plane: Arc<dyn Plane>,
    /// Keys of registered clients.
    pub key_sets: Arc<KeySets>,
    /// What may be shown once and was: proofs of keys, and assertions.
    pub proofs: Arc<Proofs>,
    /// Whether clients can show certificates.
    pub asks_for_certificates: bool,
    /// Fetches what strangers name: documents of clients, and their keys.
    pub strangers: Arc<dyn Fetch>,
    /// Providers that sign people in.
    pub outside: Arc<dyn Outside>,
}

/// The authorization server of one door.
pub struct Server {
    pub(crate) issuer: Arc<OwnIssuer>,
    pub(crate) store: Store,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) pepper: Arc<Pepper>,
    pub(crate) clock: Clock,
    pub(crate) plane: Arc<dyn Plane>,
    pub(crate) fetch: Arc<dyn Fetch>,
    pub(crate) outside: Arc<dyn Outside>,
    pub(crate) stranger_keys: client::Keys,
    pub(crate) keys: SigningKeys,
    pub(crate) documents: Documents,
    pub(crate) proofs: Arc<Proofs>,
    pub(crate) asks_for_certificates: bool,
    pub(crate) passwords: Passwords,
    pub(crate) throttle: Throttle,
    pub(crate) outdated: client::Outdated,
    pub(crate) departures: Departures,
    key_sets: Arc<KeySets>,
    log: Arc<Journal>,
    tables: ArcSwap<Tables>,
}

impl Server {
    /// A server for which nothing is declared yet.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts {
            issuer,
            store,
            keyring,
            pepper,
            log,
            signing,
            clock,
            plane,
            key_sets,
            proofs,
            asks_for_certificates,
            strangers,
            outside,
        } = parts;
        issuer.keep_references_in(reference::stored(store.clone()));
        let nothing = Tables::new(&Arc::new(Desired::default()), &issuer, &key_sets);
        Arc::new(Self {
            keys: SigningKeys::new(store.clone(), Arc::clone(&keyring), signing),
            keyring,
            stranger_keys: client::Keys::new(Arc::clone(&strangers), clock.clone()),
            fetch: strangers,
            outside,
            documents: Documents::default(),
            proofs,
            asks_for_certificates,
            passwords: Passwords::new(),
            throttle: Throttle::default(),
            outdated: client::Outdated::default(),
            departures: Departures::default(),
            tables: ArcSwap::from_pointee(nothing),
            issuer,
            store,
            pepper,
            log,
            clock,
            plane,
            key_sets,
        })
    }

    /// Reads its keys, and makes them where there are none; and what has been taken back, so that a
    /// token that was is good for nothing from the first call on.
    ///
    /// # Errors
    /// Where the store or the keyring does not give them.
    pub async fn start(&self) -> Result<(), Error> {
        crate::revocations::read(self, &mut 0).await?;
        self.keys.tend(&self.issuer, self.clock.now()).await
    }

    /// Puts what is declared in force.
    pub fn declare(&self, desired: &Arc<Desired>) {
        let tables = Tables::new(desired, &self.issuer, &self.key_sets);
        let before = self.tables.swap(Arc::new(tables));
        // Last: what is given to them meanwhile is seen by whoever gives it, or ends here.
        self.departures.note(before.desired(), desired);
    }

    /// What is declared.
    pub(crate) fn tables(&self) -> Arc<Tables> {
        self.tables.load_full()
    }

    /// Its own URL, which is the door's.
    pub(crate) fn url(&self) -> &str {
        self.issuer.url()
    }

    /// Whether people reach it by TLS.
    pub(crate) fn has_tls(&self) -> bool {
        self.url().starts_with("https://")
    }

    /// Answers one request, whatever becomes of it, and records it: before it is carried out, where it
    /// may change something, and before it is answered.
    pub async fn answer(&self, request: Request) -> Recorded<Response<Bytes>> {
        let endpoint = Endpoint::of(&request.method, &request.path);
        let mut ledger = Ledger::open(&self.log, &request, endpoint.event());
        let begun = match endpoint.only_shows() {
            true => self.log.admit(),
            false => ledger.begin().await,
        };
        let may_be_done = begun.is_ok() && !endpoint.only_shows();
        let answered = match begun {
            Ok(()) => Box::pin(self.dispatch(endpoint, &request, &mut ledger.facts)).await,
            Err(error) => Err(not_begun(&error)),
        };
        let outcome = answered.as_ref().map(|it| it.status().as_u16());
        let nonce = || self.proofs.nonce(self.clock.now());
        match ledger.close(outcome).await {
            Ok(receipt) => {
                let denied = |denied| endpoint.denied(&denied, nonce());
                receipt.behind(answered.unwrap_or_else(denied))
            }
            Err(error) => {
                // What is refused may have ended a grant, or used a ticket up.
                let denied = match may_be_done {
                    true => withheld(&error),
                    false => not_begun(&error),
                };
                Recorded::instead(&error, endpoint.denied(&denied, None))
            }
        }
    }

    /// What is answered where there is no endpoint at `path` for `method`; none where there is one.
    #[must_use]
    pub fn absent(method: &Method, path: &str) -> Option<Response<Bytes>> {
        let endpoint = Endpoint::of(method, path);
        let Endpoint::Missing { is_method } = endpoint else { return None };
        Some(endpoint.denied(&absent(is_method), None))
    }

    async fn dispatch(
        &self,
        endpoint: Endpoint,
        request: &Request,
        facts: &mut Facts,
    ) -> Result<Response<Bytes>, Denied> {
        match endpoint {
            Endpoint::Account(asked) => account::answer(self, request, asked, facts).await,
            Endpoint::Authorize => authorize::begin(self, request, facts).await,
            Endpoint::Consent => authorize::decide(self, request, facts).await,
            Endpoint::Device(asked) => authorize::device::answer(self, request, asked, facts).await,
            Endpoint::Introspect => introspect::answer(self, request, facts).await,
            Endpoint::Document(which) => Ok(self.published(which)),
            Endpoint::Missing { is_method } => Err(absent(is_method)),
            Endpoint::Provider(asked) => {
                authorize::provider::answer(self, request, asked, facts).await
            }
            Endpoint::Push => authorize::push(self, request, facts).await,
            Endpoint::Register => client::register(self, request, facts).await,
            Endpoint::Revoke => revoke::answer(self, request, facts).await,
            Endpoint::SignIn => authorize::sign_in(self, request, facts).await,
            Endpoint::SignOut => authorize::sign_out(self, request, facts).await,
            Endpoint::Token => token::answer(self, request, facts).await,
        }
    }

    fn published(&self, which: Document) -> Response<Bytes> {
        match which {
            Document::KeySet => document(&self.keys.public()),
            Document::Metadata => {
                let (tables, asks) = (self.tables(), self.asks_for_certificates);
                document(&metadata::document(self.url(), &tables, asks))
            }
        }
    }
}

/// Why nobody answers: there is nothing at the path, or only for another method.
fn absent(is_method: bool) -> Denied {
    match is_method {
        true => Denied::new(Code::MethodNotAllowed, "this endpoint has another method"),
        false => Denied::new(Code::NotFound, "there is no such endpoint"),
    }
}

/// What everybody may read, and keep for a while.
fn document(content: &serde_json::Value) -> Response<Bytes> {
    let mut response = json_response(StatusCode::OK, content);
    let kept = HeaderValue::from_static("public, max-age=300");
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    response
}

/// Why nothing was done: it could not have been recorded.
fn not_begun(error: &audit::Error) -> Denied {
    let detail = "this cannot be recorded, so it is not carried out";
    Denied::new(Code::TemporarilyUnavailable, detail).because(error)
}

/// Why nothing is told of what came of it.
fn withheld(error: &audit::Error) -> Denied {
    let detail = "this was carried out, or may have been, and its answer is withheld because \
                  it cannot be recorded";
    Denied::new(Code::TemporarilyUnavailable, detail).because(error)
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
