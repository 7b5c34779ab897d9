//! An enterprise's provider says that a client may act for a person, and no page is shown.

use std::{sync::Arc, time::Duration};

use model::{GrantType, TokenTerms};
use serde_json::{Value, json};

use crate::{
    house::{DOCUMENT, DOOR, House, SECRET, claims},
    idp::{BRINGER, IDP, Idp},
    key::Key,
};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const BATCH: Option<(&str, &str)> = Some(("batch/main", SECRET));
const MCP: &str = "https://door.example/mcp";

/// A house in which `batch/main` may bring assertions.
async fn open() -> House {
    let mut house = House::open().await;
    house.desired.issuers.push(Arc::new(Idp::issuer()));
    change(&mut house, "batch", |terms| terms.grants.push(GrantType::JwtBearer));
    house
}

fn change(house: &mut House, client: &str, change: impl FnOnce(&mut TokenTerms)) {
    let client = house.desired.clients.iter_mut().find(|it| it.id.as_str() == client).unwrap();
    change(Arc::make_mut(client).profiles[0].tokens.as_mut().unwrap());
    house.declare();
}

/// An assertion for Eve with these members of its header and its claims in place of the usual ones; null
/// ones are left out.
fn assertion(house: &House, header: Value, claims: Value) -> String {
    let now = house.clock.now().as_seconds();
    let merged = |mut whole: Value, changes: Value| {
        for (name, value) in changes.as_object().unwrap() {
            whole[name] = value.clone();
        }
        whole.as_object_mut().unwrap().retain(|_, it| !it.is_null());
        whole
    };
    let usual_header = json!({ "alg": "ES256", "kid": "k", "typ": "oauth-id-jag+jwt" });
    let usual = json!({
        "iss": IDP, "sub": "Eve 1", "aud": DOOR, "client_id": "batch/main",
        "jti": uuid::Uuid::new_v4().to_string(), "iat": now, "exp": now + 300,
        "resource": MCP, "scope": "role:reader", "realm": { "groups": ["staff"] },
    });
    house.idp.sign(&merged(usual_header, header), &merged(usual, claims))
}

async fn bring(house: &House, assertion: &str, more: &[(&str, &str)]) -> (u16, Value) {
    let form = [&[("grant_type", GRANT), ("assertion", assertion)], more].concat();
    house.post("/oauth/token", BATCH, &form).await
}

/// What the record says of the last request.
fn recorded(house: &House) -> String {
    house.log.records().last().unwrap().to_string()
}

#[tokio::test]
async fn a_client_acts_for_whom_the_provider_says_without_a_page() {
    let house = open().await;
    let brought = assertion(&house, json!({}), json!({}));
    let (status, answer) = bring(&house, &brought, &[]).await;
    assert_eq!(status, 200, "{answer}");
    let record = recorded(&house);
    assert!(record.contains("token.issue") && record.contains("corp:Eve 1"), "{record}");
    assert!(!record.contains(&brought), "{record}");
    assert_eq!(
        (&answer["token_type"], &answer["scope"]),
        (&json!("Bearer"), &json!("role:reader"))
    );
    assert!(answer.get("refresh_token").is_none(), "{answer}");
    let token = claims(&answer["access_token"]);
    assert_eq!((&token["sub"], &token["aud"]), (&json!("corp:Eve 1"), &json!(MCP)));
    assert_eq!(
        (&token["client_id"], &token["act"], &token["scope"]),
        (&json!("batch/main"), &json!({ "sub": "batch/main" }), &json!("role:reader"))
    );
    assert_eq!(token["onedoor"]["profile"], "batch/main");
    let grant = token["onedoor"]["grant"].as_str().unwrap();
    let kept = house.store.grant(grant).await.unwrap().unwrap();
    assert_eq!((kept.subject.as_deref(), &*kept.client), (Some("corp:Eve 1"), "batch/main"));
    assert_eq!(kept.expires.as_seconds(), token["exp"].as_i64().unwrap());
    // What it belongs to ends it.
    let access = answer["access_token"].as_str().unwrap();
    let active = async || house.post("/oauth/introspect", BATCH, &[("token", access)]).await.1;
    assert_eq!(active().await["active"], true);
    house.issuer.revoke(grant, kept.expires);
    assert_eq!(active().await["active"], false);
}

