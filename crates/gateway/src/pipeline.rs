//! What happens to a call, in order. Every call passes here, whichever surface it came by.
//!
//! Each stage takes the call as the stage before left it, so the order is held by types: only
//! [`policy`] makes a [`policy::Permit`], only [`limits`] a [`limits::Allowance`], and
//! [`dispatch()`] asks for both. An error, a panic or a refused write of the record is a refusal.

mod arguments;
mod authenticate;
mod authorize;
mod body;
mod call;
mod contents;
mod dispatch;
mod facts;
mod held;
mod keeping;
mod ledger;
mod meter;
mod standing;
mod taken;

use std::{panic::AssertUnwindSafe, pin::pin, sync::Arc};

use audit::Recorded;
use futures_util::FutureExt as _;
use http::Response;
use identity::Presented;
use model::{Refusal, RefusalKind};
use upstream::RequestBody;

pub(crate) use authenticate::NOTHING_SHOWN;
pub use authenticate::{authenticate, identify, is_for};
pub use authorize::{authorize, may_list, visible};
pub use call::{Authenticated, Authorized, Call, Metered, Outgoing, Received};
pub use dispatch::{Answer, dispatch};
pub use facts::{Arrival, Encryption, Facts};
pub use held::Held;
pub(crate) use ledger::{Ledger, counted};
pub use meter::meter;
pub(crate) use standing::Standing;
pub use taken::Taken;

use self::{body::whole, standing::Begun};
use crate::{Gateway, Snapshot};

/// Carries one call through, and writes its record before the answer is given back.
///
/// What of the answer is still to come breaks off where the caller may not have it any more. Every way
/// in which it does not go through is a refusal.
pub async fn run(
    gateway: &Arc<Gateway>,
    snapshot: &Arc<Snapshot>,
    arrival: Arrival,
    received: Received<'_>,
) -> Recorded<Result<Answer, Refusal>> {
    let begun = Begun::now(gateway, snapshot);
    let mut ledger = Ledger::open(&gateway.live, Facts::of_call(arrival, snapshot, &received));
    let presented = received.presented.as_ref().map_or(Presented::Nothing, |it| *it);
    let (outcome, standing) = match carry_out(begun, &presented, &mut ledger, received).await {
        Ok((answer, standing)) => {
            ledger.facts().bytes_out = http_body::Body::size_hint(answer.body()).exact();
            (Ok(answer), Some(standing))
        }
        Err(refusal) => (Err(refusal), None),
    };
    ledger.close(outcome, None).await.map(|outcome| {
        outcome.map(|answer| match standing {
            Some(standing) => standing.hold(&presented, answer),
            None => answer,
        })
    })
}

/// The same, where the answer is given back whole or as far as it is shown: its body is read before the
/// record says how the call ended.
pub async fn run_whole(
    gateway: &Arc<Gateway>,
    snapshot: &Arc<Snapshot>,
    arrival: Arrival,
    received: Received<'_>,
    bytes_max: usize,
) -> Recorded<Result<Response<Taken>, Refusal>> {
    let begun = Begun::now(gateway, snapshot);
    let mut ledger = Ledger::open(&gateway.live, Facts::of_call(arrival, snapshot, &received));
    let presented = received.presented.as_ref().map_or(Presented::Nothing, |it| *it);
    let outcome = match carry_out(begun, &presented, &mut ledger, received).await {
        Ok((answer, mut standing)) => {
            // It did not end with its head: whatever ends it looks at the clock again.
            ledger.facts().answered = None;
            let bounds = (bytes_max, standing.tool_body_timeout());
            standing.during(&presented, pin!(Taken::of(answer, bounds))).await
        }
        Err(refusal) => Err(refusal),
    };
    let mut failure = None;
    if let Ok(answer) = &outcome {
        let Taken { bytes: _, is_whole, length, late } = answer.body();
        (ledger.facts().bytes_out, ledger.facts().is_truncated) = (*length, !is_whole);
        failure.clone_from(late);
    }
    ledger.close(outcome, failure).await
}

/// Takes a call up to the head of its answer.
async fn carry_out(
    begun: Begun<'_>,
    presented: &Presented<'_>,
    ledger: &mut Ledger<'_>,
    received: Received<'_>,
) -> Result<(Answer, Standing), Refusal> {
    // What cannot be recorded must not happen: ask before anything does.
    begun.gateway.live.log.admit().map_err(|error| unrecorded(&error))?;
    let call = Call::new(begun.snapshot, ledger.facts(), received);
    let stages = stages(begun, presented, call);
    AssertUnwindSafe(stages).catch_unwind().await.unwrap_or_else(|_| {
        Err(Refusal::new(RefusalKind::Internal, "the call could not be decided")
            .because("a stage panicked"))
    })
}

async fn stages(
    begun: Begun<'_>,
    presented: &Presented<'_>,
    call: Call<'_, Received<'_>>,
) -> Result<(Answer, Standing), Refusal> {
    let (gateway, snapshot) = (begun.gateway, begun.snapshot);
    let call = authenticate(call).await?;
    let call = authorize(call, &snapshot.rules).await?;
    let mut call = meter(call, &gateway.live.meter)?;
    let Metered { caller, route, .. } = &call.stage;
    let mut standing = begun.standing(call.facts.arrival(), caller, route);
    if call.stage.route.is_local() {
        // What is begun here is brought to its end: a change of state that is in force must be told
        // to whoever made it, even where it ends their own right to it. So all waiting comes before.
        let body = std::mem::replace(&mut call.stage.outgoing.body, RequestBody::Empty);
        let body = standing.during(presented, pin!(whole(body, usize::MAX))).await?;
        call.stage.outgoing.body = RequestBody::Full(body);
        standing.confirm(presented, snapshot).await?;
        return Ok((dispatch(call, &gateway.live).await?, standing));
    }
    standing.confirm(presented, snapshot).await?;
    let answer = standing.during(presented, pin!(dispatch(call, &gateway.live))).await?;
    Ok((answer, standing))
}

fn unrecorded(error: &audit::Error) -> Refusal {
    Refusal::new(RefusalKind::Unrecorded, "the call cannot be recorded, so it is not carried out")
        .because(error)
}

/// What is said in place of an answer that cannot be recorded: whoever asks again does it twice.
fn withheld(error: &audit::Error) -> Refusal {
    let detail = "the call was carried out, or may have been, and what came of it cannot be \
                  recorded, so its answer is withheld: find out what it did before you repeat it";
    Refusal::new(RefusalKind::Unrecorded, detail).because(error)
}
