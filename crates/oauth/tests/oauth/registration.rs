//! Clients that nobody registered: by a document about them, or by themselves.

use std::{net::IpAddr, sync::Arc, time::Duration};

use http::{HeaderMap, Method};
use identity::api_key;
use model::{KeyKind, Timestamp};
use oauth::follow;
use serde_json::{Value, json};
use store::Consent;
use tokio::task::JoinSet;

use crate::{
    given::{LOOPBACK, redeem},
    house::{Browser, DOCUMENT, House, PASSWORD, VERIFIER, authorize, claims},
    key::Key,
};

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const KEYS: &str = "https://keys.example/agent";

async fn register(house: &House, metadata: Value) -> (u16, Value) {
    let body = metadata.to_string();
    let answer = house.ask(Method::POST, "/oauth/register", HeaderMap::new(), body).await;
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
}

#[tokio::test]
async fn a_client_with_a_document_acts_as_the_profile_it_is_admitted_as() {
    let house = House::open().await;
    let target = authorize(&[("client_id", DOCUMENT), ("redirect_uri", LOOPBACK)]);
    let mut browser = Browser::default();
    let code = browser.allow(&house, &target).await;
    let (status, answer) = redeem(&house, (DOCUMENT, LOOPBACK), &code).await;
    assert_eq!(status, 200, "{answer}");
    let claims = claims(&answer["access_token"]);
    assert_eq!(claims["client_id"], DOCUMENT);
    assert_eq!(claims["onedoor"]["profile"], "agents/reader");
    assert_eq!(claims["onedoor"]["admission"], "staff-agents");
}

#[tokio::test]
async fn nobody_is_admitted_whom_no_rule_admits() {
    let mut house = House::open().await;
    let target = authorize(&[("client_id", DOCUMENT), ("redirect_uri", LOOPBACK)]);
    let mut browser = Browser::default();
    browser.open(&house, &target).await;
    browser.send(&house, "/oauth/sign-in", &[("name", "ben"), ("password", PASSWORD)]).await;
    assert_eq!(browser.status, 403);
    assert!(browser.page.contains("admits"), "{}", browser.page);
    Arc::make_mut(&mut house.desired.admissions[0]).hosts = vec!["other.example".to_owned()];
    house.declare();
    let mut browser = Browser::default();
    browser.open(&house, &target).await;
    assert!(browser.status == 401 && browser.location.is_none(), "{browser:?}");
    let unknown = "https://agent.example/unknown.json";
    let mut browser = Browser::default();
    browser.open(&house, &authorize(&[("client_id", unknown)])).await;
    assert!(browser.status == 401 && browser.location.is_none(), "{browser:?}");
}

#[tokio::test]
async fn a_client_registers_itself_where_that_is_admitted() {
    let mut house = House::open().await;
    let metadata = json!({ "redirect_uris": [LOOPBACK], "client_name": "Inspector",
        "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"] });
    let (status, client) = register(&house, metadata.clone()).await;
    assert_eq!(status, 201, "{client}");
    assert!(client.get("client_secret").is_none());
    let id = client["client_id"].as_str().unwrap().to_owned();
    let target = authorize(&[("client_id", &id), ("redirect_uri", LOOPBACK)]);
    let code = Browser::default().allow(&house, &target).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", &id),
        ("code", &code),
        ("redirect_uri", LOOPBACK),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(house.post("/oauth/token", None, &form).await.0, 200);
    house.desired.admissions.clear();
    house.declare();
    assert_eq!(register(&house, metadata).await.0, 403);
}

#[tokio::test]
async fn a_secret_that_was_given_at_registration_has_to_be_shown() {
    let house = House::open().await;
    let (_, client) = register(&house, json!({ "redirect_uris": [LOOPBACK] })).await;
    let id = client["client_id"].as_str().unwrap().to_owned();
    let secret = client["client_secret"].as_str().unwrap().to_owned();
    let target = authorize(&[("client_id", &id), ("redirect_uri", LOOPBACK)]);
    let code = Browser::default().allow(&house, &target).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", LOOPBACK),
        ("code_verifier", VERIFIER),
    ];
    let public = [&form[..], &[("client_id", &*id)]].concat();
    assert_eq!(house.post("/oauth/token", None, &public).await.0, 401);
    assert_eq!(house.post("/oauth/token", Some((&id, "ods_wrong")), &form).await.0, 401);
    assert_eq!(house.post("/oauth/token", Some((&id, &secret)), &form).await.0, 200);
    let kept = house.store.registration(&id).await.unwrap().unwrap();
    assert!(!kept.body.contains(&secret));
}

