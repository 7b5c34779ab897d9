//! An account gets a second factor: a secret for an app, a code that shows that the app has it, and then
//! recovery codes, this once.

use std::time::Duration;

use aws_lc_rs::rand;
use model::{Secret, User};
use serde::{Deserialize, Serialize};
use store::{Grant, Handle, Taken};

use super::{FACTORS, broken, is_void, place, recovery, sealed::SealedSecret, totp, use_up};
use crate::{
    Request, Server,
    error::{Code, Denied},
    ticket::{self, Ticket},
};

/// How long a person has to set their app up.
pub(super) const LIFE: Duration = Duration::from_secs(15 * 60);

/// A second factor does not end by itself.
const FACTOR_LIFE: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// How many recovery codes there are, and of how many random bytes: nobody guesses 80 bits.
const RECOVERY_CODES: usize = 10;
const RECOVERY_BYTES: usize = 10;

/// What the store keeps in our words of somebody who sets an app up.
#[derive(Serialize, Deserialize)]
pub(super) struct Begun {
    pub(super) account: String,
    pub(super) secret: SealedSecret,
}

impl Begun {
    pub(super) fn read(text: &str) -> Result<Self, Denied> {
        serde_json::from_str(text).map_err(broken)
    }

    pub(super) fn text(&self) -> Result<String, Denied> {
        serde_json::to_string(self).map_err(broken)
    }
}

/// A secret that an app is to be given. No Debug: it would show it.
pub(crate) struct Enrolment {
    /// Names it, in the form that confirms it.
    pub(crate) ticket: String,
    /// What an app reads, with the secret in it.
    pub(crate) address: String,
    /// The secret, as it is typed by hand.
    pub(crate) secret: String,
}

/// Makes a secret for `account`. It is good for nothing until a code confirms it.
///
/// # Errors
/// Where there is no chance to be had, or the store does not keep it.
pub(crate) async fn begin(
    server: &Server,
    request: &Request,
    account: &str,
) -> Result<Enrolment, Denied> {
    let secret = Secret::new(random(totp::SECRET_BYTES)?);
    let sealed = SealedSecret::seal(server, account, &secret)?;
    let begun = Begun { account: account.to_owned(), secret: sealed };
    let (ticket, digest) = Ticket::Enrolment.issue()?;
    let handle = Handle {
        digest,
        kind: Ticket::Enrolment.kind().to_owned(),
        grant: None,
        body: begun.text()?,
        created: request.at,
        expires: request.at.plus(LIFE),
    };
    server.store.put_handle(&handle).await?;
    Ok(shown(server, account, &secret, ticket))
}

fn shown(server: &Server, account: &str, secret: &Secret<Vec<u8>>, ticket: String) -> Enrolment {
    Enrolment {
        ticket,
        address: totp::address(server.url(), account, secret.expose()),
        secret: totp::base32(secret.expose()),
    }
}

/// Gives `user` the second factor that `ticket` names, where `typed` is a code of it: the recovery
/// codes. Where it is not, the same secret, to try again.
///
/// # Errors
/// Where the ticket has expired, was used, or is of another account.
pub(crate) async fn confirm(
    server: &Server,
    request: &Request,
    user: &User,
    (ticket, typed): (&str, &str),
) -> Result<Result<Vec<String>, Enrolment>, Denied> {
    let account = user.id.as_str();
    let gone = || Denied::new(Code::AccessDenied, "this has expired or was used: begin anew");
    let (digest, kind) = (ticket::digest(ticket), Ticket::Enrolment.kind());
    let Taken::First(handle) = server.store.peek_handle(&digest, kind, request.at).await? else {
        return Err(gone());
    };
    let begun = Begun::read(&handle.body)?;
    if begun.account != account || is_void(user, handle.created) {
        return Err(gone());
    }
    let secret = begun.secret.open(server, account)?;
    let typed: String = typed.chars().filter(char::is_ascii_digit).take(64).collect();
    let Some(step) = totp::step(secret.expose(), &typed, request.at) else {
        return Ok(Err(shown(server, account, &secret, ticket.to_owned())));
    };
    // A newer key may be there since it was begun.
    let sealed = begun.secret.rewrapped(server, account)?.unwrap_or(begun.secret);
    if !matches!(server.store.take_handle(&digest, kind, request.at).await?, Taken::First(_)) {
        return Err(gone());
    }
    let codes = keep(server, request, (account, &sealed), step).await?;
    Ok(Ok(codes))
}

/// Keeps a second factor in place of any that was there. Its recovery codes.
async fn keep(
    server: &Server,
    request: &Request,
    (account, secret): (&str, &SealedSecret),
    step: i64,
) -> Result<Vec<String>, Denied> {
    super::remove(server, account, request.at).await?;
    let (at, expires) = (request.at, request.at.plus(FACTOR_LIFE));
    let grant = Grant {
        id: uuid::Uuid::new_v4().simple().to_string(),
        client: FACTORS.to_owned(),
        profile: String::new(),
        subject: Some(format!("{}{account}", User::PREFIX)),
        body: String::new(),
        created: at,
        expires,
        revoked: None,
    };
    server.store.put_grant(&grant).await?;
    let handle = |digest, ticket: Ticket, body| Handle {
        digest,
        kind: ticket.kind().to_owned(),
        grant: Some(grant.id.clone()),
        body,
        created: at,
        expires,
    };
    let mut codes = Vec::new();
    for _ in 0..RECOVERY_CODES {
        let code = totp::base32(&random(RECOVERY_BYTES)?);
        let digest = recovery(&grant.id, &code);
        server.store.put_handle(&handle(digest, Ticket::Recovery, String::new())).await?;
        codes.push(grouped(&code));
    }
    // The code that confirmed it is used up, as any other.
    use_up(server, request, &grant.id, step).await?;
    // Last: from here on it is asked for.
    let kept = handle(place(account), Ticket::SecondFactor, secret.text()?);
    server.store.put_handle(&kept).await?;
    Ok(codes)
}

/// `ABCD-EFGH-IJKL-MNOP`: people copy it by hand.
fn grouped(code: &str) -> String {
    let letters: Vec<_> = code.chars().collect();
    letters.chunks(4).map(|it| it.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

fn random(count: usize) -> Result<Vec<u8>, Denied> {
    let mut bytes = vec![0; count];
    let filled = rand::fill(&mut bytes);
    filled.map_err(|_| Denied::new(Code::ServerError, "the system gives no random bytes"))?;
    Ok(bytes)
}
