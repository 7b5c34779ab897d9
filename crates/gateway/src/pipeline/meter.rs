//! Third stage: does the call fit into the caller's limits? One bucket for all surfaces.

use limits::Meter;
use model::Refusal;

use super::{Authorized, Call, Metered};

/// Counts the call in every limit that applies, or in none. Its records tell what it left.
///
/// # Errors
/// `LimitReached`, with the limit and how long to wait.
pub fn meter<'a>(call: Call<'a, Authorized>, meter: &Meter) -> Result<Call<'a, Metered>, Refusal> {
    let Authorized { caller, route, .. } = &call.stage;
    let mut allowance = meter.take(&call.snapshot.plan, caller, &route.operation)?;
    call.facts.set_balance(allowance.take_balance());
    Ok(call.advance(|Authorized { caller, route, outgoing, permit }| Metered {
        caller,
        route,
        outgoing,
        permit,
        _allowance: allowance,
    }))
}
