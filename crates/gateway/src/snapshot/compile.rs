//! Desired state to tables: everything that can be worked out before a call is worked out here.

mod collection;
mod recording;
mod references;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use contract::Reader;
use identity::{Declared, Directory, Own, api_key::Pepper};
use limits::Plan;
use model::{
    Client, Collection, CollectionId, Credential, Fault, Guard, Operation, Place, Proof,
    TokenBinding,
};
use policy::{Guards, Rules};
use state::{Desired, Wrong};
use upstream::Fleet;

use super::{Destination, Route, Router, Shelf, Snapshot, Stops, Withheld, shelf::Draft};
use crate::{Live, LocalCollection, Settings};

/// What tables are made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sources<'a> {
    /// What is declared, as far as it is sound.
    pub(crate) desired: &'a Desired,
    /// What is wrong with the rest: then nothing comes of it but all faults.
    pub(crate) wrong: &'a Wrong,
    /// What is carried out in this process.
    pub(crate) local: &'a [LocalCollection],
    /// The key of the API keys' HMACs.
    pub(crate) pepper: Option<&'a Pepper>,
}

/// Makes the tables of `sources`, numbered `revision`. What is as it was in `before` is shared with it.
///
/// # Errors
/// Everything that is wrong, sorted by place.
pub(crate) fn compile(
    settings: &Settings,
    live: &Live,
    sources: &Sources<'_>,
    before: &Snapshot,
    revision: u64,
) -> Result<Snapshot, Vec<Fault>> {
    let Sources { desired, wrong, local, pepper } = *sources;
    let (shelves, mut faults) = shelves(sources, &live.fleet, before);
    let has_all = faults.is_empty() && !wrong.hides_collections;
    faults.extend_from_slice(&wrong.faults);
    let published = || shelves.iter().filter(|it| it.is_published());
    let drafts: Vec<_> = published().flat_map(|it| &it.drafts).collect();
    faults.extend(references::check(desired, &drafts));
    let (routes, places) = placed(&drafts, before, &mut faults);
    let withheld: Vec<_> = published().flat_map(|it| &it.withheld).collect();
    let router = routed(&routes, &places, &withheld, &mut faults);
    let Desired {
        admissions,
        clients,
        collections,
        credentials,
        guards,
        issuers,
        limits,
        roles,
        secrets: _,
        stops,
        upstreams: _,
        users,
    } = desired;
    let own = live.own_issuer.as_ref().map(|issuer| Own {
        issuer,
        collections,
        admissions,
        users,
        issuers,
    });
    let declared = Declared { clients, credentials, issuers, pepper, own };
    let directory = before.directory.next(declared, &live.key_sets);
    faults.extend_from_slice(directory.faults());
    let operations: Vec<Operation> = routes.iter().map(|it| it.operation.clone()).collect();
    let owners: Vec<_> = collections.iter().map(|it| (&it.id, &*it.owner)).collect();
    let guarded = guarded(&owned(guards), &owners, &operations, &routes, has_all);
    let (guards, readers) = guarded.unwrap_or_else(|found| {
        faults.extend(found);
        Default::default()
    });
    // Without all collections the guards were only looked at: tables with none must never be in force,
    // whether or not somebody said what is wrong.
    if !faults.is_empty() || !has_all {
        faults.sort();
        return Err(faults);
    }
    let built_in = local.iter().flat_map(|it| &it.roles);
    let roles: Vec<_> = built_in.chain(roles.iter().map(|it| &**it)).cloned().collect();
    Ok(Snapshot {
        revision,
        directory,
        readers,
        body_bytes_max: settings.message_bytes_max,
        guards,
        stops: Stops::compile(stops, clients, collections),
        rules: Rules::compile(policy::Sources {
            roles: &roles,
            clients,
            owners: &owners,
            operations: &operations,
        }),
        plan: Plan::compile(&owned(limits), settings.default_rate, &operations),
        tools: routes.iter().map(|it| (it.tool_name.clone(), it.operation.position)).collect(),
        has_public: operations.iter().any(|it| it.is_public),
        issuers: issuers.iter().map(|it| it.issuer.clone()).collect(),
        binding: binding(clients, credentials),
        routes,
        router,
        shelves,
    })
}

/// What tokens have to be bound by, where all profiles that tokens can lead to say the same.
fn binding(clients: &[Arc<Client>], credentials: &[Arc<Credential>]) -> Option<TokenBinding> {
    let external = credentials.iter().filter(|it| matches!(it.proof, Proof::External { .. }));
    let external: HashSet<_> = external.map(|it| &it.profile).collect();
    let profiles = clients.iter().flat_map(|it| &it.profiles);
    let profiles = profiles.filter(|it| it.tokens.is_some() || external.contains(&it.id));
    let mut bindings = profiles.map(|it| it.tokens.as_ref().and_then(|it| it.binding));
    let first = bindings.next()?;
    bindings.all(|it| it == first).then_some(first)?
}

