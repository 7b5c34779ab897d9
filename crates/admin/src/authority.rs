//! What a caller may touch, and that nobody gives what they do not have.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use model::{
    Assignment, Credential, CredentialState, Injection, Issuer, IssuerId, Profile, ProfileId,
    Proof, Reach, Role, SecretSource,
};
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
            check_named(call, after, path)?;
        }
    }
    check_revoked(before, after)?;
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

/// What is revoked is so for ever, whichever way it is written.
fn check_revoked(before: &Desired, after: &Desired) -> Result<(), Failure> {
    let revoked = before.credentials.iter().filter(|it| it.state == CredentialState::Revoked);
    for was in revoked {
        let index = after.credentials.binary_search_by(|it| it.id.cmp(&was.id));
        let is = index.ok().and_then(|it| after.credentials.get(it));
        if is.is_some_and(|it| it.state != CredentialState::Revoked) {
            let detail = format!("{} is revoked, and that is for ever: issue a new one", was.id);
            return Err(Failure::Conflict(detail));
        }
    }
    Ok(())
}

/// Whoever is bounded names only secrets within reach, and nothing of the machine: an upstream is
/// shown whatever it names.
fn check_named(call: &Call, after: &Desired, path: &str) -> Result<(), Failure> {
    let Some((kind, id)) = Kind::of_path(path) else { return Ok(()) };
    let secret = match kind {
        Kind::Collection => {
            let index = after.collections.binary_search_by(|it| it.id.as_str().cmp(id));
            let collection = index.ok().and_then(|it| after.collections.get(it));
            let own = collection.map(|it| &it.upstream).filter(|it| it.id.is_none());
            own.and_then(|it| it.injection.as_ref()).map(Injection::secret)
        }
        Kind::Secret => {
            let index = after.secrets.binary_search_by(|it| it.id.as_str().cmp(id));
            match index.ok().and_then(|it| after.secrets.get(it)).map(|it| &it.source) {
                Some(SecretSource::Vault { token, .. }) => Some(token),
                Some(SecretSource::Environment { .. } | SecretSource::File { .. }) => {
                    let detail = "env and file name what the machine has, and your role is bounded: use source store";
                    return Err(Failure::NotHeld(detail.to_owned()));
                }
                Some(SecretSource::Store) | None => None,
            }
        }
        Kind::Client
        | Kind::Credential
        | Kind::Guard
        | Kind::Issuer
        | Kind::Limit
        | Kind::Role
        | Kind::Upstream => None,
    };
    match secret {
        Some(it) if !has(&call.reach, &belonging(after, Kind::Secret, it.as_str())) => {
            Err(Failure::no_such("secret", it.as_str()))
        }
        Some(_) | None => Ok(()),
    }
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
    for (profile, is) in &have {
        // A profile that ends later, or is good from more places, gives its roles anew.
        let same = had.get(profile).filter(|it| is_as_narrow(it, is));
        let held = same.map(|it| it.roles.as_slice()).unwrap_or_default();
        given.extend(is.roles.iter().filter(|it| !held.contains(it)));
    }
    let issuers = other_issuers(before, after);
    // A new way to a profile gives all that the profile has.
    let known: HashMap<_, _> = before.credentials.iter().map(|it| (&it.id, it)).collect();
    for credential in &after.credentials {
        let is_same = known.get(&credential.id).is_some_and(|it| {
            (&it.profile, &it.proof) == (&credential.profile, &credential.proof)
                && it.expires >= credential.expires
                && !trusts(credential, &issuers)
        });
        if !is_same && credential.state != CredentialState::Revoked {
            given.extend(have.get(&credential.profile).into_iter().flat_map(|it| &it.roles));
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

/// Every profile that is in use.
fn profiles(desired: &Desired) -> HashMap<&ProfileId, &Profile> {
    let clients = desired.clients.iter().filter(|it| it.is_enabled);
    let profiles = clients.flat_map(|it| &it.profiles).filter(|it| it.is_enabled);
    profiles.map(|it| (&it.id, it)).collect()
}

fn is_as_narrow(was: &Profile, is: &Profile) -> bool {
    (&was.surfaces, &was.networks, was.expires) == (&is.surfaces, &is.networks, is.expires)
}

/// The issuers that are new or others: whoever signs in their name comes in.
fn other_issuers<'a>(before: &Desired, after: &'a Desired) -> HashSet<&'a IssuerId> {
    let is_other = |it: &&Arc<Issuer>| !before.issuers.contains(it);
    after.issuers.iter().filter(is_other).map(|it| &it.id).collect()
}

fn trusts(credential: &Credential, issuers: &HashSet<&IssuerId>) -> bool {
    match &credential.proof {
        Proof::ApiKey { hmac: _ } => false,
        Proof::External { issuer, claims: _ } => issuers.contains(issuer),
    }
}
