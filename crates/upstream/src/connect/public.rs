//! Is this an address of the public internet? What the IANA registries of special-purpose addresses say is not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

const DOCUMENTATION: &str = "is for documentation and tests alone";
const LINK: &str = "is of this link alone, where clouds keep their metadata";
const MULTICAST: &str = "is of many machines";
const NOBODY: &str = "is of no machine, or of this one";
const OTHER: &str = "stands for another address";
const PRIVATE: &str = "is of a private network";
const RESERVED: &str = "is reserved";
const SHARED: &str = "is shared by the customers of a network";
const THIS: &str = "is of this machine";

/// RFC 6890 and the registry that it began. Some of these can be reached from everywhere; no document is there.
const IPV4: &[(Ipv4Net, &str)] = &[
    (v4([0, 0, 0, 0], 8), NOBODY),
    (v4([10, 0, 0, 0], 8), PRIVATE),
    (v4([100, 64, 0, 0], 10), SHARED),
    (v4([127, 0, 0, 0], 8), THIS),
    // A public address in form; inside of one cloud, every machine's own agent.
    (v4([168, 63, 129, 16], 32), LINK),
    (v4([169, 254, 0, 0], 16), LINK),
    (v4([172, 16, 0, 0], 12), PRIVATE),
    (v4([192, 0, 0, 0], 24), RESERVED),
    (v4([192, 0, 2, 0], 24), DOCUMENTATION),
    (v4([192, 31, 196, 0], 24), RESERVED),
    (v4([192, 52, 193, 0], 24), RESERVED),
    (v4([192, 88, 99, 0], 24), OTHER),
    (v4([192, 168, 0, 0], 16), PRIVATE),
    (v4([192, 175, 48, 0], 24), RESERVED),
    (v4([198, 18, 0, 0], 15), DOCUMENTATION),
    (v4([198, 51, 100, 0], 24), DOCUMENTATION),
    (v4([203, 0, 113, 0], 24), DOCUMENTATION),
    (v4([224, 0, 0, 0], 4), MULTICAST),
    (v4([240, 0, 0, 0], 4), RESERVED),
];

/// The first that holds counts.
const IPV6: &[(Ipv6Net, &str)] = &[
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), NOBODY),
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), THIS),
    // Compatible with IPv4 (RFC 4291 section 2.5.5.1), mapped and translated (RFC 6052, RFC 8215).
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 96), OTHER),
    (v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96), OTHER),
    (v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96), OTHER),
    (v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96), OTHER),
    (v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), OTHER),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), PRIVATE),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), LINK),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), PRIVATE),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), MULTICAST),
    // Teredo, and the protocol assignments around it.
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), OTHER),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), RESERVED),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), DOCUMENTATION),
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), OTHER),
    (v6([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48), RESERVED),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), DOCUMENTATION),
];

/// All of IPv6 that is given to machines of the internet so far.
const IPV6_GLOBAL: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

/// Why `address` is no public one, as the end of a sentence; none where it is.
pub(super) fn why_not(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => {
            IPV4.iter().find(|(network, _)| network.contains(&address)).map(|(_, why)| *why)
        }
        IpAddr::V6(address) => {
            let special = IPV6.iter().find(|(network, _)| network.contains(&address));
            let special = special.map(|(_, why)| *why);
            special.or_else(|| (!IPV6_GLOBAL.contains(&address)).then_some(RESERVED))
        }
    }
}

/// The IPv4 address to which packets for `address` may be turned: it counts as much as the address itself.
pub(super) fn inner(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else { return None };
    let [a, b, c, d, e, f, g, h] = address.segments();
    let of = |high: u16, low: u16| Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0 | 0xffff] | [0, 0, 0, 0, 0xffff, 0] | [0x64, 0xff9b, 0, 0, 0, 0]
            if !address.is_loopback() =>
        {
            of(g, h)
        }
        [0x2002, high, low, ..] => of(high, low),
        // Teredo writes the client's address inverted (RFC 4380 section 4).
        [0x2001, 0, ..] => of(!g, !h),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(addresses: &[&str], want: Option<&str>) {
        for text in addresses {
            assert_eq!(why_not(text.parse().unwrap()), want, "{text}");
        }
    }

    #[test]
    fn the_edges_of_every_network_are_known() {
        check(&["0.0.0.0", "0.255.255.255", "::"], Some(NOBODY));
        check(&["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255"], Some(PRIVATE));
        check(
            &["192.168.0.0", "192.168.255.255", "fc00::", "fdff:ffff::", "fec0::1"],
            Some(PRIVATE),
        );
        check(&["100.64.0.0", "100.127.255.255", "100.100.100.200"], Some(SHARED));
        check(&["127.0.0.0", "127.255.255.255", "::1"], Some(THIS));
        check(
            &["169.254.0.0", "169.254.169.254", "169.254.255.255", "fe80::", "febf::"],
            Some(LINK),
        );
        check(&["168.63.129.16"], Some(LINK));
        check(&["fd00:ec2::254"], Some(PRIVATE));
        check(
            &["192.0.0.192", "240.0.0.0", "255.255.255.255", "2001:1ff::", "4000::"],
            Some(RESERVED),
        );
        check(&["192.0.2.1", "198.18.0.0", "198.19.255.255", "198.51.100.1"], Some(DOCUMENTATION));
        check(&["203.0.113.1", "2001:db8::1", "3fff:fff::1"], Some(DOCUMENTATION));
        check(&["224.0.0.0", "239.255.255.255", "ff02::1"], Some(MULTICAST));
        check(&["::ffff:1.1.1.1", "::1.1.1.1", "64:ff9b::101:101", "64:ff9b:1::1"], Some(OTHER));
        check(&["2002:101:101::1", "2001::1", "192.88.99.1", "::ffff:0:1.1.1.1"], Some(OTHER));
        check(
            &[
                "1.1.1.1",
                "9.255.255.255",
                "11.0.0.0",
                "100.63.255.255",
                "100.128.0.0",
                "126.255.255.255",
                "128.0.0.0",
                "168.63.129.17",
                "169.253.255.255",
                "169.255.0.0",
                "172.15.255.255",
                "172.32.0.0",
                "192.0.1.0",
                "192.167.255.255",
                "192.169.0.0",
                "198.17.255.255",
                "198.20.0.0",
                "223.255.255.255",
                "2001:200::1",
                "2606:4700::1111",
                "2003::1",
                "3ffe:ffff::1",
                "2a00::1",
            ],
            None,
        );
    }

    #[test]
    fn an_address_within_an_address_is_seen() {
        for text in [
            "::ffff:10.0.0.1",
            "::10.0.0.1",
            "::ffff:0:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:a00:1::5",
            "2001:0:102:304:0:0:f5ff:fffe",
        ] {
            assert_eq!(inner(text.parse().unwrap()), Some(Ipv4Addr::new(10, 0, 0, 1)), "{text}");
        }
        for text in ["10.0.0.1", "::1", "2606:4700::1111", "fe80::1", "64:ff9b:1::a00:1"] {
            assert_eq!(inner(text.parse().unwrap()), None, "{text}");
        }
    }
}
