//! What a caller may touch, and that nobody gives what they do not have.

use std::{collections::HashSet, sync::Arc, time::Duration};

use model::{
    Assignment, Change, Client, Credential, CredentialState, GrantType, Injection, IssuerId,
    Profile, ProfileId, Proof, Reach, SecretSource, TokenTerms, User, difference,
};
use state::{Desired, Kind};

use crate::{
    Call, Plane,
    change::Plan,
    failure::Failure,
    working::{Belonging, Working, belonging},
};

/// So much may the clock of who writes a document be ahead of ours.
const CLOCKS_DIFFER: Duration = Duration::from_secs(5 * 60);

/// What the operations on the audit log are about.
pub(crate) const LOG: &str = "the audit log is about everybody";

/// Lets only those go on who may do that everywhere: what it is about cannot be told apart by owner.
///
/// # Errors
/// `NotHeld`, in the words of `about`.
pub(crate) fn ensure_everywhere(call: &Call, about: &str) -> Result<(), Failure> {
    match call.reach.is_everywhere() {
        true => Ok(()),
        false => Err(Failure::NotHeld(format!("{about}, and your role is bounded"))),
    }
}

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
        for path in plan.files.keys().filter(|it| plan.found.as_ref() != Some(it)) {
            check_reach(call, before, after, path)?;
            check_named(call, after, path)?;
        }
    }
    check_revoked(before, after)?;
    check_created(call, before, after)?;
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
    for Change { before, after } in difference(&before.credentials, &after.credentials, |it| &it.id)
    {
        let was_revoked = before.is_some_and(|it| it.state == CredentialState::Revoked);
        if let Some(is) = after.filter(|it| was_revoked && it.state != CredentialState::Revoked) {
            let detail = format!("{} is revoked, and that is for ever: issue a new one", is.id);
            return Err(Failure::Conflict(detail));
        }
    }
    Ok(())
}

/// None is said to be made in the future: its longest life would begin only then.
fn check_created(call: &Call, before: &Desired, after: &Desired) -> Result<(), Failure> {
    let latest = call.at.plus(CLOCKS_DIFFER);
    let changes = difference(&before.credentials, &after.credentials, |it| &it.id);
    let mut changed = changes.filter_map(|it| it.after);
    match changed.find(|it| it.created.is_some_and(|it| it > latest)) {
        Some(it) => Err(Failure::Conflict(format!("{} would be made in the future", it.id))),
        None => Ok(()),
    }
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
        Kind::Admission
        | Kind::Client
        | Kind::Credential
        | Kind::Guard
        | Kind::Issuer
        | Kind::Limit
        | Kind::Role
        | Kind::Stop
        | Kind::Upstream
        | Kind::User => None,
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
    let mut given: Vec<&Assignment> = Vec::new();
    for client in difference(&before.clients, &after.clients, |it| &it.id) {
        let had = client.before.map(|it| profiles(it)).unwrap_or_default();
        for is in client.after.map(|it| profiles(it)).unwrap_or_default() {
            // A profile that ends later, or is good from more places, gives its roles anew.
            let same = had.iter().find(|it| it.id == is.id && is_as_narrow(it, is));
            let held = same.map(|it| it.roles.as_slice()).unwrap_or_default();
            given.extend(is.roles.iter().filter(|it| !held.contains(it)));
        }
    }
    // A new way to a profile gives all that the profile has.
    for Change { before: was, after: is } in
        difference(&before.credentials, &after.credentials, |it| &it.id)
    {
        let is_way = |it: &&Arc<Credential>| it.state.is_good();
        let Some(is) = is.filter(is_way) else { continue };
        let is_same = was.filter(is_way).is_some_and(|it| {
            (&it.profile, &it.proof) == (&is.profile, &is.proof) && is_as_long(it, is)
        });
        if !is_same {
            given.extend(roles(after, &is.profile));
        }
    }
    let issuers: HashSet<_> = difference(&before.issuers, &after.issuers, |it| &it.id)
        .filter_map(|it| it.after)
        .filter(|it| !before.issuers.contains(it))
        .map(|it| &it.id)
        .collect();
    if !issuers.is_empty() {
        let ways = after.credentials.iter().filter(|it| it.state.is_good());
        let ways = ways.filter(|it| trusts(it, &issuers));
        given.extend(ways.flat_map(|it| roles(after, &it.profile)));
    }
    given.extend(admitted(before, after));
    // A changed role changes what all have who hold it.
    let others = difference(&before.roles, &after.roles, |it| &it.id);
    let others =
        others.filter(|it| it.before.map(|role| &role.grants) != it.after.map(|role| &role.grants));
    let others: Vec<_> =
        others.filter_map(|it| it.after).map(|it| Assignment::everywhere(it.id.clone())).collect();
    let mut seen = HashSet::new();
    let mut given: Vec<_> = given.into_iter().cloned().chain(others).collect();
    given.retain(|it| seen.insert(it.clone()));
    given
}

