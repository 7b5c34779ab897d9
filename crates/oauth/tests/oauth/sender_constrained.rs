//! Tokens are bound to what who asks for them holds, and so is what renews them.

use std::sync::Arc;

use http::{HeaderMap, Method};
use model::{
    ClientCertificate, Credential, CredentialId, CredentialState, GrantType, ProfileId, Timestamp,
    TokenBinding, TokenTerms,
};
use serde_json::{Value, json};
use store::{Digest, Taken};

use crate::{
    house::{BACK, Browser, House, PASSWORD, SECRET, VERIFIER, authorize, challenge, claims},
    key::{Key, encode},
};

const TOKEN: &str = "/oauth/token";
const BATCH: [(&str, &str); 2] = [("client_id", "batch/main"), ("client_secret", SECRET)];
const CLIENT: [(&str, &str); 1] = [("grant_type", "client_credentials")];
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

fn terms(house: &mut House, client: &str, change: impl FnOnce(&mut TokenTerms)) {
    let found = house.desired.clients.iter_mut().find(|it| it.id.as_str() == client).unwrap();
    let profile = Arc::make_mut(found).profiles.first_mut().unwrap();
    change(profile.tokens.as_mut().unwrap());
    house.declare();
}

/// Asks for a token with a new proof by `key`.
async fn ask(house: &House, key: &Key, form: &[(&str, &str)]) -> (u16, Value) {
    let proof = key.proof(house, TOKEN, &json!({}));
    let (status, answer, _) = house.prove(TOKEN, &proof, form).await;
    (status, answer)
}

fn redemption(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("client_id", "web/app"),
        ("code", code),
        ("code_verifier", VERIFIER),
    ]
}

fn renewal(answer: &Value) -> [(&str, &str); 3] {
    let token = answer["refresh_token"].as_str().unwrap();
    [("grant_type", "refresh_token"), ("client_id", "web/app"), ("refresh_token", token)]
}

/// Lets a client prove itself by a secret. Its profile stays public besides.
fn give_secret(house: &mut House) {
    let credential = Credential {
        id: CredentialId::parse("web-secret").unwrap(),
        profile: ProfileId::parse("web/app").unwrap(),
        ..(*house.desired.credentials[0]).clone()
    };
    house.desired.credentials.push(Arc::new(credential));
    house.declare();
}

/// Makes of a refresh token one that a version before wrote, which had no key to bind it to.
async fn written_before(house: &House, answer: &Value) {
    let text = answer["refresh_token"].as_str().unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let digest: Digest = digest.as_ref().try_into().unwrap();
    let found = house.store.peek_handle(&digest, "refresh", house.clock.now()).await.unwrap();
    let Taken::First(handle) = found else { panic!("it is not there") };
    assert!(house.store.replace_body(&digest, "refresh", "", &handle.body).await.unwrap());
}

#[track_caller]
fn refused((status, answer): (u16, Value), want: &str) {
    assert_eq!((status, &answer["error"]), (400, &want.into()), "{answer}");
}

fn certificate(byte: u8) -> ClientCertificate {
    ClientCertificate {
        thumbprint: [byte; 32],
        is_trusted: true,
        subject: "CN=app".to_owned(),
        names: Vec::new(),
        expires: Timestamp::from_seconds(1_900_000_000),
    }
}

#[tokio::test]
async fn a_token_is_bound_to_the_key_that_was_proved_and_says_so() {
    let (house, key) = (House::open().await, Key::new());
    let form = [&CLIENT[..], &BATCH].concat();
    let (status, answer) = ask(&house, &key, &form).await;
    assert_eq!((status, &answer["token_type"]), (200, &"DPoP".into()), "{answer}");
    assert_eq!(claims(&answer["access_token"])["cnf"], json!({"jkt": key.jkt()}));
    let asked = [&BATCH[..], &[("token", answer["access_token"].as_str().unwrap())]].concat();
    let (_, word) = house.post("/oauth/introspect", None, &asked).await;
    assert_eq!((&word["active"], &word["token_type"]), (&true.into(), &"DPoP".into()));
    assert_eq!(word["cnf"]["jkt"], key.jkt());
    let (_, bearer) = house.post(TOKEN, None, &form).await;
    assert_eq!(bearer["token_type"], "Bearer");
    assert_eq!(claims(&bearer["access_token"])["cnf"], Value::Null);
}

