//! Splunk's HTTP event collector, with indexer acknowledgement.

use std::{collections::HashMap, time::Duration};

use audit::{
    Format, Shaped,
    ship::{Accepted, Failure, Line},
};
use http::HeaderName;
use model::Clock;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::sleep;
use upstream::Scheme;
use uuid::Uuid;

use crate::{
    OpenError, Surroundings, declared,
    http::{Embedded, Endpoint, JSON, again, behind},
};

const CHANNEL: HeaderName = HeaderName::from_static("x-splunk-request-channel");
/// How often it is asked whether a batch is on its disks, and for how long.
const ASK_EVERY: Duration = Duration::from_millis(500);
const ASKED_FOR: Duration = Duration::from_secs(60);
const UNACKNOWLEDGING: &str = "it acknowledges nothing: turn indexer acknowledgement on for the token, \
                               or write acknowledge = \"no\"";

/// Splunk's HTTP event collector.
#[derive(Debug)]
pub(crate) struct Splunk {
    events: Endpoint,
    acks: Endpoint,
    index: Option<String>,
    acknowledges: bool,
    /// Its acknowledgements are numbered by channel.
    channel: String,
    clock: Clock,
}

#[derive(Serialize)]
struct Event<'a> {
    /// Seconds since 1970.
    time: String,
    source: &'a str,
    sourcetype: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<&'a str>,
    event: Embedded<'a>,
    fields: Fields<'a>,
}

/// What is indexed with an event, whatever its format.
#[derive(Serialize)]
struct Fields<'a> {
    log: &'a str,
    seq: u64,
    hash: String,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "ackId")]
    ack_id: Option<u64>,
}

#[derive(Deserialize)]
struct Acks {
    acks: HashMap<String, bool>,
}

impl Splunk {
    pub(crate) fn open(
        declared: declared::Splunk,
        around: &Surroundings,
    ) -> Result<Self, OpenError> {
        let declared::Splunk { url, secret, index, acknowledges, tls } = declared;
        let channel = Uuid::new_v4().to_string();
        let endpoint = |path: &str| {
            let secret = (Scheme::Splunk, secret.clone());
            Endpoint::open(&behind(&url, path), Some(secret), (&tls, around))
        };
        let events = endpoint("services/collector/event")?;
        let acks = endpoint(&format!("services/collector/ack?channel={channel}"))?;
        let clock = around.clock.clone();
        Ok(Self { events, acks, index, acknowledges, channel, clock })
    }

    pub(crate) async fn send(
        &self,
        (log, format): (&str, Format),
        events: &[(&Line, Shaped)],
    ) -> Result<Accepted, Failure> {
        let mut body = Vec::new();
        for (line, shaped) in events {
            let event = self.event((log, format), line, shaped)?;
            body.extend(event);
            body.push(b'\n');
        }
        let headers = [(CHANNEL, self.channel.clone())];
        let answer = self.events.post(JSON, &headers, body).await?;
        if self.acknowledges {
            let answer = serde_json::from_slice::<Answer>(&answer).ok().and_then(|it| it.ack_id);
            self.wait(answer.ok_or_else(|| again(UNACKNOWLEDGING))?).await?;
        }
        Ok(Accepted { count: events.len(), refused: Vec::new() })
    }

    fn event(
        &self,
        (log, format): (&str, Format),
        line: &Line,
        shaped: &Shaped,
    ) -> Result<Vec<u8>, Failure> {
        let micros = shaped.time.as_micros();
        let event = Event {
            time: format!("{}.{:06}", micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000)),
            source: "onedoor",
            sourcetype: match format {
                Format::Cef => "onedoor:cef",
                Format::Ecs => "onedoor:ecs",
                Format::Native => "onedoor:audit",
                Format::Ocsf | Format::OcsfIntegrity => "onedoor:ocsf",
            },
            index: self.index.as_deref(),
            event: Embedded::of(format, shaped)?,
            fields: Fields { log, seq: line.seq, hash: line.hash.to_string() },
        };
        serde_json::to_vec(&event).map_err(|it| Failure::Refused(it.to_string()))
    }

    /// Waits until a batch is on its disks.
    async fn wait(&self, id: u64) -> Result<(), Failure> {
        let until = self.clock.elapsed().saturating_add(ASKED_FOR);
        let (asked, headers) = (json!({"acks": [id]}), [(CHANNEL, self.channel.clone())]);
        loop {
            let body = asked.to_string().into_bytes();
            let answer = self.acks.post(JSON, &headers, body).await;
            // What it refuses here is no record.
            let answer = answer.map_err(|it| again(it.to_string()))?;
            let acks = serde_json::from_slice::<Acks>(&answer);
            let acks = acks.map_err(|_| again("its acknowledgement cannot be read"))?.acks;
            if acks.get(&id.to_string()) == Some(&true) {
                return Ok(());
            }
            if self.clock.elapsed() > until {
                return Err(again(format!("it did not acknowledge a batch within {ASKED_FOR:?}")));
            }
            sleep(ASK_EVERY).await;
        }
    }
}
