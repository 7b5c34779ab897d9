//! An editor whose role is bounded to one owner.

use serde_json::{Value, json};

use crate::house::{House, TEAM, openapi};

const OWN: &str = "kind: app\nowner: shop-team\nprofiles: {default: {roles: []}}\n";
const FOREIGN: &str = "kind: app\nowner: billing-team\nprofiles: {default: {roles: []}}\n";

async fn house() -> House {
    let document = openapi().to_string();
    House::with(&[
        ("clients/own.yaml", OWN),
        ("clients/foreign.yaml", FOREIGN),
        ("secrets/own.yaml", "owner: shop-team\nsource: store\n"),
        ("secrets/foreign.yaml", "owner: billing-team\nsource: store\n"),
        (
            "collections/foreign.yaml",
            "owner: billing-team\nupstream: {url: http://b}\ndocument: documents/foreign.json\n",
        ),
        ("documents/foreign.json", &document),
        (
            "credentials/foreign.yaml",
            &format!(
                "profile: foreign/default\nkind: api_key\nexpires: 2027-06-01\nhmac: {}\n",
                "ab".repeat(32)
            ),
        ),
        ("limits/all.yaml", "rate: 5/s\n"),
    ])
    .await
}

#[tokio::test]
async fn lists_show_only_what_is_within_reach() {
    let house = house().await;
    for (list, want) in [
        ("list_clients", vec!["own"]),
        ("list_collections", vec![]),
        ("list_credentials", vec![]),
        ("list_secrets", vec!["own"]),
        ("list_limits", vec![]),
        ("list_operations", vec![]),
        ("list_credential_ages", vec![]),
    ] {
        let page = house.done(TEAM, list, json!({}), Value::Null).await;
        assert_eq!(page.ids(), want, "{list}");
    }
}

#[tokio::test]
async fn what_is_out_of_reach_answers_as_if_it_were_absent() {
    let house = house().await;
    let put = json!({"kind": "app", "owner": "shop-team"});
    let secret = json!({"value": "x"});
    let wish = json!({});
    for (operation, body) in [
        ("get_client", Value::Null),
        ("delete_client", Value::Null),
        ("get_collection", Value::Null),
        ("delete_collection", Value::Null),
        ("publish_collection", Value::Null),
        ("duplicate_collection", json!({"to": "mine"})),
        ("get_credential", Value::Null),
        ("revoke_credential", Value::Null),
        ("retire_credential", Value::Null),
        ("rotate_credential", wish),
        ("get_secret", Value::Null),
        ("add_secret_version", secret),
        ("list_secret_versions", Value::Null),
    ] {
        let ask = |id: &'static str| house.ask(TEAM, operation, json!({"id": id}), body.clone());
        let (foreign, absent) = (ask("foreign").await, ask("absent0").await);
        assert_eq!((foreign.status, absent.status), (404, 404), "{operation}: {}", foreign.text);
        assert_eq!(foreign.text.replace("foreign", "absent0"), absent.text, "{operation}");
    }
    for condition in [json!({"If-Match": "*"}), json!({"If-Match": "\"1\""})] {
        let mut parameters = condition;
        parameters["id"] = json!("foreign");
        let foreign = house.ask(TEAM, "put_client", parameters.clone(), put.clone()).await;
        parameters["id"] = json!("absent0");
        let absent = house.ask(TEAM, "put_client", parameters, put.clone()).await;
        assert_eq!(foreign.text, absent.text);
    }
    let issue = async |profile: &str| {
        house.ask(TEAM, "issue_credential", json!({}), json!({"profile": profile})).await
    };
    let (foreign, absent) = (issue("foreign/default").await, issue("absent0/default").await);
    assert_eq!(foreign.text.replace("foreign", "absent0"), absent.text);
    for (operation, parameters) in [
        ("explain_access", json!({"profile": "own/default", "operation": "foreign.list_orders"})),
        ("list_access", json!({"operation": "foreign.list_orders"})),
        ("get_operation", json!({"id": "foreign.list_orders"})),
    ] {
        let answer = house.ask(TEAM, operation, parameters, Value::Null).await;
        assert_eq!(answer.status, 404, "{operation}: {}", answer.text);
    }
}

#[tokio::test]
async fn nothing_is_taken_over_or_given_away() {
    let house = house().await;
    let client = |owner: &str| json!({"kind": "app", "owner": owner});
    let taken = house.ask(TEAM, "put_client", json!({"id": "foreign"}), client("shop-team")).await;
    assert_eq!(taken.status, 404, "{}", taken.text);
    let given = house.ask(TEAM, "put_client", json!({"id": "own"}), client("billing-team")).await;
    assert_eq!(given.status, 403, "{}", given.text);
    let new = house.ask(TEAM, "put_client", json!({"id": "new"}), client("billing-team")).await;
    assert_eq!(new.status, 403, "{}", new.text);
    house.done(TEAM, "put_client", json!({"id": "new"}), client("shop-team")).await;
    let limit = house.ask(TEAM, "put_limit", json!({"id": "mine"}), json!({"rate": "1/s"})).await;
    assert_eq!(limit.status, 403, "{}", limit.text);
    let upstream = json!({"url": "http://evil"});
    let upstream = house.ask(TEAM, "put_upstream", json!({"id": "mine"}), upstream).await;
    assert_eq!(upstream.status, 403, "{}", upstream.text);
}

