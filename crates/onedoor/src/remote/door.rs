//! The running door, as this process talks to it: one request after the other, all within bounds.

use std::time::Duration;

use admin::About;
use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use http::{
    HeaderValue, Request, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, USER_AGENT},
};
use model::Secret;
use serde_json::Value;

use super::{
    Failure,
    failure::Refused,
    input::{self, Input},
    login,
    settings::{Credential, Settings},
    wire::{self, Wire},
};
use crate::management::BASE;

/// Largest answer.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Longest wait for a whole answer: a big state may take its time.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// Longest wait for a door that takes no more calls for now.
const PATIENCE: Duration = Duration::from_secs(3600);

/// A running door.
pub(super) struct Door {
    wire: Wire,
    url: String,
    token: Secret<String>,
}

/// What it answered.
#[derive(Debug)]
pub(super) struct Answer {
    /// As it came.
    pub(super) text: Bytes,
    /// The same, read.
    pub(super) value: Value,
}

impl Door {
    /// The door at `url`, or at the one that the environment or the client configuration names.
    ///
    /// # Errors
    /// Where there is no credential to show, or who signed in has to do so again.
    pub(super) fn find(url: Option<&str>) -> Result<Self, Failure> {
        let Settings { url, credential } = Settings::find(url)?;
        let wire = Wire::new()?;
        let token = match credential {
            Credential::Given(token) => token,
            Credential::SignedIn(place) => login::token(&wire, &place)?,
        };
        Ok(Self { wire, url, token })
    }

    /// Carries out one operation.
    ///
    /// # Errors
    /// What the door refused, or what stood between.
    pub(super) fn send(&self, about: &About, input: &Input) -> Result<Answer, Failure> {
        let url = format!("{}{BASE}{}", self.url, input.target());
        let request = request(about, input, &url, &self.token)?;
        let sent = self.wire.send(request, ANSWER_BYTES_MAX, ANSWER_TIMEOUT);
        let answer = sent.map_err(|error| wire::unreached(&self.url, error))?;
        let (head, text) = answer.into_parts();
        let value = serde_json::from_slice(&text);
        if !head.status.is_success() {
            let header = |name| head.headers.get(name).and_then(|it| it.to_str().ok());
            return Err(Failure::Refused(Box::new(Refused {
                status: head.status,
                problem: value.unwrap_or_default(),
                retry_after: header(RETRY_AFTER).map(ToOwned::to_owned),
                permission: format!("onedoor:{}", about.name),
                list: list(about),
            })));
        }
        let value = value
            .with_context(|| format!("{} did not answer with JSON: is it a Onedoor?", self.url))?;
        Ok(Answer { text, value })
    }
}

impl Door {
    /// The same for one of many calls: where the door takes no more of them for now, it is waited as long
    /// as the door says, and no longer than an hour in all.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub(super) fn send_patiently(&self, about: &About, input: &Input) -> Result<Answer, Failure> {
        let mut patience = PATIENCE;
        loop {
            let refused = match self.send(about, input) {
                Err(Failure::Refused(it)) if it.status == StatusCode::TOO_MANY_REQUESTS => it,
                other => return other,
            };
            let seconds = refused.retry_after.as_deref().and_then(|it| it.parse().ok());
            let wait = Duration::from_secs(seconds.unwrap_or(1).max(1));
            let Some(rest) = patience.checked_sub(wait) else {
                return Err(Failure::Refused(refused));
            };
            patience = rest;
            self.wire.pause(wait);
        }
    }
}

fn request(
    about: &About,
    input: &Input,
    url: &str,
    token: &Secret<String>,
) -> anyhow::Result<Request<Bytes>> {
    let body = input.body.as_ref().map(serde_json::to_vec).transpose()?;
    let mut request = Request::builder().method(&about.method).uri(url);
    for (name, value) in &input.headers {
        request = request.header(*name, value);
    }
    if body.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let bearer = Secret::new(format!("Bearer {}", token.expose()));
    let mut bearer = HeaderValue::from_str(bearer.expose()).map_err(|_| {
        anyhow!("the credential holds a character that no credential has: copy it again")
    })?;
    bearer.set_sensitive(true);
    request
        .header(AUTHORIZATION, bearer)
        .header(ACCEPT, "application/json, application/problem+json")
        .header(USER_AGENT, concat!("onedoor/", env!("CARGO_PKG_VERSION")))
        .body(Bytes::from(body.unwrap_or_default()))
        .with_context(|| format!("{url} is no address of a door"))
}

/// The command that lists what `about` is about, where it names one of several.
fn list(about: &About) -> Option<String> {
    let [noun, _] = about.command;
    let is_one = about.path.contains('{');
    let list = input::command(admin::operations().iter().find(|it| it.command == [noun, "list"])?);
    is_one.then_some(list)
}