#[tokio::test]
async fn a_token_and_its_grant_end_with_the_credential_that_it_was_got_by() {
    let mut house = open().await;
    let ends = house.clock.now().plus(Duration::from_secs(60));
    Arc::make_mut(&mut house.desired.credentials[0]).expires = ends;
    house.declare();
    let brought = assertion(&house, json!({}), json!({}));
    let (status, answer) = bring(&house, &brought, &[]).await;
    assert_eq!((status, &answer["expires_in"]), (200, &json!(60)), "{answer}");
    let token = claims(&answer["access_token"]);
    let kept = house.store.grant(token["onedoor"]["grant"].as_str().unwrap()).await.unwrap();
    assert_eq!((&token["exp"], kept.unwrap().expires), (&json!(ends.as_seconds()), ends));
}

#[tokio::test]
async fn an_assertion_with_anything_wrong_in_it_leads_to_no_token() {
    let house = open().await;
    let now = house.clock.now().as_seconds();
    for (changes, why) in [
        (json!({ "iss": "https://other.example" }), "iss"),
        (json!({ "iss": null }), "iss"),
        (json!({ "iss": format!("{IDP}/") }), "iss"),
        (json!({ "aud": "https://other.example" }), "aud"),
        (json!({ "aud": format!("{DOOR}/") }), "aud"),
        (json!({ "aud": format!("{DOOR}/oauth/token") }), "aud"),
        (json!({ "aud": [DOOR, "https://other.example"] }), "aud"),
        (json!({ "aud": [DOOR, DOOR] }), "aud"),
        (json!({ "aud": null }), "aud"),
        (json!({ "exp": now }), "expired"),
        (json!({ "exp": null }), "exp"),
        (json!({ "exp": now + 661 }), "exp"),
        (json!({ "iat": now - 301 }), "exp"),
        (json!({ "iat": null }), "iat"),
        (json!({ "iat": now + 61, "exp": now + 300 }), "iat"),
        (json!({ "nbf": now + 61 }), "nbf"),
        (json!({ "sub": null }), "sub"),
        (json!({ "sub": "" }), "sub"),
        (json!({ "sub": "x".repeat(300) }), "person"),
        (json!({ "jti": null }), "jti"),
        (json!({ "jti": "" }), "jti"),
        (json!({ "client_id": "web/app" }), "client_id"),
        (json!({ "client_id": ["batch/main"] }), "client_id"),
        (json!({ "client_id": null }), "client_id"),
        (json!({ "cnf": { "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" } }), "cnf"),
        (json!({ "cnf": { "x5t#S256": "x" } }), "cnf"),
        (json!({ "cnf": { "jwk": {} } }), "bound"),
        (json!({ "act": { "sub": "another" } }), "act"),
        (json!({ "authorization_details": [] }), "authorization_details"),
        (json!({ "tenant": "t1" }), "tenant"),
        (json!({ "aud_tenant": "t1" }), "aud_tenant"),
        (json!({ "resource": "https://other.example/mcp" }), "resource"),
        (json!({ "resource": [1] }), "resource"),
        (json!({ "scope": ["role:reader"] }), "scope"),
    ] {
        let brought = assertion(&house, json!({}), changes.clone());
        refuses(&house, &brought, why, &changes).await;
    }
    for (aud, exp) in [(json!([DOOR]), 300), (json!(DOOR), 600)] {
        let good = assertion(&house, json!({}), json!({ "aud": aud, "exp": now + exp }));
        assert_eq!(bring(&house, &good, &[]).await.0, 200, "{aud} {exp}");
    }
}

#[tokio::test]
async fn what_is_signed_for_something_else_or_by_nobody_is_no_assertion() {
    let house = open().await;
    for (header, why) in [
        (json!({ "typ": null }), "typ"),
        (json!({ "typ": "JWT" }), "typ"),
        (json!({ "typ": "at+jwt" }), "typ"),
        (json!({ "alg": "none" }), "alg"),
        (json!({ "alg": "HS256" }), "alg"),
        (json!({ "alg": "RS256" }), "alg"),
        (json!({ "kid": "other" }), "kid"),
    ] {
        let brought = assertion(&house, header.clone(), json!({}));
        refuses(&house, &brought, why, &header).await;
    }
    let good = assertion(&house, json!({}), json!({}));
    let other = assertion(&house, json!({}), json!({ "sub": "Eve 2" }));
    let (signed, _) = good.rsplit_once('.').unwrap();
    let (_, signature) = other.rsplit_once('.').unwrap();
    refuses(&house, &format!("{signed}.{signature}"), "signature", &json!("swapped")).await;
    refuses(&house, &format!("{signed}."), "parts", &json!("unsigned")).await;
    refuses(&house, "x.y.z", "", &json!("no jwt")).await;
    assert_eq!(bring(&house, &good, &[]).await.0, 200);
    let form = [("grant_type", GRANT)];
    assert_eq!(house.post("/oauth/token", BATCH, &form).await.1["error"], "invalid_request");
}