#[tokio::test]
async fn a_secret_of_others_is_not_named_nor_the_machine_read() {
    let house = house().await;
    let collection = |secret: &str| {
        json!({"owner": "shop-team", "document": openapi(),
            "upstream": {"url": "http://evil", "auth": {"kind": "bearer", "secret": secret}}})
    };
    let put = async |secret: &str| {
        house.ask(TEAM, "put_collection", json!({"id": "mine"}), collection(secret)).await
    };
    assert_eq!(put("foreign").await.status, 404);
    assert_eq!(put("own").await.status, 200);
    for source in [json!({"env": "DATABASE_URL"}), json!({"file": "/etc/shadow"})] {
        let body = json!({"owner": "shop-team", "source": source});
        let answer = house.ask(TEAM, "put_secret", json!({"id": "read"}), body).await;
        assert_eq!(answer.status, 403, "{}", answer.text);
    }
    let vault = json!({"owner": "shop-team", "source": {"vault": {"address": "https://evil.example.com",
        "mount": "secret", "path": "x", "field": "y", "token": "foreign"}}});
    let answer = house.ask(TEAM, "put_secret", json!({"id": "read"}), vault).await;
    assert_eq!(answer.status, 404, "{}", answer.text);
}

#[tokio::test]
async fn a_collection_of_its_own_comes_with_its_document() {
    let house = house().await;
    let body = |owner: &str| json!({"id": "mine", "owner": owner, "upstream": "http://shop", "document": openapi(), "publish": true});
    let given = house.ask(TEAM, "import_collection", json!({}), body("billing-team")).await;
    assert_eq!(given.status, 403, "{}", given.text);
    house.done(TEAM, "import_collection", json!({}), body("shop-team")).await;
    let page = house.done(TEAM, "list_operations", json!({}), Value::Null).await;
    assert_eq!(page.ids(), ["mine.add_order", "mine.list_orders"]);
    house.done(TEAM, "delete_collection", json!({"id": "mine"}), Value::Null).await;
    let text = house.store.read().await.unwrap();
    assert!(!text.files.contains_key("documents/mine.json"));
}

#[tokio::test]
async fn what_is_about_everything_is_not_for_a_bounded_role() {
    let house = house().await;
    for operation in ["list_revisions", "diff_state", "compare_revisions", "get_revision"] {
        let (parameters, body) = match operation {
            "diff_state" => (json!({}), json!({"files": {}})),
            "compare_revisions" => (json!({"from": 0}), Value::Null),
            "get_revision" => (json!({"number": 1}), Value::Null),
            _ => (json!({}), Value::Null),
        };
        let answer = house.ask(TEAM, operation, parameters, body).await;
        assert_eq!(answer.status, 403, "{operation}: {}", answer.text);
    }
    let caller = crate::house::caller(TEAM);
    for operation in [
        "put_role",
        "put_guard",
        "put_issuer",
        "export_state",
        "query_audit",
        "check_audit",
        "list_audit_proofs",
        "get_audit_body",
        "forget_subject",
        "list_audit_purges",
        "propose_audit_purge",
        "approve_audit_purge",
        "list_deliveries",
        "apply_state",
        "rollback_revision",
        "rotate_audit_key",
    ] {
        assert!(house.plane.reach(&caller, operation).is_none(), "{operation}");
    }
    // Even if a role allowed it.
    for (operation, body) in [
        ("export_state", Value::Null),
        ("query_audit", Value::Null),
        ("check_audit", Value::Null),
        ("forget_subject", json!({"kind": "user", "id": "ann", "reason": "r"})),
        ("list_audit_purges", Value::Null),
        ("propose_audit_purge", json!({"older_than": "1d", "reason": "r"})),
        ("approve_audit_purge", Value::Null),
        ("reject_audit_purge", Value::Null),
        ("list_deliveries", Value::Null),
        ("apply_state", json!({"files": {}})),
        ("rotate_audit_key", json!({"reason": "r"})),
        ("rotate_signing_key", json!({})),
        ("withdraw_signing_key", Value::Null),
        ("put_role", json!({"allow": []})),
        ("put_guard", json!({"policy": "forbid (principal, action, resource);"})),
    ] {
        let mut call = house.call(crate::house::ADMIN, operation, &json!({"id": "mine"}), &body);
        call.query.clear();
        call.caller = caller.clone().into();
        call.reach.owners = vec!["shop-team".to_owned()];
        let answer = house.send(&call).await;
        assert_eq!(answer.status, 403, "{operation}: {}", answer.text);
    }
    let records = json!({"records": "1"});
    let mut call = house.call(crate::house::ADMIN, "list_audit_proofs", &records, &Value::Null);
    call.reach.owners = vec!["shop-team".to_owned()];
    assert_eq!(house.send(&call).await.status, 403);
}
