//! MCP: one endpoint for all tools, one for each collection, both eras on each.

mod call;
mod endpoint;
mod exchange;
mod list;
mod refusal;
mod reply;
mod result;

use std::{sync::Arc, time::Duration};

use audit::{Kind, Recorded};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use model::{Caller, Refusal, RefusalKind};
use tokio::time::timeout;

use crate::{
    Body, Gateway, Snapshot,
    pipeline::{self, Arrival, Facts, Ledger},
};
use endpoint::Endpoint;
use exchange::Exchange;

/// Largest message that is taken in from somebody who is refused anyway.
const DISCARDED_BYTES_MAX: usize = 64 * 1024;
/// Longest wait for it.
const DISCARD_TIME: Duration = Duration::from_secs(1);

/// Answers one request of the MCP surface.
pub(crate) async fn answer(
    gateway: Arc<Gateway>,
    arrival: Arrival,
    request: Request<Incoming>,
) -> Recorded<Response<Body>> {
    let snapshot = gateway.snapshot();
    let ((parts, body), id) = (request.into_parts(), arrival.id);
    let refused = |refusal: Recorded<Refusal>| refusal.map(|it| reply::refused(id, &it));
    // The message is not read yet: it may be a call. What comes without one is about sessions, as of older
    // clients that ask for a stream from the server each time.
    let kind = if parts.method == Method::POST { Kind::Call } else { Kind::Session };
    let facts = Facts::new(kind, arrival.clone(), snapshot.revision).about("mcp");
    let mut ledger = Ledger::open(&gateway.live, facts);
    let admitted = admit(&snapshot, &arrival, &parts.headers).await;
    let (caller, endpoint) = match admitted.and_then(|caller| {
        ledger.facts().set_caller(&caller);
        let endpoint = Endpoint::of(&snapshot, arrival.entrance, parts.uri.path())?;
        pipeline::is_for(&caller, &endpoint.audience())?;
        Ok((caller, endpoint))
    }) {
        Ok(known) => known,
        Err(refusal) => {
            let refusal = ledger.refuse(refusal).await;
            discard(body).await;
            return refused(refusal);
        }
    };
    let is_stateless = exchange::is_stateless(&parts.headers);
    let is_deletion = match is_deletion(&parts.method, is_stateless) {
        Ok(is_deletion) => is_deletion,
        Err((refusal, allowed)) => {
            return ledger.refuse(refusal).await.map(|it| reply::other_method(id, &it, allowed));
        }
    };
    let body = if is_deletion {
        Ok(Bytes::new())
    } else {
        // One that does not come whole is no call.
        ledger.facts().set_kind(Kind::Malformed);
        read(&gateway, body).await
    };
    let body = match body {
        Ok(body) => body,
        Err(refusal) => return refused(ledger.refuse(refusal).await),
    };
    // From here on whatever happens has a record of its own kind.
    ledger.withdraw();
    let panicked = Facts::new(Kind::Malformed, arrival.clone(), snapshot.revision).about("mcp");
    let exchange =
        Exchange::new(Arc::clone(&gateway), snapshot, arrival, parts.headers, (caller, endpoint));
    if is_deletion {
        return exchange.end_session().await;
    }
    // There, to close the connection is to cancel what was asked.
    if is_stateless {
        return exchange.answer(&body).await;
    }
    answer_apart(&gateway, exchange, body, panicked).await
}

/// Whether a session is to be ended, and not a message taken in. What the endpoint does not do is refused,
/// with the methods by which it does what it does.
fn is_deletion(method: &Method, is_stateless: bool) -> Result<bool, (Refusal, &'static str)> {
    let (detail, allowed) = match (method, is_stateless) {
        (&Method::POST, _) => return Ok(false),
        (&Method::DELETE, false) => return Ok(true),
        (_, true) => {
            ("in 2026-07-28 there are no sessions, and this endpoint has POST alone", "POST")
        }
        (_, false) => ("this endpoint has POST, and DELETE to end a session", "POST, DELETE"),
    };
    Err((Refusal::new(RefusalKind::MethodNotAllowed, detail), allowed))
}

/// Answers by a task of its own: in the older revisions a lost connection is no cancellation, so the work
/// is not the connection's.
async fn answer_apart(
    gateway: &Gateway,
    exchange: Exchange,
    body: Bytes,
    panicked: Facts,
) -> Recorded<Response<Body>> {
    let id = exchange.arrival.id;
    let work = gateway.tasks.spawn(async move { exchange.answer(&body).await });
    match work.await {
        Ok(answered) => answered,
        Err(_) => {
            let refusal = Refusal::new(RefusalKind::Internal, "the message could not be answered");
            let refusal = Ledger::open(&gateway.live, panicked).refuse(refusal).await;
            refusal.map(|it| reply::refused(id, &it))
        }
    }
}

/// Who is calling: asked before a byte of the body is read.
async fn admit(
    snapshot: &Snapshot,
    arrival: &Arrival,
    headers: &HeaderMap,
) -> Result<Arc<Caller>, Refusal> {
    let presented = identity::present(headers)?;
    let caller = pipeline::identify(snapshot, presented, arrival).await?;
    pipeline::may_list(snapshot, arrival.entrance, caller)
}

/// Takes in the message of somebody who is refused without it being looked at. Left behind, it would
/// cost the connection, without a word to a client that goes on to use it.
async fn discard(body: Incoming) {
    let whole = Limited::new(body, DISCARDED_BYTES_MAX).collect();
    // Whoever sends more than that, or slowly, loses the connection after all.
    drop(timeout(DISCARD_TIME, whole).await);
}

/// The message, whole and within bounds.
async fn read(gateway: &Gateway, body: Incoming) -> Result<Bytes, Refusal> {
    let bytes_max = gateway.settings.message_bytes_max;
    let whole = timeout(gateway.settings.message_timeout, Limited::new(body, bytes_max).collect());
    match whole.await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let detail = format!("the message is larger than {bytes_max} bytes");
            Err(Refusal::new(RefusalKind::TooLarge, detail))
        }
        Ok(Err(error)) => {
            Err(Refusal::new(RefusalKind::Malformed, "the message broke off").because(error))
        }
        Err(_) => Err(Refusal::new(RefusalKind::Malformed, "the message did not arrive in time")),
    }
}
