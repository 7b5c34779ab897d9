//! From a host to an open TCP connection: the name is asked once, and what is checked is what is connected to.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{net::TcpStream, time::timeout};

use super::{
    Origin,
    names::Resolve,
    origin::Host,
    rule::{Forbidden, Guard},
};
use crate::Error;

/// How many addresses of one name are tried.
const ADDRESSES_MAX: usize = 8;

/// Connects to one of the addresses of `origin`, if `guard` has nothing against any of them.
pub(super) async fn dial(
    names: &dyn Resolve,
    guard: Guard<'_>,
    origin: &Origin,
    wait: Duration,
) -> Result<TcpStream, Error> {
    let mut addresses = addresses(names, guard, origin).await?;
    addresses.truncate(ADDRESSES_MAX);
    connect(origin, &addresses, wait).await
}

/// The addresses of `origin`, if `guard` has nothing against any of them.
pub(super) async fn addresses(
    names: &dyn Resolve,
    guard: Guard<'_>,
    origin: &Origin,
) -> Result<Vec<SocketAddr>, Error> {
    let addresses = match origin.host() {
        Host::Address(address) => vec![SocketAddr::new(*address, origin.port())],
        Host::Name(name) => names
            .resolve(name, origin.port())
            .await
            .map_err(|source| connect_error(origin, source))?,
    };
    // All of them, those that will not be tried too.
    guard.check(&addresses).map_err(|it| forbidden(origin, guard, &it))?;
    Ok(addresses)
}

/// Tries the addresses one after the other. One that is silent must not use up all the time.
async fn connect(
    origin: &Origin,
    addresses: &[SocketAddr],
    wait: Duration,
) -> Result<TcpStream, Error> {
    let count = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    let each = wait.checked_div(count).unwrap_or(wait);
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
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

pub(super) fn connect_error(origin: &Origin, source: io::Error) -> Error {
    Error::Connect { upstream: origin.authority().clone(), source }
}

fn forbidden(origin: &Origin, guard: Guard<'_>, forbidden: &Forbidden) -> Error {
    let Forbidden { address, reason } = *forbidden;
    let help = match guard {
        Guard::Declared | Guard::Loopback => "write https://",
        Guard::Rule(_, super::Trust::Operator) => {
            "if it is meant, add its network to allowed_networks in [egress]"
        }
        Guard::Rule(_, super::Trust::Stranger) => {
            "if strangers may name it, add its network to stranger_networks in [egress]"
        }
    };
    Error::Forbidden { upstream: origin.authority().clone(), address, reason, help }
}
