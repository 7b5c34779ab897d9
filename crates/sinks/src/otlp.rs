//! OTLP over HTTP in JSON: a record of the log is a log record of OpenTelemetry.

use audit::{
    Format, Shaped,
    ship::{Accepted, Failure, Line},
};
use serde::Deserialize;
use serde_json::{Value, json};
use upstream::Scheme;

use crate::{
    OpenError, Surroundings, declared,
    http::{Endpoint, JSON, again},
};

/// A collector of OpenTelemetry.
#[derive(Debug)]
pub(crate) struct Otlp(Endpoint);

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Answer {
    partial_success: Option<Partial>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Partial {
    /// A 64-bit number is a text in the JSON of Protocol Buffers; some write it as a number.
    rejected_log_records: Value,
}

impl Otlp {
    pub(crate) fn open(declared: declared::Otlp, around: &Surroundings) -> Result<Self, OpenError> {
        let declared::Otlp { url, secret, tls } = declared;
        let secret = secret.map(|it| (Scheme::Bearer, it));
        Endpoint::open(&url, secret, (&tls, around)).map(Self)
    }

    pub(crate) async fn send(
        &self,
        (log, format): (&str, Format),
        events: &[(&Line, Shaped)],
    ) -> Result<Accepted, Failure> {
        let records: Vec<_> = events.iter().map(|(line, shaped)| record(line, shaped)).collect();
        let body = json!({"resourceLogs": [{
            "resource": {"attributes": [
                text("service.name", "onedoor"),
                text("service.version", env!("CARGO_PKG_VERSION")),
                text("onedoor.log", log),
            ]},
            "scopeLogs": [{
                "scope": {
                    "name": "onedoor.audit",
                    "attributes": [text("onedoor.format", format.as_str())],
                },
                "logRecords": records,
            }],
        }]});
        let answer = self.0.post(JSON, &[], body.to_string().into_bytes()).await?;
        let answer: Answer = match answer.is_empty() {
            true => Answer::default(),
            false => serde_json::from_slice(&answer)
                .map_err(|_| again("its answer is not that of OTLP in JSON"))?,
        };
        // Which ones it rejected it does not say: then each is sent by itself.
        match answer.partial_success.map(|it| it.rejected_log_records).and_then(|it| number(&it)) {
            None | Some(0) => Ok(Accepted { count: events.len(), refused: Vec::new() }),
            Some(count) => Err(Failure::Refused(format!("it rejected {count} of a batch"))),
        }
    }
}

fn record(line: &Line, shaped: &Shaped) -> Value {
    let (number, name) = shaped.severity.otel();
    let time = format!("{}000", shaped.time.as_micros());
    json!({
        "timeUnixNano": time,
        "observedTimeUnixNano": time,
        "severityNumber": number,
        "severityText": name,
        "body": {"stringValue": String::from_utf8_lossy(&shaped.bytes)},
        "attributes": [
            text("log.record.uid", &line.hash.to_string()),
            {"key": "onedoor.sequence", "value": {"intValue": line.seq.to_string()}},
        ],
    })
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
