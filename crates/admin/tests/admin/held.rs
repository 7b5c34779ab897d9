//! Nobody gives what they do not hold.

use serde_json::{Value, json};

use crate::house::{ADMIN, EDITOR, House, TEAM, openapi};

fn client(owner: &str, roles: &Value) -> Value {
    json!({"kind": "app", "owner": owner, "profiles": {"default": {"roles": roles}}})
}

async fn house() -> House {
    let document = openapi().to_string();
    House::with(&[
        (
            "collections/shop.yaml",
            "owner: shop-team\nupstream: {url: http://shop}\ndocument: documents/shop.json\n",
        ),
        ("documents/shop.json", &document),
        ("roles/orders.yaml", "allow: [{operations: ['shop:*']}]\n"),
        ("roles/hidden.yaml", "allow: [{operations: ['onedoor:*']}]\n"),
        (
            "clients/old.yaml",
            "kind: app\nowner: x\nprofiles: {default: {roles: [admin], expires: 2020-01-01}}\n",
        ),
        (
            "clients/off.yaml",
            "kind: app\nowner: x\nenabled: false\nprofiles: {default: {roles: [admin]}}\n",
        ),
        (
            "credentials/old.yaml",
            &format!(
                "profile: boss/admin\nkind: api_key\nexpires: 2026-01-01\nhmac: {}\n",
                "ab".repeat(32)
            ),
        ),
    ])
    .await
}

