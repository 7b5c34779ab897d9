//! A receiver over HTTP: one POST, and what its answer means.

use std::{sync::Arc, time::Duration};

use audit::{Format, Shaped, ship::Failure};
use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Method, Request, StatusCode, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use model::SecretId;
use serde::Serialize;
use serde_json::value::RawValue;
use upstream::{Egress, Scheme, SecretSlots};

use crate::{OpenError, Surroundings, TlsFiles};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Largest answer: the receivers of batches say something of each record.
const ANSWER_BYTES_MAX: usize = 4 << 20;
pub(crate) const JSON: &str = "application/json";

/// One place of a receiver.
#[derive(Debug)]
pub(crate) struct Endpoint {
    egress: Egress,
    secrets: Arc<SecretSlots>,
    uri: Uri,
    secret: Option<(Scheme, SecretId)>,
}

impl Endpoint {
    pub(crate) fn open(
        url: &str,
        secret: Option<(Scheme, SecretId)>,
        (files, around): (&TlsFiles, &Surroundings),
    ) -> Result<Self, OpenError> {
        let egress = around.egress(files)?;
        egress.check(url).map_err(|_| OpenError::Url)?;
        let uri = url.parse().map_err(|_| OpenError::Url)?;
        Ok(Self { egress, secrets: Arc::clone(&around.secrets), uri, secret })
    }

    /// Posts `body`. The answer of a receiver that took it.
    pub(crate) async fn post(
        &self,
        content_type: &'static str,
        headers: &[(HeaderName, String)],
        body: Vec<u8>,
    ) -> Result<Bytes, Failure> {
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let all = request.headers_mut();
        all.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        for (name, value) in headers {
            let value = HeaderValue::from_str(value);
            all.insert(name, value.map_err(|_| again(format!("{name} is no header")))?);
        }
        if let Some((scheme, secret)) = &self.secret {
            let shown = self.secrets.authorization(*scheme, secret);
            let shown = shown.map_err(|why| again(format!("the secret {secret} {why}")))?;
            all.insert(AUTHORIZATION, shown);
        }
        let answer = self.egress.send(request, ANSWER_BYTES_MAX, PATIENCE).await;
        let answer = answer.map_err(|error| again(shown(&error)))?;
        judge(answer.status()).map(|()| answer.into_body())
    }
}

/// An event within JSON: as it is where it is JSON itself, else as a text.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Embedded<'a> {
    Json(&'a RawValue),
    Text(&'a str),
}

impl<'a> Embedded<'a> {
    pub(crate) fn of(format: Format, shaped: &'a Shaped) -> Result<Self, Failure> {
        let refused = |it: String| Failure::Refused(it);
        let text = std::str::from_utf8(&shaped.bytes).map_err(|it| refused(it.to_string()))?;
        Ok(match format {
            Format::Cef => Self::Text(text),
            Format::Ecs | Format::Native | Format::Ocsf | Format::OcsfIntegrity => {
                Self::Json(serde_json::from_str(text).map_err(|it| refused(it.to_string()))?)
            }
        })
    }
}

/// Whether a receiver took what it was sent, may take it later, or never will.
pub(crate) fn judge(status: StatusCode) -> Result<(), Failure> {
    let why = || format!("status {}", status.as_u16());
    match status {
        it if it.is_success() => Ok(()),
        StatusCode::BAD_REQUEST
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNPROCESSABLE_ENTITY => Err(Failure::Refused(why())),
        // Nobody is at home, or does not know us: that is not the record's fault.
        _ => Err(Failure::Again(why())),
    }
}

/// Why nothing was sent. A URL may be a secret: its path stands in none of these.
#[must_use]
pub fn shown(error: &upstream::Error) -> String {
    match error {
        upstream::Error::InvalidUrl { .. } => "its URL is none that may be asked for".to_owned(),
        other => {
            let source = std::error::Error::source(other).map(|it| format!(": {it}"));
            format!("{other}{}", source.unwrap_or_default())
        }
    }
}

pub(crate) fn again(why: impl Into<String>) -> Failure {
    Failure::Again(why.into())
}

/// A URL with a path behind its own.
pub(crate) fn behind(url: &str, path: &str) -> String {
    format!("{}/{path}", url.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_the_records_fault_is_refused_for_good() {
        for (status, want) in [
            (200, "ok"),
            (202, "ok"),
            (301, "again"),
            (400, "refused"),
            (401, "again"),
            (403, "again"),
            (404, "again"),
            (413, "refused"),
            (422, "refused"),
            (429, "again"),
            (500, "again"),
            (503, "again"),
        ] {
            let got = match judge(StatusCode::from_u16(status).unwrap()) {
                Ok(()) => "ok",
                Err(Failure::Again(_)) => "again",
                Err(Failure::Refused(_)) => "refused",
            };
            assert_eq!(got, want, "{status}");
        }
    }
}
