//! `[metrics]`: where numbers of the process are read. Nowhere, unless an address is named.

use std::net::SocketAddr;

use super::{
    Reader,
    listen::{parse_address, parse_host},
};

/// Where numbers of the process are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Metrics {
    /// The address and port to listen on.
    pub(crate) address: SocketAddr,
    /// Names by which it may be asked, as those of `[listen]`.
    pub(crate) allowed_hosts: Vec<String>,
}

impl Metrics {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut table = reader.table("metrics");
        let address = table.take(reader, "address", parse_address);
        let allowed_hosts = table.take_list(reader, "allowed_hosts", parse_host);
        table.finish(reader);
        address.map(|address| Self { address, allowed_hosts })
    }
}
