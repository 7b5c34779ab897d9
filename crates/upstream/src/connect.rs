//! Where an upstream stands, and how a connection to it is opened.

mod origin;
mod tls;
mod wire;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

use self::origin::Host;
pub(crate) use self::{
    origin::Origin,
    tls::{Identity, Tls},
    wire::Wire,
};
use crate::{Error, link::Link};

/// How many addresses of one name are tried.
const ADDRESSES_MAX: usize = 8;

/// Opens connections. Clones share the TLS configuration and its sessions.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    tls: Arc<Tls>,
}

impl Connector {
    pub(crate) fn new(tls: Tls) -> Self {
        Self { tls: Arc::new(tls) }
    }

    /// Finds out before the first request that TLS cannot be had.
    pub(crate) fn prepare(&self, origin: &Origin) -> Result<(), Error> {
        match origin.is_https() {
            true => self.tls.connector().map(drop).map_err(|source| tls_error(origin, source)),
            false => Ok(()),
        }
    }

    /// Opens a connection within `wait`: name, TCP, TLS.
    pub(crate) async fn open(&self, origin: &Origin, wait: Duration) -> Result<Link, Error> {
        self.open_as(None, origin, wait).await
    }

    /// As [`Connector::open`], with the TLS side of a client certificate where there is one.
    pub(crate) async fn open_as(
        &self,
        identity: Option<&TlsConnector>,
        origin: &Origin,
        wait: Duration,
    ) -> Result<Link, Error> {
        let open = async {
            let stream = dial(origin, wait).await?;
            let wire = if origin.is_https() {
                self.secure(identity, origin, stream).await?
            } else {
                Wire::plain(stream)
            };
            Link::new(wire).await.map_err(|error| connect_error(origin, io::Error::other(error)))
        };
        match timeout(wait, open).await {
            Ok(opened) => opened,
            Err(_) => {
                Err(Error::ConnectTimeout { upstream: origin.authority().clone(), timeout: wait })
            }
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

/// Tries the addresses of a host one after the other. One that is silent must not use up all the time.
async fn dial(origin: &Origin, wait: Duration) -> Result<TcpStream, Error> {
    let addresses: Vec<SocketAddr> = match origin.host() {
        Host::Address(address) => vec![SocketAddr::new(*address, origin.port())],
        Host::Name(name) => {
            let found = tokio::net::lookup_host((&**name, origin.port())).await;
            found.map_err(|source| connect_error(origin, source))?.take(ADDRESSES_MAX).collect()
        }
    };
    let count = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    let each = wait.checked_div(count).unwrap_or(wait);
    let mut last =
        io::Error::new(io::ErrorKind::NotFound, "the name has no address that may be used");
    for address in addresses {
        if origin.is_loopback_only() && !address.ip().to_canonical().is_loopback() {
            continue;
        }
        match timeout(each, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // A request is written whole; to hold back its end would only cost time.
                stream.set_nodelay(true).map_err(|source| connect_error(origin, source))?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    if last.kind() == io::ErrorKind::TimedOut {
        return Err(Error::ConnectTimeout { upstream: origin.authority().clone(), timeout: wait });
    }
    Err(connect_error(origin, last))
}

fn connect_error(origin: &Origin, source: io::Error) -> Error {
    Error::Connect { upstream: origin.authority().clone(), source }
}

fn tls_error(origin: &Origin, source: io::Error) -> Error {
    Error::Tls { upstream: origin.authority().clone(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_of_this_machine_that_leads_elsewhere_is_not_followed() {
        // As if a name had been resolved to this address, which is kept for documentation.
        let origin = Origin::parse("http://192.0.2.1").unwrap().0.loopback_only();
        let error = dial(&origin, Duration::from_millis(100)).await.unwrap_err();
        assert!(format!("{error:?}").contains("no address that may be used"), "{error:?}");
    }
}