#[tokio::test]
async fn a_proof_that_is_not_for_this_request_or_comes_again_gets_no_token() {
    let (house, key) = (House::open().await, Key::new());
    let form = [&CLIENT[..], &BATCH].concat();
    for change in [
        json!({"htm": "GET"}),
        json!({"htu": "https://door.example/oauth/par"}),
        json!({"iat": house.clock.now().as_seconds() - 301}),
        json!({"jti": null}),
    ] {
        let proof = key.proof(&house, TOKEN, &change);
        let (status, answer, _) = house.prove(TOKEN, &proof, &form).await;
        refused((status, answer), "invalid_dpop_proof");
    }
    let proof = key.proof(&house, TOKEN, &json!({}));
    // Who proves nothing uses nothing up.
    let wrong = [&CLIENT[..], &[("client_id", "batch/main"), ("client_secret", "x")]].concat();
    assert_eq!(house.prove(TOKEN, &proof, &wrong).await.0, 401);
    assert_eq!(house.prove(TOKEN, &proof, &form).await.0, 200);
    let (status, answer, _) = house.prove(TOKEN, &proof, &form).await;
    refused((status, answer), "invalid_dpop_proof");
    let record = house.log.records().pop().unwrap();
    assert_eq!((&record["event"], &record["decision"]), (&"token.issue".into(), &"deny".into()));
    assert!(record["cause"].as_str().unwrap().contains("used before"), "{record}");
}

#[tokio::test]
async fn a_profile_that_demands_a_binding_gives_bound_tokens_alone() {
    let (mut house, key) = (House::open().await, Key::new());
    let form = [&CLIENT[..], &BATCH].concat();
    terms(&mut house, "batch", |it| it.binding = Some(TokenBinding::Dpop));
    refused(house.post(TOKEN, None, &form).await, "invalid_dpop_proof");
    assert_eq!(ask(&house, &key, &form).await.0, 200);
    terms(&mut house, "batch", |it| it.binding = Some(TokenBinding::Mtls));
    refused(ask(&house, &key, &form).await, "invalid_request");
    house.certificate.replace(Some(certificate(1)));
    let (status, answer) = house.post(TOKEN, None, &form).await;
    assert_eq!((status, &answer["token_type"]), (200, &"Bearer".into()), "{answer}");
    let cnf = &claims(&answer["access_token"])["cnf"];
    assert_eq!(*cnf, json!({"x5t#S256": encode([1; 32])}));
    // To a certificate only where that is demanded: the one of a proxy would bind everybody's.
    terms(&mut house, "batch", |it| it.binding = None);
    let (_, answer) = house.post(TOKEN, None, &form).await;
    assert_eq!(claims(&answer["access_token"])["cnf"], Value::Null);
}

#[tokio::test]
async fn a_refresh_token_of_a_public_client_is_renewed_by_the_same_key_alone() {
    let (house, key, thief) = (House::open().await, Key::new(), Key::new());
    let code = Browser::default().allow(&house, &authorize(&[])).await;
    let (status, first) = ask(&house, &key, &redemption(&code)).await;
    assert_eq!((status, &first["token_type"]), (200, &"DPoP".into()), "{first}");
    refused(house.post(TOKEN, None, &renewal(&first)).await, "invalid_dpop_proof");
    refused(ask(&house, &thief, &renewal(&first)).await, "invalid_grant");
    // Nothing of that used it up, or ended its family.
    let (status, second) = ask(&house, &key, &renewal(&first)).await;
    assert_eq!(status, 200, "{second}");
    assert_eq!(claims(&second["access_token"])["cnf"]["jkt"], key.jkt());
    refused(ask(&house, &thief, &renewal(&second)).await, "invalid_grant");
    assert_eq!(ask(&house, &key, &renewal(&second)).await.0, 200);
}

#[tokio::test]
async fn what_was_given_for_a_secret_is_not_renewed_without_it() {
    let (mut house, key, thief) = (House::open().await, Key::new(), Key::new());
    give_secret(&mut house);
    let shown = [("client_secret", SECRET)];
    for is_bound in [true, false] {
        let code = Browser::default().allow(&house, &authorize(&[])).await;
        let form = [&redemption(&code)[..], &shown].concat();
        let (status, first) = match is_bound {
            true => ask(&house, &key, &form).await,
            false => house.post(TOKEN, None, &form).await,
        };
        assert_eq!(status, 200, "{first}");
        for (status, answer) in [
            ask(&house, &thief, &renewal(&first)).await,
            ask(&house, &key, &renewal(&first)).await,
            house.post(TOKEN, None, &renewal(&first)).await,
        ] {
            assert_eq!((status, &answer["error"]), (401, &"invalid_client".into()), "{answer}");
        }
        // Nothing of that used it up; whoever has the secret is the client, by whichever key.
        let form = [&renewal(&first)[..], &shown].concat();
        let (status, second) = ask(&house, &Key::new(), &form).await;
        assert_eq!(status, 200, "{second}");
        assert_eq!(house.post(TOKEN, None, &renewal(&second)).await.0, 401);
    }
}

