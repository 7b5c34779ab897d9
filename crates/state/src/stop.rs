//! `stops/ID.yaml`: what an operator has stopped.

use model::{ClientId, CollectionId, Stop, StopId, Stopped, Timestamp, UpstreamId};

use crate::{
    field::Field,
    reader::Reader,
    references::Target,
    writer::{self, Writer},
};

/// What `agents` may say: no other choice is left open by an empty value.
const AGENTS: &[(&str, ())] = &[("all", ())];

/// What to write where none or two of them stand.
const ONE: &str = "write one of client: ID, collection: ID, upstream: ID, agents: all";

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
    let mut found: Vec<_> = [client, collection, upstream, agents].into_iter().flatten().collect();
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
        Stopped::Collection(id) => document.put("collection", id.as_str()),
        Stopped::Upstream(id) => document.put("upstream", id.as_str()),
    }
    document.put("because", because.as_str());
    document.put_some("by", by.as_deref());
    document.put_some("since", since.map(writer::time));
    document.text()
}
