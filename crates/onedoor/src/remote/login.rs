//! `onedoor login` and `logout`: a person signs in by a browser, anywhere, and the command line acts for them.
//!
//! Who gives tokens? `discovery`. What does the person do? `device`. Where do the tokens stay? `kept`.

mod device;
mod discovery;
mod kept;

use std::time::Duration;

use anyhow::anyhow;
use clap::{Arg, ArgMatches, Command};
use model::{Secret, Timestamp};
use serde_json::Value;

pub(super) use self::kept::Place;
use self::{discovery::Found, kept::Kept};
use super::{Ended, Failure, failure::visible, settings::Settings, tree, wire::Wire};
use crate::{logging, terminal::Terminal};

/// What the door knows its command line by.
const CLIENT: &str = "onedoor-cli";
/// All that it asks for: to manage the door.
const SCOPE: &str = "collection:onedoor";
/// A token that ends within this is renewed: the call has to get there.
const MARGIN: Duration = Duration::from_secs(30);
/// Longest that a token is taken to be good, whatever is said.
const LIFE_SECONDS_MAX: u64 = 24 * 60 * 60;

const LOGIN_EXAMPLES: &str = "\
Examples:
  onedoor login                                    at the usual door: see --url
  onedoor login --url https://manage.example.com   at another one
  onedoor whoami                                   as whom?

It shows an address and a code, for a browser on this machine or on any other. An operator has to
let people in by this way: an admission with registrations: [command_line], see docs/cli.md.";

const LOGOUT_EXAMPLES: &str = "\
Examples:
  onedoor logout                                   ends it, at the door and here";

/// The two commands.
pub(super) fn commands() -> [Command; 2] {
    let client = Arg::new("client").long("client").value_name("ID").default_value(CLIENT);
    let login = Command::new("login")
        .about("Sign in by a browser, to manage a door without a key")
        .arg(client.help("As which client: a registered public one with the grant device_code"))
        .arg(tree::url())
        .after_help(LOGIN_EXAMPLES);
    let logout = Command::new("logout")
        .about("Take back what a sign-in gave, and forget it")
        .arg(tree::url())
        .after_help(LOGOUT_EXAMPLES);
    [login, logout]
}

/// Signs a person in.
///
/// # Errors
/// Where the door lets nobody in by this way, or the person did not allow it.
pub(super) fn login(matches: &ArgMatches) -> Result<Ended, Failure> {
    let (url, place) = named(matches)?;
    let client = matches.get_one::<String>("client").map_or(CLIENT, |it| it.as_str());
    let wire = Wire::new()?;
    let found = discovery::find(&wire, &url)?;
    let started = device::begin(&wire, &found, client)?;
    logging::tell(started.invitation(&url));
    let answer = started.wait(&wire, &found, client)?;
    let kept = keep(&found, (&url, client), &answer, wire.clock().now())?;
    if let Err(failure) = replace(&wire, &place, &kept) {
        // Nobody would know them, and nobody could end them.
        drop(revoke(&wire, &kept));
        return Err(failure);
    }
    Terminal::stdout().line(format_args!("signed in at {url}: `onedoor whoami` shows as whom"))?;
    Ok(Ended::Done)
}

/// Keeps a sign-in in place of the one before.
fn replace(wire: &Wire, place: &Place, kept: &Kept) -> Result<(), Failure> {
    let _lock = place.lock()?;
    // Nobody could end it any more once its tokens are gone from here.
    if let Some(earlier) = place.read().ok().flatten() {
        drop(revoke(wire, &earlier));
    }
    Ok(place.write(kept)?)
}

/// Takes the tokens back, and forgets them in any case.
///
/// # Errors
/// Where the door was not told.
pub(super) fn logout(matches: &ArgMatches) -> Result<Ended, Failure> {
    let (url, place) = named(matches)?;
    let _lock = place.lock()?;
    let kept = place.read();
    // First: whatever comes of the rest, nothing here acts for the person any more.
    place.remove()?;
    let Some(kept) = kept? else {
        logging::tell(format_args!("nobody is signed in at {url}"));
        return Ok(Ended::Done);
    };
    if let Err(failure) = Wire::new().and_then(|wire| revoke(&wire, &kept)) {
        let page = format!("{}/oauth/account", kept.issuer);
        return Err(Failure::Stopped(anyhow!(
            "the tokens are gone from here, but the door was not told ({failure}): take them back at {page}"
        )));
    }
    Terminal::stdout().line(format_args!("signed out at {url}"))?;
    Ok(Ended::Done)
}

fn named(matches: &ArgMatches) -> Result<(String, Place), Failure> {
    Settings::door(matches.get_one::<String>("url").map(String::as_str))
}

