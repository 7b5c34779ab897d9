//! Second stage: may this caller call this operation? The lists ask the same.

use std::sync::Arc;

use model::{Caller, Refusal, RefusalKind};
use policy::{Denial, Facts, Rules};

use super::{Arrival, Authenticated, Authorized, Call, authenticate::no_credential};
use crate::{Entrance, Snapshot, snapshot::Route};

/// Asks the rules, and then what the surface found wrong with the request: who may not call an
/// operation does not learn what its arguments are.
///
/// # Errors
/// `Forbidden`; `Unauthenticated` where a credential might help; `Gone`; a faulty request's refusal.
pub fn authorize<'a>(
    call: Call<'a, Authenticated>,
    rules: &Rules,
) -> Result<Call<'a, Authorized>, Refusal> {
    let surface = call.facts.arrival().surface;
    let Call { snapshot, facts, stage: Authenticated { caller, route, request } } = call;
    let decided = policy::decide(rules, &caller, &route.operation, surface);
    let permit =
        match decided.and_then(|it| guarded(snapshot, facts.arrival(), &caller, &route, it)) {
            Ok(permit) => permit,
            Err(_) if caller.is_anonymous() => return Err(no_credential()),
            Err(denial) => return Err(denial.into()),
        };
    facts.set_rule(permit.rule());
    if route.is_retired {
        let detail = format!("{} was retired", route.operation.id);
        return Err(Refusal::new(RefusalKind::Gone, detail));
    }
    let outgoing = request?;
    Ok(Call { snapshot, facts, stage: Authorized { caller, route, outgoing, permit } })
}

/// Asks the guards about what the rules permit.
fn guarded<T>(
    snapshot: &Snapshot,
    arrival: &Arrival,
    caller: &Caller,
    route: &Route,
    permitted: T,
) -> Result<T, Denial> {
    let Route { operation, .. } = route;
    if snapshot.guards.touch(operation) {
        let facts = Facts::of(arrival.surface, arrival.peer.ip().to_canonical(), arrival.at);
        snapshot.guards.check(caller, operation, &facts)?;
    }
    Ok(permitted)
}

/// Whether this caller may see a list at all.
///
/// # Errors
/// `Unauthenticated` for callers without a credential where nothing is public.
pub fn may_list(
    snapshot: &Snapshot,
    entrance: Entrance,
    caller: Arc<Caller>,
) -> Result<Arc<Caller>, Refusal> {
    // Nothing of the door's own is ever public.
    let has_public = snapshot.has_public && entrance.has(false);
    if caller.is_anonymous() && !has_public { Err(no_credential()) } else { Ok(caller) }
}

/// The operations that a call of `caller` that arrives like this would be allowed, in the tools' order.
pub fn visible<'a>(
    snapshot: &'a Snapshot,
    arrival: &Arrival,
    caller: &'a Caller,
) -> impl Iterator<Item = &'a Arc<Route>> {
    let arrival = *arrival;
    snapshot.routes().filter(move |it| {
        arrival.entrance.reaches(it)
            && policy::decide(&snapshot.rules, caller, &it.operation, arrival.surface)
                .and_then(|permit| guarded(snapshot, &arrival, caller, it, permit))
                .is_ok()
    })
}
