//! What the door itself says of a stop: who made it, and when.

use serde_json::{Map, Value};

use crate::{Call, failure::Failure};

/// What is stopped, of which one stands in a document.
const STOPPED: [&str; 6] = ["agents", "client", "client_id", "collection", "person", "upstream"];

/// Writes into a stop who made it and when. They stay where the same is stopped still: another
/// reason does not make it younger, nor another's.
pub(super) fn sign(stop: &mut Value, before: Option<&str>, call: &Call) -> Result<(), Failure> {
    // What is no object is a fault that is told elsewhere.
    let Some(stop) = stop.as_object_mut() else { return Ok(()) };
    let known = before.map(state::to_json).transpose();
    let known = known.map_err(|(_, message)| Failure::internal(&message))?;
    let known = known.as_ref().and_then(Value::as_object).filter(|it| is_same(it, stop));
    for (name, new) in [("by", call.caller.profile.to_string()), ("since", call.at.to_string())] {
        let said = match known {
            Some(known) => known.get(name).cloned(),
            None => Some(Value::String(new)),
        };
        stop.remove(name);
        stop.extend(said.map(|it| (name.to_owned(), it)));
    }
    Ok(())
}

fn is_same(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    STOPPED.iter().all(|it| one.get(*it) == other.get(*it))
}
