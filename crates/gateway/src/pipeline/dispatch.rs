//! Last stage: the call is carried out, by an upstream or in this process.

use http::Response;
use model::{Refusal, RequestId};

use super::{Call, Metered, Outgoing, body::whole, contents, keeping};
use crate::{Body, Live, LocalCall, snapshot::Destination};

/// What was answered.
pub type Answer = Response<Body>;

/// Carries the call out, and waits for the head of the answer.
///
/// # Errors
/// `Unrecorded` where its intent cannot be stored, or its bodies should be kept and cannot; `UpstreamBusy`, `UpstreamFailed`, `UpstreamTimeout`;
/// `TooLarge` and `Malformed` where the caller's body turns out so on the way; what a
/// [`Local`](crate::Local) refuses.
pub async fn dispatch(call: Call<'_, Metered>, live: &Live) -> Result<Answer, Refusal> {
    let Call { snapshot: _, facts, stage } = call;
    let Metered { caller, route, mut outgoing, permit, _allowance } = stage;
    if contents::is_untold(facts, &route, &outgoing) {
        // Boxed: only calls with a body pay for what it takes.
        Box::pin(contents::tell(facts, &route, &mut outgoing)).await?;
    }
    let Outgoing { mut head, body } = *outgoing;
    let keeping = match &route.bodies {
        None => None,
        Some(kept) => keeping::prepare(kept, live, facts, (&caller, &*route, &head))?,
    };
    // Nothing is carried out that would be unknown if this process died now.
    facts.intend(live).await?;
    let sent = live.clock.elapsed();
    let (body, keeping) = keeping::begin(keeping, &head, body);
    let answer = match &route.destination {
        Destination::Upstream(upstream) => {
            // Asserted after everything that looks like it was stripped from the request.
            head.headers.insert(RequestId::HEADER, facts.arrival().id.header_value());
            facts.set_sent();
            let answer = upstream.send(head, body, facts.reached()).await.map_err(Into::into);
            answer.map(|it| keeping::answer(keeping, it).map(Body::Upstream))
        }
        Destination::Local(local) => {
            let body = whole(body, usize::MAX).await?;
            facts.set_sent();
            let call = LocalCall {
                operation: route.operation.id.clone(),
                caller,
                reach: permit.reach().clone(),
                id: facts.arrival().id,
                at: facts.arrival().at,
                surface: facts.arrival().surface,
                certificate: facts.arrival().certificate().cloned(),
                head,
                body,
            };
            // Boxed: calls of upstreams must not be moved at its size.
            local.carry_out(call).await.map(|it| it.map(Body::from))
        }
    };
    facts.set_answered(sent, live.clock.elapsed());
    let answer = answer?;
    facts.set_upstream_status(answer.status());
    Ok(answer)
}
