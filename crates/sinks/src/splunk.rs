//! Splunk's HTTP event collector, with indexer acknowledgement.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

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
/// How much is posted at once.
const PART_RECORDS: usize = 500;
const PART_BYTES: usize = 1 << 20;
/// How often it is asked what is on its disks, and for how long while nothing new is.
const ASK_EVERY: Duration = Duration::from_millis(500);
const ASKED_FOR: Duration = Duration::from_secs(60);
const ANEW: &str = "it numbers its acknowledgements anew: it was started again, or is another one";
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

/// A part of a batch that it took.
struct Sent {
    events: usize,
    /// By what it says that they are on its disks; nothing where it never does.
    ack: Option<u64>,
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

    /// Posts a batch part by part, and only then waits: it acknowledges what it got seconds later.
    pub(crate) async fn send(
        &self,
        of: (&str, Format),
        events: &[(&Line, Shaped)],
    ) -> Result<Accepted, Failure> {
        let (mut sent, mut fault, mut rest) = (Vec::new(), None, events);
        while let Some((part, behind)) =
            rest.split_at_checked(fitting(rest)).filter(|it| !it.0.is_empty())
        {
            match self.post(of, part).await {
                // What it numbered before may be lost, and the same numbers would vouch for it.
                Ok(ack) if is_anew(&sent, ack) => return Err(again(ANEW)),
                Ok(ack) => sent.push(Sent { events: part.len(), ack }),
                // What it took before stays taken.
                Err(failure) => {
                    fault = Some(failure);
                    break;
                }
            }
            rest = behind;
        }
        let (count, late) = self.wait(&sent).await;
        match late.or(fault) {
            Some(failure) if count == 0 => Err(failure),
            _ => Ok(Accepted { count, refused: Vec::new() }),
        }
    }

    async fn post(
        &self,
        of: (&str, Format),
        events: &[(&Line, Shaped)],
    ) -> Result<Option<u64>, Failure> {
        let mut body = Vec::new();
        for (line, shaped) in events {
            body.extend(self.event(of, line, shaped)?);
            body.push(b'\n');
        }
        let headers = [(CHANNEL, self.channel.clone())];
        let answer = self.events.post(JSON, &headers, body).await?;
        if !self.acknowledges {
            return Ok(None);
        }
        let ack = serde_json::from_slice::<Answer>(&answer).ok().and_then(|it| it.ack_id);
        ack.map(Some).ok_or_else(|| again(UNACKNOWLEDGING))
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

    /// Waits until what was sent is on its disks. How many of the first events are, and why no more.
    async fn wait(&self, sent: &[Sent]) -> (usize, Option<Failure>) {
        let mut open: BTreeSet<u64> = sent.iter().filter_map(|it| it.ack).collect();
        let mut fault = None;
        let mut until = self.clock.elapsed().saturating_add(ASKED_FOR);
        while !open.is_empty() && fault.is_none() {
            let before = open.len();
            match self.acknowledged(&open).await {
                // It tells that only once.
                Ok(acks) => open.retain(|it| acks.get(&it.to_string()) != Some(&true)),
                Err(failure) => fault = Some(failure),
            }
            let now = self.clock.elapsed();
            if open.len() < before {
                until = now.saturating_add(ASKED_FOR);
            } else if now > until {
                fault = Some(again(format!("it acknowledged nothing within {ASKED_FOR:?}")));
            }
            if open.len() == before && fault.is_none() {
                sleep(ASK_EVERY).await;
            }
        }
        let is_safe = |it: &&Sent| it.ack.is_none_or(|ack| !open.contains(&ack));
        (sent.iter().take_while(is_safe).map(|it| it.events).sum(), fault)
    }

    async fn acknowledged(&self, asked: &BTreeSet<u64>) -> Result<HashMap<String, bool>, Failure> {
        let headers = [(CHANNEL, self.channel.clone())];
        let body = json!({"acks": asked}).to_string().into_bytes();
        let answer = self.acks.post(JSON, &headers, body).await;
        // What it refuses here is no record.
        let answer = answer.map_err(|it| again(it.to_string()))?;
        let acks = serde_json::from_slice::<Acks>(&answer);
        acks.map(|it| it.acks).map_err(|_| again("its acknowledgement cannot be read"))
    }
}

/// Whether acknowledgements are numbered from the beginning again: by a server that was started anew, or by
/// another one.
fn is_anew(sent: &[Sent], ack: Option<u64>) -> bool {
    let before = sent.last().and_then(|it| it.ack);
    before.zip(ack).is_some_and(|(before, ack)| ack <= before)
}

/// How many of the first events are posted at once: one at least, where there is one.
fn fitting(events: &[(&Line, Shaped)]) -> usize {
    let mut bytes = 0_usize;
    let fits = events.iter().take(PART_RECORDS).take_while(|(_, shaped)| {
        let has_room = bytes < PART_BYTES;
        bytes = bytes.saturating_add(shaped.bytes.len());
        has_room
    });
    fits.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_numbers_anew_vouches_for_nothing_that_was_sent_before() {
        let sent = |ack| [Sent { events: 1, ack }];
        assert!(is_anew(&sent(Some(2)), Some(0)) && is_anew(&sent(Some(0)), Some(0)));
        assert!(!is_anew(&sent(Some(2)), Some(3)) && !is_anew(&[], Some(0)));
        assert!(!is_anew(&sent(None), None));
    }
}
