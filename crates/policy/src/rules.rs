//! Roles and profiles, compiled into tables that a decision looks up.

mod contract;
mod table;

#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::RandomState;
use model::{Client, CollectionId, Grant, Operation, Profile, ProfileId, Reach, Role, RoleId};

pub(crate) use contract::Contract;
use contract::Contracts;

/// What rules are compiled from.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// All roles. Of two with one id the first counts.
    pub roles: &'a [Role],
    /// All clients, with their profiles.
    pub clients: &'a [Arc<Client>],
    /// Collections and who answers for them.
    pub owners: &'a [(&'a CollectionId, &'a str)],
    /// The snapshot's table, each operation at its position.
    pub operations: &'a [Operation],
}

/// Who may do what, compiled for one snapshot. Immutable.
///
/// A role becomes a table by operation. Profiles with the same roles, reach and surfaces share one
/// contract, so a hundred thousand of them cost a map entry each and no more time per call.
#[derive(Debug)]
pub struct Rules {
    /// Any other operation is denied, whatever its position.
    operations: Box<[Operation]>,
    // Keyed by ids that were declared, so the hash need not withstand callers.
    profiles: HashMap<ProfileId, Arc<Contract>, RandomState>,
    anonymous: Arc<str>,
    everywhere: Arc<Reach>,
    /// What follows is asked by operators, never by calls.
    grants: HashMap<RoleId, Vec<Grant>>,
    owners: HashMap<CollectionId, String>,
    put_collection: Option<usize>,
}

impl Rules {
    /// Compiles the rules of a snapshot.
    ///
    /// A role that does not exist grants nothing, and a disabled profile has nothing.
    #[must_use]
    pub fn compile(sources: Sources<'_>) -> Self {
        let mut contracts = Contracts::new(sources);
        let profiles = active_profiles(sources.clients)
            .map(|it| (it.id.clone(), contracts.share(it)))
            .collect();
        Self {
            operations: sources.operations.into(),
            profiles,
            anonymous: "anonymous".into(),
            everywhere: Arc::default(),
            grants: grants_by_role(sources.roles),
            owners: sources
                .owners
                .iter()
                .map(|(id, owner)| ((*id).clone(), (*owner).to_owned()))
                .collect(),
            put_collection: sources.operations.iter().position(is_put_collection),
        }
    }

    /// Whether `operation` is the one that was compiled at its position.
    pub(crate) fn knows(&self, operation: &Operation) -> bool {
        self.operations.get(operation.position).is_some_and(|it| it == operation)
    }

    /// Whether everybody may call it.
    // Never what is carried out here: whoever carries it out is told who calls.
    pub(crate) fn is_public(&self, operation: &Operation) -> bool {
        operation.is_public && !operation.collection.is_built_in()
    }

    pub(crate) fn contract(&self, profile: &ProfileId) -> Option<&Contract> {
        self.profiles.get(profile).map(|it| &**it)
    }

    /// The rule by which everybody may call what is public.
    pub(crate) fn anonymous(&self) -> &Arc<str> {
        &self.anonymous
    }

    pub(crate) fn profiles(&self) -> impl Iterator<Item = (&ProfileId, &Contract)> {
        self.profiles.iter().map(|(id, contract)| (id, &**contract))
    }

    /// What `role` allows.
    pub(crate) fn grants(&self, role: &RoleId) -> &[Grant] {
        self.grants.get(role).map_or(&[], |it| it)
    }

    /// Who answers for `collection`.
    pub(crate) fn owner(&self, collection: &CollectionId) -> Option<&str> {
        self.owners.get(collection).map(|it| &**it)
    }

    /// The position of the operation by which collections are put.
    pub(crate) fn put_collection(&self) -> Option<usize> {
        self.put_collection
    }

    pub(crate) fn everywhere(&self) -> &Arc<Reach> {
        &self.everywhere
    }
}

/// The profiles that may do anything at all.
///
/// Authentication turns the others away before; this says it again where the permissions are.
fn active_profiles(clients: &[Arc<Client>]) -> impl Iterator<Item = &Profile> {
    clients.iter().filter(|it| it.is_enabled).flat_map(|it| &it.profiles).filter(|it| it.is_enabled)
}

fn grants_by_role(roles: &[Role]) -> HashMap<RoleId, Vec<Grant>> {
    let mut grants = HashMap::with_capacity(roles.len());
    for role in roles {
        grants.entry(role.id.clone()).or_insert_with(|| role.grants.clone());
    }
    grants
}

fn is_put_collection(operation: &Operation) -> bool {
    operation.collection.is_own() && operation.id.name() == "put_collection"
}
