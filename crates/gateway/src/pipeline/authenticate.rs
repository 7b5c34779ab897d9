//! First stage: who is calling, by the credential alone.

use std::sync::Arc;

use identity::Presented;
use model::{Audience, Caller, Refusal, RefusalKind};

use super::{Arrival, Authenticated, Call, Received};
use crate::Snapshot;

/// The cause of a refusal where no credential was shown.
pub(crate) const NOTHING_SHOWN: &str = "anonymous";

/// Finds out who is calling and which operation is meant.
///
/// # Errors
/// `Unauthenticated` where the credential is not good, or where there is none and the operation is
/// unknown: who shows nothing learns nothing. `Stopped` where the caller was. Then what the surface
/// found wrong with the target.
pub async fn authenticate<'a>(
    call: Call<'a, Received<'_>>,
) -> Result<Call<'a, Authenticated>, Refusal> {
    let Call { snapshot, facts, stage } = call;
    let Received { presented, target, asked: _, request } = stage;
    let caller = identify(snapshot, presented?, facts.arrival()).await?;
    facts.set_caller(&caller);
    snapshot.stops.check_caller(&caller)?;
    let route = match target {
        Ok(route) => route,
        // A broken request is called broken to anybody: that tells nothing of what is here.
        Err(refusal) if refusal.kind() == RefusalKind::Malformed => return Err(refusal),
        Err(_) if caller.is_anonymous() => return Err(no_credential()),
        Err(refusal) => return Err(refusal),
    };
    Ok(Call { snapshot, facts, stage: Authenticated { caller, route, request } })
}

/// Who shows this credential, or without one this client certificate. With neither: the built-in
/// client `anonymous`.
///
/// # Errors
/// `Unauthenticated` where a credential is shown and is not good.
pub async fn identify(
    snapshot: &Snapshot,
    presented: Presented<'_>,
    arrival: &Arrival,
) -> Result<Arc<Caller>, Refusal> {
    let mut sender = arrival.sender();
    if presented == Presented::Nothing && arrival.is_led {
        // A browser shows its certificate by itself, to whatever page makes it ask.
        sender.certificate = None;
    }
    snapshot.directory.authenticate(&presented, &sender, arrival.at).await
}

/// Whether the caller may show its token for `resource`.
///
/// # Errors
/// `Unauthenticated` where the token is for another: its holder is to get one for this.
pub fn is_for(caller: &Caller, resource: &Audience) -> Result<(), Refusal> {
    match &caller.bounds {
        Some(bounds) if !bounds.audience.covers(resource) => {
            let detail = "the token is for another resource";
            Err(Refusal::new(RefusalKind::Unauthenticated, detail).because("audience"))
        }
        Some(_) | None => Ok(()),
    }
}

pub(super) fn no_credential() -> Refusal {
    Refusal::new(RefusalKind::Unauthenticated, "no credential was shown").because(NOTHING_SHOWN)
}
