//! Where an upstream stands, and how a connection to it is opened.

mod dial;
mod names;
mod origin;
mod public;
mod rule;
mod tls;
mod wire;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use rustls::ClientConfig;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

use self::dial::{addresses, connect_error, dial};
pub(crate) use self::{
    names::SystemNames,
    origin::{Origin, shown},
    rule::Guard,
    tls::{Identity, Tls},
};
pub use self::{
    names::{Addresses, Resolve},
    rule::{AddressRule, Trust},
    tls::Pem,
    wire::Wire,
};
use crate::{Error, link::Link};

/// Opens connections. Clones share the TLS configuration and its sessions.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    tls: Arc<Tls>,
    names: Arc<dyn Resolve>,
}

impl Connector {
    pub(crate) fn new(tls: Tls, names: Arc<dyn Resolve>) -> Self {
        Self { tls: Arc::new(tls), names }
    }

    /// Finds out before the first request that TLS cannot be had.
    pub(crate) fn prepare(&self, origin: &Origin) -> Result<(), Error> {
        match origin.is_https() {
            true => self.tls.connector().map(drop).map_err(|source| tls_error(origin, source)),
            false => Ok(()),
        }
    }

    /// Opens a connection within `wait`: name, addresses that `guard` allows, TCP, TLS.
    pub(crate) async fn open(
        &self,
        guard: Guard<'_>,
        origin: &Origin,
        wait: Duration,
    ) -> Result<Link, Error> {
        self.establish(None, guard, origin, wait).await
    }

    /// The same, with another idea of whom to trust.
    pub(crate) fn with(&self, tls: Tls) -> Self {
        Self { tls: Arc::new(tls), names: Arc::clone(&self.names) }
    }

    /// The addresses of `origin`, if `guard` has nothing against any of them.
    pub(crate) async fn addresses(
        &self,
        guard: Guard<'_>,
        origin: &Origin,
    ) -> Result<Vec<SocketAddr>, Error> {
        addresses(&*self.names, guard, origin).await
    }

    /// Opens a connection within `wait`, on which no HTTP is spoken.
    pub(crate) async fn dial(
        &self,
        guard: Guard<'_>,
        origin: &Origin,
        wait: Duration,
    ) -> Result<Wire, Error> {
        let open = async {
            let stream = dial(&*self.names, guard, origin, wait).await?;
            if !origin.is_https() {
                return Ok(Wire::plain(stream));
            }
            let connector = self.tls.connector().map_err(|source| tls_error(origin, source))?;
            let mut config = ClientConfig::clone(connector.config());
            config.alpn_protocols.clear();
            self.secure(Some(&Arc::new(config).into()), origin, stream).await
        };
        timeout(wait, open).await.unwrap_or_else(|_| Err(late(origin, wait)))
    }

    /// Opens a connection to an upstream, with the TLS side of a client certificate where there is one.
    pub(crate) async fn open_as(
        &self,
        identity: Option<&TlsConnector>,
        origin: &Origin,
        wait: Duration,
    ) -> Result<Link, Error> {
        // Boxed: requests in flight are many, and few of them open a connection.
        Box::pin(self.establish(identity, Guard::Declared, origin, wait)).await
    }

    async fn establish(
        &self,
        identity: Option<&TlsConnector>,
        guard: Guard<'_>,
        origin: &Origin,
        wait: Duration,
    ) -> Result<Link, Error> {
        let open = async {
            let stream = dial(&*self.names, guard, origin, wait).await?;
            let wire = if origin.is_https() {
                self.secure(identity, origin, stream).await?
            } else {
                Wire::plain(stream)
            };
            Link::new(wire).await.map_err(|error| connect_error(origin, io::Error::other(error)))
        };
        match timeout(wait, open).await {
            Ok(opened) => opened,
            Err(_) => Err(late(origin, wait)),
        }
    }

    /// The TLS side of connections that show a client certificate.
    pub(crate) fn showing(&self, identity: Identity) -> Result<TlsConnector, &'static str> {
        self.tls.showing(identity).map_err(|_| "holds a certificate and a key that do not fit")
    }

    async fn secure(
        &self,
        identity: Option<&TlsConnector>,
        origin: &Origin,
        stream: TcpStream,
    ) -> Result<Wire, Error> {
        let connector = match identity {
            Some(connector) => connector,
            None => self.tls.connector().map_err(|source| tls_error(origin, source))?,
        };
        let name = origin.server_name().map_err(|source| tls_error(origin, source))?;
        let stream =
            connector.connect(name, stream).await.map_err(|source| tls_error(origin, source))?;
        Ok(Wire::tls(stream))
    }
}

fn late(origin: &Origin, wait: Duration) -> Error {
    Error::ConnectTimeout { upstream: origin.authority().clone(), timeout: wait }
}

fn tls_error(origin: &Origin, source: io::Error) -> Error {
    Error::Tls { upstream: origin.authority().clone(), source }
}
