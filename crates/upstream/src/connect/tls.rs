//! Whom TLS connections trust: the machine's roots, or those that were given.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::{
    ClientConfig, ConfigBuilder, RootCertStore, client::WantsClientCert, crypto::aws_lc_rs,
};
use tokio_rustls::TlsConnector;
use tracing::warn;

/// The TLS side of all connections. Made at the first upstream that needs it: to read the machine's roots
/// takes tens of milliseconds and some megabytes.
#[derive(Debug)]
pub(crate) struct Tls {
    roots: Option<RootCertStore>,
    connector: OnceLock<Result<Connector, rustls::Error>>,
}

/// What connections trust and show, in PEM.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pem<'a> {
    /// The authorities that are trusted; those of the machine where there are none.
    pub authorities: Option<&'a [u8]>,
    /// A client certificate with what leads to its authority, and its private key.
    pub identity: Option<&'a [u8]>,
}

/// A client certificate and its private key.
pub(crate) struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Reads PEM: the chain, leaf first, and the private key, in any order to each other.
    pub(crate) fn parse(pem: &[u8]) -> Result<Self, &'static str> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let chain = chain.map_err(|_| "is no PEM")?;
        if chain.is_empty() {
            return Err("holds no certificate");
        }
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| "holds no private key in PEM")?;
        Ok(Self { chain, key })
    }
}

#[derive(Clone)]
struct Connector(TlsConnector);

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector(..)")
    }
}

impl Tls {
    /// Trusts what the machine trusts.
    pub(crate) fn native() -> Self {
        Self { roots: None, connector: OnceLock::new() }
    }

    /// Trusts `roots` and nothing else.
    pub(crate) fn trusting(roots: RootCertStore) -> Self {
        Self { roots: Some(roots), connector: OnceLock::new() }
    }

    /// Trusts and shows this.
    pub(crate) fn of(pem: Pem<'_>) -> Result<Self, &'static str> {
        let roots = pem.authorities.map(authorities).transpose()?;
        let tls = Self { roots, connector: OnceLock::new() };
        if let Some(identity) = pem.identity {
            let shown = tls.showing(Identity::parse(identity)?);
            let shown = shown.map_err(|_| "holds a certificate and a key that do not fit")?;
            tls.connector.get_or_init(|| Ok(Connector(shown)));
        }
        Ok(tls)
    }

    pub(crate) fn connector(&self) -> io::Result<&TlsConnector> {
        match self.connector.get_or_init(|| self.make()) {
            Ok(Connector(connector)) => Ok(connector),
            Err(error) => Err(io::Error::other(error.clone())),
        }
    }

    /// A connector of its own, with sessions of its own, that shows a client certificate.
    pub(crate) fn showing(&self, identity: Identity) -> Result<TlsConnector, rustls::Error> {
        let Identity { chain, key } = identity;
        Ok(connector(self.builder()?.with_client_auth_cert(chain, key)?))
    }

    fn make(&self) -> Result<Connector, rustls::Error> {
        Ok(Connector(connector(self.builder()?.with_no_client_auth())))
    }

    fn builder(&self) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, rustls::Error> {
        let roots = self.roots.clone().unwrap_or_else(native_roots);
        let provider = Arc::new(aws_lc_rs::default_provider());
        Ok(ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots))
    }
}

fn connector(mut config: ClientConfig) -> TlsConnector {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(config))
}

fn authorities(pem: &[u8]) -> Result<RootCertStore, &'static str> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let added = certificate.ok().map(|it| roots.add(it).is_ok());
        added.filter(|it| *it).ok_or("holds something that is no certificate of an authority")?;
    }
    match roots.is_empty() {
        true => Err("holds no certificate in PEM"),
        false => Ok(roots),
    }
}

fn native_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, ignored) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        warn!(
            roots.ignored = ignored,
            "no root certificate found, so no https upstream will be trusted: install ca-certificates"
        );
    }
    roots
}