/// What new ways for people and their programs give: admissions, accounts, and providers to sign in
/// by. Which profiles somebody gets to by their groups is not told apart: it is all that anybody
/// can get to.
fn admitted<'a>(before: &Desired, after: &'a Desired) -> Vec<&'a Assignment> {
    let mut given = Vec::new();
    for Change { before: was, after: is } in
        difference(&before.admissions, &after.admissions, |it| &it.id)
    {
        let is = is.filter(|it| was != Some(it));
        given.extend(is.into_iter().flat_map(|it| roles(after, &it.profile)));
    }
    let users = difference(&before.users, &after.users, |it| &it.id);
    let is_way =
        |it: Change<'_, User>| it.after.is_some_and(|is| is.is_enabled && it.before != Some(is));
    let has_users = users.into_iter().any(is_way);
    let issuers = difference(&before.issuers, &after.issuers, |it| &it.id);
    let has_issuers = issuers
        .into_iter()
        .any(|it| it.after.is_some_and(|is| is.sign_in.is_some() && it.before != Some(is)));
    if has_users || has_issuers {
        let clients = after.clients.iter().flat_map(|it| profiles(it));
        let of_people = clients.filter(|it| it.tokens.as_ref().is_some_and(is_of_people));
        given.extend(of_people.flat_map(|it| &it.roles));
    }
    given
}

fn is_of_people(terms: &TokenTerms) -> bool {
    let of_people = [GrantType::AuthorizationCode, GrantType::DeviceCode, GrantType::JwtBearer];
    terms.grants.iter().any(|it| of_people.contains(it))
}

/// Those that are in use.
fn profiles(client: &Client) -> Vec<&Profile> {
    let profiles = client.profiles.iter().filter(|it| client.is_enabled && it.is_enabled);
    profiles.collect()
}

/// What the profile `id` has, where it is in use.
fn roles<'a>(desired: &'a Desired, id: &ProfileId) -> &'a [Assignment] {
    let index = desired.clients.binary_search_by(|it| it.id.as_str().cmp(id.client()));
    let client = index.ok().and_then(|it| desired.clients.get(it));
    let found = client.and_then(|it| profiles(it).into_iter().find(|it| it.id == *id));
    found.map(|it| it.roles.as_slice()).unwrap_or_default()
}

fn is_as_narrow(was: &Profile, is: &Profile) -> bool {
    // Other terms of tokens are other ways to the profile: for other programs, or other people.
    (&was.surfaces, &was.networks, was.expires, &was.tokens)
        == (&is.surfaces, &is.networks, is.expires, &is.tokens)
        && !is_longer(was.rotation.lifetime_max, is.rotation.lifetime_max)
        // Whoever renews its credentials itself has what they lead to for as long as it likes.
        && (was.rotation.is_self_service || !is.rotation.is_self_service)
}

/// Whether a longest life is longer than another; none is the longest.
fn is_longer(was: Option<Duration>, is: Option<Duration>) -> bool {
    was.is_some_and(|was| is.is_none_or(|is| is > was))
}

/// Whether a credential lives no longer than it did: by its end, and by its age.
fn is_as_long(was: &Credential, is: &Credential) -> bool {
    let is_younger = was.created.is_some_and(|was| is.created.is_none_or(|is| is > was));
    was.expires >= is.expires && !is_younger
}

fn trusts(credential: &Credential, issuers: &HashSet<&IssuerId>) -> bool {
    match &credential.proof {
        Proof::ApiKey { .. }
        | Proof::ClientSecret { .. }
        | Proof::Mtls { .. }
        | Proof::PrivateKeyJwt { .. } => false,
        Proof::External { issuer, claims: _ } => issuers.contains(issuer),
    }
}
