//! The arguments of a call for the guards that read some: out of the request that goes on.

use bytes::Bytes;
use contract::Sent;
use http_body::Body as _;
use model::{ArgumentValue, Refusal, RefusalKind};
use upstream::RequestBody;

use super::{Outgoing, body::whole};
use crate::{Snapshot, snapshot::Route};

/// By name, in whatever order.
type Arguments = Vec<(Box<str>, ArgumentValue)>;

/// Reads the arguments that guards ask for, and gives back the same request.
///
/// A body is read only where one of them is in it; then it is held whole, and goes on as it came.
/// None where nobody said how they are read, which then refuses the call.
///
/// # Errors
/// `InvalidArguments` where they cannot be told with certainty; `TooLarge` and `Malformed`, of bodies.
pub(super) async fn read(
    snapshot: &Snapshot,
    route: &Route,
    mut outgoing: Box<Outgoing>,
) -> Result<(Box<Outgoing>, Option<Arguments>), Refusal> {
    let position = route.operation.position;
    let Some(reader) = snapshot.readers.get(&position) else { return Ok((outgoing, None)) };
    let mut bytes = Bytes::new();
    if reader.needs_body() {
        let body = std::mem::replace(&mut outgoing.body, RequestBody::Empty);
        bytes = whole(body, snapshot.body_bytes_max).await?;
        if !bytes.is_empty() {
            outgoing.body = RequestBody::Full(bytes.clone());
        }
    }
    let sent = match &bytes {
        _ if outgoing.body.is_end_stream() => Sent::Nothing,
        _ if !reader.needs_body() => Sent::Unread,
        bytes => Sent::Whole(bytes),
    };
    check(&bytes)?;
    let arguments = reader.read(&route.contract, &outgoing.head, sent)?;
    Ok((outgoing, Some(arguments)))
}

/// What two parsers could read in two ways, a guard must not judge: the upstream might read it in
/// the other one.
fn check(body: &[u8]) -> Result<(), Refusal> {
    if body.is_empty() {
        return Ok(());
    }
    mcp::json::passable(body).map(|_| ()).map_err(|fault| {
        Refusal::new(RefusalKind::InvalidArguments, format!("a guard reads the body: {fault}"))
    })
}