async fn refuses(house: &House, brought: &str, why: &str, what: &Value) {
    let (status, answer) = bring(house, brought, &[]).await;
    let (error, record) = (answer["error"].as_str(), recorded(house));
    assert_eq!((status, error), (400, Some("invalid_grant")), "{what} {answer} {record}");
    assert!(record.contains(why) && record.contains("refused"), "{what}: {record}");
}

#[tokio::test]
async fn an_assertion_that_is_bound_to_a_key_leads_to_a_token_that_is() {
    let (house, key) = (open().await, Key::new());
    let bound = json!({ "cnf": { "jkt": key.jkt() } });
    let brought = assertion(&house, json!({}), bound.clone());
    let form = [
        ("grant_type", GRANT),
        ("assertion", &*brought),
        ("client_id", "batch/main"),
        ("client_secret", SECRET),
    ];
    let by = async |key: &Key| {
        let proof = key.proof(&house, "/oauth/token", &json!({}));
        house.prove("/oauth/token", &proof, &form).await.1
    };
    refuses(&house, &brought, "cnf", &bound).await;
    assert_eq!(by(&Key::new()).await["error"], "invalid_grant");
    let answer = by(&key).await;
    assert_eq!((&answer["token_type"], answer.get("refresh_token")), (&json!("DPoP"), None));
    assert_eq!(claims(&answer["access_token"])["cnf"], bound["cnf"]);
}

#[tokio::test]
async fn an_assertion_is_good_once_on_all_replicas() {
    let mut house = open().await;
    let brought = assertion(&house, json!({}), json!({ "jti": "j1" }));
    assert_eq!(bring(&house, &brought, &[]).await.0, 200);
    refuses(&house, &brought, "before", &json!("again")).await;
    // Also where the provider signs another one of that name.
    let other = assertion(&house, json!({}), json!({ "jti": "j1", "sub": "Eve 2" }));
    refuses(&house, &other, "before", &json!("the same jti")).await;
    house.restart(oauth::Algorithm::EdDsa).await;
    refuses(&house, &brought, "before", &json!("elsewhere")).await;
    // What was refused for what was asked besides is not used up.
    let next = assertion(&house, json!({}), json!({ "jti": "j2" }));
    assert_eq!(bring(&house, &next, &[("scope", "role:writer")]).await.0, 400);
    assert_eq!(bring(&house, &next, &[]).await.0, 200);
}

#[tokio::test]
async fn no_more_is_given_than_the_assertion_carries() {
    let house = open().await;
    let orders = "https://door.example/mcp/orders";
    let other = "https://other.example/mcp";
    for (changes, asked, want) in [
        (json!({}), vec![("resource", MCP), ("scope", "role:reader")], Ok((MCP, "role:reader"))),
        (json!({ "scope": null }), vec![("scope", "role:reader")], Ok((MCP, "role:reader"))),
        (json!({ "scope": null }), vec![], Ok((MCP, ""))),
        (json!({ "scope": "openid role:reader email" }), vec![], Ok((MCP, "role:reader"))),
        (json!({}), vec![("scope", "role:writer")], Err("invalid_scope")),
        (json!({}), vec![("scope", "role:reader role:writer")], Err("invalid_scope")),
        (json!({ "scope": "openid email" }), vec![], Err("invalid_scope")),
        (json!({ "scope": "" }), vec![("scope", "role:reader")], Err("invalid_scope")),
        (json!({ "resource": null }), vec![], Ok((DOOR, "role:reader"))),
        (json!({ "resource": null }), vec![("resource", MCP)], Ok((MCP, "role:reader"))),
        (json!({ "resource": [MCP] }), vec![], Ok((MCP, "role:reader"))),
        (json!({ "resource": [MCP, DOOR] }), vec![], Err("invalid_target")),
        (json!({ "resource": [] }), vec![], Err("invalid_target")),
        (json!({ "resource": [other, DOOR] }), vec![("resource", MCP)], Ok((MCP, "role:reader"))),
        (json!({ "resource": other }), vec![("resource", MCP)], Err("invalid_target")),
        (json!({ "resource": [] }), vec![("resource", MCP)], Err("invalid_target")),
        (json!({}), vec![("resource", other)], Err("invalid_target")),
        (json!({}), vec![("resource", orders)], Ok((orders, "role:reader"))),
        (json!({ "resource": orders }), vec![("resource", MCP)], Err("invalid_target")),
        (json!({ "resource": orders }), vec![], Ok((orders, "role:reader"))),
    ] {
        let brought = assertion(&house, json!({}), changes.clone());
        let (_, answer) = bring(&house, &brought, &asked).await;
        match want {
            Err(error) => assert_eq!(answer["error"], error, "{changes} {asked:?} {answer}"),
            Ok((aud, scope)) => {
                assert!(answer["access_token"].is_string(), "{changes} {asked:?} {answer}");
                let token = claims(&answer["access_token"]);
                let carried = token["scope"].as_str().unwrap_or_default();
                assert_eq!((token["aud"].as_str(), carried), (Some(aud), scope), "{changes}");
                assert_eq!(answer["scope"].as_str().unwrap_or_default(), scope, "{changes}");
            }
        }
    }
}

