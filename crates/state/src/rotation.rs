//! Where a profile lets no credential live longer than so long, each has to say since when it lives.

use std::collections::HashSet;

use foldhash::fast::RandomState;
use model::Fault;

use crate::Desired;

/// Finds the credentials whose age would have to be known and is not.
pub(crate) fn check(desired: &Desired, faults: &mut Vec<Fault>) {
    let profiles = desired.clients.iter().flat_map(|it| &it.profiles);
    let bounded = profiles.filter(|it| it.rotation.lifetime_max.is_some()).map(|it| it.id.as_str());
    // Keyed by ids that were declared, so the hash need not withstand callers.
    let bounded: HashSet<&str, RandomState> = bounded.collect();
    if bounded.is_empty() {
        return;
    }
    for it in desired.credentials.iter().filter(|it| it.created.is_none() && it.state.is_good()) {
        if bounded.contains(it.profile.as_str()) {
            let message = format!("created is missing: {} has a lifetime_max", it.profile);
            let help = "write since when it lives: 2026-11-30";
            faults.push(Fault::new(&it.place, message, help).of("created"));
        }
    }
}
