//! The kill switch: who may not call, and what may not be called, whatever roles allow.

use std::{collections::HashMap, sync::Arc};

use model::{
    Caller, Client, ClientId, ClientKind, Collection, CollectionId, Operation, Refusal,
    RefusalKind, Stop, Stopped, UpstreamId,
};

/// What is stopped. Mostly nothing, and then nothing is looked up.
#[derive(Debug, Default)]
pub(crate) struct Stops {
    /// Agents are here too, each by itself, where all of them are stopped.
    clients: HashMap<ClientId, Arc<Refused>>,
    /// Clients that nobody registered: they act in the chain of a token, as they know themselves.
    self_described: HashMap<Box<str>, Arc<Refused>>,
    people: HashMap<Box<str>, Arc<Refused>>,
    collections: HashMap<CollectionId, Arc<Refused>>,
}

/// One stop, as it is told.
#[derive(Debug)]
struct Refused {
    /// For the caller: what is stopped, and whom to ask.
    detail: String,
    rule: Arc<str>,
    /// For the record: why, by whom and since when.
    cause: String,
}

impl Stops {
    pub(super) fn compile(
        stops: &[Arc<Stop>],
        clients: &[Arc<Client>],
        collections: &[Arc<Collection>],
    ) -> Self {
        let mut compiled = Self::default();
        for stop in stops {
            match &stop.of {
                Stopped::Agents => {
                    let refused = Refused::new(stop, "all agents were", None);
                    let agents = clients.iter().filter(|it| it.kind == ClientKind::Agent);
                    let agents = agents.map(|it| (it.id.clone(), Arc::clone(&refused)));
                    compiled.stop_clients(agents);
                }
                Stopped::Client(id) => {
                    let found = clients.iter().find(|it| it.id == *id);
                    let owner = found.map(|it| &*it.owner);
                    let refused = Refused::new(stop, &format!("client {id} was"), owner);
                    compiled.stop_clients([(id.clone(), refused)]);
                }
                Stopped::ClientId(id) => {
                    let refused = Refused::new(stop, &format!("client {id} was"), None);
                    compiled.self_described.entry(id.as_str().into()).or_insert(refused);
                }
                Stopped::Person(id) => {
                    let refused = Refused::new(stop, &format!("{id} was"), None);
                    compiled.people.entry(id.as_str().into()).or_insert(refused);
                }
                Stopped::Collection(id) => {
                    compiled.stop_collections(stop, &those(collections, |it| it.id == *id));
                }
                Stopped::Upstream(id) => {
                    compiled.stop_collections(stop, &those(collections, |it| has_upstream(it, id)));
                }
            }
        }
        compiled
    }

    fn stop_clients(&mut self, stopped: impl IntoIterator<Item = (ClientId, Arc<Refused>)>) {
        for (id, refused) in stopped {
            self.clients.entry(id).or_insert(refused);
        }
    }

    fn stop_collections(&mut self, stop: &Stop, collections: &[&Collection]) {
        for collection in collections {
            let what = match &stop.of {
                Stopped::Upstream(_) => format!("the upstream of {} was", collection.id),
                Stopped::Agents
                | Stopped::Client(_)
                | Stopped::ClientId(_)
                | Stopped::Collection(_)
                | Stopped::Person(_) => format!("{} was", collection.id),
            };
            let refused = Refused::new(stop, &what, Some(&collection.owner));
            self.collections.entry(collection.id.clone()).or_insert(refused);
        }
    }

    /// Whether this caller may call at all.
    ///
    /// # Errors
    /// `Stopped` where it may not: for itself, for whom it acts for, or for a client that acts in its
    /// chain.
    pub(crate) fn check_caller(&self, caller: &Caller) -> Result<(), Refusal> {
        let Self { clients, self_described, people, collections: _ } = self;
        if clients.is_empty() && self_described.is_empty() && people.is_empty() {
            return Ok(());
        }
        let person = || people.get(caller.user.as_deref()?);
        let acts = |id: &ClientId| caller.actors.iter().any(|it| is_of(it, id));
        let acting = || clients.iter().find(|(id, _)| acts(id)).map(|(_, it)| it);
        let mut actors = caller.actors.iter();
        let unregistered = || actors.find_map(|it| self_described.get(it.as_str()));
        let found = clients.get(&caller.client).or_else(person).or_else(acting);
        found.or_else(unregistered).map_or(Ok(()), |it| Err(it.refusal()))
    }

