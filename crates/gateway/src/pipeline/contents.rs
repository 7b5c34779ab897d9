//! What the body of a call says, for its record: looked at before it goes on, and sent as it came.

use std::time::Duration;

use contract::Notation;
use http::header::CONTENT_TYPE;
use http_body::Body as _;
use model::{Query, Refusal};
use serde_json::Value;
use tokio::time::timeout;
use upstream::RequestBody;

use super::{Facts, Outgoing, body};
use crate::snapshot::Route;

/// Longest body that is looked at. Of longer ones the record says so.
const BYTES_MAX: usize = 64 * 1024;

/// Longest wait for all of it. What comes slower goes on untold, as what is longer does.
const WAIT: Duration = Duration::from_secs(2);

/// Whether there is a body that the record is to tell and does not yet. Bodies of management are not
/// told: their changes are, and secrets are in them. What is kept sealed can be forgotten, and could not
/// be if a record told it too.
pub(super) fn is_untold(facts: &Facts, route: &Route, outgoing: &Outgoing) -> bool {
    let tells_body = facts.request.as_ref().is_none_or(|it| it.tells_body);
    let content_type = outgoing.head.headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let is_sealed =
        route.bodies.as_ref().is_some_and(|it| it.rule.request && it.rule.keeps_type(content_type));
    !(tells_body || is_sealed || route.is_local() || outgoing.body.is_end_stream())
}

/// The same where nothing has to be waited for.
pub(super) fn is_at_hand(facts: &Facts, route: &Route, outgoing: &Outgoing) -> bool {
    matches!(outgoing.body, RequestBody::Full(_)) && is_untold(facts, route, outgoing)
}

/// Adds what the body says to what is known of the call.
///
/// # Errors
/// `TooLarge`; `Malformed` where it breaks off.
pub(super) async fn tell(
    facts: &mut Facts,
    route: &Route,
    outgoing: &mut Outgoing,
) -> Result<(), Refusal> {
    let told = match Notation::of(&outgoing.head.headers) {
        None => unread("neither JSON nor a form"),
        Some(notation) => match timeout(WAIT, outgoing.body.look(BYTES_MAX)).await {
            Ok(looked) => match looked.map_err(body::broken)? {
                Some(bytes) => arguments(route, notation, &bytes),
                None => unread(&format!("more than {BYTES_MAX} bytes")),
            },
            Err(_) => unread("it came slowly"),
        },
    };
    if let Some(request) = &mut facts.request {
        request.add_body(told);
    }
    Ok(())
}

fn arguments(route: &Route, notation: Notation, bytes: &[u8]) -> Vec<(String, Value)> {
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
            let pairs = pairs.pairs().iter().map(|(name, value)| {
                let value = value.as_deref().map_or(Value::Null, Value::from);
                (contract.name_of_field(name).to_owned(), value)
            });
            pairs.collect()
        }
    }
}

/// What stands for a body that is not told, and why it is not.
fn unread(why: &str) -> Vec<(String, Value)> {
    vec![("body".to_owned(), format!("[not read: {why}]").into())]
}
