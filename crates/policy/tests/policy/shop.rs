//! Nouns for tests, with nothing in them that could be left out.

use std::sync::Arc;

use model::{
    Assignment, Caller, Client, ClientId, ClientKind, CollectionId, CredentialId, Effect, Grant,
    Operation, OperationId, Pattern, Place, Profile, ProfileId, Reach, Role, RoleId, Surface,
    Timestamp,
};
use policy::{Denial, Facts, Guards, Permit, Rules, Sources};

pub(crate) const BOTH: &[Surface] = &[Surface::Mcp, Surface::Rest];

/// Operations by `collection:name` and effect, at their positions.
pub(crate) fn operations(names: &[(&str, Effect)]) -> Vec<Operation> {
    let operation = |(position, (name, effect)): (usize, &(&str, Effect))| {
        let (collection, name) = name.split_once(':').unwrap();
        let collection = CollectionId::parse(collection).unwrap();
        let id = OperationId::new(&collection, name).unwrap();
        Operation { id, collection, effect: *effect, is_public: false, level: None, position }
    };
    names.iter().enumerate().map(operation).collect()
}

pub(crate) fn grant(patterns: &[&str], effects: &[Effect]) -> Grant {
    let operations = patterns.iter().map(|it| Pattern::parse(it).unwrap()).collect();
    Grant { operations, effects: effects.to_vec() }
}

pub(crate) fn role(id: &str, grants: Vec<Grant>) -> Role {
    Role { id: RoleId::parse(id).unwrap(), description: None, grants, place: Place::default() }
}

/// A client of the same name with this one profile.
pub(crate) fn client(profile: &str, roles: &[&str], surfaces: &[Surface]) -> Client {
    let id = ProfileId::parse(profile).unwrap();
    Client {
        id: ClientId::parse(id.client()).unwrap(),
        kind: ClientKind::App,
        owner: "shop team".to_owned(),
        description: None,
        is_enabled: true,
        profiles: vec![Profile {
            id,
            roles: roles
                .iter()
                .map(|it| Assignment::everywhere(RoleId::parse(it).unwrap()))
                .collect(),
            surfaces: surfaces.to_vec(),
            networks: Vec::new(),
            expires: None,
            tokens: None,
            rotation: model::RotationPolicy::default(),
            is_enabled: true,
            place: Place::default(),
        }],
        place: Place::default(),
    }
}

pub(crate) fn caller(profile: &str) -> Caller {
    let profile = ProfileId::parse(profile).unwrap();
    Caller {
        client: ClientId::parse(profile.client()).unwrap(),
        kind: ClientKind::App,
        profile,
        credential: Some(CredentialId::parse("key").unwrap()),
        ..Caller::anonymous()
    }
}

pub(crate) fn collection(id: &str) -> CollectionId {
    CollectionId::parse(id).unwrap()
}

pub(crate) fn reach(collections: &[&str], owners: &[&str]) -> Reach {
    Reach {
        collections: collections.iter().map(|it| collection(it)).collect(),
        owners: owners.iter().map(|it| (*it).to_owned()).collect(),
    }
}

/// Rules without owners of collections and without guards.
pub(crate) fn compile(roles: &[Role], clients: &[Client], operations: &[Operation]) -> Rules {
    let clients: Vec<_> = clients.iter().cloned().map(Arc::new).collect();
    Rules::compile(Sources { roles, clients: &clients, owners: &[], operations })
}

/// A client with one profile that has these roles, each within its reach.
pub(crate) fn assigned(profile: &str, roles: &[(&str, Reach)]) -> Client {
    let mut client = client(profile, &[], BOTH);
    let assign = |(role, reach): &(&str, Reach)| Assignment {
        role: RoleId::parse(role).unwrap(),
        reach: reach.clone(),
    };
    client.profiles.first_mut().unwrap().roles = roles.iter().map(assign).collect();
    client
}

/// A call from loopback, at the beginning of time.
pub(crate) fn facts(surface: Surface) -> Facts {
    Facts { surface, ip: [127, 0, 0, 1].into(), at: Timestamp::from_seconds(0) }
}

/// Decides where there are no guards.
pub(crate) fn decide(
    rules: &Rules,
    caller: &Caller,
    operation: &Operation,
    surface: Surface,
) -> Result<Permit, Denial> {
    let guards = Guards::default();
    policy::decide(rules, &guards, caller, operation, &facts(surface))?.settle(None)
}
