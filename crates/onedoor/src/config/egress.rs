//! `[egress]`: from which addresses the door may fetch documents, besides public ones.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Reader;

/// Where documents may be fetched from, besides public addresses: key sets, metadata, tokens, vaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Egress {
    /// For URLs that an operator wrote.
    pub(crate) allowed_networks: Vec<IpNet>,
    /// For URLs that strangers wrote.
    pub(crate) stranger_networks: Vec<IpNet>,
    /// The ports besides 443 that strangers may name.
    pub(crate) stranger_ports: Vec<u16>,
}

impl Egress {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut table = reader.table("egress");
        let egress = Self {
            allowed_networks: table.take_list(reader, "allowed_networks", parse_network),
            stranger_networks: table.take_list(reader, "stranger_networks", parse_network),
            stranger_ports: table.take_list(reader, "stranger_ports", parse_port),
        };
        table.finish(reader);
        egress
    }
}

/// Reads `10.0.0.0/8` or one address.
pub(super) fn parse_network(text: &str) -> Result<IpNet, String> {
    let address = text.parse::<IpAddr>().map(IpNet::from);
    let network = address.or_else(|_| text.parse::<IpNet>()).map_err(|_| {
        format!("\"{}\" is not a network: write 10.0.0.0/8 or fd00::/8", text.escape_debug())
    })?;
    if network.trunc() != network {
        let network = network.trunc();
        return Err(format!("{text} has bits beyond its prefix: write {network}"));
    }
    if matches!(network.addr(), IpAddr::V6(address) if address.to_ipv4_mapped().is_some()) {
        return Err(format!("{text} is IPv4 in IPv6 form: write it as IPv4"));
    }
    Ok(network)
}

fn parse_port(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|it| *it > 0);
    port.ok_or_else(|| {
        format!("\"{}\" is not a port: write a number from 1 to 65535", text.escape_debug())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_read_or_refused_with_what_to_write() {
        for (text, want) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("192.168.1.7", "192.168.1.7/32"),
            ("fd00::/8", "fd00::/8"),
        ] {
            assert_eq!(parse_network(text).map(|it| it.to_string()).as_deref(), Ok(want));
        }
        for (text, want) in [
            ("private", "write 10.0.0.0/8"),
            ("10.0.0.0/33", "write 10.0.0.0/8"),
            ("10.1.0.0/8", "write 10.0.0.0/8"),
            ("::ffff:10.0.0.0/104", "write it as IPv4"),
        ] {
            let error = parse_network(text).unwrap_err();
            assert!(error.contains(want), "{error}");
        }
        assert_eq!(parse_port("8443"), Ok(8443));
        for text in ["0", "65536", "https"] {
            assert!(parse_port(text).unwrap_err().contains("write a number"), "{text}");
        }
    }
}