/// The access token of who signed in at `place`, renewed where it ends soon.
///
/// # Errors
/// Where the person has to sign in again, and where who gives tokens cannot be asked.
pub(super) fn token(wire: &Wire, place: &Place) -> Result<Secret<String>, Failure> {
    if let Some(token) = good(place.read()?, wire.clock().now())? {
        return Ok(token);
    }
    // One at a time: a refresh token that is shown twice ends the whole sign-in.
    let _lock = place.lock()?;
    let kept = place.read()?;
    let refresh = kept.as_ref().and_then(|it| it.refresh_token.clone());
    // Who held the lock before has renewed it, most likely.
    if let Some(token) = good(kept.clone(), wire.clock().now())? {
        return Ok(token);
    }
    let (Some(kept), Some(refresh)) = (kept, refresh) else { return Err(over("it has ended")) };
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", &*kept.client),
        ("refresh_token", &*refresh),
    ];
    let (status, answer) = wire.post(&kept.token_endpoint, &form)?;
    if status != 200 {
        let said = said(&answer);
        return Err(match answer.get("error").and_then(Value::as_str) {
            Some("invalid_client" | "invalid_grant" | "unauthorized_client") => over(&said),
            Some(_) | None => Failure::Stopped(anyhow!(
                "{} does not renew your sign-in now ({status}): {said}",
                visible(&kept.token_endpoint)
            )),
        });
    }
    let renewed = kept.renewed(&tokens(&answer, wire.clock().now())?);
    place.write(&renewed)?;
    Ok(Secret::new(renewed.access_token))
}

/// The access token of `kept` where it is good for longer than a moment.
fn good(kept: Option<Kept>, now: Timestamp) -> Result<Option<Secret<String>>, Failure> {
    let kept = kept.ok_or_else(|| over("you signed out meanwhile"))?;
    let is_good = Timestamp::from_seconds(kept.expires) > now.plus(MARGIN);
    Ok(is_good.then(|| Secret::new(kept.access_token)))
}

fn over(why: &str) -> Failure {
    Failure::NoCredential(format!(
        "your sign-in is over: {why}; `onedoor login` signs you in again"
    ))
}

/// What a token endpoint gives.
struct Tokens {
    access: String,
    refresh: Option<String>,
    /// In seconds since 1970.
    expires: i64,
}

fn tokens(answer: &Value, now: Timestamp) -> Result<Tokens, Failure> {
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let is_bearer = text("token_type").is_some_and(|it| it.eq_ignore_ascii_case("bearer"));
    let access = text("access_token").filter(|_| is_bearer).ok_or_else(|| {
        Failure::Stopped(anyhow!(
            "the answer holds no bearer token: the profile may demand tokens that are bound, which the command line cannot show"
        ))
    })?;
    let seconds = answer.get("expires_in").and_then(Value::as_u64).unwrap_or(60);
    let life = Duration::from_secs(seconds.min(LIFE_SECONDS_MAX));
    Ok(Tokens {
        access: access.to_owned(),
        refresh: text("refresh_token").map(ToOwned::to_owned),
        expires: now.plus(life).as_seconds(),
    })
}

fn keep(
    found: &Found,
    (url, client): (&str, &str),
    answer: &Value,
    now: Timestamp,
) -> Result<Kept, Failure> {
    let Tokens { access, refresh, expires } = tokens(answer, now)?;
    Ok(Kept {
        url: url.to_owned(),
        issuer: found.issuer.clone(),
        client: client.to_owned(),
        token_endpoint: found.token.clone(),
        revocation_endpoint: found.revocation.clone(),
        access_token: access,
        refresh_token: refresh,
        expires,
    })
}

/// Takes back what a sign-in gave (RFC 7009): the refresh token takes all along that came of it.
fn revoke(wire: &Wire, kept: &Kept) -> Result<(), Failure> {
    let endpoint = kept.revocation_endpoint.as_deref();
    let endpoint =
        endpoint.ok_or_else(|| anyhow!("it names no place where tokens are taken back"))?;
    let (token, hint) = match &kept.refresh_token {
        Some(token) => (token, "refresh_token"),
        None => (&kept.access_token, "access_token"),
    };
    let form = [("token", &**token), ("token_type_hint", hint), ("client_id", &*kept.client)];
    match wire.post(endpoint, &form)? {
        (200, _) => Ok(()),
        (status, answer) => {
            let (endpoint, said) = (visible(endpoint), said(&answer));
            Err(Failure::Stopped(anyhow!("{endpoint} answered {status}: {said}")))
        }
    }
}

/// What an OAuth error says.
fn said(answer: &Value) -> String {
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let said = text("error_description").or_else(|| text("error"));
    visible(said.unwrap_or("it does not say why"))
}
