//! What a profile may do: shared by all profiles that may do the same.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::Arc,
};

use model::{
    Assignment, Catalogue, CollectionId, Operation, Profile, Reach, Role, RoleId, Surface,
    TokenScopes, role::SELF_SERVICE,
};

use super::{Sources, table::Table};

/// What a profile may do.
#[derive(Debug)]
pub(crate) struct Contract {
    /// As they are declared.
    assignments: Vec<Assignment>,
    surfaces: Vec<Surface>,
    roles: Vec<(Assignment, Arc<Table>)>,
    /// How far the management operations reach that it may call, sorted by position.
    reaches: Box<[(usize, Arc<Reach>)]>,
}

impl Contract {
    pub(crate) fn has_surface(&self, surface: Surface) -> bool {
        self.surfaces.contains(&surface)
    }

    /// The first rule, in the order of the profile's roles, that allows the operation.
    pub(crate) fn rule(&self, position: usize) -> Option<&Arc<str>> {
        self.rules(position).next()
    }

    /// The first rule of each role that allows the operation, in the order of the roles.
    pub(crate) fn rules(&self, position: usize) -> impl Iterator<Item = &Arc<str>> {
        self.roles.iter().filter_map(move |(_, it)| it.rule(position))
    }

    /// The first rule by a role among `scopes` that allows the operation, and how far it reaches
    /// by all of these.
    pub(crate) fn scoped(
        &self,
        position: usize,
        scopes: &TokenScopes,
    ) -> Option<(&Arc<str>, Arc<Reach>)> {
        let roles = self.roles.iter().filter(|(it, _)| scopes.has_role(&it.role));
        let allowing = roles.filter_map(|(it, table)| Some((&it.reach, table.rule(position)?)));
        let allowing: Vec<_> = allowing.collect();
        let (_, rule) = allowing.first()?;
        let reach = if self.reach(position).is_some() {
            let reaches: Vec<_> = allowing.iter().map(|(reach, _)| *reach).collect();
            together(&reaches).unwrap_or_default()
        } else {
            Reach::default()
        };
        Some((rule, Arc::new(reach)))
    }

    /// The first of the profile's roles that allows the operation.
    pub(crate) fn allowing_role(&self, position: usize) -> Option<&RoleId> {
        let mut roles = self.roles.iter();
        roles.find(|(_, it)| it.rule(position).is_some()).map(|(it, _)| &it.role)
    }

    pub(crate) fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }

    pub(crate) fn assignments(&self) -> &[Assignment] {
        &self.assignments
    }

    /// How far the management operation at `position` reaches.
    pub(crate) fn reach(&self, position: usize) -> Option<&Arc<Reach>> {
        let found = self.reaches.binary_search_by_key(&position, |(it, _)| *it).ok()?;
        self.reaches.get(found).map(|(_, it)| it)
    }
}

/// What profiles have in common that may do the same: roles, surfaces, and whether their clients
/// replace their credentials themselves.
type Key<'a> = (&'a [Assignment], &'a [Surface], bool);

/// Contracts in the making. Each is made once.
pub(super) struct Contracts<'a> {
    roles: HashMap<&'a RoleId, Arc<Table>>,
    /// A role within a bounded reach.
    bounded: HashMap<&'a Assignment, Arc<Table>>,
    /// The operations of each collection, and of the collections of each owner.
    by_collection: HashMap<&'a CollectionId, Vec<usize>>,
    by_owner: HashMap<&'a str, Vec<usize>>,
    /// Those of management, sorted.
    own: Vec<usize>,
    /// What profiles have besides whose clients replace their credentials themselves.
    self_service: Option<Assignment>,
    shared: HashMap<Key<'a>, Arc<Contract>>,
}

impl<'a> Contracts<'a> {
    pub(super) fn new(sources: Sources<'a>) -> Self {
        let Sources { roles, clients: _, owners, operations } = sources;
        let mut made = Self {
            roles: compile_roles(roles, operations),
            bounded: HashMap::new(),
            by_collection: HashMap::new(),
            by_owner: HashMap::new(),
            own: Vec::new(),
            self_service: RoleId::parse(SELF_SERVICE).ok().map(Assignment::everywhere),
            shared: HashMap::new(),
        };
        for (index, operation) in operations.iter().enumerate() {
            if operation.collection.is_own() {
                made.own.push(index);
            } else {
                made.by_collection.entry(&operation.collection).or_default().push(index);
            }
        }
        for (collection, owner) in owners {
            if let Some(positions) = made.by_collection.get(collection) {
                made.by_owner.entry(owner).or_default().extend(positions);
            }
        }
        made
    }

