//! A client exchanges a token for one that goes less far.

use std::{sync::Arc, time::Duration};

use model::{
    Assignment, Credential, CredentialId, CredentialState, GrantType, ProfileId, Proof, RoleId,
};
use serde_json::{Value, json};

use crate::house::{Browser, House, SECRET, VERIFIER, authorize, claims, client, terms};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const BATCH: Option<(&str, &str)> = Some(("batch/main", SECRET));
const ORDERS: &str = "https://door.example/mcp/orders";

/// A house in which `batch/main` may exchange tokens.
async fn open() -> House {
    let mut house = House::open().await;
    change(&mut house, |roles, grants| {
        grants.push(GrantType::TokenExchange);
        roles.push(role("writer"));
    });
    house
}

fn change(house: &mut House, change: impl FnOnce(&mut Vec<Assignment>, &mut Vec<GrantType>)) {
    let batch = house.desired.clients.iter_mut().find(|it| it.id.as_str() == "batch").unwrap();
    let profile = Arc::make_mut(batch).profiles.first_mut().unwrap();
    change(&mut profile.roles, &mut profile.tokens.as_mut().unwrap().grants);
    house.declare();
}

fn role(id: &str) -> Assignment {
    Assignment::everywhere(RoleId::parse(id).unwrap())
}

/// A token of Ann's for `web/app`.
async fn token(house: &House, changes: &[(&str, &str)]) -> Value {
    let code = Browser::default().allow(house, &authorize(changes)).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "web/app"),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    house.post("/oauth/token", None, &form).await.1
}

fn access(answer: &Value) -> String {
    answer.get("access_token").and_then(Value::as_str).unwrap_or_default().to_owned()
}

async fn exchange(house: &House, subject: &str, changes: &[(&str, &str)]) -> (u16, Value) {
    let mut form = vec![
        ("grant_type", GRANT),
        ("subject_token", subject),
        ("subject_token_type", ACCESS_TOKEN),
    ];
    for (name, value) in changes {
        form.retain(|it| it.0 != *name);
        form.push((name, value));
    }
    house.post("/oauth/token", BATCH, &form).await
}

#[tokio::test]
async fn a_client_acts_for_the_person_within_what_both_may() {
    let house = open().await;
    let subject = token(&house, &[]).await;
    house.advance(300);
    let (status, answer) = exchange(&house, &access(&subject), &[("resource", ORDERS)]).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["issued_token_type"], ACCESS_TOKEN);
    assert_eq!((&answer["token_type"], &answer["expires_in"]), (&"Bearer".into(), &300.into()));
    assert!(answer.get("refresh_token").is_none());
    let (before, now) = (claims(&subject["access_token"]), claims(&answer["access_token"]));
    assert_eq!((&now["sub"], &now["aud"]), (&"local:ann".into(), &ORDERS.into()));
    assert_eq!(
        (&now["client_id"], &now["onedoor"]["profile"]),
        (&"batch/main".into(), &"batch/main".into())
    );
    // It has another role, which the token that it brought does not carry.
    assert_eq!((&now["scope"], &answer["scope"]), (&"role:reader".into(), &"role:reader".into()));
    assert_eq!(now["act"], serde_json::json!({"sub": "batch/main", "act": {"sub": "web/app"}}));
    assert_eq!(
        (&now["exp"], &now["onedoor"]["grant"]),
        (&before["exp"], &before["onedoor"]["grant"])
    );
    let again = exchange(&house, &access(&answer), &[]).await.1;
    assert_eq!(claims(&again["access_token"])["act"], now["act"]);
}

#[tokio::test]
async fn what_is_exchanged_is_promised_for_no_longer_than_what_the_first_was_given_by_lives() {
    let mut house = open().await;
    let subject = access(&token(&house, &[]).await);
    let ends = house.clock.now().plus(Duration::from_secs(100));
    let web = house.desired.clients.iter_mut().find(|it| it.id.as_str() == "web").unwrap();
    Arc::make_mut(web).profiles[0].expires = Some(ends);
    house.declare();
    let (_, answer) = exchange(&house, &subject, &[]).await;
    assert_eq!(answer["expires_in"], 100, "{answer}");
    assert_eq!(claims(&answer["access_token"])["exp"], ends.as_seconds());
}

