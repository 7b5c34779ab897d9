//! A receiver that takes a signed POST, as Standard Webhooks has it.

use std::sync::Arc;

use audit::{
    Format, Shaped,
    ship::{Accepted, Failure, Line},
};
use http::HeaderName;
use model::{Clock, SecretId};
use serde::Serialize;
use upstream::SecretSlots;

use crate::{
    OpenError, Surroundings, declared,
    http::{Embedded, Endpoint, JSON, again},
    signature::sign,
};

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// A receiver that takes a signed POST.
#[derive(Debug)]
pub(crate) struct Webhook {
    endpoint: Endpoint,
    secret: SecretId,
    secrets: Arc<SecretSlots>,
    clock: Clock,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    log: &'a str,
    format: &'static str,
    /// The number of the first record.
    first: u64,
    count: usize,
    records: Vec<Embedded<'a>>,
}

impl Webhook {
    pub(crate) fn open(
        declared: declared::Webhook,
        around: &Surroundings,
    ) -> Result<Self, OpenError> {
        let declared::Webhook { url, secret, tls } = declared;
        let endpoint = Endpoint::open(&url, None, (&tls, around))?;
        let (secrets, clock) = (Arc::clone(&around.secrets), around.clock.clone());
        Ok(Self { endpoint, secret, secrets, clock })
    }

    pub(crate) async fn send(
        &self,
        (log, format): (&str, Format),
        events: &[(&Line, Shaped)],
    ) -> Result<Accepted, Failure> {
        let Some((first, _)) = events.first() else { return Ok(Accepted::default()) };
        let secret = &self.secret;
        let value = self.secrets.value(secret);
        let value = value.ok_or_else(|| again(format!("the secret {secret} has no value")))?;
        let records = events.iter().map(|(_, shaped)| Embedded::of(format, shaped));
        let records = records.collect::<Result<_, _>>()?;
        let now = self.clock.now();
        let (format, count) = (format.as_str(), events.len());
        let data = Data { log, format, first: first.seq, count, records };
        let body = Body { r#type: "audit.records", timestamp: now.to_string(), data };
        let body = serde_json::to_string(&body).map_err(|it| Failure::Refused(it.to_string()))?;
        // The same records have the same id whenever they come again.
        let (id, timestamp) = (format!("{}-{count}", first.hash), now.as_seconds().to_string());
        let signature = sign(&value, (&id, &timestamp, &body));
        let signature = signature.map_err(|why| again(format!("the secret {secret} {why}")))?;
        let headers = [(ID, id), (TIMESTAMP, timestamp), (SIGNATURE, signature)];
        self.endpoint.post(JSON, &headers, body.into_bytes()).await?;
        Ok(Accepted { count, refused: Vec::new() })
    }
}
