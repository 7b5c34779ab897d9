//! What a request tells of its way, whatever comes of it.

use std::net::SocketAddr;

use model::SecretId;

/// Where a request went, and what it was given to show there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reached {
    /// The address that it was sent to, as far as one was reached.
    pub address: Option<SocketAddr>,
    /// What it was given to show; none where nothing is declared.
    pub secret: Option<ShownSecret>,
}

/// A secret by its name: never its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownSecret {
    /// Which.
    pub id: SecretId,
    /// Which version of it, where it has versions.
    pub version: Option<u32>,
}
