//! Roles and profiles, compiled into tables that a decision looks up.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use foldhash::fast::RandomState;
use model::{Assignment, Catalogue, Client, Operation, Profile, ProfileId, Role, RoleId, Surface};

/// Who may do what, compiled for one snapshot. Immutable.
///
/// A role becomes a table by operation. Profiles with the same roles and surfaces share one
/// contract, so a hundred thousand of them cost a map entry each and no more time per call.
#[derive(Debug)]
pub struct Rules {
    /// Any other operation is denied, whatever its position.
    operations: Box<[Operation]>,
    // Keyed by ids that were declared, so the hash need not withstand callers.
    profiles: HashMap<ProfileId, Arc<Contract>, RandomState>,
    anonymous: Arc<str>,
}

/// What a profile may do: shared by all profiles that may do the same.
#[derive(Debug)]
pub(crate) struct Contract {
    surfaces: Vec<Surface>,
    roles: Vec<Arc<Table>>,
}

/// What one role allows.
#[derive(Debug)]
struct Table {
    /// The texts of its rules.
    rules: Vec<Arc<str>>,
    /// By operation: the number in `rules` of the first rule that allows it, from 1; 0 for none.
    // Four bytes: this is the one table that grows with roles times operations.
    by_operation: Box<[u32]>,
}

impl Rules {
    /// Compiles the rules of a snapshot.
    ///
    /// `operations` is the snapshot's table, each at its position. A role that does not exist grants
    /// nothing, and a disabled profile has nothing. Of two roles with one id the first counts.
    #[must_use]
    pub fn compile(roles: &[Role], clients: &[Client], operations: &[Operation]) -> Self {
        let catalogue = Catalogue::new(operations);
        let mut tables: HashMap<&RoleId, Arc<Table>> = HashMap::with_capacity(roles.len());
        for role in roles {
            if let Entry::Vacant(entry) = tables.entry(&role.id) {
                entry.insert(Arc::new(Table::compile(role, &catalogue, operations.len())));
            }
        }
        let mut contracts = HashMap::new();
        let profiles = active_profiles(clients)
            .map(|it| (it.id.clone(), share_contract(&mut contracts, it, &tables)))
            .collect();
        Self { operations: operations.into(), profiles, anonymous: "anonymous".into() }
    }

    /// Whether `operation` is the one that was compiled at its position.
    pub(crate) fn knows(&self, operation: &Operation) -> bool {
        self.operations.get(operation.position).is_some_and(|it| it == operation)
    }

    pub(crate) fn contract(&self, profile: &ProfileId) -> Option<&Contract> {
        self.profiles.get(profile).map(|it| &**it)
    }

    /// The rule by which everybody may call what is public.
    pub(crate) fn anonymous(&self) -> &Arc<str> {
        &self.anonymous
    }
}

/// The profiles that may do anything at all.
///
/// Authentication turns the others away before; this says it again where the permissions are.
fn active_profiles(clients: &[Client]) -> impl Iterator<Item = &Profile> {
    clients.iter().filter(|it| it.is_enabled).flat_map(|it| &it.profiles).filter(|it| it.is_enabled)
}

type Contracts<'a> = HashMap<(&'a [Assignment], &'a [Surface]), Arc<Contract>>;

fn share_contract<'a>(
    contracts: &mut Contracts<'a>,
    profile: &'a Profile,
    tables: &HashMap<&RoleId, Arc<Table>>,
) -> Arc<Contract> {
    let contract = contracts.entry((&profile.roles, &profile.surfaces)).or_insert_with(|| {
        let roles =
            profile.roles.iter().filter_map(|it| tables.get(&it.role)).map(Arc::clone).collect();
        Arc::new(Contract { surfaces: profile.surfaces.clone(), roles })
    });
    Arc::clone(contract)
}

impl Contract {
    pub(crate) fn has_surface(&self, surface: Surface) -> bool {
        self.surfaces.contains(&surface)
    }

    /// The first rule, in the order of the profile's roles, that allows the operation.
    pub(crate) fn rule(&self, position: usize) -> Option<&Arc<str>> {
        self.roles.iter().find_map(|it| it.rule(position))
    }
}

impl Table {
    fn compile(role: &Role, catalogue: &Catalogue<'_>, operations: usize) -> Self {
        let mut table = Self { rules: Vec::new(), by_operation: vec![0; operations].into() };
        for grant in &role.grants {
            for pattern in &grant.operations {
                let has_effect =
                    |it: &Operation| grant.effects.is_empty() || grant.effects.contains(&it.effect);
                let allowed = catalogue.matching(pattern).filter(|(_, it)| has_effect(it));
                table.add(format!("role {}: {pattern}", role.id), allowed.map(|(index, _)| index));
            }
        }
        table
    }

    fn add(&mut self, rule: String, allowed: impl Iterator<Item = usize>) {
        self.rules.push(rule.into());
        // Past four billion rules of one role a number would lie: those grant nothing.
        let Ok(number) = u32::try_from(self.rules.len()) else { return };
        for index in allowed {
            if let Some(slot) = self.by_operation.get_mut(index).filter(|it| **it == 0) {
                *slot = number;
            }
        }
    }

    fn rule(&self, position: usize) -> Option<&Arc<str>> {
        let number = usize::try_from(*self.by_operation.get(position)?).ok()?;
        self.rules.get(number.checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use model::{ClientId, ClientKind, CollectionId, Effect, Grant, OperationId, Pattern, Place};

    use super::*;

    #[test]
    fn a_hundred_thousand_profiles_share_their_contracts_and_ids() {
        let orders = CollectionId::parse("orders").unwrap();
        let operation = |position| Operation {
            id: OperationId::new(&orders, &format!("get_{position}")).unwrap(),
            collection: orders.clone(),
            effect: Effect::Read,
            is_public: false,
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
        let clients: Vec<_> = (0..10_000).map(client).collect();

        let rules = Rules::compile(&roles, &clients, &operations);

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
}