#[tokio::test]
async fn a_secret_that_was_given_at_registration_ends_after_ninety_days() {
    let life = Duration::from_secs(90 * 24 * 3600);
    let house = House::open().await;
    let (_, client) = register(&house, json!({ "redirect_uris": [LOOPBACK] })).await;
    let text = |name: &str| client[name].as_str().unwrap().to_owned();
    let (id, secret) = (text("client_id"), text("client_secret"));
    let (made, end) = (house.clock.now(), house.clock.now().plus(life));
    assert_eq!(client["client_secret_expires_at"], end.as_seconds());
    let public = json!({ "redirect_uris": [LOOPBACK], "token_endpoint_auth_method": "none" });
    let (_, public) = register(&house, public).await;
    assert!(public.get("client_secret_expires_at").is_none(), "{public}");
    let form = [("grant_type", "client_credentials")];
    let ask = async |id: &str, secret: &str| {
        let (status, answer) = house.post("/oauth/token", Some((id, secret)), &form).await;
        (status, answer.to_string().contains("register again"))
    };
    let facts = async || {
        let listed = house.server.self_described(None, 10).await.unwrap();
        let it = listed.into_iter().find(|it| it.client == id).unwrap();
        (it.registered, it.used, it.secret_expires)
    };
    assert_eq!(facts().await, (Some(made), None, Some(end)));
    house.advance(life.as_secs() - 1);
    // It is known, and may not do what it asks for.
    assert_eq!(ask(&id, &secret).await, (400, false));
    let used = Some(house.clock.now());
    assert_eq!(facts().await, (Some(made), used, Some(end)));
    // One of before this was so is as old as it is.
    let body = house.store.registration(&id).await.unwrap().unwrap().body;
    house.store.put_registration("dyn-old", &body, Timestamp::from_seconds(1)).await.unwrap();
    assert_eq!(ask("dyn-old", &secret).await, (401, true));
    house.advance(2 * 3600);
    // However often: it is not guessed.
    for _ in 0..30 {
        assert_eq!(ask(&id, &secret).await, (401, true));
    }
    assert_eq!(ask(&id, "ods_wrong").await, (401, false));
    assert_eq!(facts().await, (Some(made), used, Some(end)), "to ask for it does not keep it");
}

