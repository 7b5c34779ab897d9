//! How old is what gets in and what vouches: credentials, secrets for upstreams, and the door's own keys.

use model::Timestamp;
use serde_json::Value;

use super::{
    ask,
    table::{Pack, Table, text},
};
use crate::remote::{Failure, door::Door};

/// Asks for all of it.
pub(super) fn gather(door: &Door, now: Timestamp, pack: &mut Pack) -> Result<(), Failure> {
    credentials(door, pack)?;
    secrets(door, now, pack)?;
    signing_keys(door, pack)?;
    peppers(door, pack)?;
    let health = ask::one(door, "get_health", &[])?;
    let parts = health.get("parts").and_then(Value::as_array).into_iter().flatten();
    for part in parts.filter(|it| text(it, "name") == "keyring") {
        pack.summary.push(("Keys that seal secrets", text(part, "detail")));
    }
    Ok(())
}

fn credentials(door: &Door, pack: &mut Pack) -> Result<(), Failure> {
    const COLUMNS: [&str; 14] = [
        "id",
        "profile",
        "owner",
        "kind",
        "state",
        "age_days",
        "expires",
        "due",
        "replaced",
        "last_used",
        "used_by",
        "used_from",
        "roles",
        "anywhere",
    ];
    let ages = ask::all(door, "list_credential_ages")?;
    let rows = ages.iter().map(|it| COLUMNS.iter().map(|name| text(it, name)).collect());
    pack.tables.push(Table {
        name: "credentials",
        title: "Credentials",
        about: "How old each is, when it ends, how it was last used, and what it leads to.",
        columns: &COLUMNS,
        rows: rows.collect(),
    });
    Ok(())
}

/// Secrets that the door shows to upstreams: each version of those that it keeps itself.
fn secrets(door: &Door, now: Timestamp, pack: &mut Pack) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for secret in ask::all(door, "list_secrets")? {
        let (id, document) = (text(&secret, "id"), secret.get("document").unwrap_or(&Value::Null));
        let of = [id.clone(), text(document, "owner"), text(document, "source")];
        // Of a value that is kept elsewhere, the door knows no versions.
        let versions = ask::if_any(ask::of(door, "list_secret_versions", ("id", &id)))?;
        let mut versions = versions.map(ask::items).unwrap_or_default();
        if versions.is_empty() {
            versions.push(Value::Null);
        }
        for version in &versions {
            let created = text(version, "created");
            let age =
                Timestamp::parse(&created).map(|it| now.since(it).as_secs().div_euclid(86_400));
            let age = age.map(|it| it.to_string()).unwrap_or_default();
            let told = ["version", "state", "key"].map(|it| text(version, it));
            rows.push(of.iter().cloned().chain(told).chain([created, age]).collect());
        }
    }
    pack.tables.push(Table {
        name: "secrets",
        title: "Secrets for upstreams",
        about: "What the door shows to upstreams, by name: where its value is, and how old each version of those is that the door keeps, sealed under which key.",
        columns: &["secret", "owner", "source", "version", "state", "sealed_under", "created", "age_days"],
        rows,
    });
    Ok(())
}

fn signing_keys(door: &Door, pack: &mut Pack) -> Result<(), Failure> {
    const COLUMNS: [&str; 7] =
        ["id", "algorithm", "state", "created", "signs_from", "deleted", "sealed_under"];
    let keys = ask::if_any(ask::one(door, "list_signing_keys", &[]))?;
    let keys = keys.map(ask::items).unwrap_or_default();
    pack.tables.push(Table {
        name: "signing_keys",
        title: "Keys that sign tokens",
        about: "Those of this door, the newest first.",
        columns: &COLUMNS,
        rows: keys.iter().map(|it| COLUMNS.iter().map(|name| text(it, name)).collect()).collect(),
    });
    Ok(())
}

fn peppers(door: &Door, pack: &mut Pack) -> Result<(), Failure> {
    const COLUMNS: [&str; 5] =
        ["pepper", "state", "api_keys", "client_secrets", "registered_clients"];
    let peppers = ask::items(ask::one(door, "list_peppers", &[])?);
    pack.tables.push(Table {
        name: "peppers",
        title: "Peppers",
        about: "Under which keys and client secrets are hashed, and how many under each.",
        columns: &COLUMNS,
        rows: peppers
            .iter()
            .map(|it| COLUMNS.iter().map(|name| text(it, name)).collect())
            .collect(),
    });
    Ok(())
}
