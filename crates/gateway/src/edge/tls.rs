//! The TLS side of a listener: what it shows to clients, and what it wants to be shown.

mod any;
mod certificate;

use std::sync::Arc;

use arc_swap::ArcSwap;
use model::Secret;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
    version::{TLS12, TLS13},
};
use tokio_rustls::TlsAcceptor;

use self::any::AnyCertificate;
pub(super) use self::certificate::read;

/// HTTP/2, as ALPN names it.
pub(super) const HTTP2: &[u8] = b"h2";
/// HTTP/1.1, as ALPN names it.
const HTTP1: &[u8] = b"http/1.1";

/// The TLS side of a listener. It can be replaced while connections go on: they keep what they began with.
#[derive(Debug)]
pub struct Tls(ArcSwap<Side>);

/// What one connection begins with.
#[derive(Debug)]
pub(super) struct Side {
    config: Arc<ServerConfig>,
    /// Who says whether a client certificate is vouched for, where that is not asked of all.
    authorities: Option<Arc<dyn ClientCertVerifier>>,
}

/// What a TLS side is made of, in PEM.
#[derive(Debug)]
pub struct TlsFiles {
    /// The certificate of the door, and behind it those that lead to its authority.
    pub certificate: Vec<u8>,
    /// Its private key.
    pub key: Secret<Vec<u8>>,
    /// Which certificates clients may show.
    pub clients: ClientCertificates,
}

/// Which certificates clients may show.
#[derive(Debug)]
pub enum ClientCertificates {
    /// Any of which the client holds the key, or none at all. What one says of its holder is believed
    /// where it leads to these authorities.
    Any(Vec<u8>),
    /// None: they are not asked for any.
    None,
    /// One that leads to these authorities, or none at all.
    Optional(Vec<u8>),
    /// One that leads to these authorities, or there is no connection.
    Required(Vec<u8>),
}

/// Why there can be no TLS side.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate cannot be used.
    #[error("is no chain of certificates in PEM: {0}")]
    Certificate(String),
    /// The certificates of authorities cannot be used.
    #[error("is no bundle of certificates in PEM: {0}")]
    ClientCa(String),
    /// The private key cannot be used.
    // Not what is wrong with it: the words could hold a piece of it.
    #[error("holds no private key in PEM that can be used")]
    Key,
    /// They are not of each other.
    #[error("is not the private key of the certificate")]
    Pair,
    /// The machine has no random bytes.
    #[error("cannot make keys: {0}")]
    Provider(#[source] rustls::Error),
}

impl Tls {
    /// A TLS side of these files.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(files: &TlsFiles) -> Result<Self, TlsError> {
        Ok(Self(ArcSwap::from_pointee(side(files)?)))
    }

    /// Takes these files in place of those before, for connections that come from now on.
    ///
    /// # Errors
    /// What is wrong with them; those before stay.
    pub fn replace(&self, files: &TlsFiles) -> Result<(), TlsError> {
        self.0.store(Arc::new(side(files)?));
        Ok(())
    }

    pub(super) fn side(&self) -> Arc<Side> {
        self.0.load_full()
    }
}

impl Side {
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }

    /// Whether an authority vouches for the client's certificate, the first of this chain.
    pub(super) fn trusts(&self, chain: &[CertificateDer<'_>]) -> bool {
        // Else the handshake has asked.
        let Some(authorities) = &self.authorities else { return true };
        let (Some((own, others)), Some(now)) =
            (chain.split_first(), self.config.time_provider.current_time())
        else {
            return false;
        };
        authorities.verify_client_cert(own, others, now).is_ok()
    }
}

fn side(files: &TlsFiles) -> Result<Side, TlsError> {
    let TlsFiles { certificate, key, clients } = files;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let chain = certificates(certificate).map_err(TlsError::Certificate)?;
    let key = PrivateKeyDer::from_pem_slice(key.expose()).map_err(|_| TlsError::Key)?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(TlsError::Provider)?;
    let authorities = verifier(clients, &provider)?;
    let builder = match (&authorities, clients) {
        (None, _) => builder.with_no_client_auth(),
        (Some(verifier), ClientCertificates::Any(_)) => {
            builder.with_client_cert_verifier(Arc::new(AnyCertificate(Arc::clone(verifier))))
        }
        (Some(verifier), _) => builder.with_client_cert_verifier(Arc::clone(verifier)),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => TlsError::Pair,
        rustls::Error::InvalidCertificate(fault) => TlsError::Certificate(format!("{fault:?}")),
        _ => TlsError::Key,
    })?;
    config.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
    // No early data: it can be replayed.
    config.max_early_data_size = 0;
    match clients {
        ClientCertificates::None => {
            config.ticketer = aws_lc_rs::Ticketer::new().map_err(TlsError::Provider)?;
        }
        // No resumption: it would carry over a certificate that nobody verifies any more.
        ClientCertificates::Any(_)
        | ClientCertificates::Optional(_)
        | ClientCertificates::Required(_) => {
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
    }
    let is_asked = matches!(clients, ClientCertificates::Any(_));
    Ok(Side { config: Arc::new(config), authorities: authorities.filter(|_| is_asked) })
}

fn verifier(
    clients: &ClientCertificates,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
    let (bundle, is_required) = match clients {
        ClientCertificates::None => return Ok(None),
        ClientCertificates::Any(bundle) | ClientCertificates::Optional(bundle) => (bundle, false),
        ClientCertificates::Required(bundle) => (bundle, true),
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(bundle).map_err(TlsError::ClientCa)? {
        roots.add(certificate).map_err(|it| TlsError::ClientCa(it.to_string()))?;
    }
    let builder =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let builder = if is_required { builder } else { builder.allow_unauthenticated() };
    builder.build().map(Some).map_err(|it| TlsError::ClientCa(it.to_string()))
}

fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(text).collect();
    let found = found.map_err(|it| it.to_string())?;
    if found.is_empty() { Err("it holds none".to_owned()) } else { Ok(found) }
}
