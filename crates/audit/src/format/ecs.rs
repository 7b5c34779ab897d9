//! An event of the Elastic Common Schema 8.17.

use serde_json::{Map, Value, json};

use super::{
    event::Event,
    member::{Shape, member},
    severity::Severity,
    tree::put,
};

const VERSION: &str = "8.17.0";

pub(super) fn write(event: &Event<'_>) -> Value {
    let mut out = Map::new();
    put(&mut out, "event.code", event.code().into());
    for (name, value) in event.members() {
        write_member(&mut out, name, value);
    }
    put(&mut out, "ecs.version", VERSION.into());
    put(&mut out, "event.id", event.text("hash").into());
    put(&mut out, "event.action", event.action().into());
    put(&mut out, "event.kind", "event".into());
    put(&mut out, "event.dataset", "onedoor.audit".into());
    put(&mut out, "event.module", "onedoor".into());
    put(&mut out, "event.severity", Severity::of(event).cef().into());
    let (category, kind) = category(event);
    put(&mut out, "event.category", json!([category]));
    put(&mut out, "event.type", kind);
    let outcome = match event.text("outcome") {
        "answered" => "success",
        "refused" | "cancelled" | "failed" => "failure",
        _ => "unknown",
    };
    put(&mut out, "event.outcome", outcome.into());
    put(&mut out, "service.name", "onedoor".into());
    put(&mut out, "service.version", event.source.version.into());
    put(&mut out, "onedoor.log", event.source.log.into());
    put(&mut out, "onedoor.is_truncated", event.is_truncated.into());
    for (name, path) in [("user", "related.user"), ("peer", "related.ip")] {
        // From what was written: an address that is none is under `onedoor`.
        let is_there = !event.text(name).is_empty()
            && (name != "peer" || out.get("source").is_some_and(|it| it.get("ip").is_some()));
        if is_there {
            put(&mut out, path, json!([event.text(name)]));
        }
    }
    Value::Object(out)
}

fn write_member(out: &mut Map<String, Value>, name: &str, value: &Value) {
    let aside = |out: &mut Map<String, Value>, name: &str, value: Value| {
        let below = out.entry("onedoor").or_insert_with(|| Value::Object(Map::new()));
        below.as_object_mut().map(|it| it.insert(name.to_owned(), value));
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let Some(member) = member(name) else { return aside(out, name, text(value).into()) };
    let value = match member.shape {
        Shape::Text | Shape::Json | Shape::Time => text(value).into(),
        // Nanoseconds.
        Shape::Micros => {
            value.as_u64().map_or_else(|| value.clone(), |it| it.saturating_mul(1000).into())
        }
        Shape::Plain => value.clone(),
    };
    // A field with a type of its own refuses the whole event if the value is of another.
    let fits = match name {
        "peer" | "upstream_ip" => {
            value.as_str().is_some_and(|it| it.parse::<std::net::IpAddr>().is_ok())
        }
        "seq" | "bytes_in" | "status" | "upstream_status" | "total_us" => value.is_u64(),
        "peer_port" | "upstream_port" => value.is_u64(),
        _ => true,
    };
    match fits {
        true => put(out, member.ecs, value),
        false => aside(out, &format!("{name}_text"), text(&value).into()),
    }
}

/// The category and the types of it.
fn category(event: &Event<'_>) -> (&'static str, Value) {
    let verdict = match event.text("decision") {
        "allow" => "allowed",
        "deny" | "limit" => "denied",
        _ => "error",
    };
    match (event.text("kind"), event.text("effect")) {
        ("authorization", _) => match event.text("event").starts_with("sign_in") {
            true => ("authentication", json!(["info"])),
            false => ("iam", json!(["info"])),
        },
        ("log" | "event", _) => ("process", json!(["info"])),
        (_, "read") => ("api", json!(["access", verdict])),
        (_, "write") => ("api", json!(["change", verdict])),
        (_, "destructive") => ("api", json!(["deletion", verdict])),
        _ => ("api", json!(["info", verdict])),
    }
}
