//! Whom TLS connections trust: the machine's roots, or those that were given.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use tokio_rustls::TlsConnector;
use tracing::warn;

/// The TLS side of all connections. Made at the first upstream that needs it: to read the machine's roots
/// takes tens of milliseconds and some megabytes.
#[derive(Debug)]
pub(crate) struct Tls {
    roots: Option<RootCertStore>,
    connector: OnceLock<Result<Connector, rustls::Error>>,
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

    pub(crate) fn connector(&self) -> io::Result<&TlsConnector> {
        match self.connector.get_or_init(|| self.make()) {
            Ok(Connector(connector)) => Ok(connector),
            Err(error) => Err(io::Error::other(error.clone())),
        }
    }

    fn make(&self) -> Result<Connector, rustls::Error> {
        let roots = self.roots.clone().unwrap_or_else(native_roots);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Connector(TlsConnector::from(Arc::new(config))))
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