    /// Whether this operation may be called by anybody.
    ///
    /// # Errors
    /// `Stopped` where it may not.
    pub(crate) fn check_operation(&self, operation: &Operation) -> Result<(), Refusal> {
        if self.collections.is_empty() {
            return Ok(());
        }
        let found = self.collections.get(&operation.collection);
        found.map_or(Ok(()), |it| Err(it.refusal()))
    }
}

impl Refused {
    fn new(stop: &Stop, what: &str, owner: Option<&str>) -> Arc<Self> {
        let Stop { id, of: _, because, by, since, place: _ } = stop;
        let whom = owner.unwrap_or("the operators of this door");
        let mut cause = because.clone();
        if let Some(by) = by {
            cause = format!("{cause}; by {by}");
        }
        if let Some(since) = since {
            cause = format!("{cause}; since {since}");
        }
        Arc::new(Self {
            detail: format!("{what} stopped by an operator: ask {whom}"),
            rule: format!("stop {id}").into(),
            cause,
        })
    }

    fn refusal(&self) -> Refusal {
        Refusal::new(RefusalKind::Stopped, self.detail.clone())
            .by_rule(Arc::clone(&self.rule))
            .because(&self.cause)
    }
}

/// Whether an actor of a token is this client, or a profile of it.
fn is_of(actor: &str, client: &ClientId) -> bool {
    let rest = actor.strip_prefix(client.as_str());
    rest.is_some_and(|it| it.is_empty() || it.starts_with('/'))
}

fn those(collections: &[Arc<Collection>], are: impl Fn(&Collection) -> bool) -> Vec<&Collection> {
    collections.iter().map(|it| &**it).filter(|it| are(it)).collect()
}

fn has_upstream(collection: &Collection, id: &UpstreamId) -> bool {
    collection.upstream.id.as_ref() == Some(id)
}

#[cfg(test)]
mod tests {
    use model::{Place, StopId};

    use super::*;

    fn client(id: &str, kind: ClientKind) -> Arc<Client> {
        Arc::new(Client {
            id: ClientId::parse(id).unwrap(),
            kind,
            owner: "ann".to_owned(),
            description: None,
            is_enabled: true,
            profiles: Vec::new(),
            place: Place::default(),
        })
    }

    fn stop(of: Stopped) -> Arc<Stop> {
        Arc::new(Stop {
            id: StopId::parse("some").unwrap(),
            of,
            because: "x".to_owned(),
            by: None,
            since: None,
            place: Place::default(),
        })
    }

    #[test]
    fn an_agent_is_stopped_also_where_another_acts_for_it() {
        let clients = [client("bot", ClientKind::Agent), client("batch", ClientKind::Service)];
        let stops = Stops::compile(&[stop(Stopped::Agents)], &clients, &[]);
        for (own, actors, is_stopped) in [
            ("bot", &[][..], true),
            ("batch", &[], false),
            ("batch", &["batch/main", "bot/reader"], true),
            ("batch", &["bot"], true),
            ("batch", &["bottle/reader", "batch/main"], false),
        ] {
            let caller = Caller {
                client: ClientId::parse(own).unwrap(),
                actors: actors.iter().map(|it| (*it).to_owned()).collect(),
                ..Caller::anonymous()
            };
            assert_eq!(stops.check_caller(&caller).is_err(), is_stopped, "{own} {actors:?}");
        }
    }

    #[test]
    fn people_and_clients_that_nobody_registered_are_stopped_by_their_whole_names() {
        let document = "https://agent.example/client.json";
        let stopped =
            [Stopped::Person("corp:42".to_owned()), Stopped::ClientId(document.to_owned())];
        let stops = Stops::compile(&stopped.map(stop), &[], &[]);
        for (user, actors, is_stopped) in [
            (Some("corp:42"), &[][..], true),
            (Some("corp:42"), &["batch/main"], true),
            (Some("corp:421"), &[], false),
            (Some("local:42"), &["corp:42"], false),
            (None, &[], false),
            (Some("local:ann"), &[document], true),
            (Some("local:ann"), &["batch/main", document], true),
            (Some(document), &["https://agent.example/client.json2"], false),
        ] {
            let caller = Caller {
                user: user.map(str::to_owned),
                actors: actors.iter().map(|it| (*it).to_owned()).collect(),
                ..Caller::anonymous()
            };
            assert_eq!(stops.check_caller(&caller).is_err(), is_stopped, "{user:?} {actors:?}");
        }
    }
}
