//! The state that proofs begin with: operators of all roles, and one of everything to work on.

use std::{collections::BTreeMap, net::SocketAddr};

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::{client::Client, door::Door};

/// The roles that are always there.
pub(super) const ROLES: [&str; 4] = ["admin", "auditor", "editor", "viewer"];

const LIMITLESS: &str = "rate: 1000000/s\n";
const DOCUMENT: &str = r#"openapi: 3.1.0
info: {title: Shop, version: "1"}
paths:
  /orders/{id}:
    get:
      operationId: get_order
      parameters:
        - {name: id, in: path, required: true, schema: {type: integer}}
      responses: {"200": {description: One order}}
"#;
const COLLECTION: &str = "owner: shop-team\nupstream: stock\ndocument: documents/shop.yaml\n";
const CLIENT: &str = "kind: app\nowner: shop-team\nprofiles:\n  default: {roles: [reader]}\n";
const AGENTS: &str = "kind: agent\nowner: shop-team\nprofiles:\n  reader:\n    roles: [reader]\n    tokens: {grants: [authorization_code], redirect_uris: [\"https://agent.example.com/back\"]}\n";
const ADMISSION: &str =
    "profile: agents/reader\nregistrations: [metadata_document]\nhosts: [agent.example.com]\n";
const ROLE: &str = "allow:\n  - operations: [\"shop:*\", \"flip:*\"]\n";
const GUARD: &str = "policy: |\n  forbid (principal, action, resource)\n  when { context.effect == \"destructive\" && resource.owner == \"nobody\" };\n";
const ISSUER: &str = "issuer: https://login.example.com\njwks_url: https://login.example.com/keys\naudiences: [https://api.example.com]\nalgorithms: [ES256]\n";
const SECRET: &str = "owner: shop-team\nsource: store\n";
const CREDENTIAL: &str = "profile: app/default\nkind: api_key\nexpires: 2039-01-01\nhmac: ";

/// What a key that was found is known by: the HMAC under [`PEPPER`] of the one in the example of
/// `report_found_credential`.
const FOUND_HMAC: &str = "abe9462a31ee047e5bdddc6ca50d035ac90316dd25eb104e30c466fc4f8b6ef3";
/// The pepper of every door of a proof, so that what a key is known by can be declared.
pub(super) const PEPPER: &str =
    "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a\n";

/// The files, by path. `upstream` is where the shop's operations are carried out.
pub(super) fn files(upstream: SocketAddr) -> BTreeMap<String, String> {
    let upstream = format!("url: http://{upstream}\n");
    let stock = format!("{upstream}auth: {{kind: bearer, secret: stock-key}}\n");
    let roles: String =
        ROLES.iter().map(|role| format!("  {role}: {{roles: [{role}]}}\n")).collect();
    let draft = format!("{COLLECTION}state: draft\n");
    let staff = format!("kind: service\nowner: platform\nprofiles:\n{roles}");
    let mut files: BTreeMap<String, String> = [
        ("admissions/spare.yaml", ADMISSION),
        ("clients/agents.yaml", AGENTS),
        ("clients/app.yaml", CLIENT),
        ("clients/halted.yaml", CLIENT),
        ("clients/spare.yaml", CLIENT),
        ("clients/staff.yaml", &staff),
        ("collections/draft.yaml", &draft),
        ("collections/flip.yaml", COLLECTION),
        ("collections/shop.yaml", COLLECTION),
        ("collections/spare.yaml", COLLECTION),
        ("documents/shop.yaml", DOCUMENT),
        ("guards/spare.yaml", GUARD),
        ("issuers/spare.yaml", ISSUER),
        ("limits/all.yaml", LIMITLESS),
        ("limits/spare.yaml", "client: app\nquota: 4000000000/day\n"),
        ("roles/reader.yaml", ROLE),
        ("roles/spare.yaml", ROLE),
        ("secrets/spare.yaml", SECRET),
        ("secrets/stock-key.yaml", SECRET),
        ("stops/spare.yaml", "client: halted\nbecause: a proof\n"),
        ("upstreams/spare.yaml", &upstream),
        ("upstreams/stock.yaml", &stock),
        ("users/spare.yaml", "name: Spare\ngroups: [staff]\n"),
    ]
    .into_iter()
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .collect();
    for (number, id) in ["retired", "revoked", "rotated", "spare"].into_iter().enumerate() {
        files.insert(format!("credentials/{id}.yaml"), format!("{CREDENTIAL}{number:064x}\n"));
    }
    files.insert("credentials/found.yaml".to_owned(), format!("{CREDENTIAL}{FOUND_HMAC}\n"));
    files
}

/// Applies files, all or nothing.
pub(super) fn apply(client: &Client, files: &BTreeMap<String, String>) -> Result<()> {
    let answer = client.manage("POST", "/state/apply", &json!({"files": files}))?;
    answer.done("apply_state").map(drop)
}

/// A key of a profile.
pub(super) fn issue(client: &Client, profile: &str) -> Result<String> {
    let answer = client.manage("POST", "/credentials", &json!({"profile": profile}))?;
    let issued = answer.done("issue_credential")?;
    Ok(issued.get("key").and_then(Value::as_str).context("a key was issued")?.to_owned())
}

/// A key for each of the roles, in their order.
pub(super) fn keys(client: &Client) -> Result<Vec<(&'static str, String)>> {
    ROLES.iter().map(|role| Ok((*role, issue(client, &format!("staff/{role}"))?))).collect()
}

/// Gives a secret a value.
pub(super) fn set_secret(client: &Client, secret: &str, value: &str) -> Result<()> {
    let path = format!("/secrets/{secret}/versions");
    client.manage("POST", &path, &json!({"value": value}))?.done("add_secret_version").map(drop)
}

/// The files of the revision in force, by path.
pub(super) fn export(client: &Client) -> Result<Map<String, Value>> {
    let mut exported = client.manage("GET", "/state", &Value::Null)?.done("export_state")?;
    let files = exported.get_mut("files").map(Value::take);
    match files {
        Some(Value::Object(files)) => Ok(files),
        _ => anyhow::bail!("an export has no files"),
    }
}

/// Files, and the versions of secrets: all that an operation could change.
pub(super) fn everything(door: &Door, key: &str) -> Result<String> {
    let client = door.client(key);
    let files = export(&client)?;
    let secrets = files.keys().filter_map(|it| it.strip_prefix("secrets/")?.strip_suffix(".yaml"));
    let mut sealed = Map::new();
    for secret in secrets {
        let path = format!("/secrets/{secret}/versions");
        let answer = client.manage("GET", &path, &Value::Null)?;
        sealed.insert(secret.to_owned(), answer.json());
    }
    let revisions = client.manage("GET", "/revisions?limit=1000", &Value::Null)?;
    let revisions = revisions.done("list_revisions")?;
    Ok(json!({"files": files, "sealed": sealed, "revisions": revisions}).to_string())
}
