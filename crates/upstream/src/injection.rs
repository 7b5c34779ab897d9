//! What the door shows to an upstream: out of a secret, into each request, in place of what a caller sent.

mod form;
mod slots;
mod token;

use std::{fmt, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TE, TRANSFER_ENCODING,
        UPGRADE,
    },
};
use model::{Injection, Query, RequestHead, Secret, SecretId};
use tokio_rustls::TlsConnector;

pub use self::slots::{Scheme, SecretSlots};
use self::token::{Token, Tokens};
use crate::{Error, fleet::Shared, pool::Pool};

/// Headers that say how a message is read. No secret may stand in them.
const FRAMING: [HeaderName; 7] =
    [CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TE, TRANSFER_ENCODING, UPGRADE];

const NO_VALUE: &str = "has no value";

/// Shows one secret to one upstream.
pub(crate) struct Injector {
    upstream: Arc<str>,
    injection: Injection,
    place: Place,
    connections_max: usize,
    answer_timeout: Duration,
    connector: crate::connect::Connector,
    /// Asks for tokens, where the declaration says.
    egress: crate::Egress,
    clock: model::Clock,
    /// The current value, so that a request costs one load.
    current: ArcSwap<Current>,
}

/// Where in a request the secret stands.
enum Place {
    Header(HeaderName),
    Query(String),
    Handshake,
}

/// What a value was made into, and which version of the secret it is.
struct Current {
    ready: Ready,
    version: Option<u32>,
}

/// What a value was made into.
enum Ready {
    Nothing { reason: &'static str },
    Header(HeaderValue),
    Query(Secret<String>),
    Tokens(Arc<Tokens>),
    Identity(Arc<Identified>),
}

/// One client certificate, and the connections that show it. Another certificate has connections of its own.
pub(crate) struct Identified {
    pub(crate) connector: TlsConnector,
    pub(crate) pool: Arc<Pool>,
}

/// What a request was given.
#[derive(Default)]
pub(crate) struct Shown {
    pub(crate) identity: Option<Arc<Identified>>,
    /// Which version of its secret.
    pub(crate) version: Option<u32>,
    token: Option<(Arc<Tokens>, Arc<Token>)>,
}

impl Injector {
    /// Shows what `declared` says, as soon as its secret has a value.
    ///
    /// # Errors
    /// [`Error::InvalidInjection`] where it cannot be shown at all.
    pub(crate) fn new(
        declared: &model::Upstream,
        authority: &Arc<str>,
        is_https: bool,
        shared: &Shared,
    ) -> Result<Option<Arc<Self>>, Error> {
        let Some(injection) = &declared.injection else { return Ok(None) };
        let place = place(injection, is_https).map_err(|reason| Error::InvalidInjection {
            upstream: Arc::clone(authority),
            reason,
        })?;
        let injector = Arc::new(Self {
            upstream: Arc::clone(authority),
            injection: injection.clone(),
            place,
            connections_max: declared.connections_max,
            answer_timeout: declared.answer_timeout,
            connector: shared.connector.clone(),
            egress: shared.egress(crate::Trust::Operator),
            clock: shared.clock.clone(),
            current: ArcSwap::from_pointee(Current {
                ready: Ready::Nothing { reason: NO_VALUE },
                version: None,
            }),
        });
        shared.secrets.tell(&injector);
        Ok(Some(injector))
    }

    pub(crate) fn secret(&self) -> &SecretId {
        self.injection.secret()
    }

    /// Takes a new value, or that there is none.
    fn take(&self, value: Option<&Secret<Vec<u8>>>, version: Option<u32>) {
        let ready = match value {
            Some(value) => self.made(value).unwrap_or_else(|reason| Ready::Nothing { reason }),
            None => Ready::Nothing { reason: NO_VALUE },
        };
        self.current.store(Arc::new(Current { ready, version }));
    }

    fn made(&self, value: &Secret<Vec<u8>>) -> Result<Ready, &'static str> {
        let value = value.expose();
        Ok(match &self.injection {
            Injection::Basic { username, password: _ } => {
                Ready::Header(form::basic(username.as_bytes(), value)?)
            }
            Injection::Bearer { token: _ } => Ready::Header(form::bearer(value)?),
            Injection::Header { .. } => Ready::Header(form::header(value)?),
            Injection::Query { .. } => Ready::Query(form::query(value)?),
            Injection::ClientCertificate { .. } => {
                let identity = crate::connect::Identity::parse(value)?;
                let connector = self.connector.showing(identity)?;
                let pool = Pool::new(self.clock.clone(), self.connections_max);
                Ready::Identity(Arc::new(Identified { connector, pool }))
            }
            Injection::ClientCredentials {
                token_url,
                client_id,
                client_secret: _,
                scopes,
                resource,
            } => Ready::Tokens(Arc::new(Tokens::new(token::Endpoint {
                url: token_url.clone(),
                authorization: form::client_basic(client_id, value)?,
                form: form::grant(scopes, resource.as_deref()),
                egress: self.egress.clone(),
                wait: self.answer_timeout,
                clock: self.clock.clone(),
            }))),
        })
    }

