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
mod dispatch;
mod facts;
mod ledger;
mod meter;

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt as _;
use model::{Refusal, RefusalKind};

pub use authenticate::{authenticate, identify, is_for};
pub use authorize::{authorize, may_list, visible};
pub use call::{Authenticated, Authorized, Call, Metered, Outgoing, Received};
pub use dispatch::{Answer, dispatch};
pub use facts::{Arrival, Encryption, Facts};
pub(crate) use ledger::Ledger;
pub use meter::meter;

use crate::{Live, Snapshot};

/// Carries one call through, and writes its record before the answer is given back.
///
/// # Errors
/// Every way in which a call does not go through, as a refusal.
pub async fn run(
    live: &Live,
    snapshot: &Arc<Snapshot>,
    arrival: Arrival,
    received: Received<'_>,
) -> Result<Answer, Refusal> {
    let mut ledger = Ledger::open(live, Facts::of_call(arrival, snapshot, &received));
    // What cannot be recorded must not happen: ask before anything does.
    let outcome = match live.log.admit() {
        Ok(()) => {
            let call = Call::new(snapshot, ledger.facts(), received);
            AssertUnwindSafe(stages(live, snapshot, call)).catch_unwind().await.unwrap_or_else(
                |_| {
                    Err(Refusal::new(RefusalKind::Internal, "the call could not be decided")
                        .because("a stage panicked"))
                },
            )
        }
        Err(error) => Err(unrecorded(&error)),
    };
    ledger.close(outcome).await
}

async fn stages(
    live: &Live,
    snapshot: &Snapshot,
    call: Call<'_, Received<'_>>,
) -> Result<Answer, Refusal> {
    let call = authenticate(call).await?;
    let call = authorize(call, &snapshot.rules).await?;
    let call = meter(call, &live.meter)?;
    dispatch(call, live).await
}

fn unrecorded(error: &audit::Error) -> Refusal {
    Refusal::new(RefusalKind::Unrecorded, "the call cannot be recorded, so it is not carried out")
        .because(error)
}
