//! What the body of a call says, for its record: looked at before it goes on, and sent as it came.

use std::time::Duration;

use bytes::Bytes;
use contract::Notation;
use http_body::Body as _;
use model::{Query, Refusal};
use serde_json::{Map, Value};
use tokio::time::timeout;
use upstream::RequestBody;

use super::{Facts, Outgoing, body};
use crate::snapshot::Route;

/// Longest body that is looked at. Of longer ones the record says so.
const BYTES_MAX: usize = 64 * 1024;

/// Longest wait for all of it.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Whether there is a body that the record is to tell and does not yet. Bodies of management are not
/// told: their changes are, and secrets are in them. What is kept sealed can be forgotten, and could not
/// be if a record told it too.
pub(super) fn is_untold(facts: &Facts, route: &Route, outgoing: &Outgoing) -> bool {
    let tells_body = facts.request.as_ref().is_none_or(|it| it.tells_body);
    let is_sealed = route.bodies.as_ref().is_some_and(|it| it.rule.request);
    !(tells_body || is_sealed || route.is_local() || outgoing.body.is_end_stream())
}

/// The same where nothing has to be waited for.
pub(super) fn is_at_hand(facts: &Facts, route: &Route, outgoing: &Outgoing) -> bool {
    matches!(outgoing.body, RequestBody::Full(_)) && is_untold(facts, route, outgoing)
}

/// Adds what the body says to what is known of the call.
///
/// # Errors
/// `TooLarge`; `Malformed` where it breaks off or does not arrive in time.
pub(super) async fn tell(
    facts: &mut Facts,
    route: &Route,
    outgoing: &mut Outgoing,
) -> Result<(), Refusal> {
    let told = match Notation::of(&outgoing.head.headers) {
        None => unread("neither JSON nor a form"),
        Some(notation) => match looked_at(&mut outgoing.body).await? {
            Some(bytes) => arguments(route, notation, &bytes),
            None => unread(&format!("more than {BYTES_MAX} bytes")),
        },
    };
    if let Some(request) = &mut facts.request {
        request.add_body(told);
    }
    Ok(())
}

async fn looked_at(body: &mut RequestBody) -> Result<Option<Bytes>, Refusal> {
    match timeout(TIMEOUT, body.look(BYTES_MAX)).await {
        Ok(looked) => looked.map_err(body::broken),
        Err(_) => Err(body::late()),
    }
}

fn arguments(route: &Route, notation: Notation, bytes: &[u8]) -> Map<String, Value> {
    let contract = &route.contract;
    match notation {
        Notation::Json => match mcp::json::passable(bytes) {
            Ok(text) => serde_json::from_str(text.get())
                .map_or_else(|_| unread("no JSON"), |it| contract.arguments_of_body(it)),
            // What has two readings is told in neither.
            Err(fault) if fault.is_syntax() => unread("no JSON"),
            Err(_) => unread("JSON with more than one reading"),
        },
        Notation::Form => {
            let pairs = str::from_utf8(bytes).ok().and_then(|it| Query::parse(it).ok());
            let Some(pairs) = pairs else { return unread("no form with one reading") };
            let mut told = Map::new();
            for (name, value) in pairs.pairs() {
                let value = value.as_deref().map_or(Value::Null, Value::from);
                super::facts::add(&mut told, contract.name_of_field(name).to_owned(), value);
            }
            told
        }
    }
}

/// What stands for a body that is not told, and why it is not.
fn unread(why: &str) -> Map<String, Value> {
    Map::from_iter([("body".to_owned(), format!("[not read: {why}]").into())])
}
