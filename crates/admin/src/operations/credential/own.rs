//! What a client may do with the credentials of its own profile, where the profile's rotation says so.

mod list;
mod retire;
mod rotate;

use model::{Credential, Timestamp};

pub(crate) use self::{list::List, retire::Retire, rotate::Rotate};
use super::lifecycle::found;
use crate::{Admin, Call, failure::Failure, working::Working};

/// Most good credentials of a profile that its client makes: one in use and its successors.
const GOOD_MAX: usize = 4;

/// Makes sure that the caller's profile is renewed by its client still. The rules say so first: this
/// is what holds in the revision that is changed.
///
/// # Errors
/// `NotHeld` where it is not.
fn ensure_allowed(working: &Working, call: &Call) -> Result<(), Failure> {
    let caller = &call.caller;
    match working.rotation(&caller.profile).is_self_service && caller.user.is_none() {
        true => Ok(()),
        false => {
            let detail = format!("the rotation of {} has no self_service", caller.profile);
            Err(Failure::NotHeld(detail))
        }
    }
}

/// Pays for a change, where there is anything that can be changed.
///
/// # Errors
/// `ReadOnly` where a folder is served, `Slowed` after too many changes.
fn begin(admin: &Admin, call: &Call) -> Result<(), Failure> {
    if admin.store.is_none() {
        let detail = "what this door serves is a folder, and only its operator changes that: ask for another credential there";
        return Err(Failure::ReadOnly(detail.to_owned()));
    }
    admin.own_changes.pay(&call.caller.profile, call.at)
}

/// A credential of the caller's own profile, and its path. Any other is as if it were not there.
fn found_own<'a>(
    working: &'a Working,
    call: &Call,
    id: &str,
) -> Result<(&'a str, Credential), Failure> {
    ensure_allowed(working, call)?;
    let (path, credential) = found(working, call, id)?;
    if credential.profile != call.caller.profile {
        return Err(Failure::no_such("credential", id));
    }
    Ok((path, credential))
}

/// The credentials of the caller's own profile.
fn of_profile<'a>(working: &'a Working, call: &'a Call) -> impl Iterator<Item = &'a Credential> {
    let all = working.desired.credentials.iter().map(|it| &**it);
    all.filter(|it| it.profile == call.caller.profile)
}

/// Whether it is accepted at `now`.
fn is_good(working: &Working, credential: &Credential, now: Timestamp) -> bool {
    let end = working.rotation(&credential.profile).end(credential);
    credential.state.is_good() && end > now
}
