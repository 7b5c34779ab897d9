//! The second factor of an account of this door: codes of an authenticator app, and recovery codes for
//! when that is lost. The store keeps the secret sealed, and recovery codes as what they hash to.

mod enrolment;
mod rewrap;
mod sealed;
mod totp;

use std::time::Duration;

use model::{Timestamp, User};
use store::{Digest, GrantFilter, Handle, Taken};

use self::sealed::SealedSecret;
pub(crate) use self::{
    enrolment::{Enrolment, begin, confirm},
    rewrap::keep_rewrapped,
};
use crate::{
    Request, Server,
    error::{Code, Denied},
    ticket::{self, Ticket},
};

/// The client of the grants that second factors belong to, so that each ends as one. No other client
/// has an id like this.
pub(crate) const FACTORS: &str = "second-factors";

/// How long the store remembers that the code of a step was used: longer than it is good.
const REMEMBERED: Duration = Duration::from_secs(5 * 60);

/// The second factor that an account has.
#[derive(Debug)]
pub(crate) struct Factor {
    account: String,
    handle: Handle,
    grant: String,
}

impl Factor {
    /// When it was set up.
    pub(crate) fn since(&self) -> Timestamp {
        self.handle.created
    }
}

/// What was shown as a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The code of an app.
    Code,
    /// A recovery code, which is used up.
    Recovery,
}

/// The second factor of `user`; none where they have none, or only one from before it was reset.
///
/// # Errors
/// Where the store does not say.
pub(crate) async fn of(
    server: &Server,
    user: &User,
    now: Timestamp,
) -> Result<Option<Factor>, Denied> {
    let account = user.id.to_string();
    let kind = Ticket::SecondFactor.kind();
    let found = server.store.peek_handle(&place(&account), kind, now).await?;
    let Taken::First(handle) = found else { return Ok(None) };
    let is_void = is_void(user, handle.created);
    let grant = handle.grant.clone().filter(|_| !is_void);
    Ok(grant.map(|grant| Factor { account, handle, grant }))
}

/// Whether an operator has reset what `user` has since it was `created`: a second factor, and all that
/// could lead to another one, in whose hands ever it is.
pub(crate) fn is_void(user: &User, created: Timestamp) -> bool {
    user.second_factor.since.is_some_and(|it| created < it)
}

/// Whether `typed` proves it, and as what. A code is good once, over all replicas.
///
/// # Errors
/// Where the store does not say, or the secret cannot be opened: then nobody gets in by a code.
pub(crate) async fn check(
    server: &Server,
    request: &Request,
    factor: &Factor,
    typed: &str,
) -> Result<Option<Shown>, Denied> {
    // People copy them with spaces and dashes.
    let typed: String = typed.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    if typed.len() != totp::DIGITS {
        let is_right = recover(server, request, factor, &typed).await?;
        return Ok(is_right.then_some(Shown::Recovery));
    }
    let secret = SealedSecret::read(&factor.handle.body)?.open(server, &factor.account)?;
    let Some(step) = totp::step(secret.expose(), &typed, request.at) else { return Ok(None) };
    let is_first = use_up(server, request, &factor.grant, step).await?;
    Ok(is_first.then_some(Shown::Code))
}

/// Whether the code of this step was not used before (RFC 6238 section 5.2).
async fn use_up(
    server: &Server,
    request: &Request,
    grant: &str,
    step: i64,
) -> Result<bool, Denied> {
    let used = ticket::digest(&format!("second factor\0{grant}\0{step}"));
    Ok(server.store.first_seen(&used, request.at.plus(REMEMBERED)).await?)
}

async fn recover(
    server: &Server,
    request: &Request,
    factor: &Factor,
    typed: &str,
) -> Result<bool, Denied> {
    let digest = recovery(&factor.grant, &typed.to_ascii_uppercase());
    let kind = Ticket::Recovery.kind();
    let taken = server.store.take_handle(&digest, kind, request.at).await?;
    Ok(matches!(taken, Taken::First(_)))
}

/// Ends the second factor of an account, with its recovery codes.
///
/// # Errors
/// Where the store does not do it.
pub(crate) async fn remove(server: &Server, account: &str, now: Timestamp) -> Result<(), Denied> {
    let subject = format!("{}{account}", User::PREFIX);
    let filter = GrantFilter::SubjectAndClient { subject: &subject, client: FACTORS };
    server.store.revoke_grants(filter, now).await?;
    server.store.drop_handle(&place(account), Ticket::SecondFactor.kind()).await?;
    Ok(())
}

/// Where the store has the second factor of an account. It says nothing of the secret.
fn place(account: &str) -> Digest {
    ticket::digest(&format!("second factor of\0{account}"))
}

/// What a recovery code is known by. It is random enough to need no pepper, and outlives one.
fn recovery(grant: &str, code: &str) -> Digest {
    ticket::digest(&format!("recovery code\0{grant}\0{code}"))
}

fn broken(cause: impl std::fmt::Display) -> Denied {
    Denied::new(Code::ServerError, "the second factor cannot be used now").because(cause)
}
