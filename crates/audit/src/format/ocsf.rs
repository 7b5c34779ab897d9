//! An event of OCSF 1.8.0, with the profile `security_control`.
//!
//! The profile `record_integrity` is of 1.9, which is not released and which a validator of 1.8
//! refuses: whoever wants it says so, and gets the same event with an attestation.

mod attestation;

use serde_json::{Map, Value, json};

use super::{
    class::{Activity, Class},
    event::Event,
    member::{Shape, member},
    severity::Severity,
    tree::put,
};

pub(super) use self::attestation::write_attested;

const VERSION: &str = "1.8.0";

pub(super) fn write(event: &Event<'_>) -> Map<String, Value> {
    let activity = Activity::of(event);
    let mut out = Map::new();
    write_class(&mut out, event, activity);
    write_metadata(&mut out, event);
    write_result(&mut out, event);
    for (name, value) in event.members() {
        write_member(&mut out, activity.class, name, value);
    }
    write_required(&mut out, event, activity.class);
    out
}

fn write_class(out: &mut Map<String, Value>, event: &Event<'_>, activity: Activity) {
    let class = activity.class;
    let (category, category_name) = class.category();
    let (severity, severity_name) = Severity::of(event).ocsf();
    put(out, "category_uid", category.into());
    put(out, "category_name", category_name.into());
    put(out, "class_uid", class.uid().into());
    put(out, "class_name", class.caption().into());
    put(out, "activity_id", activity.id.into());
    // 99 says nothing without its string.
    let name = activity.name.unwrap_or_else(|| event.action());
    put(out, "activity_name", name.into());
    let uid = class.uid().saturating_mul(100).saturating_add(activity.id);
    put(out, "type_uid", uid.into());
    put(out, "type_name", format!("{}: {name}", class.caption()).into());
    put(out, "severity_id", severity.into());
    put(out, "severity", severity_name.into());
    put(out, "time", event.time_us.div_euclid(1000).into());
}

fn write_metadata(out: &mut Map<String, Value>, event: &Event<'_>) {
    put(out, "metadata.version", VERSION.into());
    put(out, "metadata.product", product(event));
    put(out, "metadata.profiles", json!(["security_control"]));
    put(out, "metadata.log_name", event.source.log.into());
    put(out, "metadata.event_code", event.code().into());
    if event.is_truncated {
        put(out, "metadata.is_truncated", true.into());
        put(out, "metadata.untruncated_size", event.line.len().into());
    }
}

fn product(event: &Event<'_>) -> Value {
    json!({"name": "Onedoor", "vendor_name": "Onedoor", "version": event.source.version})
}

/// Whether it went well, and what the control did about it.
fn write_result(out: &mut Map<String, Value>, event: &Event<'_>) {
    let (status, caption) = match event.text("outcome") {
        "answered" => (1, "Success"),
        "refused" | "cancelled" | "failed" => (2, "Failure"),
        _ => (0, "Unknown"),
    };
    put(out, "status_id", status.into());
    put(out, "status", caption.into());
    let (action, disposition) = match (event.text("decision"), event.text("reason")) {
        ("allow", _) => ((1, "Allowed"), (1, "Allowed")),
        ("deny", "unauthenticated") => ((2, "Denied"), (26, "Unauthorized")),
        ("deny", "stopped") => ((2, "Denied"), (24, "Access Revoked")),
        ("deny", "malformed" | "invalid_arguments" | "too_large") => {
            ((2, "Denied"), (25, "Rejected"))
        }
        ("deny" | "limit", _) => ((2, "Denied"), (2, "Blocked")),
        ("error", _) => ((2, "Denied"), (27, "Error")),
        _ => ((0, "Unknown"), (0, "Unknown")),
    };
    put(out, "action_id", action.0.into());
    put(out, "action", action.1.into());
    put(out, "disposition_id", disposition.0.into());
    put(out, "disposition", disposition.1.into());
}

fn write_member(out: &mut Map<String, Value>, class: Class, name: &str, value: &Value) {
    let unmapped = |out: &mut Map<String, Value>, value| {
        let below = out.entry("unmapped").or_insert_with(|| Value::Object(Map::new()));
        // Its name is not taken for a path: a newer door may have chosen any.
        below.as_object_mut().map(|it| it.insert(name.to_owned(), value));
    };
    let Some(member) = member(name) else { return unmapped(out, value.to_string().into()) };
    let value = match (member.shape, value) {
        (Shape::Plain | Shape::Micros, value) => value.clone(),
        (_, Value::String(_)) => value.clone(),
        (_, value) => value.to_string().into(),
    };
    let attribute = member.ocsf.split('.').next().unwrap_or_default();
    // An address is a text of its own form in OCSF, and a code a number.
    let fits = match name {
        "peer" | "upstream_ip" => {
            value.as_str().is_some_and(|it| it.parse::<std::net::IpAddr>().is_ok())
        }
        "seq" | "status" | "upstream_status" | "bytes_in" | "peer_port" | "upstream_port" => {
            value.is_u64()
        }
        _ => true,
    };
    match class.has(attribute) && fits {
        true => put(out, member.ocsf, value),
        false => unmapped(out, value),
    }
}

/// What the class demands and no member says.
fn write_required(out: &mut Map<String, Value>, event: &Event<'_>, class: Class) {
    if out.contains_key("policy") {
        put(out, "policy.type", "rule".into());
    }
    let who = first(event, &["user", "client"]);
    let who = if who.is_empty() { "unknown" } else { who };
    match class {
        Class::ApiActivity => {
            put(out, "api.operation", event.action().into());
            put(out, "api.request.uid", first(event, &["id", "hash"]).into());
            if !out.contains_key("actor") {
                put(out, "actor.app_name", who.into());
            }
            if !out.contains_key("src_endpoint") {
                put(out, "src_endpoint.name", "unknown".into());
            }
        }
        Class::ApplicationLifecycle => put(out, "app", product(event)),
        Class::Authentication => {
            put(out, "user.name", who.into());
            put(out, "service.name", "Onedoor".into());
        }
        Class::AuthorizeSession => {
            put(out, "user.name", who.into());
            let group = first(event, &["profile", "event"]);
            put(out, "group.name", group.into());
        }
        Class::EntityManagement => {
            let entity = first(event, &["operation", "event"]);
            put(out, "entity.name", entity.into());
            put(out, "entity.type", entity.split('.').next().unwrap_or_default().into());
        }
    }
}

/// The first of these members that is there.
fn first<'a>(event: &'a Event<'_>, names: &[&str]) -> &'a str {
    names.iter().map(|it| event.text(it)).find(|it| !it.is_empty()).unwrap_or_default()
}
