//! The command line shows a code, a person types it in a browser, and it asks until they decided (RFC 8628).

use std::time::Duration;

use anyhow::anyhow;
use serde_json::Value;

use super::{SCOPE, discovery::Found, said};
use crate::{
    logging,
    remote::{Failure, failure::visible, wire::Wire},
};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// Longest that a person is waited for, whatever is said.
const WAIT_SECONDS_MAX: u64 = 30 * 60;
/// Bounds of the pause between two questions, in seconds.
const PAUSE_SECONDS: std::ops::RangeInclusive<u64> = 1..=60;
/// How much longer it is from now on, where that is asked for (section 3.5).
const SLOWER_SECONDS: u64 = 5;

/// What was asked for, and is to be decided.
pub(super) struct Started {
    code: String,
    shown: String,
    page: String,
    /// With the code in it.
    whole: Option<String>,
    pause: u64,
    wait: u64,
}

/// Asks for a code.
///
/// # Errors
/// Where the client is not let in.
pub(super) fn begin(wire: &Wire, found: &Found, client: &str) -> Result<Started, Failure> {
    let form = [("client_id", client), ("scope", SCOPE), ("resource", &*found.resource)];
    let (status, answer) = wire.post(&found.device, &form)?;
    if status != 200 {
        return Err(refused(found, client, status, &answer));
    }
    let text = |name: &str| answer.get(name).and_then(Value::as_str).map(visible);
    let number = |name: &str| answer.get(name).and_then(Value::as_u64);
    let lacking = || anyhow!("the answer of {} lacks a code or an address", visible(&found.device));
    let (start, end) = PAUSE_SECONDS.into_inner();
    Ok(Started {
        code: answer.get("device_code").and_then(Value::as_str).ok_or_else(lacking)?.to_owned(),
        shown: text("user_code").ok_or_else(lacking)?,
        page: text("verification_uri").ok_or_else(lacking)?,
        whole: text("verification_uri_complete"),
        pause: number("interval").unwrap_or(SLOWER_SECONDS).clamp(start, end),
        wait: number("expires_in").unwrap_or(WAIT_SECONDS_MAX).min(WAIT_SECONDS_MAX),
    })
}

fn refused(found: &Found, client: &str, status: u16, answer: &Value) -> Failure {
    let (issuer, said) = (visible(&found.issuer), said(answer));
    match answer.get("error").and_then(Value::as_str) {
        Some("invalid_client") => Failure::NoCredential(format!(
            "{issuer} does not let {client} in: an operator writes an admission with registrations: [command_line] and the groups of people who may, see docs/cli.md"
        )),
        Some("unauthorized_client" | "invalid_scope") => {
            Failure::NoCredential(format!("{issuer} gives {client} no code: {said}"))
        }
        Some(_) | None => Failure::Stopped(anyhow!("{issuer} gives no code ({status}): {said}")),
    }
}

impl Started {
    /// What the person is told.
    pub(super) fn invitation(&self, url: &str) -> String {
        let Self { shown, page, whole, wait, .. } = self;
        let minutes = wait.div_ceil(60);
        let open = match whole {
            Some(whole) => format!("open  {whole}\nand compare the code:  {shown}"),
            None => format!("open  {page}\nand type the code:  {shown}"),
        };
        format!("To sign in at {url}, within {minutes} minutes,\n{open}")
    }

    /// Asks until the person decided: the answer with the tokens.
    ///
    /// # Errors
    /// Where they did not allow it, or not in time.
    pub(super) fn wait(&self, wire: &Wire, found: &Found, client: &str) -> Result<Value, Failure> {
        let end = wire.clock().now().plus(Duration::from_secs(self.wait));
        let form = [("grant_type", GRANT), ("client_id", client), ("device_code", &*self.code)];
        let (mut pause, longest) = (self.pause, *PAUSE_SECONDS.end());
        while wire.clock().now() < end {
            wire.pause(Duration::from_secs(pause));
            let slower = pause.saturating_add(SLOWER_SECONDS).min(longest);
            let (status, answer) = match wire.post(&found.token, &form) {
                Ok(answer) => answer,
                // A network comes back; whoever has typed the code already need not begin anew.
                Err(failure) => {
                    logging::tell(format_args!("{failure}; asking again"));
                    pause = slower;
                    continue;
                }
            };
            match answer.get("error").and_then(Value::as_str) {
                None if status == 200 => return Ok(answer),
                Some("authorization_pending") => {}
                Some("slow_down") => pause = slower,
                Some("access_denied") => {
                    let text =
                        "you did not allow it, or may not manage this door: nothing was given";
                    return Err(Failure::NoCredential(text.to_owned()));
                }
                Some("expired_token") => break,
                // A door that restarts or is busy comes back, as a network does.
                Some(_) | None if status == 429 || status >= 500 => {
                    let issuer = visible(&found.issuer);
                    logging::tell(format_args!("{issuer} answered {status}; asking again"));
                    pause = slower;
                }
                Some(_) | None => {
                    let (said, issuer) = (said(&answer), visible(&found.issuer));
                    return Err(Failure::NoCredential(format!(
                        "{issuer} gives no token ({status}): {said}"
                    )));
                }
            }
        }
        let text = "nobody decided in time: run `onedoor login` again";
        Err(Failure::NoCredential(text.to_owned()))
    }
}
