//! Which limits apply to a call, compiled for one snapshot.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use foldhash::fast::RandomState;
use model::{
    Caller, Catalogue, ClientId, Limit, LimitId, Measure, Operation, Pattern, ProfileId, Rate,
    Scope, Timestamp,
};

use crate::{calendar::Window, counters::KeyRef};

/// Which limits apply to which calls. Immutable.
///
/// Limits that name no caller are listed by operation; those that do, by client or profile. So a call
/// meets only the limits that may apply to it, however many others there are.
#[derive(Debug)]
pub struct Plan {
    /// All limits, sorted by id, each at its order.
    entries: Vec<Arc<Entry>>,
    everywhere: Vec<Arc<Entry>>,
    by_operation: Vec<Vec<Arc<Entry>>>,
    // Keyed by ids that were declared, so the hash need not withstand callers.
    by_client: HashMap<ClientId, Vec<Selective>, RandomState>,
    by_profile: HashMap<ProfileId, Vec<Selective>, RandomState>,
    /// For calls that no other limit covers.
    built_in: Entry,
}

/// What a call needs to know of a limit.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: LimitId,
    pub(crate) scope: Scope,
    pub(crate) measure: Measure,
    /// Its rank by id: the order in which every call of any plan locks counters.
    pub(crate) order: usize,
}

/// A limit of a caller, and the operations it is for.
#[derive(Debug)]
struct Selective {
    entry: Arc<Entry>,
    reach: Reach,
}

/// Which operations a limit is for.
#[derive(Debug, Clone)]
enum Reach {
    /// Every one.
    All,
    /// Those whose position says so.
    Some(Arc<[bool]>),
}

impl Plan {
    /// Compiles the limits of a snapshot.
    ///
    /// `operations` is the snapshot's table, each at its position. A call that no limit covers is
    /// bound by `default_rate` for each profile. Of two limits with one id the first counts.
    #[must_use]
    pub fn compile(limits: &[Limit], default_rate: Rate, operations: &[Operation]) -> Self {
        // One of each id: a call locks at most one counter of a limit, whatever it is given here.
        let mut by_id = BTreeMap::new();
        for limit in limits {
            by_id.entry(&limit.id).or_insert(limit);
        }
        let mut plan = Self {
            entries: Vec::with_capacity(by_id.len()),
            everywhere: Vec::new(),
            by_operation: operations.iter().map(|_| Vec::new()).collect(),
            by_client: HashMap::default(),
            by_profile: HashMap::default(),
            built_in: Entry {
                id: LimitId::built_in(),
                scope: Scope::Profile,
                measure: Measure::Rate(default_rate),
                order: 0,
            },
        };
        let mut reaches = Reaches::new(operations);
        for (order, limit) in by_id.into_values().enumerate() {
            let Limit { id, client, profile, operations, scope, measure, place: _ } = limit;
            let entry = Entry { id: id.clone(), scope: *scope, measure: *measure, order };
            let selective = Selective { entry: Arc::new(entry), reach: reaches.of(operations) };
            plan.entries.push(Arc::clone(&selective.entry));
            plan.add(client.as_ref(), profile.as_ref(), selective);
        }
        plan
    }

    /// When the longest of the periods began in which its quotas count `now`; none where it has no quota.
    #[must_use]
    pub fn counts_since(&self, now: Timestamp) -> Option<Timestamp> {
        let begun = |entry: &Arc<Entry>| match entry.measure {
            Measure::Quota(quota) => Some(Window::at(quota.period, now).start),
            Measure::Rate(_) => None,
        };
        self.entries.iter().filter_map(begun).min()
    }

    fn add(
        &mut self,
        client: Option<&ClientId>,
        profile: Option<&ProfileId>,
        selective: Selective,
    ) {
        match (client, profile) {
            // A profile of another client: nobody is both.
            (Some(client), Some(profile)) if client.as_str() != profile.client() => {}
            (_, Some(profile)) => {
                self.by_profile.entry(profile.clone()).or_default().push(selective);
            }
            (Some(client), None) => {
                self.by_client.entry(client.clone()).or_default().push(selective);
            }
            (None, None) => match selective.reach {
                Reach::All => self.everywhere.push(selective.entry),
                Reach::Some(reached) => {
                    for (list, _) in self.by_operation.iter_mut().zip(&*reached).filter(|it| *it.1)
                    {
                        list.push(Arc::clone(&selective.entry));
                    }
                }
            },
        }
    }

    /// The limits that apply to this call; the built-in one where there is none.
    pub(crate) fn applying(
        &self,
        caller: &Caller,
        operation: &Operation,
    ) -> impl Iterator<Item = &Entry> {
        let position = operation.position;
        let named = [self.by_client.get(&caller.client), self.by_profile.get(&caller.profile)];
        let named = named.into_iter().flatten().flatten();
        let mut covering = self
            .everywhere
            .iter()
            .chain(self.by_operation.get(position).into_iter().flatten())
            .chain(named.filter(move |it| it.reach.contains(position)).map(|it| &it.entry))
            .map(|it| &**it)
            .peekable();
        let built_in = covering.peek().is_none().then_some(&self.built_in);
        covering.chain(built_in)
    }

    /// The limit of this id.
    pub(crate) fn entry(&self, id: &LimitId) -> Option<&Entry> {
        if *id == self.built_in.id {
            return Some(&self.built_in);
        }
        let index = self.entries.binary_search_by(|it| it.id.cmp(id)).ok()?;
        self.entries.get(index).map(|it| &**it)
    }
}

impl Entry {
    /// The counter that a call debits.
    pub(crate) fn key<'a>(&'a self, caller: &'a Caller, operation: &'a Operation) -> KeyRef<'a> {
        let (client, profile, operation) = match self.scope {
            Scope::All => (None, None, None),
            Scope::Client => (Some(&caller.client), None, None),
            Scope::ClientOperation => (Some(&caller.client), None, Some(&operation.id)),
            Scope::Operation => (None, None, Some(&operation.id)),
            Scope::Profile => (None, Some(&caller.profile), None),
            Scope::ProfileOperation => (None, Some(&caller.profile), Some(&operation.id)),
        };
        KeyRef { limit: &self.id, client, profile, operation }
    }
}

impl Reach {
    fn contains(&self, position: usize) -> bool {
        match self {
            Self::All => true,
            Self::Some(reached) => reached.get(position).is_some_and(|it| *it),
        }
    }
}

/// Finds what patterns reach, once for limits that name the same ones.
struct Reaches<'a> {
    catalogue: Catalogue<'a>,
    operations: usize,
    known: BTreeMap<&'a [Pattern], Reach>,
}

impl<'a> Reaches<'a> {
    fn new(operations: &'a [Operation]) -> Self {
        let catalogue = Catalogue::new(operations);
        Self { catalogue, operations: operations.len(), known: BTreeMap::new() }
    }

    fn of(&mut self, patterns: &'a [Pattern]) -> Reach {
        let is_everything = |it: &Pattern| it.collection().is_none() && it.operation().is_none();
        if patterns.is_empty() || patterns.iter().any(is_everything) {
            return Reach::All;
        }
        let Self { catalogue, operations, known } = self;
        let find = || {
            let mut reached = vec![false; *operations];
            for (index, _) in patterns.iter().flat_map(|it| catalogue.matching(it)) {
                reached.get_mut(index).into_iter().for_each(|it| *it = true);
            }
            Reach::Some(reached.into())
        };
        known.entry(patterns).or_insert_with(find).clone()
    }
}