    /// The contract of `profile`, shared with whoever may do the same.
    pub(super) fn share(&mut self, profile: &'a Profile) -> Arc<Contract> {
        let has_self_service = profile.rotation.is_self_service;
        let key = (&*profile.roles, &*profile.surfaces, has_self_service);
        if let Some(contract) = self.shared.get(&key) {
            return Arc::clone(contract);
        }
        let contract = self.make(&profile.roles, &profile.surfaces, has_self_service);
        let contract = Arc::new(contract);
        self.shared.insert(key, Arc::clone(&contract));
        contract
    }

    fn make(
        &mut self,
        assignments: &'a [Assignment],
        surfaces: &[Surface],
        has_self_service: bool,
    ) -> Contract {
        let mut tables: Vec<_> = assignments
            .iter()
            .filter_map(|it| self.table(it).map(|table| (it.clone(), table)))
            .collect();
        // Last, and nowhere else: no profile can be given this role.
        if let Some(it) = self.self_service.as_ref().filter(|_| has_self_service)
            && let Some(table) = self.roles.get(&it.role)
        {
            tables.push((it.clone(), Arc::clone(table)));
        }
        let mut kept = HashSet::new();
        let reaches = self.own.iter().filter_map(|&position| {
            let allowing = tables.iter().filter(|(_, it)| it.rule(position).is_some());
            let allowing: Vec<_> = allowing.map(|(it, _)| &it.reach).collect();
            let reach = together(&allowing)?;
            Some((position, share(&mut kept, reach)))
        });
        Contract {
            assignments: assignments.to_vec(),
            surfaces: surfaces.to_vec(),
            reaches: reaches.collect(),
            roles: tables,
        }
    }

    fn table(&mut self, assignment: &'a Assignment) -> Option<Arc<Table>> {
        let table = self.roles.get(&assignment.role)?;
        if assignment.reach.is_everywhere() {
            return Some(Arc::clone(table));
        }
        if let Some(bounded) = self.bounded.get(assignment) {
            return Some(Arc::clone(bounded));
        }
        let bounded = Arc::new(table.within(&self.positions(&assignment.reach)));
        self.bounded.insert(assignment, Arc::clone(&bounded));
        Some(bounded)
    }

    /// The operations that a role with this reach can hold for, sorted.
    ///
    /// Management operations always: their reach bounds what they are carried out on.
    fn positions(&self, reach: &Reach) -> Vec<usize> {
        let collections = reach.collections.iter().filter_map(|it| self.by_collection.get(it));
        let owners = reach.owners.iter().filter_map(|it| self.by_owner.get(&**it));
        let mut positions: Vec<_> =
            collections.chain(owners).chain([&self.own]).flatten().copied().collect();
        positions.sort_unstable();
        positions.dedup();
        positions
    }
}

fn compile_roles<'a>(
    roles: &'a [Role],
    operations: &[Operation],
) -> HashMap<&'a RoleId, Arc<Table>> {
    let catalogue = Catalogue::new(operations);
    let mut tables = HashMap::with_capacity(roles.len());
    for role in roles {
        if let Entry::Vacant(entry) = tables.entry(&role.id) {
            entry.insert(Arc::new(Table::compile(role, &catalogue, operations.len())));
        }
    }
    tables
}

/// All that these reach; none where there are none.
fn together(reaches: &[&Reach]) -> Option<Reach> {
    let mut all: Option<Reach> = None;
    for reach in reaches {
        if reach.is_everywhere() {
            return Some(Reach::default());
        }
        let Reach { collections, owners } = all.get_or_insert_default();
        collections.extend_from_slice(&reach.collections);
        owners.extend_from_slice(&reach.owners);
    }
    if let Some(Reach { collections, owners }) = &mut all {
        collections.sort_unstable();
        collections.dedup();
        owners.sort_unstable();
        owners.dedup();
    }
    all
}

fn share(kept: &mut HashSet<Arc<Reach>>, reach: Reach) -> Arc<Reach> {
    if let Some(shared) = kept.get(&reach) {
        return Arc::clone(shared);
    }
    let shared = Arc::new(reach);
    kept.insert(Arc::clone(&shared));
    shared
}
