//! `stops/ID.yaml`: what an operator has stopped.

use model::{
    ClientId, CollectionId, IssuerId, Registration, Stop, StopId, Stopped, Timestamp, UpstreamId,
    User,
};

use crate::{
    field::Field,
    reader::Reader,
    references::Target,
    writer::{self, Writer},
};

/// What `agents` may say: no other choice is left open by an empty value.
const AGENTS: &[(&str, ())] = &[("all", ())];

/// What to write where none or two of them stand.
const ONE: &str = "write one of client: ID, client_id: URL, person: ISSUER:SUB, collection: ID, upstream: ID, agents: all";

/// Longest name of a client that nobody registered, and of a person.
const NAME_BYTES_MAX: usize = 1_024;

/// Reads the stop `id`.
pub(crate) fn read(id: StopId, root: Field<'_>) -> Option<Stop> {
    let place = root.place();
    root.mapping(|it| {
        let of = read_stopped(it);
        let because = it.required("because", "say why: its key was found in a public place");
        let because = because.and_then(|it| it.prose());
        let by = it.optional("by").map(|it| it.text());
        let since = it.optional("since").map(|it| it.parse(Timestamp::parse));
        Some(Stop {
            of: of?,
            because: because?.to_owned(),
            by: match by {
                Some(by) => Some(by?.to_owned()),
                None => None,
            },
            since: match since {
                Some(since) => Some(since?),
                None => None,
            },
            place,
            id,
        })
    })?
}

/// Exactly one of them: a stop with a fault must not become a smaller one.
fn read_stopped(it: &mut Reader<'_>) -> Option<Stopped> {
    let client = it.optional("client").map(|it| {
        let client = it.parse(ClientId::parse)?;
        it.refer(Target::Client(client.clone()));
        Some(Stopped::Client(client))
    });
    let client_id = it.optional("client_id");
    let client_id = client_id.map(|it| it.parse(parse_client_id).map(Stopped::ClientId));
    let person = it.optional("person").map(|it| {
        let (issuer, person) = it.parse(parse_person)?;
        issuer.into_iter().for_each(|issuer| it.refer(Target::Issuer(issuer)));
        Some(Stopped::Person(person))
    });
    let collection = it.optional("collection").map(|it| {
        let collection = it.parse(parse_collection)?;
        it.refer(Target::Collection(collection.as_str().to_owned()));
        Some(Stopped::Collection(collection))
    });
    let upstream = it.optional("upstream").map(|it| {
        let upstream = it.parse(UpstreamId::parse)?;
        it.refer(Target::Upstream(upstream.clone()));
        Some(Stopped::Upstream(upstream))
    });
    let agents = it.optional("agents").map(|it| it.one_of(AGENTS).map(|()| Stopped::Agents));
    let found = [client, client_id, person, collection, upstream, agents];
    let mut found: Vec<_> = found.into_iter().flatten().collect();
    if found.len() != 1 {
        let message = match found.len() {
            0 => "nothing is stopped by it",
            _ => "it stops more than one thing",
        };
        it.field().fault(message, ONE);
        return None;
    }
    found.pop()?
}

/// A client that nobody registered. Its id is spelled in one way, so another spelling stops nobody.
fn parse_client_id(text: &str) -> Result<String, &'static str> {
    let is_plain = text.len() <= NAME_BYTES_MAX && text.bytes().all(|it| it.is_ascii_graphic());
    let is_one = text.starts_with("https://") || text.starts_with(Registration::DYNAMIC_PREFIX);
    (is_plain && is_one).then(|| text.to_owned()).ok_or(
        "not a client that describes itself: write the URL of its document, or the dyn-… that it \
         registered itself as",
    )
}

/// A person, and the issuer that they are known by where it is not this door.
fn parse_person(text: &str) -> Result<(Option<IssuerId>, String), &'static str> {
    let wrong =
        "not a person: write local:NAME, or the issuer's id and their sub there, as corp:00u1";
    let named = text.split_once(':').filter(|(_, name)| !name.is_empty());
    let (issuer, _) = named.filter(|_| text.len() <= NAME_BYTES_MAX).ok_or(wrong)?;
    let issuer = match text.starts_with(User::PREFIX) {
        true => None,
        false => Some(IssuerId::parse(issuer).map_err(|_| wrong)?),
    };
    Ok((issuer, text.to_owned()))
}

/// The door's own collection is not stopped: nobody could start it again.
fn parse_collection(text: &str) -> Result<CollectionId, String> {
    let id = CollectionId::parse(text).map_err(|it| it.to_string())?;
    if id.is_own() {
        return Err(format!("{text} cannot be stopped: nobody could start it again"));
    }
    Ok(id)
}

/// The document of a stop.
#[must_use]
pub fn write_stop(stop: &Stop) -> String {
    let Stop { id: _, of, because, by, since, place: _ } = stop;
    let mut document = Writer::new();
    match of {
        Stopped::Agents => document.put("agents", "all"),
        Stopped::Client(id) => document.put("client", id.as_str()),
        Stopped::ClientId(id) => document.put("client_id", id.as_str()),
        Stopped::Collection(id) => document.put("collection", id.as_str()),
        Stopped::Person(id) => document.put("person", id.as_str()),
        Stopped::Upstream(id) => document.put("upstream", id.as_str()),
    }
    document.put("because", because.as_str());
    document.put_some("by", by.as_deref());
    document.put_some("since", since.map(writer::time));
    document.text()
}