    /// Puts the secret into a request, in place of whatever the caller put there.
    ///
    /// # Errors
    /// [`Error::NoCredential`] where there is no value, or none that can be shown; [`Error::NoToken`].
    pub(crate) async fn show(&self, head: &mut RequestHead) -> Result<Shown, Error> {
        let current = self.current.load();
        let version = current.version;
        match &current.ready {
            Ready::Nothing { reason } => Err(self.no_credential(reason)),
            Ready::Header(value) => {
                self.put(&mut head.headers, value.clone());
                Ok(Shown { version, ..Shown::default() })
            }
            Ready::Query(value) => {
                let query = self.query(&head.query, value);
                head.query = query?;
                Ok(Shown { version, ..Shown::default() })
            }
            Ready::Identity(identity) => {
                Ok(Shown { identity: Some(Arc::clone(identity)), version, token: None })
            }
            Ready::Tokens(tokens) => {
                let tokens = Arc::clone(tokens);
                drop(current);
                let token = match tokens.current() {
                    Some(token) => token,
                    // Boxed: rare, and large beside all else that a request holds.
                    None => Box::pin(tokens.fetched()).await.map_err(|it| self.no_token(it))?,
                };
                self.put(&mut head.headers, token.header.clone());
                Ok(Shown { identity: None, version, token: Some((tokens, token)) })
            }
        }
    }

    /// Closes the idle connections of the current certificate that are over.
    pub(crate) fn sweep(&self) {
        if let Some(pool) = self.pool() {
            pool.sweep();
        }
    }

    /// The connections that show the current certificate, where this is how the secret is shown.
    pub(crate) fn pool(&self) -> Option<Arc<Pool>> {
        match &self.current.load().ready {
            Ready::Identity(identity) => Some(Arc::clone(&identity.pool)),
            Ready::Nothing { .. } | Ready::Header(_) | Ready::Query(_) | Ready::Tokens(_) => None,
        }
    }

    fn put(&self, headers: &mut HeaderMap, value: HeaderValue) {
        let Place::Header(name) = &self.place else { return };
        // Many servers read `x_api_key` and `x.api.key` as `x-api-key`.
        let alike: Vec<HeaderName> =
            headers.keys().filter(|it| *it != name && is_alike(it, name)).cloned().collect();
        for it in alike {
            headers.remove(it);
        }
        headers.insert(name, value);
    }

    fn query(&self, sent: &Query, value: &Secret<String>) -> Result<Query, Error> {
        let Place::Query(name) = &self.place else { return Ok(sent.clone()) };
        let mut query = Query::default();
        // In any case: some servers do not tell `Key` from `key`, and take the first.
        for (other, value) in sent.pairs().iter().filter(|(it, _)| !it.eq_ignore_ascii_case(name)) {
            let pushed = query.push(other.clone(), value.clone());
            pushed.map_err(|_| self.no_credential("does not fit into the query"))?;
        }
        query
            .push(name.clone(), Some(value.expose().clone()))
            .map_err(|_| self.no_credential("does not fit into the query"))?;
        Ok(query)
    }

    fn no_credential(&self, reason: &'static str) -> Error {
        let upstream = Arc::clone(&self.upstream);
        Error::NoCredential { upstream, secret: self.secret().clone(), reason }
    }

    fn no_token(&self, reason: Arc<str>) -> Error {
        let upstream = Arc::clone(&self.upstream);
        Error::NoToken { upstream, secret: self.secret().clone(), reason }
    }
}

impl Shown {
    /// Learns how the upstream answered: a token that it refuses is not shown again.
    pub(crate) fn answered(&self, status: StatusCode) {
        if status == StatusCode::UNAUTHORIZED
            && let Some((tokens, token)) = &self.token
        {
            tokens.refused(token);
        }
    }
}

impl fmt::Debug for Injector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injector").field("injection", &self.injection).finish_non_exhaustive()
    }
}

fn place(injection: &Injection, is_https: bool) -> Result<Place, &'static str> {
    match injection {
        Injection::Basic { username, .. } if username.contains(':') => {
            Err("has a colon in its user name, which ends there (RFC 7617)")
        }
        Injection::Basic { .. }
        | Injection::Bearer { .. }
        | Injection::ClientCredentials { .. } => Ok(Place::Header(AUTHORIZATION)),
        Injection::Header { name, .. } => {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| "names a header that is none")?;
            if FRAMING.contains(&name) {
                return Err("names a header that the door itself sets: name another");
            }
            Ok(Place::Header(name))
        }
        Injection::Query { name, .. } if name.is_empty() => Err("names no query parameter"),
        Injection::Query { name, .. } => Ok(Place::Query(name.clone())),
        Injection::ClientCertificate { .. } if is_https => Ok(Place::Handshake),
        Injection::ClientCertificate { .. } => {
            Err("is a client certificate, which http cannot show: write https://")
        }
    }
}

fn is_alike(one: &HeaderName, other: &HeaderName) -> bool {
    let folded = |byte: u8| if byte.is_ascii_alphanumeric() { byte } else { b'-' };
    let (one, other) = (one.as_str().bytes().map(folded), other.as_str().bytes().map(folded));
    one.eq(other)
}