#[tokio::test]
async fn what_ends_the_grant_ends_what_was_exchanged() {
    let house = open().await;
    let subject = token(&house, &[]).await;
    let exchanged = access(&exchange(&house, &access(&subject), &[]).await.1);
    let refresh = subject["refresh_token"].as_str().unwrap();
    let form = [("client_id", "web/app"), ("token", refresh)];
    assert_eq!(house.post("/oauth/revoke", None, &form).await.0, 200);
    for token in [&access(&subject), &exchanged] {
        assert_eq!(exchange(&house, token, &[]).await.1["error"], "invalid_request");
        let (_, answer) = house.post("/oauth/introspect", BATCH, &[("token", token)]).await;
        assert_eq!(answer["active"], false);
    }
    // A token without a grant is ended by itself, and so is what came of it.
    let form = [("grant_type", "client_credentials")];
    let own = access(&house.post("/oauth/token", BATCH, &form).await.1);
    let exchanged = access(&exchange(&house, &own, &[]).await.1);
    let form = [("token", own.as_str())];
    assert_eq!(house.post("/oauth/revoke", BATCH, &form).await.0, 200);
    let (_, answer) = house.post("/oauth/introspect", BATCH, &[("token", &exchanged)]).await;
    assert_eq!(answer["active"], false);
}

#[tokio::test]
async fn more_than_the_token_carries_is_not_given() {
    let house = open().await;
    let narrow = [("scope", "collection:orders"), ("resource", "https://door.example/mcp")];
    let orders = access(&token(&house, &narrow).await);
    let for_orders = access(&token(&house, &[("resource", ORDERS)]).await);
    let whole = access(&token(&house, &[]).await);
    for (subject, changes, want) in [
        (&whole, &[("scope", "role:writer")][..], "invalid_scope"),
        (&whole, &[("scope", "collection:orders")], "invalid_scope"),
        (&whole, &[("resource", "https://other.example")], "invalid_target"),
        (&whole, &[("resource", ORDERS), ("audience", "https://door.example")], "invalid_target"),
        (&for_orders, &[("resource", "https://door.example/mcp")], "invalid_target"),
        (&for_orders, &[("audience", "https://door.example/mcp/customers")], "invalid_target"),
        // It carries a collection, and no role beyond it.
        (&orders, &[], "invalid_scope"),
        (&orders, &[("resource", "https://door.example/mcp/customers")], "invalid_scope"),
    ] {
        let (status, answer) = exchange(&house, subject, changes).await;
        assert_eq!((status, answer["error"].as_str().unwrap()), (400, want), "{changes:?}");
    }
    let (_, answer) = exchange(&house, &orders, &[("resource", ORDERS)]).await;
    assert_eq!(answer["scope"], "role:reader");
    // Of the same profile, less is what is asked for.
    let form = [("grant_type", "client_credentials"), ("scope", "role:reader role:writer")];
    let own = access(&house.post("/oauth/token", BATCH, &form).await.1);
    let (_, less) = exchange(&house, &own, &[("scope", "role:writer")]).await;
    assert_eq!(less["scope"], "role:writer");
    assert!(claims(&less["access_token"]).get("act").is_none());
    let (_, more) = exchange(&house, &access(&less), &[("scope", "role:reader")]).await;
    assert_eq!(more["error"], "invalid_scope");
}

