//! Which addresses a name has: asked once for each connection.

use std::{fmt, future::Future, io, net::SocketAddr, pin::Pin};

/// The addresses of a name, or why there are none.
pub type Addresses<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;

/// Finds the addresses of names: by the machine's resolver, in tests by a table.
pub trait Resolve: fmt::Debug + Send + Sync {
    /// The addresses of `name`, each with the port it is to be reached at.
    fn resolve<'a>(&'a self, name: &'a str, port: u16) -> Addresses<'a>;
}

/// What the machine's resolver says.
#[derive(Debug)]
pub(crate) struct SystemNames;

impl Resolve for SystemNames {
    fn resolve<'a>(&'a self, name: &'a str, port: u16) -> Addresses<'a> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, port)).await?.collect()) })
    }
}
