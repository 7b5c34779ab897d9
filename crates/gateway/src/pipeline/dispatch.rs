//! Last stage: the upstream carries the call out.

use http::Response;
use model::{Refusal, RequestId};
use upstream::ResponseBody;

use super::{Call, Metered, Outgoing};
use crate::Live;

/// What the upstream answered.
pub type Answer = Response<ResponseBody>;

/// Sends the request on, with what the door itself asserts, and waits for the head of the answer.
///
/// # Errors
/// `UpstreamBusy`, `UpstreamFailed`, `UpstreamTimeout`; `TooLarge` and `Malformed` where the
/// caller's body turns out so on the way.
pub async fn dispatch(call: Call<'_, Metered>, live: &Live) -> Result<Answer, Refusal> {
    let Call { snapshot: _, facts, stage } = call;
    let Metered { route, outgoing, _permit, _allowance } = stage;
    let Outgoing { mut head, body } = *outgoing;
    // Asserted after everything that looks like it was stripped from the request.
    head.headers.insert(RequestId::HEADER, facts.arrival().id.header_value());
    let sent = live.clock.elapsed();
    facts.set_sent();
    let answer = route.upstream.send(head, body).await;
    facts.set_answered(sent, live.clock.elapsed());
    let answer = answer?;
    facts.set_upstream_status(answer.status());
    Ok(answer)
}