#[tokio::test]
async fn what_a_device_asked_for_with_a_secret_it_does_not_get_without_it() {
    const PAGE: &str = "/oauth/device";
    let mut house = House::open().await;
    give_secret(&mut house);
    terms(&mut house, "web", |it| it.grants.push(GrantType::DeviceCode));
    let client = ("client_id", "web/app");
    let shown = ("client_secret", SECRET);
    for (asked, want) in [(vec![client, shown], 401), (vec![client], 200)] {
        let (status, begun) = house.post("/oauth/device_authorization", None, &asked).await;
        assert_eq!(status, 200, "{begun}");
        let text = |name: &str| begun[name].as_str().unwrap().to_owned();
        let (device, user) = (text("device_code"), text("user_code"));
        let mut browser = Browser::default();
        browser.open(&house, PAGE).await;
        let filled = [("name", "ann"), ("password", PASSWORD)];
        browser.send(&house, "/oauth/device/sign-in", &filled).await;
        browser.open(&house, PAGE).await;
        browser.send(&house, PAGE, &[("user_code", &user)]).await;
        browser.send(&house, "/oauth/consent", &[("decision", "allow")]).await;
        let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
        let form = [grant, client, ("device_code", &*device)];
        assert_eq!(house.post(TOKEN, None, &form).await.0, want, "{asked:?}");
        // Nothing of that used it up.
        let (status, tokens) = house.post(TOKEN, None, &[&form[..], &[shown]].concat()).await;
        assert_eq!(status, if want == 401 { 200 } else { 400 }, "{tokens}");
        if want == 401 {
            assert_eq!(house.post(TOKEN, None, &renewal(&tokens)).await.0, 401);
        }
    }
}

#[tokio::test]
async fn a_refresh_token_that_a_version_before_wrote_is_renewed_by_who_it_was_given_to() {
    let mut house = House::open().await;
    let code = Browser::default().allow(&house, &authorize(&[])).await;
    let (_, first) = house.post(TOKEN, None, &redemption(&code)).await;
    written_before(&house, &first).await;
    let (status, public) = house.post(TOKEN, None, &renewal(&first)).await;
    assert_eq!(status, 200, "{public}");
    // It does not say whether it was given for the secret. That it may have been counts.
    give_secret(&mut house);
    let shown = [("client_secret", SECRET)];
    let code = Browser::default().allow(&house, &authorize(&[])).await;
    let (_, first) = house.post(TOKEN, None, &[&redemption(&code)[..], &shown].concat()).await;
    written_before(&house, &first).await;
    let (status, answer) = house.post(TOKEN, None, &renewal(&first)).await;
    assert_eq!((status, &answer["error"]), (401, &"invalid_client".into()), "{answer}");
    let (status, second) = house.post(TOKEN, None, &[&renewal(&first)[..], &shown].concat()).await;
    assert_eq!(status, 200, "{second}");
    // Nor is it renewed for nothing when the secret has ended.
    written_before(&house, &second).await;
    Arc::make_mut(house.desired.credentials.last_mut().unwrap()).state = CredentialState::Revoked;
    house.declare();
    assert_eq!(house.post(TOKEN, None, &renewal(&second)).await.0, 401);
    // What says that it is bound to nothing is renewed as before.
    assert_eq!(house.post(TOKEN, None, &renewal(&public)).await.0, 200);
}

#[tokio::test]
async fn a_refresh_token_that_is_bound_to_a_certificate_needs_its_connection() {
    let mut house = House::open().await;
    terms(&mut house, "web", |it| it.binding = Some(TokenBinding::Mtls));
    house.certificate.replace(Some(certificate(1)));
    let code = Browser::default().allow(&house, &authorize(&[])).await;
    let (status, first) = house.post(TOKEN, None, &redemption(&code)).await;
    assert_eq!(status, 200, "{first}");
    house.certificate.replace(Some(certificate(2)));
    refused(house.post(TOKEN, None, &renewal(&first)).await, "invalid_grant");
    house.certificate.replace(Some(certificate(1)));
    let (status, second) = house.post(TOKEN, None, &renewal(&first)).await;
    assert_eq!(status, 200, "{second}");
    assert_eq!(claims(&second["access_token"])["cnf"]["x5t#S256"], encode([1; 32]));
}

