//! The profile `record_integrity` of OCSF 1.9: that an event is a record of a chain, and which.
//!
//! What is hashed is the line of the log and not the event, which is another for every version of
//! this table. So the line goes along as `raw_data`, and the event can be checked by itself.

use serde_json::{Map, Value, json};

use super::{Event, put};

/// As the schema calls itself until it is released.
const VERSION: &str = "1.9.0-dev";
/// What is hashed, and how: docs/audit-log.md.
const SERIALIZATION: &str = "onedoor audit log 1";
/// A longer line stays in the log, where its hash leads to.
const LINE_BYTES_MAX: usize = 16 << 10;

pub(in crate::format) fn write_attested(event: &Event<'_>) -> Map<String, Value> {
    let mut out = super::write(event);
    put(&mut out, "metadata.version", VERSION.into());
    put(&mut out, "metadata.profiles", json!(["record_integrity", "security_control"]));
    put(&mut out, "attestation_list", json!([attestation(event)]));
    if let Some(line) = std::str::from_utf8(event.line).ok().filter(|it| it.len() <= LINE_BYTES_MAX)
    {
        put(&mut out, "raw_data", line.into());
    }
    out
}

fn attestation(event: &Event<'_>) -> Value {
    let mut out = Map::new();
    let hash = event.text("hash");
    put(&mut out, "uid", hash.into());
    put(&mut out, "chain_uid", event.source.log.into());
    put(&mut out, "fingerprint", fingerprint(hash));
    // Before the first record there is none, only a hash of the log's name.
    let is_first = event.get("seq").and_then(Value::as_u64) == Some(0);
    if let Some(prev) = event.source.prev.filter(|_| !is_first).map(|it| it.to_string()) {
        put(&mut out, "prev_event", json!({"uid": prev, "fingerprint": fingerprint(&prev)}));
    }
    Value::Object(out)
}

fn fingerprint(hash: &str) -> Value {
    json!({
        "algorithm_id": 3,
        "algorithm": "SHA-256",
        "encoding_id": 1,
        "encoding": "Hex",
        "serialization_id": 99,
        "serialization": SERIALIZATION,
        "value": hash,
    })
}