#[tokio::test]
async fn who_may_act_for_whom_is_as_where_people_sign_in() {
    let mut house = open().await;
    for (groups, said, is_given) in [
        (vec!["staff"], json!({}), true),
        (vec!["board"], json!({}), false),
        (vec!["staff"], json!({ "realm": null }), false),
        (vec!["staff"], json!({ "realm": { "groups": "staff" } }), true),
        (vec![], json!({ "realm": null }), true),
    ] {
        let groups: Vec<_> = groups.into_iter().map(str::to_owned).collect();
        change(&mut house, "batch", |terms| terms.groups.clone_from(&groups));
        let brought = assertion(&house, json!({}), said.clone());
        match is_given {
            true => assert_eq!(bring(&house, &brought, &[]).await.0, 200, "{groups:?} {said}"),
            false => refuses(&house, &brought, "group", &said).await,
        }
    }
    let whole = house.desired.issuers[0].clone();
    for change in [(|it| it.is_enabled = false) as fn(&mut model::Issuer), |it| it.sign_in = None] {
        change(Arc::make_mut(&mut house.desired.issuers[0]));
        house.declare();
        refuses(&house, &assertion(&house, json!({}), json!({})), "iss", &json!("gone")).await;
        house.desired.issuers[0] = Arc::clone(&whole);
    }
    house.declare();
    let brought = assertion(&house, json!({}), json!({}));
    assert_eq!(bring(&house, &brought, &[]).await.0, 200);
}

#[tokio::test]
async fn only_clients_that_prove_who_they_are_and_have_the_grant_bring_assertions() {
    let mut house = open().await;
    let brought = assertion(&house, json!({}), json!({ "client_id": "web/app" }));
    let form = [("grant_type", GRANT), ("assertion", &*brought), ("client_id", "web/app")];
    change(&mut house, "web", |terms| terms.grants.push(GrantType::JwtBearer));
    assert_eq!(house.post("/oauth/token", None, &form).await.1["error"], "unauthorized_client");
    change(&mut house, "agents", |terms| terms.grants.push(GrantType::JwtBearer));
    let brought = assertion(&house, json!({}), json!({ "client_id": DOCUMENT }));
    let form = [("grant_type", GRANT), ("assertion", &*brought), ("client_id", DOCUMENT)];
    assert_eq!(house.post("/oauth/token", None, &form).await.1["error"], "unauthorized_client");
    change(&mut house, "batch", |terms| terms.grants.retain(|it| *it != GrantType::JwtBearer));
    let brought = assertion(&house, json!({}), json!({}));
    assert_eq!(bring(&house, &brought, &[]).await.1["error"], "unauthorized_client");
}

#[tokio::test]
async fn a_client_that_describes_itself_brings_one_where_an_admission_lets_it() {
    let mut house = open().await;
    let bring = async |house: &House, groups: &str| {
        let now = house.clock.now().as_seconds();
        let jti = uuid::Uuid::new_v4().to_string();
        let own =
            json!({ "iss": BRINGER, "sub": BRINGER, "aud": DOOR, "jti": jti, "exp": now + 60 });
        let own = house.idp.sign(&json!({ "alg": "ES256", "kid": "k" }), &own);
        let said = json!({ "client_id": BRINGER, "realm": { "groups": [groups] } });
        let brought = assertion(house, json!({}), said);
        let form = [
            ("grant_type", GRANT),
            ("assertion", &*brought),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &own),
        ];
        house.post("/oauth/token", None, &form).await.1
    };
    // The admission's profile does not have the grant.
    assert_eq!(bring(&house, "staff").await["error"], "unauthorized_client");
    change(&mut house, "agents", |terms| terms.grants.push(GrantType::JwtBearer));
    let answer = bring(&house, "staff").await;
    let token = claims(&answer["access_token"]);
    let own = &token["onedoor"];
    assert_eq!(
        (&own["profile"], &own["admission"]),
        (&"agents/reader".into(), &"staff-agents".into())
    );
    assert_eq!((&token["sub"], &token["client_id"]), (&"corp:Eve 1".into(), &BRINGER.into()));
    assert_eq!(bring(&house, "guests").await["error"], "invalid_grant");
}