#[tokio::test]
async fn a_code_is_redeemed_by_the_key_that_was_named_when_it_was_asked_for() {
    let (house, key, thief) = (House::open().await, Key::new(), Key::new());
    let jkt = key.jkt();
    let named = authorize(&[("dpop_jkt", &jkt)]);
    let code = Browser::default().allow(&house, &named).await;
    refused(house.post(TOKEN, None, &redemption(&code)).await, "invalid_grant");
    refused(ask(&house, &thief, &redemption(&code)).await, "invalid_grant");
    assert_eq!(ask(&house, &key, &redemption(&code)).await.0, 200);
    let mut browser = Browser::default();
    browser.open(&house, &authorize(&[("dpop_jkt", "short")])).await;
    assert_eq!(browser.parameter("error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn a_proof_that_comes_with_a_pushed_request_binds_its_code() {
    const PAR: &str = "/oauth/par";
    let (house, key, other) = (House::open().await, Key::new(), Key::new());
    let challenge = challenge(VERIFIER);
    let form = [
        ("client_id", "web/app"),
        ("redirect_uri", BACK),
        ("response_type", "code"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let proof = key.proof(&house, PAR, &json!({}));
    let (status, pushed, _) = house.prove(PAR, &proof, &form).await;
    assert_eq!(status, 201, "{pushed}");
    let (status, answer, _) = house.prove(PAR, &proof, &form).await;
    refused((status, answer), "invalid_dpop_proof");
    let uri = pushed["request_uri"].as_str().unwrap();
    let target = format!("/oauth/authorize?client_id=web/app&request_uri={uri}");
    let code = Browser::default().allow(&house, &target).await;
    refused(ask(&house, &other, &redemption(&code)).await, "invalid_grant");
    assert_eq!(ask(&house, &key, &redemption(&code)).await.0, 200);
    let jkt = other.jkt();
    let named = [&form[..], &[("dpop_jkt", &jkt)]].concat();
    let proof = key.proof(&house, PAR, &json!({}));
    let (status, answer, _) = house.prove(PAR, &proof, &named).await;
    refused((status, answer), "invalid_dpop_proof");
}

#[tokio::test]
async fn who_lacks_the_nonce_is_given_it_and_loses_nothing() {
    let (mut house, key) = (House::open().await, Key::new());
    house.demand_nonces().await;
    let code = Browser::default().allow(&house, &authorize(&[])).await;
    let proof = key.proof(&house, TOKEN, &json!({}));
    let (status, answer, nonce) = house.prove(TOKEN, &proof, &redemption(&code)).await;
    refused((status, answer), "use_dpop_nonce");
    let proof = key.proof(&house, TOKEN, &json!({ "nonce": nonce.unwrap() }));
    assert_eq!(house.prove(TOKEN, &proof, &redemption(&code)).await.0, 200);
}

#[tokio::test]
async fn a_client_that_registered_for_bound_tokens_gets_no_others() {
    let (house, key) = (House::open().await, Key::new());
    let metadata = json!({
        "redirect_uris": ["http://localhost/cb"],
        "token_endpoint_auth_method": "none",
        "dpop_bound_access_tokens": true,
    });
    let answer = house.ask(Method::POST, "/oauth/register", HeaderMap::new(), metadata.to_string());
    let registered: Value = serde_json::from_slice(answer.await.body()).unwrap();
    assert_eq!(registered["dpop_bound_access_tokens"], true, "{registered}");
    let id = registered["client_id"].as_str().unwrap();
    let target = authorize(&[("client_id", id), ("redirect_uri", "http://localhost/cb")]);
    let code = Browser::default().allow(&house, &target).await;
    let form = [&redemption(&code)[..1], &redemption(&code)[2..], &[("client_id", id)]].concat();
    refused(house.post(TOKEN, None, &form).await, "invalid_dpop_proof");
    assert_eq!(ask(&house, &key, &form).await.1["token_type"], "DPoP");
}

#[tokio::test]
async fn a_bound_token_is_exchanged_by_who_holds_its_key_for_one_that_is_bound_too() {
    let (mut house, key, other) = (House::open().await, Key::new(), Key::new());
    terms(&mut house, "batch", |it| it.grants.push(GrantType::TokenExchange));
    let (_, own) = ask(&house, &key, &[&CLIENT[..], &BATCH].concat()).await;
    let subject = own["access_token"].as_str().unwrap();
    let exchange = |subject| {
        let form = [
            ("grant_type", EXCHANGE),
            ("subject_token", subject),
            ("subject_token_type", ACCESS_TOKEN),
        ];
        [&form[..], &BATCH].concat()
    };
    refused(house.post(TOKEN, None, &exchange(subject)).await, "invalid_request");
    refused(ask(&house, &other, &exchange(subject)).await, "invalid_request");
    let (status, answer) = ask(&house, &key, &exchange(subject)).await;
    assert_eq!((status, &answer["token_type"]), (200, &"DPoP".into()), "{answer}");
    assert_eq!(claims(&answer["access_token"])["cnf"]["jkt"], key.jkt());
    // One that was given before its profile demanded a binding leads nowhere, and to no other either.
    let (_, unbound) = house.post(TOKEN, None, &[&CLIENT[..], &BATCH].concat()).await;
    terms(&mut house, "batch", |it| it.binding = Some(TokenBinding::Dpop));
    let subject = unbound["access_token"].as_str().unwrap();
    refused(ask(&house, &key, &exchange(subject)).await, "invalid_request");
}