#[tokio::test]
async fn what_is_no_token_of_this_door_that_holds_is_not_exchanged() {
    let mut house = open().await;
    let subject = token(&house, &[]).await;
    let whole = access(&subject);
    let parts: Vec<_> = whole.split('.').collect();
    let [_, body, signature] = parts[..] else { panic!("{whole}") };
    // {"alg":"none","typ":"at+jwt"}
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{body}.");
    let forged = format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{body}.{signature}");
    let refresh = subject["refresh_token"].as_str().unwrap();
    let jwt = "urn:ietf:params:oauth:token-type:jwt";
    let id_token = "urn:ietf:params:oauth:token-type:id_token";
    for (token, changes, want) in [
        (&*whole, &[("subject_token_type", jwt), ("requested_token_type", jwt)][..], 200),
        (&*whole, &[("subject_token_type", id_token)], 400),
        (&*whole, &[("requested_token_type", id_token)], 400),
        (&*whole, &[("actor_token", &*whole), ("actor_token_type", jwt)], 400),
        (&*whole, &[("actor_token_type", jwt)], 400),
        (&*unsigned, &[], 400),
        (&*forged, &[], 400),
        (refresh, &[], 400),
        ("x.y.z", &[], 400),
    ] {
        let (status, answer) = exchange(&house, token, changes).await;
        assert_eq!(status, want, "{changes:?} {answer}");
        assert!(status == 200 || answer["error"] == "invalid_request", "{changes:?} {answer}");
    }
    let own = house.post("/oauth/token", BATCH, &[("grant_type", "client_credentials")]).await.1;
    let own = access(&own);
    let actor = [("actor_token", own.as_str()), ("actor_token_type", ACCESS_TOKEN)];
    assert_eq!(exchange(&house, &whole, &actor).await.0, 200);
    let users = std::mem::take(&mut house.desired.users);
    house.declare();
    assert_eq!(exchange(&house, &whole, &[]).await.0, 400);
    house.desired.users = users;
    house.declare();
    assert_eq!(exchange(&house, &whole, &[]).await.0, 200);
    house.advance(600);
    assert_eq!(exchange(&house, &whole, &[]).await.0, 400);
}

#[tokio::test]
async fn a_profile_exchanges_what_its_terms_let_it_and_for_whom() {
    let mut house = open().await;
    let whole = access(&token(&house, &[]).await);
    let form = [
        ("grant_type", GRANT),
        ("client_id", "web/app"),
        ("subject_token", &whole),
        ("subject_token_type", ACCESS_TOKEN),
    ];
    assert_eq!(house.post("/oauth/token", None, &form).await.1["error"], "unauthorized_client");
    let batch = house.desired.clients.iter_mut().find(|it| it.id.as_str() == "batch").unwrap();
    let terms = Arc::make_mut(batch).profiles[0].tokens.as_mut().unwrap();
    terms.groups = vec!["board".to_owned()];
    house.declare();
    assert_eq!(exchange(&house, &whole, &[]).await.1["error"], "invalid_request");
    change(&mut house, |roles, _| *roles = vec![role("writer")]);
    let batch = house.desired.clients.iter_mut().find(|it| it.id.as_str() == "batch").unwrap();
    let terms = Arc::make_mut(batch).profiles[0].tokens.as_mut().unwrap();
    terms.groups = vec!["staff".to_owned()];
    house.declare();
    assert_eq!(exchange(&house, &whole, &[]).await.1["error"], "invalid_scope");
    change(&mut house, |_, grants| grants.retain(|it| *it != GrantType::TokenExchange));
    assert_eq!(exchange(&house, &whole, &[]).await.1["error"], "unauthorized_client");
}

/// A house in which `relay/main` may exchange tokens of `batch/main`, with its secret.
async fn with_relay() -> (House, String) {
    let mut house = open().await;
    let grants = [GrantType::ClientCredentials, GrantType::TokenExchange];
    house.desired.clients.insert(2, client("relay", "main", terms(&grants, &[], false)));
    let secret = format!("{SECRET}-of-relay");
    let of_batch = Credential::clone(&house.desired.credentials[0]);
    house.desired.credentials.push(Arc::new(Credential {
        id: CredentialId::parse("relay-secret").unwrap(),
        profile: ProfileId::parse("relay/main").unwrap(),
        proof: Proof::ClientSecret { hash: house.pepper().hash(&secret) },
        ..of_batch
    }));
    house.declare();
    (house, secret)
}

async fn relayed(house: &House, secret: &str, subject: &str) -> (u16, Value) {
    let form =
        [("grant_type", GRANT), ("subject_token", subject), ("subject_token_type", ACCESS_TOKEN)];
    house.post("/oauth/token", Some(("relay/main", secret)), &form).await
}

