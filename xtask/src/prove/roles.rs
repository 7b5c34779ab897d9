//! What each of the roles that are always there may call: a declared table, cell by cell by real calls.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{
    Done,
    door::{Door, Home},
    example,
    property::Setting,
    upstream::Upstream,
    world::{self, ROLES},
};

const ADMIN: &str = "admin";
const EDITORS: &str = "admin editor";
const READERS: &str = "admin auditor";
const KEEPERS: &str = "admin auditor editor";
const ALL: &str = "admin auditor editor viewer";

/// How the HMACs of the credentials begin that proofs begin with.
const HMAC: &str = "000000000000000000000000000000000000";

/// Who may call what. It is declared here once more, and not taken from the program.
const TABLE: &[(&str, &[&str])] = &[
    (
        ALL,
        &[
            "compare_revisions",
            "diff_state",
            "explain_access",
            "get_admission",
            "get_client",
            "get_collection",
            "get_credential",
            "get_guard",
            "get_health",
            "get_issuer",
            "get_limit",
            "get_operation",
            "get_revision",
            "get_role",
            "get_secret",
            "get_stop",
            "get_upstream",
            "get_user",
            "list_access",
            "list_admissions",
            "list_clients",
            "list_collections",
            "list_credentials",
            "list_guards",
            "list_issuers",
            "list_limits",
            "list_operations",
            "list_peppers",
            "list_revisions",
            "list_roles",
            "list_secret_versions",
            "list_secrets",
            "list_signing_keys",
            "list_stops",
            "list_upstreams",
            "list_usage",
            "list_users",
            "whoami",
        ],
    ),
    (
        READERS,
        &[
            "check_audit",
            "get_audit_body",
            "list_audit_proofs",
            "list_audit_purges",
            "list_consents",
            "list_deliveries",
            "list_grants",
            "list_registrations",
            "list_sign_ins",
            "query_audit",
        ],
    ),
    // Whoever rotates keys must see which are old.
    (KEEPERS, &["list_credential_ages"]),
    (
        EDITORS,
        &[
            "add_secret_version",
            "delete_client",
            "delete_collection",
            "delete_credential",
            "delete_limit",
            "delete_secret",
            "delete_upstream",
            "duplicate_collection",
            "import_collection",
            "issue_credential",
            "publish_collection",
            "put_client",
            "put_collection",
            "put_credential",
            "put_limit",
            "put_secret",
            "put_upstream",
            "report_found_credential",
            "retire_collection",
            "retire_credential",
            "revoke_credential",
            "rotate_credential",
            "set_secret_version_state",
            "unpublish_collection",
        ],
    ),
    (
        ADMIN,
        &[
            "apply_state",
            "approve_audit_purge",
            "delete_admission",
            "delete_guard",
            "delete_issuer",
            "delete_registration",
            "delete_role",
            "delete_stop",
            "delete_user",
            "end_sign_ins",
            "export_state",
            "forget_subject",
            "propose_audit_purge",
            "put_admission",
            "put_guard",
            "put_issuer",
            "put_role",
            "put_stop",
            "put_user",
            "reject_audit_purge",
            "revoke_consent",
            "revoke_grants",
            "rewrap_secrets",
            "rollback_revision",
            "rotate_audit_key",
            "rotate_signing_key",
            "withdraw_signing_key",
        ],
    ),
];

pub(super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let upstream = Upstream::start()?;
    let home = Home::new(setting.program, setting.folder.join("data"));
    let first_key = home.init()?;
    let door = home.serve()?;
    let client = door.client(&first_key);
    world::apply(&client, &world::files(upstream.address))?;
    world::set_secret(&client, "stock-key", "the-first-value")?;
    let keys = world::keys(&client)?;
    let (_, auditor) = keys.iter().find(|it| it.0 == "auditor").context("there is an auditor")?;
    let calls = changes_nothing(&door, &first_key, auditor)?;
    let (cells, wrong) = matrix(&door, &keys)?;
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(Done::Held(format!(
        "{cells} cells of role × operation as declared; {calls} operations as auditor change nothing"
    )))
}

/// Calls everything as auditor, and compares all state before and after.
fn changes_nothing(door: &Door, first_key: &str, auditor: &str) -> Result<usize> {
    let before = world::everything(door, first_key)?;
    let client = door.client(auditor);
    let operations = admin::operations();
    for about in &operations {
        let answer = example::right(about)?.send(&client, about)?;
        ensure!(
            answer.status < 500,
            "{} as auditor: {} {}",
            about.name,
            answer.status,
            answer.text
        );
        // Not even an answer that changes nothing may show what an auditor must not see.
        for hidden in [HMAC, "the-first-value", "odk_"] {
            ensure!(!answer.text.contains(hidden), "{} shows an auditor {hidden}", about.name);
        }
    }
    let after = world::everything(door, first_key)?;
    ensure!(before == after, "calls of an auditor changed the state");
    Ok(operations.len())
}

/// Calls everything in every role: the roles that may change nothing first.
fn matrix(door: &Door, keys: &[(&str, String)]) -> Result<(usize, Vec<String>)> {
    let mut cells = 0_usize;
    let mut wrong = Vec::new();
    for about in admin::operations() {
        let mut rows = TABLE.iter().filter(|(_, names)| names.contains(&about.name));
        let (allowed, _) = rows.next().with_context(|| {
            format!(
                "{} is not in the table: say who may call it (xtask/src/prove/roles.rs)",
                about.name
            )
        })?;
        ensure!(rows.next().is_none(), "{} is in the table twice", about.name);
        for role in ROLES.iter().rev() {
            let key = keys.iter().find(|it| it.0 == *role).context("every role has a key")?;
            let answer = example::right(&about)?.send(&door.client(&key.1), &about)?;
            let kind = answer.json();
            let kind = kind.get("type").and_then(Value::as_str).unwrap_or_default();
            let is_refused = kind == "urn:onedoor:refusal:forbidden";
            let is_declared = allowed.split(' ').any(|it| it == *role);
            if is_refused == is_declared || answer.status == 401 {
                let (name, status) = (about.name, answer.status);
                wrong.push(format!("{role} × {name}: declared {is_declared}, answered {status}"));
            }
            cells = cells.saturating_add(1);
        }
    }
    Ok((cells, wrong))
}
