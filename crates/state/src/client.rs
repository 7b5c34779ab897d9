//! `clients/ID.yaml`: a client and its profiles.

mod assignment;
mod tokens;

use std::net::IpAddr;

use ipnet::IpNet;
use model::{Client, ClientId, ClientKind, Profile, ProfileId, Surface, Timestamp};

use crate::{
    field::Field,
    reader::Reader,
    report::shown,
    writer::{self, Writer},
};

const KINDS: &[(&str, ClientKind)] = &[
    ("agent", ClientKind::Agent),
    ("app", ClientKind::App),
    ("partner", ClientKind::Partner),
    ("service", ClientKind::Service),
];
const SURFACES: &[(&str, Surface)] = &[("mcp", Surface::Mcp), ("rest", Surface::Rest)];

/// Reads the client `id`.
pub(crate) fn read(id: ClientId, root: Field<'_>) -> Option<Client> {
    let place = root.place();
    if id.is_anonymous() {
        root.fault(
            "the client anonymous is built in",
            "delete this file, and name anonymous under allow of an operation",
        );
    }
    root.mapping(|it| {
        let kind = it.required("kind", "write kind: agent, app, partner or service");
        let kind = kind.and_then(|it| it.one_of(KINDS));
        let owner = it.required("owner", "name the person or team who answers for this client");
        let owner = owner.and_then(|it| it.text());
        let description = it.optional("description").and_then(|it| it.prose());
        let is_enabled = it.optional("enabled").and_then(|it| it.bool()).unwrap_or(true);
        let profiles = it.optional("profiles").map(|it| read_profiles(&id, &it));
        Some(Client {
            kind: kind?,
            owner: owner?.to_owned(),
            description: description.map(str::to_owned),
            is_enabled,
            profiles: profiles.unwrap_or_default(),
            place,
            id,
        })
    })?
}

fn read_profiles(client: &ClientId, field: &Field<'_>) -> Vec<Profile> {
    let entries = field.entries().into_iter().flatten();
    let mut profiles: Vec<_> = entries
        .filter_map(|entry| {
            let profile = field.child(entry);
            let id = match ProfileId::new(client, &entry.key) {
                Ok(id) => id,
                Err(error) => {
                    let error = error.to_string();
                    let (message, help) = error.rsplit_once(": ")?;
                    field.fault_at(entry, message, help);
                    return None;
                }
            };
            let place = field.place_at(entry.line);
            profile.mapping(|it| read_profile(id, place, it))
        })
        .collect();
    profiles.sort_by(|a, b| a.id.cmp(&b.id));
    profiles
}

fn read_profile(id: ProfileId, place: model::Place, it: &mut Reader<'_>) -> Profile {
    let roles = it.optional("roles").and_then(|it| assignment::read(&it));
    let absent = "name rest or mcp, or leave the key away for both";
    let surfaces = it.optional("surfaces");
    let surfaces = surfaces.and_then(|it| it.filled_set(absent, |it| it.one_of(SURFACES)));
    let mut surfaces = surfaces.unwrap_or_else(|| vec![Surface::Mcp, Surface::Rest]);
    surfaces.sort();
    let absent = "name a network, or leave the key away for any";
    let networks = it.optional("networks");
    let networks = networks.and_then(|it| it.filled_set(absent, |it| it.parse(parse_network)));
    let expires = it.optional("expires").and_then(|it| it.parse(Timestamp::parse));
    let tokens = it.optional("tokens").and_then(tokens::read);
    let rotation = it.optional("rotation").and_then(tokens::read_rotation);
    let is_enabled = it.optional("enabled").and_then(|it| it.bool()).unwrap_or(true);
    Profile {
        id,
        roles: roles.unwrap_or_default(),
        surfaces,
        networks: networks.unwrap_or_default(),
        expires,
        tokens,
        rotation: rotation.unwrap_or_default(),
        is_enabled,
        place,
    }
}

/// Reads `192.0.2.0/24` or one address.
fn parse_network(text: &str) -> Result<IpNet, String> {
    let address = text.parse::<IpAddr>().map(IpNet::from);
    let Ok(network) = address.or_else(|_| text.parse::<IpNet>()) else {
        let help = "write 192.0.2.0/24, 2001:db8::/32 or one address";
        return Err(format!("{} is not a network: {help}", shown(text)));
    };
    if network.trunc() != network {
        let network = network.trunc();
        return Err(format!("the address has bits beyond its prefix: write {network}"));
    }
    // Callers from such an address are seen as what they are: IPv4.
    if matches!(network.addr(), IpAddr::V6(address) if address.to_ipv4_mapped().is_some()) {
        return Err("an IPv4 network in IPv6 form matches nobody: write it as IPv4".to_owned());
    }
    Ok(network)
}

/// The document of a client.
#[must_use]
pub fn write_client(client: &Client) -> String {
    let Client { id: _, kind, owner, description, is_enabled, profiles, place: _ } = client;
    let mut document = Writer::new();
    document.put("kind", kind.as_str());
    document.put("owner", owner.as_str());
    document.put_some("description", description.as_deref());
    document.put_if(!is_enabled, "enabled", false);
    let mut written = Writer::new();
    for profile in profiles {
        written.put(profile.id.name(), write_profile(profile));
    }
    if !profiles.is_empty() {
        document.put("profiles", written.value());
    }
    document.text()
}

fn write_profile(profile: &Profile) -> serde_json::Value {
    let Profile {
        id: _,
        roles,
        surfaces,
        networks,
        expires,
        tokens,
        rotation,
        is_enabled,
        place: _,
    } = profile;
    let mut written = Writer::new();
    written.put("roles", assignment::write(roles));
    if surfaces.as_slice() != [Surface::Mcp, Surface::Rest] {
        let surfaces: Vec<_> = surfaces.iter().map(|it| it.as_str()).collect();
        written.put_list("surfaces", &surfaces);
    }
    written.put_list("networks", networks);
    written.put_some("expires", expires.map(writer::time));
    written.put_some("tokens", tokens.as_ref().map(tokens::write));
    written.put_some("rotation", tokens::write_rotation(rotation));
    written.put_if(!is_enabled, "enabled", false);
    written.value()
}