#[tokio::test]
async fn an_editor_gives_what_its_collections_have_and_no_management_beyond_its_own() {
    let house = house().await;
    for (who, owner, role, want) in [
        (EDITOR, "x", json!("orders"), 200),
        (EDITOR, "x", json!("editor"), 200),
        (EDITOR, "x", json!("viewer"), 200),
        (EDITOR, "x", json!("admin"), 403),
        (EDITOR, "x", json!("auditor"), 403),
        (EDITOR, "x", json!("hidden"), 403),
        (EDITOR, "x", json!({"role": "admin", "owners": ["x"]}), 403),
        (ADMIN, "x", json!("admin"), 200),
        (ADMIN, "x", json!("auditor"), 200),
        (ADMIN, "x", json!("orders"), 200),
        (TEAM, "shop-team", json!("editor"), 403),
        (TEAM, "shop-team", json!({"role": "editor", "owners": ["shop-team"]}), 200),
        (TEAM, "shop-team", json!({"role": "editor", "owners": ["shop-team", "x"]}), 403),
        (TEAM, "shop-team", json!({"role": "viewer", "collections": ["shop"]}), 200),
    ] {
        let body = client(owner, &json!([role]));
        let id = json!({"id": format!("c-{owner}")});
        let answer = house.ask(who, "put_client", id, body).await;
        assert_eq!(answer.status, want, "{who} gives {role}: {}", answer.text);
        let is_said = answer.text.contains("you do not hold all of it");
        assert_eq!(is_said, want == 403, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_way_to_a_profile_gives_what_the_profile_has() {
    let house = house().await;
    let wish = json!({"profile": "boss/admin"});
    let refused = house.ask(EDITOR, "issue_credential", json!({}), wish.clone()).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert!(!refused.text.contains("odk_"));
    let refused = house.ask(EDITOR, "rotate_credential", json!({"id": "old"}), json!({})).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    // Nor is what has ended, or is off, brought back.
    let longer = json!({"profile": "boss/admin", "kind": "api_key", "expires": "2030-01-01"});
    let refused = house.ask(EDITOR, "put_credential", json!({"id": "old"}), longer).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let on = json!({"kind": "app", "owner": "x", "profiles": {"default": {"roles": ["admin"]}}});
    for id in ["off", "old"] {
        let refused = house.ask(EDITOR, "put_client", json!({"id": id}), on.clone()).await;
        assert_eq!(refused.status, 403, "{id}: {}", refused.text);
    }
    let external = json!({"profile": "boss/admin", "kind": "external", "expires": "2030-01-01",
        "issuer": "idp", "claims": {"azp": "me"}});
    let idp = json!({"issuer": "https://idp.example.com", "jwks_url": "https://idp.example.com/jwks",
        "audiences": ["door"], "algorithms": ["RS256"]});
    house.done(ADMIN, "put_issuer", json!({"id": "idp"}), idp).await;
    let refused = house.ask(EDITOR, "put_credential", json!({"id": "me"}), external).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    house.done(ADMIN, "issue_credential", json!({}), wish).await;
    house.done(EDITOR, "issue_credential", json!({}), json!({"profile": "boss/viewer"})).await;
}

#[tokio::test]
async fn what_only_takes_away_needs_nothing_held() {
    let house = house().await;
    house.done(EDITOR, "retire_credential", json!({"id": "old"}), Value::Null).await;
    house.done(EDITOR, "revoke_credential", json!({"id": "old"}), Value::Null).await;
    house.done(EDITOR, "delete_credential", json!({"id": "old"}), Value::Null).await;
    house.done(EDITOR, "put_client", json!({"id": "off"}), client("x", &json!([]))).await;
}

#[tokio::test]
async fn a_role_and_a_folder_give_too() {
    let house = house().await;
    // An operator whose roles allow everything but export_state and rollback_revision.
    let names: Vec<_> =
        admin::operations().iter().map(|it| format!("onedoor:{}", it.name)).collect();
    let most: Vec<_> =
        names.iter().filter(|it| !it.contains("export") && !it.contains("rollback")).collect();
    let role = json!({"allow": [{"operations": most}]});
    house.done(ADMIN, "put_role", json!({"id": "most"}), role).await;
    house.done(ADMIN, "put_client", json!({"id": "ops"}), client("x", &json!(["most"]))).await;
    let ops = "ops/default";
    let more = json!({"allow": [{"operations": ["onedoor:export_state"]}]});
    let refused = house.ask(ops, "put_role", json!({"id": "more"}), more).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let less = json!({"allow": [{"operations": ["onedoor:whoami"]}]});
    house.done(ops, "put_role", json!({"id": "less"}), less).await;
    for (path, text) in [
        ("clients/x.yaml", "kind: app\nowner: x\nprofiles: {p: {roles: [admin]}}\n"),
        ("roles/more.yaml", "allow: [{operations: ['onedoor:*']}]\n"),
    ] {
        for dry_run in [true, false] {
            let files = json!({"files": {path: text}, "dry_run": dry_run});
            let refused = house.ask(ops, "apply_state", json!({}), files).await;
            assert_eq!(refused.status, 403, "{}", refused.text);
        }
    }
    let files = json!({"files": {"clients/x.yaml": "kind: app\nowner: x\nprofiles: {p: {roles: [less]}}\n"}});
    house.done(ops, "apply_state", json!({}), files).await;
}

/// An operator of admissions, accounts and issuers, who holds nothing else.
async fn house_of_people() -> (House, &'static str) {
    let house = House::with(&[(
        "clients/agents.yaml",
        "kind: agent\nowner: x\nprofiles:\n  strong:\n    roles: [admin]\n    tokens: {grants: [authorization_code], public: true, redirect_uris: ['http://127.0.0.1/cb']}\n  weak:\n    roles: [people]\n    tokens: {grants: [client_credentials]}\n",
    ), (
        "roles/people.yaml",
        "allow: [{operations: ['onedoor:put_admission', 'onedoor:delete_admission', 'onedoor:put_user', 'onedoor:get_user', 'onedoor:put_issuer', 'onedoor:put_client']}]\n",
    ), (
        "clients/hr.yaml",
        "kind: app\nowner: x\nprofiles: {people: {roles: [people]}}\n",
    )])
    .await;
    (house, "hr/people")
}

/// The hash of the password "correct horse", of the least cost that is taken.
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$zcHJnbJqZjWvh1v6QXKJ2LFqHqJ6xg1vTrIM6Xh1Qk4";

#[tokio::test]
async fn a_way_for_people_gives_what_people_can_get_to() {
    let (house, people) = house_of_people().await;
    let admission = |profile: &str| json!({"profile": profile, "registrations": ["dynamic"]});
    let account = json!({"password": HASH});
    let provider = json!({"issuer": "https://idp.example.com", "discovery": true,
        "audiences": ["door"], "algorithms": ["RS256"],
        "sign_in": {"label": "Staff", "client_id": "door"}});
    let cases = [
        ("put_admission", "a", admission("agents/strong")),
        ("put_user", "ann", account.clone()),
        ("put_issuer", "idp", provider.clone()),
    ];
    for (operation, id, body) in &cases {
        let refused = house.ask(people, operation, json!({"id": id}), body.clone()).await;
        assert_eq!(refused.status, 403, "{operation}: {}", refused.text);
        assert!(refused.text.contains("you do not hold all of it"), "{}", refused.text);
        house.done(ADMIN, operation, json!({"id": id}), body.clone()).await;
    }
    // Other terms are another way to the same profile.
    let wider = json!({"kind": "agent", "owner": "x", "profiles": {"strong": {"roles": ["admin"],
        "tokens": {"grants": ["authorization_code"], "public": true,
            "redirect_uris": ["https://attacker.example/cb"]}}}});
    let refused = house.ask(people, "put_client", json!({"id": "agents"}), wider).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
}

#[tokio::test]
async fn the_hash_of_a_password_is_shown_to_nobody() {
    let (house, people) = house_of_people().await;
    house.done(ADMIN, "put_user", json!({"id": "ann"}), json!({"password": HASH})).await;
    for (who, operation) in [(ADMIN, "get_user"), (people, "get_user"), (ADMIN, "list_users")] {
        let answer = house.ask(who, operation, json!({"id": "ann"}), Value::Null).await;
        assert!(!answer.text.contains("argon2id"), "{operation}: {}", answer.text);
    }
}
