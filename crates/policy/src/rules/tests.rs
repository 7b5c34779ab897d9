//! How much is kept, which no public type shows.

use model::{
    Assignment, ClientId, ClientKind, Effect, Grant, OperationId, Pattern, Place, RoleId, Surface,
};

use super::*;

#[test]
fn a_hundred_thousand_profiles_share_their_contracts_and_ids() {
    let orders = CollectionId::parse("orders").unwrap();
    let operation = |position| Operation {
        id: OperationId::new(&orders, &format!("get_{position}")).unwrap(),
        collection: orders.clone(),
        effect: Effect::Read,
        is_public: false,
        level: None,
        position,
    };
    let operations: Vec<_> = (0..1000).map(operation).collect();
    let role = |number| Role {
        id: RoleId::parse(&format!("role-{number}")).unwrap(),
        description: None,
        grants: vec![Grant {
            operations: vec![Pattern::parse("orders:*").unwrap()],
            effects: Vec::new(),
        }],
        place: Place::default(),
    };
    let roles: Vec<_> = (0..10).map(role).collect();
    let client = |number| {
        let id = ClientId::parse(&format!("client-{number}")).unwrap();
        let profile = |name: usize| Profile {
            id: ProfileId::new(&id, &format!("profile-{name}")).unwrap(),
            roles: vec![Assignment::everywhere(roles[name].id.clone())],
            surfaces: vec![Surface::Mcp, Surface::Rest],
            networks: Vec::new(),
            expires: None,
            tokens: None,
            rotation: model::RotationPolicy::default(),
            is_enabled: true,
            place: Place::default(),
        };
        Client {
            kind: ClientKind::App,
            owner: "shop team".to_owned(),
            description: None,
            is_enabled: true,
            profiles: (0..10).map(profile).collect(),
            place: Place::default(),
            id,
        }
    };
    let clients: Vec<_> = (0..10_000).map(client).map(Arc::new).collect();

    let rules = Rules::compile(Sources {
        roles: &roles,
        clients: &clients,
        owners: &[],
        operations: &operations,
    });

    assert_eq!(rules.profiles.len(), 100_000);
    let contracts: std::collections::HashSet<_> =
        rules.profiles.values().map(Arc::as_ptr).collect();
    assert_eq!(contracts.len(), 10);
    // A map entry is two pointers and a length; the id's text is the client's own.
    assert_eq!(size_of::<(ProfileId, Arc<Contract>)>(), 24);
    for profile in clients.iter().flat_map(|it| &it.profiles) {
        let (kept, _) = rules.profiles.get_key_value(&profile.id).unwrap();
        assert!(std::ptr::eq(kept.as_str(), profile.id.as_str()));
    }
}
