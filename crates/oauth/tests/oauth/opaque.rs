//! Tokens that say nothing to who holds them: this server says it, wherever it runs.

use std::{sync::Arc, time::Duration};

use model::GrantType;
use serde_json::{Value, json};

use crate::{
    house::{Browser, DOOR, House, SECRET, VERIFIER, authorize},
    key::Key,
};

const TOKEN: &str = "/oauth/token";
const BATCH: Option<(&str, &str)> = Some(("batch/main", SECRET));
const CLIENT: [(&str, &str); 1] = [("grant_type", "client_credentials")];
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// A house in which all profiles want opaque tokens, and `batch/main` may exchange.
async fn open() -> House {
    let mut house = House::open().await;
    for client in &mut house.desired.clients {
        let terms = Arc::make_mut(client).profiles[0].tokens.as_mut().unwrap();
        terms.is_opaque = true;
        if client.id.as_str() == "batch" {
            Arc::make_mut(client).profiles[0]
                .tokens
                .as_mut()
                .unwrap()
                .grants
                .push(GrantType::TokenExchange);
        }
    }
    house.declare();
    house
}

/// A token of the client's own.
async fn own(house: &House) -> String {
    access(&house.post(TOKEN, BATCH, &CLIENT).await.1)
}

/// Tokens of Ann's for `web/app`.
async fn of_ann(house: &House) -> Value {
    let code = Browser::default().allow(house, &authorize(&[])).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "web/app"),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    house.post(TOKEN, None, &form).await.1
}

fn access(answer: &Value) -> String {
    let token = answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    assert!(token.starts_with("oda_") && token.len() == 53 && !token.contains('.'), "{token}");
    token
}

async fn word(house: &House, token: &str) -> Value {
    house.post("/oauth/introspect", BATCH, &[("token", token)]).await.1
}

async fn exchange(house: &House, token: &str, more: &[(&str, &str)]) -> Value {
    let form =
        [("grant_type", EXCHANGE), ("subject_token", token), ("subject_token_type", ACCESS_TOKEN)];
    house.post(TOKEN, BATCH, &[&form[..], more].concat()).await.1
}

#[tokio::test]
async fn every_replica_says_what_an_opaque_token_is_good_for_until_its_end() {
    let mut house = open().await;
    let (own, ann) = (own(&house).await, access(&of_ann(&house).await));
    for replica in [false, true] {
        if replica {
            house.replica().await;
        }
        let said = word(&house, &own).await;
        assert_eq!((&said["active"], &said["sub"]), (&json!(true), &json!("batch/main")), "{said}");
        let said = word(&house, &ann).await;
        assert_eq!(
            (&said["sub"], &said["aud"]),
            (&json!("local:ann"), &json!(format!("{DOOR}/mcp")))
        );
        assert_eq!(said["act"], json!({ "sub": "web/app" }));
        // Neither is in the records, and nobody else's token is one.
        let records = format!("{:?}", house.log.records());
        assert!(!records.contains(&own) && !records.contains(&ann));
        for bad in
            [own.replace("oda_", "odb_"), format!("{own}x"), ann.get(..52).unwrap().to_owned()]
        {
            assert_eq!(word(&house, &bad).await, json!({ "active": false }));
        }
    }
    house.advance(599);
    assert_eq!(word(&house, &own).await["active"], true);
    house.advance(1);
    assert_eq!(word(&house, &own).await["active"], false);
}

#[tokio::test]
async fn an_opaque_token_is_promised_for_no_longer_than_what_it_was_given_by_lives() {
    let mut house = open().await;
    let now = house.clock.now();
    let later = |seconds| now.plus(Duration::from_secs(seconds));
    Arc::make_mut(&mut house.desired.credentials[0]).expires = later(60);
    Arc::make_mut(&mut house.desired.clients[2]).profiles[0].expires = Some(later(30));
    house.declare();
    let own = house.post(TOKEN, BATCH, &CLIENT).await.1;
    // Of a person's grant, which would live on.
    let ann = of_ann(&house).await;
    for (answer, want) in [(&own, 60_i64), (&ann, 30)] {
        assert_eq!(answer["expires_in"], want, "{answer}");
        let said = word(&house, &access(answer)).await;
        assert_eq!(
            (&said["active"], &said["exp"]),
            (&json!(true), &json!(now.as_seconds() + want))
        );
    }
}

