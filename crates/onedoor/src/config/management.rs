//! `[management]`: where management comes in.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{
    Reader,
    listen::{parse_address, parse_origin},
};

/// Loopback, and not the port that everybody knows.
const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8081);

/// Where management comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Management {
    /// The address and port to listen on.
    pub(crate) address: SocketAddr,
    /// How operators reach it, without a slash at the end; from the address where none is given.
    pub(crate) public_url: Option<String>,
    /// Whether the listener for everybody leads to management as well.
    pub(crate) is_published: bool,
}

impl Management {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut table = reader.table("management");
        let address = table.take(reader, "address", parse_address).unwrap_or(ADDRESS);
        let public_url = table.take(reader, "public_url", parse_origin);
        let is_published = table.take(reader, "publish", |it| match it {
            "yes" => Ok(true),
            "no" => Ok(false),
            other => Err(format!("\"{other}\" is neither yes nor no")),
        });
        table.finish(reader);
        Self { address, public_url, is_published: is_published.unwrap_or(false) }
    }
}
