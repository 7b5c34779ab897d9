//! The way to a door, and to who gives tokens for it: one request after the other, all within bounds.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use http::{Request, Response};
use model::Clock;
use serde_json::Value;
use tokio::runtime::Runtime;
use upstream::{AddressRule, Egress, Error, Fleet, Form, Surroundings, Trust};

use super::Failure;

/// Largest answer about tokens.
const BYTES_MAX: usize = 256 << 10;
/// Longest wait for one.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The way out of this process.
pub(super) struct Wire {
    runtime: Runtime,
    egress: Egress,
    clock: Clock,
}

impl Wire {
    /// A way to everywhere: whoever types an address may also connect to it.
    ///
    /// # Errors
    /// What the operating system says.
    pub(super) fn new() -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let clock = Clock::system();
        let surroundings =
            Surroundings { rule: AddressRule::everywhere(), ..Surroundings::default() };
        let fleet = Fleet::within(clock.clone(), surroundings);
        Ok(Self { runtime, egress: fleet.egress(Trust::Operator), clock })
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Sends a request to its absolute URL.
    ///
    /// # Errors
    /// What stood between.
    pub(super) fn send(
        &self,
        request: Request<Bytes>,
        bytes_max: usize,
        wait: Duration,
    ) -> Result<Response<Bytes>, Error> {
        self.runtime.block_on(self.egress.send(request, bytes_max, wait))
    }

    /// What is at `url`, whatever its status.
    ///
    /// # Errors
    /// What stood between.
    pub(super) fn get(&self, url: &str) -> Result<Response<Bytes>, Failure> {
        let request = Request::get(url).body(Bytes::new());
        let request = request.with_context(|| format!("{url} is no address"))?;
        self.send(request, BYTES_MAX, TIMEOUT).map_err(|error| unreached(url, error))
    }

    /// Posts a form, and reads the answer as JSON; null where it is none.
    ///
    /// # Errors
    /// What stood between.
    pub(super) fn post(&self, url: &str, fields: &[(&str, &str)]) -> Result<(u16, Value), Failure> {
        let form = Form { url, fields, authorization: None };
        let sent = self.egress.post_form(form, BYTES_MAX, TIMEOUT);
        let answer = self.runtime.block_on(sent).map_err(|error| unreached(url, error))?;
        let value = serde_json::from_slice(answer.body()).unwrap_or_default();
        Ok((answer.status().as_u16(), value))
    }

    /// Waits.
    pub(super) fn pause(&self, wait: Duration) {
        // Made within: a timer belongs to the runtime that it is made in.
        self.runtime.block_on(async { tokio::time::sleep(wait).await });
    }
}

/// Why nothing came back from the door at `url`, with what to do.
pub(super) fn unreached(url: &str, error: Error) -> Failure {
    let help = match &error {
        Error::Connect { source, .. } => format!(
            "cannot reach {url}: {source}; is Onedoor running there? --url or ONEDOOR_URL names another address"
        ),
        Error::ConnectTimeout { .. } => format!(
            "{url} does not take connections: is Onedoor running there? --url or ONEDOOR_URL names another address"
        ),
        Error::InvalidUrl { reason, .. } => {
            return Failure::Stopped(anyhow!("{url} is no address of a door: {reason}"));
        }
        Error::AnswerTimeout { timeout, .. } => format!(
            "{url} did not answer within {timeout:?}: what was asked for may be done all the same; look before you try again"
        ),
        _ => return Failure::Unreached(anyhow!(error).context(format!("no answer from {url}"))),
    };
    Failure::Unreached(anyhow!(help))
}
