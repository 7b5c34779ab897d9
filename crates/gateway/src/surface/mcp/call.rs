//! `tools/call`: a call like any other, made of a name and arguments.

use std::sync::Arc;

use ::mcp::{CallParams, Era, ProtocolError, Request, Session};
use audit::Recorded;
use model::{Refusal, RefusalKind};
use serde_json::{Map, Value};
use upstream::RequestBody;

use super::{exchange::Exchange, refusal, reply::Reply, result};
use crate::{
    edge::canonical,
    pipeline::{self, Outgoing, Received},
    snapshot::{Found, Route, VIEW},
};

/// Sends the call through the pipeline, and its answer or refusal back as JSON-RPC.
pub(super) async fn answer(
    exchange: &Exchange,
    era: Era,
    session: Option<&Arc<Session>>,
    request: &Request<'_>,
) -> Result<Recorded<Reply>, ProtocolError> {
    let params = CallParams::read(request)?;
    let in_flight = session.map(|it| it.begin(&request.id)).transpose()?;
    let work = carry_out(exchange, era, request, params);
    match in_flight {
        None => Ok(work.await),
        Some(in_flight) => tokio::select! {
            reply = work => Ok(reply),
            // The work is dropped, and with it the upstream's connection; its record says so.
            () = in_flight.token().cancelled() => {
                Ok(Recorded::given_up(refusal::cancelled(&request.id)))
            }
        },
    }
}

async fn carry_out(
    exchange: &Exchange,
    era: Era,
    request: &Request<'_>,
    params: CallParams<'_>,
) -> Recorded<Reply> {
    let received = received(exchange, params);
    let (gateway, snapshot) = (&exchange.gateway, &exchange.snapshot);
    let (arrival, id) = (exchange.arrival.clone(), exchange.arrival.id);
    let bytes_max = gateway.settings.tool_answer_bytes_max;
    let recorded = pipeline::run_whole(gateway, snapshot, arrival, received, bytes_max).await;
    recorded.map(|outcome| match outcome {
        Ok(answer) => result::reply(era, &request.id, answer, bytes_max),
        Err(refusal) => refusal::reply(era, &request.id, id, refusal),
    })
}

fn received<'e>(exchange: &'e Exchange, params: CallParams<'_>) -> Received<'e> {
    let CallParams { name, arguments } = params;
    let presented = identity::present(&exchange.headers);
    let route = exchange
        .snapshot
        .tool(&name)
        .filter(|it| exchange.arrival.entrance.reaches(it) && exchange.endpoint.has(it));
    let Some(route) = route else {
        let unknown = || Refusal::new(RefusalKind::NotFound, "there is no such operation");
        let asked = Some(format!("tools/call {name}"));
        let (target, request) = (Err(unknown()), Err(unknown()));
        return Received { presented, target, asked, request };
    };
    let request = outgoing(exchange, route, arguments);
    Received { presented, target: Ok(Arc::clone(route)), asked: None, request }
}

/// The request that the arguments ask for: the one that a REST caller would have sent.
fn outgoing(
    exchange: &Exchange,
    route: &Route,
    arguments: Map<String, Value>,
) -> Result<Box<Outgoing>, Refusal> {
    let invalid = |detail: String| Refusal::new(RefusalKind::InvalidArguments, detail);
    // What is wrong with the arguments of management, management says: to a tool's caller what it
    // says to a request's, and with the same record.
    let contract = &route.contract;
    let bound = match route.is_local() {
        true => contract.bind_unchecked(arguments)?,
        false => {
            let bound = contract.bind(arguments)?;
            // A list with nothing in it is written as nothing.
            contract.check_required(&bound.head, bound.body.is_some())?;
            bound
        }
    };
    canonical::without_credential(&bound.head.query)?;
    // A value can spell another operation's path: `mine` in `/items/{id}`. REST would call that one.
    let path = format!("{}{}", route.base(), bound.head.path);
    let found = exchange.snapshot.router.find(&bound.head.method, &path);
    let is_itself = found == Found::Operation(route.operation.position);
    if !is_itself || bound.head.path.as_str() == VIEW {
        return Err(invalid("with these values the path is another one's".to_owned()));
    }
    let body = bound.body.map_or(RequestBody::Empty, RequestBody::Full);
    Ok(Box::new(Outgoing { head: bound.head, body }))
}
