//! Answers and records with what may differ between two doors taken out: ids, keys, times.

use serde_json::Value;

/// Members that tell how a call came, when, and under which id.
const OWN: &[&str] = &[
    "age_seconds",
    "answer_truncated",
    "at",
    "bytes_in",
    "bytes_out",
    "checkpoint",
    "checkpoints",
    "crc",
    "created",
    "hash",
    "key",
    "keys",
    "limit_left",
    "peer",
    "peer_port",
    "proof",
    "protocol",
    "reached",
    "records",
    "replaced",
    "request_id",
    "rpc",
    "seq",
    "signed",
    "surface",
    "time",
    "tool",
    "tool_digest",
    "total_us",
    "upstream_us",
    "uptime_seconds",
];

/// The value without what may differ.
pub(super) fn masked(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(masked).collect(),
        Value::Object(members) => {
            // The tag of a document in which the door wrote a time is another each time.
            let is_dated = members.get("document").is_some_and(|it| it.get("since").is_some());
            let kept = members.iter().filter(|(name, value)| {
                // A page of records goes on at a number, and one of the doors has more of them.
                let is_number = *name == "next" && value.is_number();
                !OWN.contains(&name.as_str()) && (!is_dated || *name != "etag") && !is_number
            });
            kept.map(|(name, value)| (name.clone(), masked(value))).collect()
        }
        Value::String(text) => Value::from(masked_text(text)),
        other => other.clone(),
    }
}

/// The text with its random and timely words hidden.
fn masked_text(text: &str) -> String {
    let is_inner = |it: char| it.is_ascii_alphanumeric() || "-_.:+".contains(it);
    let mut masked = String::with_capacity(text.len());
    let mut word = String::new();
    for character in text.chars().chain(['\n']) {
        if is_inner(character) {
            word.push(character);
            continue;
        }
        masked.push_str(&masked_word(&word));
        word.clear();
        masked.push(character);
    }
    masked.pop();
    masked
}

fn masked_word(word: &str) -> String {
    let is_hex = |it: &str| it.bytes().all(|it| it.is_ascii_hexdigit());
    let is_time =
        word.len() > 18 && word.starts_with("20") && word.as_bytes().get(10) == Some(&b'T');
    if is_time {
        return "(time)".to_owned();
    }
    // Each door hashes under a salt of its own.
    if word.starts_with("hmac:") {
        return "(hash)".to_owned();
    }
    if word.starts_with("odk_") {
        return "(key)".to_owned();
    }
    if word.len() >= 32 && is_hex(&word.replace('-', "")) {
        return "(random)".to_owned();
    }
    match word.rsplit_once('-') {
        Some((begin, end))
            if end.trim_end_matches(".yaml").len() == 8
                && is_hex(end.trim_end_matches(".yaml")) =>
        {
            format!("{begin}-(random)")
        }
        _ => word.to_owned(),
    }
}
