//! A device asks whether the person has decided (RFC 8628 section 3.4), and gets tokens once they did.
//! It is told at once, whatever there is to say: nothing waits here.

use audit::EventId;
use model::Timestamp;
use store::{Digest, Handle, Taken};

use super::{
    Issued,
    code::{reused, take},
    invalid_grant, missing,
};
use crate::{
    Request, Server,
    client::{Proven, unknown},
    device::{Decided, Waiting},
    error::{Code, Denied},
    facts::Facts,
    form::Form,
    ticket::{self, Ticket},
};

/// How much longer a device waits that did not wait long enough, and how long at most.
const SLOWER: u64 = 5;
const INTERVAL_MAX: u64 = 60;

/// Networks deliver one question late and the next one fast.
const JITTER: std::time::Duration = std::time::Duration::from_secs(1);

/// Gives tokens for a device's code, once, where a person allowed it.
pub(super) async fn redeem(
    server: &Server,
    request: &Request,
    form: &Form,
    proven: &Proven,
    facts: &mut Facts,
) -> Result<Issued, Denied> {
    let digest = ticket::digest(form.required("device_code")?);
    let kind = Ticket::Decision.kind();
    let handle = match server.store.peek_handle(&digest, kind, request.at).await? {
        Taken::First(handle) => handle,
        Taken::Again(handle) => return Err(reused(server, &handle, request).await?),
        Taken::Expired => return Err(expired()),
        Taken::Revoked(_) => return Err(invalid_grant("the grant was revoked")),
        Taken::Unknown => {
            facts.event = EventId::DeviceWait;
            return Err(undecided(server, request, &digest, proven).await?);
        }
    };
    let decided = Decided::read(&handle.body);
    check_client(decided.client, proven)?;
    // A profile may be public and have credentials too: what was asked for by one of these is not given
    // for nothing.
    if decided.is_confidential && !proven.is_confidential {
        return Err(unknown().because("the device code was given to who proved to be the client"));
    }
    if handle.grant.is_none() {
        return Err(Denied::new(Code::Declined, "the person did not allow it"));
    }
    take(server, request, (&handle, form), proven, facts).await
}

/// What a device is told on whose request nobody has decided.
async fn undecided(
    server: &Server,
    request: &Request,
    digest: &Digest,
    proven: &Proven,
) -> Result<Denied, Denied> {
    let handle = match server.store.peek_handle(digest, Ticket::Device.kind(), request.at).await? {
        Taken::First(handle) => handle,
        Taken::Expired => return Ok(expired()),
        Taken::Again(_) | Taken::Revoked(_) => {
            return Ok(invalid_grant("the device code has ended"));
        }
        Taken::Unknown => {
            return Ok(missing(server, request, proven, "there is no such device code"));
        }
    };
    let waiting: Waiting = serde_json::from_str(&handle.body).map_err(invalid_grant)?;
    check_client(&waiting.client, proven)?;
    let (next, denied) = asked(&waiting, request.at);
    if let Some(next) = next
        && !replace(server, &handle, &next).await?
    {
        // It asks twice at once.
        return Ok(slow_down());
    }
    Ok(denied)
}

/// How long it waits from now on, where that changes, and what it is told. One that does not slow down
/// is not written about any more once it has the longest interval.
fn asked(waiting: &Waiting, now: Timestamp) -> (Option<Waiting>, Denied) {
    let pause = std::time::Duration::from_secs(waiting.interval).saturating_sub(JITTER);
    let last = waiting.polled.map(Timestamp::from_micros);
    if last.is_some_and(|it| now < it.plus(pause)) {
        let interval = waiting.interval.saturating_add(SLOWER).min(INTERVAL_MAX);
        let next = Waiting { interval, ..waiting.clone() };
        return ((interval != waiting.interval).then_some(next), slow_down());
    }
    let next = Waiting { polled: Some(now.as_micros()), ..waiting.clone() };
    let detail = "nobody has decided yet: ask again after the interval";
    (Some(next), Denied::new(Code::AuthorizationPending, detail))
}

async fn replace(server: &Server, handle: &Handle, next: &Waiting) -> Result<bool, Denied> {
    let body = serde_json::to_string(next).unwrap_or_default();
    let Handle { digest, kind, body: expected, .. } = handle;
    Ok(server.store.replace_body(digest, kind, &body, expected).await?)
}

fn check_client(client: &str, proven: &Proven) -> Result<(), Denied> {
    match client == proven.client.id {
        true => Ok(()),
        false => Err(invalid_grant("the device code was given to another client")),
    }
}

fn slow_down() -> Denied {
    Denied::new(Code::SlowDown, "that was too soon: wait 5 seconds longer from now on")
}

fn expired() -> Denied {
    Denied::new(Code::ExpiredToken, "nobody decided in time: begin anew")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_wait_waits_longer_and_is_written_about_no_more_than_that() {
        let at = Timestamp::from_seconds;
        let mut waiting = Waiting { client: "a/b".to_owned(), interval: 5, polled: None };
        let mut written = 0;
        let mut ask = |second: i64| {
            let (next, denied) = asked(&waiting, at(second));
            if let Some(next) = next {
                written += 1;
                waiting = next;
            }
            (denied.code, waiting.interval)
        };
        assert_eq!(ask(0), (Code::AuthorizationPending, 5));
        assert_eq!(ask(4), (Code::AuthorizationPending, 5));
        assert_eq!(ask(7), (Code::SlowDown, 10));
        assert_eq!(ask(12), (Code::SlowDown, 15));
        assert_eq!(ask(18), (Code::AuthorizationPending, 15));
        for second in 19..40 {
            assert_eq!(ask(second).0, Code::SlowDown);
        }
        assert_eq!(ask(40), (Code::SlowDown, 60));
        assert_eq!(ask(77), (Code::AuthorizationPending, 60));
        assert_eq!(written, 4 + 2 + 9);
    }
}