/// Every collection, compiled; as it was compiled before where it is the same.
fn shelves(
    sources: &Sources<'_>,
    fleet: &Fleet,
    before: &Snapshot,
) -> (Vec<Arc<Shelf>>, Vec<Fault>) {
    let known: HashMap<_, _> = before.shelves.iter().map(|it| (it.id(), it)).collect();
    let own = sources.local.iter();
    let own = own.map(|it| (&it.collection, Ok(Destination::Local(Arc::clone(&it.handler)))));
    let others = sources.desired.collections.iter().map(|it| (it, destination(it, fleet)));
    let (mut shelves, mut faults) = (Vec::new(), Vec::new());
    for (collection, to) in own.chain(others) {
        let shelf = to.and_then(|to| {
            match known.get(&collection.id).filter(|it| it.is_of(collection, &to)) {
                Some(same) => Ok(Arc::clone(same)),
                None => Ok(Arc::new(collection::read(collection, to)?)),
            }
        });
        match shelf {
            Ok(shelf) => shelves.push(shelf),
            Err(mut found) => faults.append(&mut found),
        }
    }
    faults.extend(sources.wrong.doubtful.iter().flat_map(|it| collection::faults(it)));
    (shelves, faults)
}

/// The guards, and how the arguments are read that they ask for, by the operation's position.
///
/// Unless `operations` are all that there are: what a guard names may be missing, and no more than its
/// text is read.
fn guarded(
    guards: &[Guard],
    owners: &[(&CollectionId, &str)],
    operations: &[Operation],
    routes: &[Arc<Route>],
    has_all: bool,
) -> Result<(Guards, HashMap<usize, Reader>), Vec<Fault>> {
    if !has_all {
        return Err(Guards::misread(guards));
    }
    let contract = |it: &Operation| routes.get(it.position).map(|it| &*it.contract);
    let arguments = |it: &Operation| contract(it).map(|it| it.arguments()).unwrap_or_default();
    let guards = Guards::compile(guards, owners, operations, arguments)?;
    let read = operations.iter().map(|it| (it, guards.reads(it)));
    let readers = read.filter(|(_, names)| !names.is_empty()).filter_map(|(operation, names)| {
        Some((operation.position, Reader::new(contract(operation)?, names)))
    });
    let readers = readers.collect();
    Ok((guards, readers))
}

fn destination(collection: &Collection, fleet: &Fleet) -> Result<Destination, Vec<Fault>> {
    let upstream = fleet.upstream(&collection.upstream).map_err(|error| {
        let message = format!("the upstream {} cannot be used: {error}", collection.upstream.url);
        vec![Fault::new(&collection.place, message, "correct its url")]
    })?;
    Ok(Destination::Upstream(upstream))
}

fn owned<T: Clone>(shared: &[Arc<T>]) -> Vec<T> {
    shared.iter().map(|it| T::clone(it)).collect()
}

/// Gives every operation its tool's name, and its position in the order of these names.
fn placed<'a>(
    drafts: &[&'a Draft],
    before: &Snapshot,
    faults: &mut Vec<Fault>,
) -> (Vec<Arc<Route>>, Vec<&'a Place>) {
    let ids: Vec<_> = drafts
        .iter()
        .map(|it| (it.route.operation.collection.as_str(), it.route.operation.id.name()))
        .collect();
    let names = contract::tool_names(&ids);
    let mut named: Vec<_> = names.into_iter().zip(drafts).collect();
    named.sort_by(|(one, _), (other, _)| one.cmp(other));
    let placed = named.into_iter().enumerate().map(|(position, (name, draft))| {
        let Draft { route, place } = draft;
        let mut route = route.clone();
        route.operation.position = position;
        let earlier = before.tool(&name);
        route.tool_name = name.into();
        if !earlier.is_some_and(|it| route.take_tool(it))
            && let Err(error) = route.make_tool()
        {
            let message = format!("{} makes no tool: {error}", route.operation.id);
            faults.push(Fault::new(place, message, "hide it, or correct its schema"));
        }
        (Arc::new(route), place)
    });
    placed.unzip()
}

/// Which request means which operation; nothing where two mean the same.
fn routed(
    routes: &[Arc<Route>],
    places: &[&Place],
    withheld: &[&Withheld],
    faults: &mut Vec<Fault>,
) -> Router {
    Router::new(routes, withheld).unwrap_or_else(|clashes| {
        let help = "give one of the collections another base, or hide one of the operations";
        faults.extend(clashes.into_iter().filter_map(|(position, what)| {
            let id = &routes.get(position)?.operation.id;
            Some(Fault::new(places.get(position)?, format!("{id}: {what}"), help))
        }));
        Router::default()
    })
}

impl Snapshot {
    /// Tables in which there is nothing.
    pub(crate) fn empty(settings: &Settings, live: &Live) -> Self {
        let nothing =
            Declared { clients: &[], credentials: &[], issuers: &[], pepper: None, own: None };
        Self {
            revision: 0,
            directory: Directory::new(nothing, &live.key_sets),
            guards: Guards::default(),
            stops: Stops::default(),
            readers: HashMap::new(),
            body_bytes_max: settings.message_bytes_max,
            rules: Rules::compile(policy::Sources {
                roles: &[],
                clients: &[],
                owners: &[],
                operations: &[],
            }),
            plan: Plan::compile(&[], settings.default_rate, &[]),
            routes: Vec::new(),
            tools: HashMap::new(),
            router: Router::default(),
            shelves: Vec::new(),
            has_public: false,
            issuers: Vec::new(),
            binding: None,
        }
    }
}
