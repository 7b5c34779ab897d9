//! What a caller may touch, and that nobody gives what they do not have.

use std::collections::{HashMap, HashSet};

use model::{Assignment, ProfileId, Reach, Role};
use state::{Desired, Kind};

use crate::{
    Call, Plane,
    change::Plan,
    failure::Failure,
    working::{Belonging, Working, belonging},
};

/// Whether something is within reach.
pub(crate) fn has(reach: &Reach, belonging: &Belonging) -> bool {
    reach.has(belonging.collection.as_ref(), belonging.owner.as_deref())
}

/// Whether the document `id` is within the caller's reach, as it stands.
pub(crate) fn reaches(call: &Call, working: &Working, kind: Kind, id: &str) -> bool {
    call.reach.is_everywhere() || has(&call.reach, &working.belonging(kind, id))
}

/// Checks a change: each file within reach before and after, and nothing given that is not held.
///
/// # Errors
/// `NotFound` for what is out of reach, `NotHeld` for what would be given.
pub(crate) fn check(
    plane: &dyn Plane,
    call: &Call,
    before: &Desired,
    after: &Desired,
    plan: &Plan,
) -> Result<(), Failure> {
    if !call.reach.is_everywhere() {
        for path in plan.files.keys() {
            check_reach(call, before, after, path)?;
        }
    }
    for assignment in given(before, after) {
        plane.covers(&call.caller.profile, &assignment, after).map_err(|missing| {
            Failure::NotHeld(format!(
                "it gives the role {}, and you do not hold all of it: {missing}",
                assignment.role
            ))
        })?;
    }
    Ok(())
}

fn check_reach(call: &Call, before: &Desired, after: &Desired, path: &str) -> Result<(), Failure> {
    let Some((kind, id)) = Kind::of_path(path).or_else(|| of_document(path)) else {
        let detail = format!("{path} belongs to everybody, and your role is bounded");
        return Err(Failure::NotHeld(detail));
    };
    let nothing = Belonging::default();
    let (was, is) = (belonging(before, kind, id), belonging(after, kind, id));
    if was != nothing && !has(&call.reach, &was) {
        return Err(Failure::no_such(kind.as_str(), id));
    }
    if is != nothing && !has(&call.reach, &is) {
        return Err(Failure::NotHeld(format!(
            "{} {id} would not be within your reach: give it an owner that is",
            kind.as_str()
        )));
    }
    if was == nothing && is == nothing {
        let detail = format!("{}s belong to everybody, and your role is bounded", kind.as_str());
        return Err(Failure::NotHeld(detail));
    }
    Ok(())
}

/// An OpenAPI document belongs to the collection whose name it has.
fn of_document(path: &str) -> Option<(Kind, &str)> {
    let name = path.strip_prefix("documents/")?;
    Some((Kind::Collection, name.split_once('.')?.0))
}

/// All that somebody has after the change and did not have before.
fn given(before: &Desired, after: &Desired) -> Vec<Assignment> {
    let (had, have) = (profiles(before), profiles(after));
    let mut given: Vec<&Assignment> = Vec::new();
    for (profile, roles) in &have {
        let held = had.get(profile).copied().unwrap_or_default();
        given.extend(roles.iter().filter(|it| !held.contains(it)));
    }
    // A new way to a profile gives all that the profile has.
    let known: HashMap<_, _> = before.credentials.iter().map(|it| (&it.id, it)).collect();
    for credential in &after.credentials {
        let is_same = known.get(&credential.id).is_some_and(|it| {
            (&it.profile, &it.proof, it.state)
                == (&credential.profile, &credential.proof, credential.state)
        });
        if !is_same {
            given.extend(have.get(&credential.profile).copied().unwrap_or_default());
        }
    }
    let mut given: Vec<Assignment> = given.into_iter().cloned().collect();
    // A changed role changes what all have who hold it.
    let roles: HashMap<_, _> = before.roles.iter().map(|it| (&it.id, &it.grants)).collect();
    let is_other = |role: &Role| roles.get(&role.id).is_none_or(|it| **it != role.grants);
    let others = after.roles.iter().filter(|it| is_other(it));
    given.extend(others.map(|it| Assignment::everywhere(it.id.clone())));
    let mut seen = HashSet::new();
    given.retain(|it| seen.insert(it.clone()));
    given
}

/// The roles of every profile that is in use.
fn profiles(desired: &Desired) -> HashMap<&ProfileId, &[Assignment]> {
    let clients = desired.clients.iter().filter(|it| it.is_enabled);
    let profiles = clients.flat_map(|it| &it.profiles).filter(|it| it.is_enabled);
    profiles.map(|it| (&it.id, it.roles.as_slice())).collect()
}