#[tokio::test]
async fn the_store_has_no_token_that_could_be_shown() {
    let house = open().await;
    let token = own(&house).await;
    let files = std::fs::read_dir(house.folder()).unwrap().map(|it| it.unwrap().path());
    let kept: Vec<u8> = files.flat_map(|it| std::fs::read(it).unwrap()).collect();
    let has = |text: &str| kept.windows(text.len()).any(|it| it == text.as_bytes());
    // What it says is there, so this is where to look.
    assert!(has("batch/main") && has("client_id"));
    assert!(!has(&token) && !has(token.get(4..47).unwrap()));
}

#[tokio::test]
async fn an_opaque_token_that_was_given_back_is_good_nowhere() {
    let mut house = open().await;
    let (token, other) = (own(&house).await, own(&house).await);
    // By nobody but its client.
    let form = [("client_id", "web/app"), ("token", &token)];
    assert_eq!(house.post("/oauth/revoke", None, &form).await.0, 200);
    assert_eq!(word(&house, &token).await["active"], true);
    assert_eq!(house.post("/oauth/revoke", BATCH, &[("token", &token)]).await.0, 200);
    for replica in [false, true] {
        if replica {
            house.replica().await;
        }
        assert_eq!(word(&house, &token).await["active"], false, "{replica}");
        assert_eq!(word(&house, &other).await["active"], true, "{replica}");
        assert_eq!(exchange(&house, &token, &[]).await["error"], "invalid_request");
    }
}

#[tokio::test]
async fn an_opaque_token_ends_with_its_grant_also_where_nobody_told_of_it_yet() {
    let mut house = open().await;
    let tokens = of_ann(&house).await;
    let (token, refresh) = (access(&tokens), tokens["refresh_token"].as_str().unwrap());
    let exchanged = access(&exchange(&house, &token, &[]).await);
    let here = (Arc::clone(&house.server), Arc::clone(&house.issuer));
    house.replica().await;
    assert_eq!(word(&house, &token).await["active"], true);
    let elsewhere = (Arc::clone(&house.server), Arc::clone(&house.issuer));
    (house.server, house.issuer) = here;
    house.declare();
    let form = [("client_id", "web/app"), ("token", refresh)];
    assert_eq!(house.post("/oauth/revoke", None, &form).await.0, 200);
    for token in [&token, &exchanged] {
        assert_eq!(word(&house, token).await["active"], false);
    }
    (house.server, house.issuer) = elsewhere;
    house.declare();
    // Here nobody has read the news. One that was never seen is looked up, and the store knows.
    assert_eq!(word(&house, &exchanged).await["active"], false);
    // What was seen is looked up again within half a minute.
    house.advance(30);
    assert_eq!(word(&house, &token).await["active"], false);
}

#[tokio::test]
async fn opaque_tokens_are_exchanged_renewed_and_bound_as_signed_ones_are() {
    let house = open().await;
    let tokens = of_ann(&house).await;
    let answer =
        exchange(&house, &access(&tokens), &[("resource", "https://door.example/mcp/orders")])
            .await;
    let said = word(&house, &access(&answer)).await;
    assert_eq!((&said["sub"], &said["client_id"]), (&json!("local:ann"), &json!("batch/main")));
    assert_eq!(said["act"], json!({ "sub": "batch/main", "act": { "sub": "web/app" } }));
    let jwt = [("requested_token_type", JWT)];
    assert_eq!(exchange(&house, &access(&tokens), &jwt).await["error"], "invalid_request");
    // Also where the one that was brought has no grant that the store would know.
    let again = access(&exchange(&house, &own(&house).await, &[]).await);
    assert_eq!(word(&house, &again).await["active"], true);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "web/app"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ];
    let renewed = access(&house.post(TOKEN, None, &form).await.1);
    assert_eq!(word(&house, &renewed).await["sub"], "local:ann");
    let key = Key::new();
    let form = [&CLIENT[..], &[("client_id", "batch/main"), ("client_secret", SECRET)]].concat();
    let (_, answer, _) = house.prove(TOKEN, &key.proof(&house, TOKEN, &json!({})), &form).await;
    assert_eq!(answer["token_type"], "DPoP");
    assert_eq!(word(&house, &access(&answer)).await["cnf"]["jkt"], key.jkt());
    assert_eq!(exchange(&house, &access(&answer), &[]).await["error"], "invalid_request");
}
