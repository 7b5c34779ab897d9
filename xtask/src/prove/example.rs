//! An input for every management operation: one that is right, and those that follow from it that are not.

use admin::About;
use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value, json};

use super::client::{Answer, Client};

/// A key that was found. What it is known by is in `world`.
pub(super) const FOUND_KEY: &str = "odk_FoundInAPublicRepositoryByAScanner0000000010Yj8FT";
const FOUND: &str = r#"{"key": "odk_FoundInAPublicRepositoryByAScanner0000000010Yj8FT", "reason": "on a paste site"}"#;

/// By operation: parameters and body, as they fit the state that proofs begin with.
const EXAMPLES: &[(&str, &str, &str)] = &[
    ("list_clients", r#"{"limit": 2, "sort": "-id"}"#, ""),
    ("get_client", r#"{"id": "app"}"#, ""),
    (
        "put_client",
        r#"{"id": "new", "reason": "a proof"}"#,
        r#"{"kind": "agent", "owner": "shop-team"}"#,
    ),
    ("delete_client", r#"{"id": "spare"}"#, ""),
    ("list_collections", r#"{"filter": "owner=shop-team"}"#, ""),
    ("get_collection", r#"{"id": "shop"}"#, ""),
    (
        "put_collection",
        r#"{"id": "new"}"#,
        r#"{"owner": "shop-team", "upstream": "stock", "document": "documents/shop.yaml"}"#,
    ),
    ("delete_collection", r#"{"id": "spare"}"#, ""),
    ("list_credentials", r#"{"limit": 1}"#, ""),
    ("get_credential", r#"{"id": "spare"}"#, ""),
    (
        "put_credential",
        r#"{"id": "spare"}"#,
        r#"{"profile": "app/default", "kind": "api_key", "expires": "2038-01-01"}"#,
    ),
    ("delete_credential", r#"{"id": "spare"}"#, ""),
    ("list_admissions", "{}", ""),
    ("get_admission", r#"{"id": "spare"}"#, ""),
    (
        "put_admission",
        r#"{"id": "new"}"#,
        r#"{"profile": "agents/reader", "registrations": ["dynamic"], "groups": ["staff"]}"#,
    ),
    ("delete_admission", r#"{"id": "spare"}"#, ""),
    ("list_users", "{}", ""),
    ("get_user", r#"{"id": "spare"}"#, ""),
    ("put_user", r#"{"id": "new"}"#, r#"{"name": "Ann", "groups": ["staff"]}"#),
    ("delete_user", r#"{"id": "spare"}"#, ""),
    ("list_guards", "{}", ""),
    ("get_guard", r#"{"id": "spare"}"#, ""),
    (
        "put_guard",
        r#"{"id": "new"}"#,
        r#"{"policy": "forbid (principal, action, resource) when { context.effect == \"none\" };"}"#,
    ),
    ("delete_guard", r#"{"id": "spare"}"#, ""),
    ("list_issuers", "{}", ""),
    ("get_issuer", r#"{"id": "spare"}"#, ""),
    (
        "put_issuer",
        r#"{"id": "new"}"#,
        r#"{"issuer": "https://new.example.com", "jwks_url": "https://new.example.com/keys", "audiences": ["https://api.example.com"], "algorithms": ["ES256"]}"#,
    ),
    ("delete_issuer", r#"{"id": "spare"}"#, ""),
    ("list_limits", "{}", ""),
    ("get_limit", r#"{"id": "spare"}"#, ""),
    ("put_limit", r#"{"id": "new"}"#, r#"{"client": "app", "rate": "1000000/s"}"#),
    ("delete_limit", r#"{"id": "spare"}"#, ""),
    ("list_roles", "{}", ""),
    ("get_role", r#"{"id": "reader"}"#, ""),
    (
        "put_role",
        r#"{"id": "new"}"#,
        r#"{"allow": [{"operations": ["shop:*"], "effects": ["read"]}]}"#,
    ),
    ("delete_role", r#"{"id": "spare"}"#, ""),
    ("list_stops", "{}", ""),
    ("get_stop", r#"{"id": "spare"}"#, ""),
    ("put_stop", r#"{"id": "new"}"#, r#"{"client": "halted", "because": "a proof"}"#),
    ("delete_stop", r#"{"id": "spare"}"#, ""),
    ("list_secrets", "{}", ""),
    ("get_secret", r#"{"id": "stock-key"}"#, ""),
    ("put_secret", r#"{"id": "new"}"#, r#"{"owner": "shop-team", "source": "store"}"#),
    ("delete_secret", r#"{"id": "spare"}"#, ""),
    ("list_upstreams", "{}", ""),
    ("get_upstream", r#"{"id": "stock"}"#, ""),
    ("put_upstream", r#"{"id": "new"}"#, r#"{"url": "http://127.0.0.1:9"}"#),
    ("delete_upstream", r#"{"id": "spare"}"#, ""),
    ("explain_access", r#"{"profile": "app/default", "operation": "shop.get_order"}"#, ""),
    ("list_access", r#"{"operation": "shop.get_order"}"#, ""),
    ("query_audit", r#"{"client": "operator", "limit": 5}"#, ""),
    ("rotate_audit_key", "{}", r#"{"reason": "a proof"}"#),
    ("check_audit", "{}", ""),
    ("list_audit_proofs", r#"{"records": "0,1"}"#, ""),
    (
        "get_audit_body",
        // Where it is known of which call a body is kept, that stands in for this one.
        r#"{"request_id": "01900000-0000-7000-8000-000000000000", "direction": "response"}"#,
        "",
    ),
    ("forget_subject", "{}", r#"{"kind": "customer", "id": "42", "reason": "a proof"}"#),
    ("list_audit_purges", "{}", ""),
    ("propose_audit_purge", "{}", r#"{"older_than": "400d", "reason": "a proof"}"#),
    ("approve_audit_purge", r#"{"id": "waiting"}"#, ""),
    ("reject_audit_purge", r#"{"id": "waiting"}"#, ""),
    (
        "import_collection",
        "{}",
        r#"{"id": "imported", "owner": "shop-team", "upstream": "stock", "document": {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {"/x": {"get": {"operationId": "x", "responses": {"200": {"description": "X"}}}}}}}"#,
    ),
    ("publish_collection", r#"{"id": "draft"}"#, ""),
    ("unpublish_collection", r#"{"id": "flip"}"#, ""),
    ("retire_collection", r#"{"id": "draft"}"#, ""),
    ("duplicate_collection", r#"{"id": "shop"}"#, r#"{"to": "copy"}"#),
    ("issue_credential", "{}", r#"{"profile": "app/default", "expires": "30d"}"#),
    ("rotate_credential", r#"{"id": "rotated"}"#, r#"{"overlap": "1d"}"#),
    ("retire_credential", r#"{"id": "retired"}"#, ""),
    ("revoke_credential", r#"{"id": "revoked"}"#, ""),
    ("report_found_credential", "{}", FOUND),
    ("list_credential_ages", r#"{"client": "app"}"#, ""),
    ("list_deliveries", r#"{"state": "waiting"}"#, ""),
    ("list_consents", r#"{"person": "local:spare"}"#, ""),
    ("revoke_consent", r#"{"person": "local:spare", "client": "agents/reader"}"#, ""),
    ("list_grants", r#"{"person": "local:spare", "ended": true}"#, ""),
    ("revoke_grants", r#"{"profile": "agents/reader"}"#, ""),
    ("list_registrations", r#"{"limit": 5}"#, ""),
    ("delete_registration", r#"{"id": "dyn-spare"}"#, ""),
    ("list_sign_ins", r#"{"person": "local:spare"}"#, ""),
    ("end_sign_ins", r#"{"person": "local:spare"}"#, ""),
    ("get_health", "{}", ""),
    ("list_usage", r#"{"client": "staff"}"#, ""),
    ("list_operations", r#"{"collection": "shop"}"#, ""),
    ("get_operation", r#"{"id": "shop.get_order"}"#, ""),
    ("list_peppers", "{}", ""),
    ("list_revisions", r#"{"limit": 3}"#, ""),
    ("get_revision", r#"{"number": 2}"#, ""),
    ("compare_revisions", r#"{"from": 1, "to": 2}"#, ""),
    ("rollback_revision", r#"{"number": 8}"#, "{}"),
    (
        "add_secret_version",
        r#"{"id": "stock-key"}"#,
        r#"{"value": "another-value", "pending": true}"#,
    ),
    ("list_secret_versions", r#"{"id": "stock-key"}"#, ""),
    ("rewrap_secrets", "{}", r#"{"reason": "a proof"}"#),
    ("set_secret_version_state", r#"{"id": "stock-key", "version": 2}"#, r#"{"state": "active"}"#),
    ("list_signing_keys", "{}", ""),
    ("rotate_signing_key", "{}", r#"{"ahead": "1h"}"#),
    ("withdraw_signing_key", r#"{"id": "nobodys"}"#, ""),
    (
        "apply_state",
        "{}",
        r#"{"files": {"clients/applied.yaml": "kind: app\nowner: shop-team\n"}}"#,
    ),
    (
        "diff_state",
        "{}",
        r#"{"files": {"clients/applied.yaml": "kind: agent\nowner: shop-team\n"}}"#,
    ),
    ("export_state", "{}", ""),
    ("whoami", "{}", ""),
];

/// One input of an operation.
#[derive(Debug, Clone)]
pub(super) struct Example {
    pub(super) parameters: Map<String, Value>,
    /// Null where there is none.
    pub(super) body: Value,
    /// What is wrong with it; nothing where it is empty.
    pub(super) flaw: &'static str,
}

/// The input of an operation that is right.
pub(super) fn right(about: &About) -> Result<Example> {
    let found = EXAMPLES.iter().find(|it| it.0 == about.name);
    let (_, parameters, body) = found.with_context(|| {
        format!("there is no example of {}: give it one in xtask/src/prove/example.rs", about.name)
    })?;
    let body = if body.is_empty() { Value::Null } else { serde_json::from_str(body)? };
    ensure!(about.body.is_some() != body.is_null(), "the example of {} has no body", about.name);
    Ok(Example { parameters: serde_json::from_str(parameters)?, body, flaw: "" })
}

/// Inputs that are wrong in one way each.
pub(super) fn wrong(about: &About) -> Result<Vec<Example>> {
    let right = right(about)?;
    let mut wrong = Vec::new();
    let mut add = |flaw, change: &dyn Fn(&mut Example)| {
        let mut example = Example { flaw, ..right.clone() };
        change(&mut example);
        wrong.push(example);
    };
    let mut set = |flaw, name: &str, value: &Value| {
        add(flaw, &|it| drop(it.parameters.insert(name.to_owned(), value.clone())));
    };
    if about.place("id") == "path" {
        set("no id", "id", &json!("Not An Id!"));
        set("an id of nothing", "id", &json!("absent"));
    }
    if about.place("number") == "path" {
        set("a revision that is not there", "number", &json!(999_999));
    }
    if about.parameters.pointer("/properties/limit").is_some() {
        set("a page of nothing", "limit", &json!(0));
        set("a page that is no number", "limit", &json!([1]));
    }
    set("an unknown parameter", "surprise", &json!("x"));
    set("an unknown parameter of another shape", "surprise", &json!({"x": [1]}));
    if about.parameters.pointer("/properties/reason").is_some() {
        set("a reason that is too long", "reason", &json!("x".repeat(501)));
    }
    if let Some(name) = required(&about.parameters, |it| about.place(it) != "path") {
        add("a parameter is missing", &|it| drop(it.parameters.remove(&name)));
        add("a parameter is missing, and one is unknown", &|it| {
            drop(it.parameters.remove(&name));
            it.parameters.insert("surprise".to_owned(), json!("x"));
        });
    }
    if let Value::Object(fields) = &right.body {
        add("an unknown field", &|it| field(it, "surprise", Some(json!(true))));
        if let Some(name) = fields.keys().next().cloned() {
            add("a field of the wrong type", &|it| field(it, &name, Some(json!([[1]]))));
        }
        if let Some(name) = about.body.as_ref().and_then(|it| required(it, |_| true)) {
            add("a field is missing", &|it| field(it, &name, None));
            add("a field is missing, and two are unknown", &|it| {
                field(it, &name, None);
                field(it, "surprise", Some(json!({"x": [1]})));
                field(it, "another", Some(json!(null)));
            });
        }
    }
    // Of a document that is not there, a put makes a new one, and a key that is not there is withdrawn:
    // that input is right.
    let takes_any = about.method == "PUT" || about.name == "withdraw_signing_key";
    wrong.retain(|it| !takes_any || it.flaw != "an id of nothing");
    Ok(wrong)
}

/// The first name that the schema requires, among those that will do.
fn required(schema: &Value, will_do: impl Fn(&str) -> bool) -> Option<String> {
    let names = schema.get("required")?.as_array()?;
    names.iter().filter_map(Value::as_str).find(|it| will_do(it)).map(ToOwned::to_owned)
}

fn field(example: &mut Example, name: &str, value: Option<Value>) {
    if let Value::Object(fields) = &mut example.body {
        match value {
            Some(value) => drop(fields.insert(name.to_owned(), value)),
            None => drop(fields.remove(name)),
        }
    }
}

impl Example {
    /// As a REST request.
    pub(super) fn send(&self, client: &Client, about: &About) -> Result<Answer> {
        let mut path = about.path.to_owned();
        let mut query = Vec::new();
        for (name, value) in &self.parameters {
            let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            let text = escaped(&text);
            if about.place(name) == "path" {
                path = path.replace(&format!("{{{name}}}"), &text);
            } else {
                query.push(format!("{name}={text}"));
            }
        }
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
        client.manage(about.method.as_str(), &path, &self.body)
    }

    /// As a call of the tool.
    pub(super) fn call(&self, client: &Client, about: &About) -> Result<Answer> {
        let mut arguments = self.parameters.clone();
        if let Value::Object(fields) = &self.body {
            arguments.extend(fields.clone());
        }
        client.call_tool(&format!("onedoor_{}", about.name), &Value::Object(arguments))
    }
}

/// Percent-encoded (RFC 3986 section 2.3).
fn escaped(text: &str) -> String {
    let escaped = text.bytes().map(|byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    escaped.collect()
}