#[tokio::test]
async fn a_client_acts_for_another_client_within_what_both_may() {
    let (house, secret) = with_relay().await;
    let form = [("grant_type", "client_credentials")];
    let first = access(&house.post("/oauth/token", BATCH, &form).await.1);
    let (status, answer) = relayed(&house, &secret, &first).await;
    assert_eq!(status, 200, "{answer}");
    let token = claims(&answer["access_token"]);
    assert_eq!((&token["sub"], &token["client_id"]), (&"batch/main".into(), &"relay/main".into()));
    assert_eq!(
        (&token["act"], &token["scope"]),
        (&json!({"sub": "relay/main"}), &"role:reader".into())
    );
    let jti = claims(&json!(first))["jti"].clone();
    let giver = json!({"profile": "batch/main", "credential": "batch-secret", "token": jti});
    assert_eq!(token["onedoor"]["givers"], json!([giver]));
    assert_eq!(token["onedoor"]["credential"], "relay-secret");
    // One after the other, and not without end.
    let mut last = access(&answer);
    let mut count = 1;
    loop {
        let (status, answer) = relayed(&house, &secret, &last).await;
        if status != 200 {
            assert_eq!((answer["error"].as_str().unwrap(), count), ("invalid_request", 8));
            break;
        }
        last = access(&answer);
        count += 1;
        let givers = claims(&answer["access_token"])["onedoor"]["givers"].clone();
        assert_eq!((givers.as_array().unwrap().len(), &givers[0]), (count, &giver));
    }
    // It is a token of the relay, and none of it for itself.
    let actor = [("actor_token", last.as_str()), ("actor_token_type", ACCESS_TOKEN)];
    let subject = token_of_ann(&house).await;
    let form =
        [("grant_type", GRANT), ("subject_token", &*subject), ("subject_token_type", ACCESS_TOKEN)];
    let form = [&form[..], &actor].concat();
    let (status, _) = house.post("/oauth/token", Some(("relay/main", &secret)), &form).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_token_that_comes_back_to_its_client_says_who_had_it_in_between() {
    let (house, secret) = with_relay().await;
    let form = [("grant_type", "client_credentials")];
    let first = access(&house.post("/oauth/token", BATCH, &form).await.1);
    let between = access(&relayed(&house, &secret, &first).await.1);
    let (status, back) = exchange(&house, &between, &[]).await;
    assert_eq!(status, 200, "{back}");
    let token = claims(&back["access_token"]);
    assert_eq!((&token["sub"], &token["client_id"]), (&"batch/main".into(), &"batch/main".into()));
    assert_eq!(token["act"], json!({"sub": "batch/main", "act": {"sub": "relay/main"}}));
    let (_, again) = relayed(&house, &secret, &access(&back)).await;
    let act = json!({"sub": "relay/main", "act": token["act"]});
    assert_eq!(claims(&again["access_token"])["act"], act);
}

async fn token_of_ann(house: &House) -> String {
    access(&token(house, &[]).await)
}

#[tokio::test]
async fn what_was_exchanged_is_not_exchanged_once_the_first_giver_is_gone() {
    let ends: [fn(&mut House, &str); 4] = [
        |house, _| {
            Arc::make_mut(&mut house.desired.credentials[0]).state = CredentialState::Revoked;
        },
        |house, _| {
            let batch = house.desired.clients.iter_mut().find(|it| it.id.as_str() == "batch");
            Arc::make_mut(batch.unwrap()).is_enabled = false;
        },
        |house, _| {
            let batch = house.desired.clients.iter_mut().find(|it| it.id.as_str() == "batch");
            Arc::make_mut(batch.unwrap()).profiles[0].is_enabled = false;
        },
        |house, jti| house.issuer.revoke(jti, house.clock.now().plus(Duration::from_secs(600))),
    ];
    for (number, end) in ends.into_iter().enumerate() {
        let (mut house, secret) = with_relay().await;
        let form = [("grant_type", "client_credentials")];
        let first = access(&house.post("/oauth/token", BATCH, &form).await.1);
        let second = access(&relayed(&house, &secret, &first).await.1);
        assert_eq!(relayed(&house, &secret, &second).await.0, 200, "{number}");
        let jti = claims(&json!(first))["jti"].as_str().unwrap().to_owned();
        end(&mut house, &jti);
        house.declare();
        let (status, answer) = relayed(&house, &secret, &second).await;
        assert_eq!((status, &answer["error"]), (400, &"invalid_request".into()), "{number}");
    }
}