#[tokio::test]
async fn metadata_that_would_lead_people_astray_is_refused() {
    let house = House::open().await;
    for (metadata, want) in [
        (json!([]), "invalid_client_metadata"),
        (json!({}), "invalid_redirect_uri"),
        (json!({ "redirect_uris": [] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["http://evil.example/cb"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["javascript:alert(1)"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["intent://a.example/#Intent;end"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["search-ms:/query=x"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["myapp://cb"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["https://a.example/cb#x"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": [LOOPBACK], "client_name": 7 }), "invalid_client_metadata"),
        (
            json!({ "redirect_uris": [LOOPBACK], "token_endpoint_auth_method": "tls_client_auth" }),
            "invalid_client_metadata",
        ),
        (
            json!({ "redirect_uris": [LOOPBACK], "grant_types": ["password"] }),
            "invalid_client_metadata",
        ),
    ] {
        let (status, answer) = register(&house, metadata.clone()).await;
        assert_eq!((status, answer["error"].as_str().unwrap()), (400, want), "{metadata}");
    }
}

#[tokio::test]
async fn one_source_registers_only_so_many_clients() {
    let house = House::open().await;
    let metadata = json!({ "redirect_uris": [LOOPBACK] });
    for _ in 0..20 {
        // What is wrong costs nothing.
        assert_eq!(register(&house, json!({})).await.0, 400);
        assert_eq!(register(&house, metadata.clone()).await.0, 201);
    }
    let (status, answer) = register(&house, metadata.clone()).await;
    assert_eq!((status, &answer["error"]), (429, &"temporarily_unavailable".into()));
    let record = house.log.records().pop().unwrap().to_string();
    assert!(record.contains("192.0.2.1") && record.contains("this source"), "{record}");
    house.peer.set(IpAddr::from([192, 0, 2, 2]));
    assert_eq!(register(&house, metadata.clone()).await.0, 201);
    house.peer.set(IpAddr::from([192, 0, 2, 1]));
    house.advance(60);
    assert_eq!(register(&house, metadata.clone()).await.0, 201);
    assert_eq!(register(&house, metadata).await.0, 429);
}

#[tokio::test]
async fn all_sources_together_register_only_so_many_clients_in_an_hour() {
    let house = House::open().await;
    for number in 0..500 {
        let id = format!("dyn-{number}");
        house.store.put_registration(&id, "{}", house.clock.now()).await.unwrap();
    }
    let metadata = json!({ "redirect_uris": [LOOPBACK] });
    let (status, answer) = register(&house, metadata.clone()).await;
    assert_eq!((status, &answer["error"]), (503, &"temporarily_unavailable".into()));
    house.advance(3_601);
    assert_eq!(register(&house, metadata).await.0, 201);
}

#[tokio::test]
async fn what_came_to_nothing_is_forgotten_by_itself() {
    let house = House::open().await;
    let metadata = json!({ "redirect_uris": [LOOPBACK], "token_endpoint_auth_method": "none" });
    let mut ids = Vec::new();
    for _ in 0..2 {
        let (_, client) = register(&house, metadata.clone()).await;
        ids.push(client["client_id"].as_str().unwrap().to_owned());
    }
    let [unused, used] = &ids[..] else { panic!("{ids:?}") };
    let target = authorize(&[("client_id", used), ("redirect_uri", LOOPBACK)]);
    Browser::default().allow(&house, &target).await;
    let gone = Consent {
        subject: "local:ben".to_owned(),
        client: unused.clone(),
        body: "{}".to_owned(),
        given: house.clock.now(),
    };
    house.store.put_consent(&gone).await.unwrap();
    house.advance(24 * 3600 + 1);
    let mut following = JoinSet::new();
    following.spawn(follow(Arc::clone(&house.server)));
    let forgotten = async {
        while house.store.registration(unused).await.unwrap().is_some()
            || house.store.consent(&gone.subject, unused).await.unwrap().is_some()
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), forgotten).await.expect("it is forgotten");
    assert!(house.store.registration(used).await.unwrap().is_some());
    assert!(house.store.consent("local:ann", used).await.unwrap().is_some());
}

/// What becomes of who redeems a code as the client `id`, and signs by this key that it is.
async fn redeem_with(house: &House, (id, code): (&str, &str), key: Option<&Key>) -> (u16, Value) {
    let assertion = key.map(|it| it.assertion(house, id)).unwrap_or_default();
    // What is empty is as good as absent.
    let kind = if key.is_some() { ASSERTION } else { "" };
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", id),
        ("code", code),
        ("code_verifier", VERIFIER),
        ("client_assertion_type", kind),
        ("client_assertion", &assertion),
    ];
    house.post("/oauth/token", None, &form).await
}

#[tokio::test]
async fn a_client_gets_what_it_registered_for_and_is_told_what_that_is() {
    let house = House::open().await;
    let all = json!(["authorization_code", "refresh_token"]);
    for (named, want) in [
        (Value::Null, &all),
        (json!(["refresh_token", "implicit", "authorization_code"]), &all),
        (json!(["authorization_code"]), &json!(["authorization_code"])),
    ] {
        let metadata = json!({ "redirect_uris": [LOOPBACK], "grant_types": named,
            "token_endpoint_auth_method": "none" });
        let (_, client) = register(&house, metadata).await;
        assert_eq!(client["grant_types"], *want, "{named}");
        let id = client["client_id"].as_str().unwrap();
        let target = authorize(&[("client_id", id), ("redirect_uri", LOOPBACK)]);
        let code = Browser::default().allow(&house, &target).await;
        let (_, tokens) = redeem_with(&house, (id, &code), None).await;
        assert_eq!(tokens.get("refresh_token").is_some(), *want == all, "{tokens}");
    }
}

#[tokio::test]
async fn a_client_registers_the_keys_that_it_proves_itself_by() {
    let house = House::open().await;
    let key = Key::new();
    house.web().publish(KEYS, &json!({ "keys": [key.jwk()] }), None);
    for (name, value) in [("jwks", json!({ "keys": [key.jwk()] })), ("jwks_uri", json!(KEYS))] {
        let metadata = json!({ "redirect_uris": [LOOPBACK],
            "token_endpoint_auth_method": "private_key_jwt", name: value });
        let (status, client) = register(&house, metadata).await;
        assert_eq!((status, &client[name]), (201, &value), "{client}");
        assert_eq!(client["token_endpoint_auth_method"], "private_key_jwt");
        assert!(client.get("client_secret").is_none());
        let id = client["client_id"].as_str().unwrap().to_owned();
        let target = authorize(&[("client_id", &id), ("redirect_uri", LOOPBACK)]);
        let code = Browser::default().allow(&house, &target).await;
        let other = Key::new();
        for (key, want) in [(None, 401), (Some(&other), 401), (Some(&key), 200)] {
            assert_eq!(redeem_with(&house, (&id, &code), key).await.0, want, "{name}");
        }
    }
    for says in [
        json!({}),
        json!({ "jwks": { "keys": [] } }),
        json!({ "jwks": { "keys": [key.jwk()] }, "jwks_uri": KEYS }),
        json!({ "jwks_uri": "http://keys.example/agent" }),
        json!({ "jwks_uri": "https://u@keys.example/agent" }),
        json!({ "jwks": { "keys": [key.jwk()], "more": "x".repeat(17_000) } }),
    ] {
        let mut metadata = json!({ "redirect_uris": [LOOPBACK],
            "token_endpoint_auth_method": "private_key_jwt" });
        metadata.as_object_mut().unwrap().extend(says.as_object().unwrap().clone());
        let (status, answer) = register(&house, metadata).await;
        assert_eq!((status, &answer["error"]), (400, &"invalid_client_metadata".into()), "{says}");
    }
}

#[tokio::test]
async fn an_admission_by_software_lets_in_who_names_it_and_nobody_else() {
    let mut house = House::open().await;
    let admission = Arc::make_mut(&mut house.desired.admissions[0]);
    admission.software = vec!["inspector".to_owned(), "assistant".to_owned()];
    house.declare();
    for (software, want) in
        [(json!("inspector"), true), (json!("Inspector"), false), (Value::Null, false)]
    {
        let metadata = json!({ "redirect_uris": [LOOPBACK], "software_id": software });
        let (_, client) = register(&house, metadata).await;
        let id = client["client_id"].as_str().unwrap();
        let mut document = json!({ "client_id": DOCUMENT, "redirect_uris": [LOOPBACK] });
        document["software_id"] = software.clone();
        house.web().publish(DOCUMENT, &document, None);
        house.advance(300);
        for id in [id, DOCUMENT] {
            let mut browser = Browser::default();
            let target = authorize(&[("client_id", id), ("redirect_uri", LOOPBACK)]);
            browser.open(&house, &target).await;
            let filled = [("name", "ann"), ("password", PASSWORD)];
            browser.send(&house, "/oauth/sign-in", &filled).await;
            let is_admitted = browser.page.contains("/oauth/consent");
            assert_eq!(is_admitted, want, "{software} {id}: {}", browser.page);
        }
    }
}

#[tokio::test]
async fn a_person_is_warned_of_a_client_that_nobody_vouches_for() {
    let house = House::open().await;
    let metadata = json!({ "redirect_uris": [LOOPBACK], "client_name": "Trusted Bank" });
    let (_, client) = register(&house, metadata).await;
    let id = client["client_id"].as_str().unwrap();
    let mut browser = Browser::default();
    browser.open(&house, &authorize(&[("client_id", id), ("redirect_uri", LOOPBACK)])).await;
    browser.send(&house, "/oauth/sign-in", &[("name", "ann"), ("password", PASSWORD)]).await;
    for want in ["Trusted Bank", "nobody vouches for its name", "It runs on this computer"] {
        assert!(browser.page.contains(want), "{want}: {}", browser.page);
    }
}

#[tokio::test]
async fn a_secret_that_was_found_ends_its_client_and_all_that_it_was_given() {
    let house = House::open().await;
    let (_, client) = register(&house, json!({ "redirect_uris": [LOOPBACK] })).await;
    let text = |name: &str| client[name].as_str().unwrap().to_owned();
    let (id, secret) = (text("client_id"), text("client_secret"));
    // Scanners know it by its form.
    assert_eq!(api_key::kind(&secret), Some(KeyKind::ClientSecret), "{secret}");
    let target = authorize(&[("client_id", &id), ("redirect_uri", LOOPBACK)]);
    let code = Browser::default().allow(&house, &target).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("code_verifier", VERIFIER),
    ];
    let (_, given) = house.post("/oauth/token", Some((&id, &secret)), &form).await;
    let grant = claims(&given["access_token"])["onedoor"]["grant"].as_str().unwrap().to_owned();
    let end = async |secret: &str| {
        let hashes = house.pepper().hashes(secret);
        house.server.end_registered_client(&hashes).await.unwrap()
    };
    assert_eq!(end("ods_of-nobody").await, None);
    assert!(!house.issuer.is_revoked(&grant));
    assert_eq!(end(&secret).await, Some(id.clone()));
    assert!(house.issuer.is_revoked(&grant));
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "odr_x")];
    assert_eq!(house.post("/oauth/token", Some((&id, &secret)), &refresh).await.0, 401);
    assert!(house.store.grant(&grant).await.unwrap().unwrap().revoked.is_some());
    assert_eq!(end(&secret).await, None);
}
