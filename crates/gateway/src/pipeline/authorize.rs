//! Second stage: may this caller call this operation? The lists ask the same.

use std::sync::Arc;

use model::{Caller, Operation, Refusal, RefusalKind};
use policy::{Clearance, Denial, Facts, Rules};

use super::{
    Arrival, Authenticated, Authorized, Call, arguments, authenticate::no_credential, contents,
};
use crate::{Entrance, Snapshot, snapshot::Route};

/// Asks the rules, then what the surface found wrong with the request, and then the guards that
/// read arguments: who may not call an operation does not learn what its arguments are.
///
/// # Errors
/// `Forbidden`; `Unauthenticated` where a credential might help; `Stopped`;
/// `Gone`; a faulty request's refusal.
pub async fn authorize<'a>(
    call: Call<'a, Authenticated>,
    rules: &Rules,
) -> Result<Call<'a, Authorized>, Refusal> {
    let Call { snapshot, facts, stage: Authenticated { caller, route, request } } = call;
    let refuse = |denial| denied(&caller, denial);
    let clearance = clear(snapshot, rules, facts.arrival(), &caller, &route.operation);
    let clearance = clearance.map_err(refuse)?;
    // What is given up while a guard waits for the arguments was not allowed.
    let reads_arguments = clearance.reads_arguments();
    if !reads_arguments {
        facts.set_rule(clearance.rule());
    }
    // Behind the rules: who may not call an operation does not learn that it is stopped.
    snapshot.stops.check_operation(&route.operation)?;
    if route.is_retired {
        return Err(retired(&route));
    }
    let outgoing = request?;
    // Boxed: only calls that a guard looks into pay for what it takes.
    let (outgoing, arguments) = if reads_arguments {
        let (mut outgoing, arguments) =
            Box::pin(arguments::read(snapshot, &route, outgoing)).await?;
        // Here, so that the record of a refusal tells what it was refused for.
        if contents::is_at_hand(facts, &route, &outgoing) {
            Box::pin(contents::tell(facts, &route, &mut outgoing)).await?;
        }
        (outgoing, arguments)
    } else {
        (outgoing, None)
    };
    let permit = clearance.settle(arguments).map_err(refuse)?;
    if reads_arguments {
        facts.set_rule(permit.rule());
    }
    Ok(Call { snapshot, facts, stage: Authorized { caller, route, outgoing, permit } })
}

/// Whether a call under way may go on: the same, but for arguments, which are gone.
///
/// # Errors
/// Those of [`authorize`]; `NotFound` where the operation is not there any more.
pub(super) fn confirm(
    snapshot: &Snapshot,
    arrival: &Arrival,
    caller: &Caller,
    route: &Route,
) -> Result<(), Refusal> {
    let Some(route) = snapshot.same(route) else {
        return Err(Refusal::new(RefusalKind::NotFound, "there is no such operation"));
    };
    clear(snapshot, &snapshot.rules, arrival, caller, &route.operation)
        .map_err(|denial| denied(caller, denial))?;
    snapshot.stops.check_caller(caller)?;
    snapshot.stops.check_operation(&route.operation)?;
    if route.is_retired { Err(retired(route)) } else { Ok(()) }
}

fn retired(route: &Route) -> Refusal {
    Refusal::new(RefusalKind::Gone, format!("{} was retired", route.operation.id))
}

/// All that can be decided without arguments.
fn clear<'q>(
    snapshot: &'q Snapshot,
    rules: &Rules,
    arrival: &Arrival,
    caller: &'q Caller,
    operation: &'q Operation,
) -> Result<Clearance<'q>, Denial> {
    let Arrival { peer, at, surface, .. } = *arrival;
    let facts = Facts { surface, ip: peer.ip().to_canonical(), at };
    policy::decide(rules, &snapshot.guards, caller, operation, &facts)
}

fn denied(caller: &Caller, denial: Denial) -> Refusal {
    if caller.is_anonymous() { no_credential() } else { denial.into() }
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

/// The operations of which a call of `caller` that arrives like this would be allowed, with some
/// arguments if not with all, in the tools' order.
pub fn visible<'a>(
    snapshot: &'a Snapshot,
    arrival: &Arrival,
    caller: &'a Caller,
) -> impl Iterator<Item = &'a Arc<Route>> {
    let arrival = arrival.clone();
    let is_running = snapshot.stops.check_caller(caller).is_ok();
    snapshot.routes().filter(move |it| {
        is_running
            && arrival.entrance.reaches(it)
            && snapshot.stops.check_operation(&it.operation).is_ok()
            && clear(snapshot, &snapshot.rules, &arrival, caller, &it.operation).is_ok()
    })
}
