//! Who may do what: the roles that are always there, against a table.

use admin::{About, built_in_roles};
use model::{CollectionId, Effect, Operation, OperationId};

const ADMIN: &[&str] = &["admin"];
const ADMIN_AUDITOR: &[&str] = &["admin", "auditor"];
const ADMIN_EDITOR: &[&str] = &["admin", "editor"];
const ALL: &[&str] = &["admin", "auditor", "editor", "viewer"];

/// Every operation, and the roles that allow it.
const TABLE: &[(&str, &[&str])] = &[
    ("add_secret_version", ADMIN_EDITOR),
    ("apply_state", ADMIN),
    ("approve_audit_purge", ADMIN),
    ("check_audit", ADMIN_AUDITOR),
    ("compare_revisions", ALL),
    ("delete_admission", ADMIN),
    ("delete_client", ADMIN_EDITOR),
    ("delete_collection", ADMIN_EDITOR),
    ("delete_credential", ADMIN_EDITOR),
    ("delete_guard", ADMIN),
    ("delete_issuer", ADMIN),
    ("delete_limit", ADMIN_EDITOR),
    ("delete_registration", ADMIN),
    ("delete_role", ADMIN),
    ("delete_secret", ADMIN_EDITOR),
    ("delete_stop", ADMIN),
    ("delete_upstream", ADMIN_EDITOR),
    ("delete_user", ADMIN),
    ("diff_state", ALL),
    ("duplicate_collection", ADMIN_EDITOR),
    ("end_sign_ins", ADMIN),
    ("explain_access", ALL),
    ("export_state", ADMIN),
    ("forget_subject", ADMIN),
    ("get_admission", ALL),
    ("get_audit_body", ADMIN_AUDITOR),
    ("get_client", ALL),
    ("get_collection", ALL),
    ("get_credential", ALL),
    ("get_guard", ALL),
    ("get_health", ALL),
    ("get_issuer", ALL),
    ("get_limit", ALL),
    ("get_operation", ALL),
    ("get_revision", ALL),
    ("get_role", ALL),
    ("get_secret", ALL),
    ("get_stop", ALL),
    ("get_upstream", ALL),
    ("get_user", ALL),
    ("import_collection", ADMIN_EDITOR),
    ("issue_credential", ADMIN_EDITOR),
    ("list_access", ALL),
    ("list_admissions", ALL),
    ("list_audit_proofs", ADMIN_AUDITOR),
    ("list_audit_purges", ADMIN_AUDITOR),
    ("list_clients", ALL),
    ("list_collections", ALL),
    ("list_consents", ADMIN_AUDITOR),
    ("list_credential_ages", &["admin", "auditor", "editor"]),
    ("list_credentials", ALL),
    ("list_deliveries", ADMIN_AUDITOR),
    ("list_grants", ADMIN_AUDITOR),
    ("list_guards", ALL),
    ("list_issuers", ALL),
    ("list_limits", ALL),
    ("list_operations", ALL),
    ("list_peppers", ALL),
    ("list_registrations", ADMIN_AUDITOR),
    ("list_revisions", ALL),
    ("list_roles", ALL),
    ("list_secret_versions", ALL),
    ("list_secrets", ALL),
    ("list_sign_ins", ADMIN_AUDITOR),
    ("list_signing_keys", ALL),
    ("list_stops", ALL),
    ("list_upstreams", ALL),
    ("list_usage", ALL),
    ("list_users", ALL),
    ("propose_audit_purge", ADMIN),
    ("publish_collection", ADMIN_EDITOR),
    ("put_admission", ADMIN),
    ("put_client", ADMIN_EDITOR),
    ("put_collection", ADMIN_EDITOR),
    ("put_credential", ADMIN_EDITOR),
    ("put_guard", ADMIN),
    ("put_issuer", ADMIN),
    ("put_limit", ADMIN_EDITOR),
    ("put_role", ADMIN),
    ("put_secret", ADMIN_EDITOR),
    ("put_stop", ADMIN),
    ("put_upstream", ADMIN_EDITOR),
    ("put_user", ADMIN),
    ("query_audit", ADMIN_AUDITOR),
    ("reject_audit_purge", ADMIN),
    ("report_found_credential", ADMIN_EDITOR),
    ("retire_collection", ADMIN_EDITOR),
    ("retire_credential", ADMIN_EDITOR),
    ("revoke_consent", ADMIN),
    ("revoke_credential", ADMIN_EDITOR),
    ("revoke_grants", ADMIN),
    ("rewrap_secrets", ADMIN),
    ("rollback_revision", ADMIN),
    ("rotate_audit_key", ADMIN),
    ("rotate_credential", ADMIN_EDITOR),
    ("rotate_signing_key", ADMIN),
    ("set_secret_version_state", ADMIN_EDITOR),
    ("unpublish_collection", ADMIN_EDITOR),
    ("whoami", ALL),
    ("withdraw_signing_key", ADMIN),
];

fn operation(name: &str, effect: Effect) -> Operation {
    let collection = CollectionId::own();
    let id = OperationId::new(&collection, name).unwrap();
    Operation { id, collection, effect, is_public: false, level: None, position: 0 }
}

#[test]
fn every_operation_is_allowed_to_the_roles_of_the_table_and_to_no_others() {
    let mut found: Vec<(&str, Vec<String>)> = Vec::new();
    for About { name, effect, .. } in admin::operations() {
        let operation = operation(name, effect);
        let roles = built_in_roles()
            .into_iter()
            .filter(|role| role.grants.iter().any(|grant| grant.allows(&operation).is_some()));
        found.push((name, roles.map(|it| it.id.to_string()).collect()));
    }
    found.sort();
    let found: Vec<_> = found.iter().map(|(name, roles)| format!("{name}: {roles:?}")).collect();
    let table: Vec<_> = TABLE.iter().map(|(name, roles)| format!("{name}: {roles:?}")).collect();
    assert_eq!(found, table);
}

#[test]
fn who_only_looks_changes_nothing() {
    for role in built_in_roles().iter().filter(|it| ["auditor", "viewer"].contains(&it.id.as_str()))
    {
        for About { name, effect, .. } in admin::operations() {
            let operation = operation(name, effect);
            let is_allowed = role.grants.iter().any(|it| it.allows(&operation).is_some());
            assert!(!is_allowed || effect == Effect::Read, "{} may {name}", role.id);
        }
    }
}
