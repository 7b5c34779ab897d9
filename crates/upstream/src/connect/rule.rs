//! Which addresses the door may connect to for a document: public ones, and those that are allowed on purpose.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::public;

/// Who wrote the URL of a document. Chosen by whoever fetches it; nothing chooses it by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Somebody who may set the door up: in `onedoor.toml`, by management, or at the command line.
    ///
    /// This machine may be meant too, over http if need be, so that a trial needs no certificate.
    Operator,
    /// Anybody: a client that names its metadata, and whatever that metadata names.
    ///
    /// Over https alone, on port 443, at a name that the whole internet reads alike.
    Stranger,
}

/// The networks and ports that are allowed besides public addresses. By default none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressRule {
    /// For URLs that an operator wrote.
    pub operator_networks: Vec<IpNet>,
    /// For URLs that strangers wrote. Apart, because a private issuer is no reason to let strangers look around
    /// beside it.
    pub stranger_networks: Vec<IpNet>,
    /// The ports besides 443 that strangers may name.
    pub stranger_ports: Vec<u16>,
}

impl AddressRule {
    /// Every address for operators: for a process that does what one person at its command line says.
    #[must_use]
    pub fn everywhere() -> Self {
        let all = |address: IpAddr| IpNet::new_assert(address, 0);
        let networks = vec![all([0; 4].into()), all([0; 16].into())];
        Self { operator_networks: networks, ..Self::default() }
    }

    /// Why `address` may not be connected to, as the end of a sentence.
    fn why_not(&self, trust: Trust, address: IpAddr) -> Option<&'static str> {
        // What is inside must be right whatever the form around it: an allowed 64:ff9b::/96 allows no 10.0.0.0/8.
        let inner = public::inner(address).map(IpAddr::from);
        if let Some(reason) = inner.and_then(|it| self.why_not_itself(trust, it)) {
            return Some(reason);
        }
        match inner.filter(|it| *it == address.to_canonical()) {
            // Mapped, so another way to write IPv4: by what it says where it was allowed on purpose.
            Some(inner) if self.is_allowed(trust, inner) => None,
            _ => self.why_not_itself(trust, address),
        }
    }

    fn why_not_itself(&self, trust: Trust, address: IpAddr) -> Option<&'static str> {
        if self.is_allowed(trust, address) { None } else { public::why_not(address) }
    }

    fn is_allowed(&self, trust: Trust, address: IpAddr) -> bool {
        let (networks, is_loopback_allowed) = match trust {
            Trust::Operator => (&self.operator_networks, true),
            Trust::Stranger => (&self.stranger_networks, false),
        };
        (is_loopback_allowed && address.is_loopback())
            || networks.iter().any(|it| it.contains(&address))
    }
}

/// What is asked of the addresses of a host before any of them is connected to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Guard<'a> {
    /// Nothing: an upstream stands where its declaration says.
    Declared,
    /// That they are of this machine, because what is sent is readable on the way.
    Loopback,
    /// What the rule says.
    Rule(&'a AddressRule, Trust),
}

/// An address that may not be connected to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Forbidden {
    pub(crate) address: IpAddr,
    /// The end of a sentence.
    pub(crate) reason: &'static str,
}

impl Guard<'_> {
    /// Looks at all `addresses` of a host.
    ///
    /// One that is forbidden forbids the host, even beside good ones: else chance, or whoever answers for the
    /// name, decides which one is tried, and a name that leads inside and outside at once is an attack or a mistake.
    pub(crate) fn check(&self, addresses: &[SocketAddr]) -> Result<(), Forbidden> {
        addresses.iter().map(SocketAddr::ip).try_for_each(|address| {
            let reason = match self {
                Self::Declared => None,
                Self::Loopback => (!address.to_canonical().is_loopback())
                    .then_some("is not of this machine, and http is for this machine alone"),
                Self::Rule(rule, trust) => rule.why_not(*trust, address),
            };
            reason.map_or(Ok(()), |reason| Err(Forbidden { address, reason }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(networks: &[&str]) -> AddressRule {
        let networks: Vec<IpNet> = networks.iter().map(|it| it.parse().unwrap()).collect();
        AddressRule {
            operator_networks: networks.clone(),
            stranger_networks: networks,
            stranger_ports: Vec::new(),
        }
    }

    /// Whether an operator and a stranger may name `address`.
    fn may(rule: &AddressRule, address: &str) -> [bool; 2] {
        let address = SocketAddr::new(address.parse().unwrap(), 443);
        [Trust::Operator, Trust::Stranger]
            .map(|trust| Guard::Rule(rule, trust).check(&[address]).is_ok())
    }

    #[test]
    fn only_public_addresses_are_for_everybody() {
        for (address, want) in [
            ("1.1.1.1", [true, true]),
            ("2606:4700::1111", [true, true]),
            ("127.0.0.1", [true, false]),
            ("::1", [true, false]),
            ("::ffff:127.0.0.1", [true, false]),
            ("0.0.0.0", [false, false]),
            ("10.0.0.1", [false, false]),
            ("169.254.169.254", [false, false]),
            ("::ffff:1.1.1.1", [false, false]),
            ("::127.0.0.1", [false, false]),
            ("64:ff9b::1.1.1.1", [false, false]),
            ("2002:7f00:1::", [false, false]),
        ] {
            assert_eq!(may(&AddressRule::default(), address), want, "{address}");
        }
    }

    #[test]
    fn what_is_allowed_on_purpose_is_allowed_in_its_own_form_and_mapped() {
        let rule = rule(&["10.1.0.0/16", "fd00:1::/32", "64:ff9b::/96"]);
        for (address, want) in [
            ("10.1.255.255", true),
            ("::ffff:10.1.0.1", true),
            ("10.2.0.0", false),
            ("::ffff:10.2.0.0", false),
            ("fd00:1::1", true),
            ("fd00:2::1", false),
            ("64:ff9b::1.1.1.1", true),
            ("64:ff9b::10.1.0.1", true),
            ("64:ff9b::10.2.0.1", false),
            ("64:ff9b::169.254.169.254", false),
            ("::10.1.0.1", false),
            ("2002:a01:1::", false),
        ] {
            assert_eq!(may(&rule, address), [want, want], "{address}");
        }
    }

    #[test]
    fn what_operators_may_name_is_not_for_strangers() {
        let everywhere = AddressRule::everywhere();
        for address in ["10.0.0.1", "127.0.0.1", "fd00::1", "0.0.0.0", "::ffff:10.0.0.1"] {
            assert_eq!(may(&everywhere, address), [true, false], "{address}");
        }
    }

    #[test]
    fn one_forbidden_address_forbids_the_host() {
        let rule = AddressRule::default();
        let addresses: Vec<SocketAddr> =
            ["1.1.1.1:443", "10.0.0.1:443"].iter().map(|it| it.parse().unwrap()).collect();
        for trust in [Trust::Operator, Trust::Stranger] {
            let forbidden = Guard::Rule(&rule, trust).check(&addresses).unwrap_err();
            assert_eq!(forbidden.address.to_string(), "10.0.0.1");
        }
        assert_eq!(Guard::Declared.check(&addresses), Ok(()));
        assert!(Guard::Loopback.check(&addresses).is_err());
    }
}
