//! Clients prove who they are by the certificate of their connection.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, Method};
use model::{
    CertificateMatch, CertificateName, ClientCertificate, Credential, CredentialId,
    CredentialState, Proof, Timestamp,
};
use serde_json::{Value, json};

use crate::{
    house::{BY_CERTIFICATE, Browser, House, VERIFIER, authorize, claims},
    key::encode,
};

const TOKEN: &str = "/oauth/token";
const LOOPBACK: &str = "http://127.0.0.1/cb";

fn certificate(name: &str) -> ClientCertificate {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, name.as_bytes());
    ClientCertificate {
        thumbprint: digest.as_ref().try_into().unwrap(),
        is_trusted: true,
        subject: format!("CN={name}"),
        names: vec![CertificateName::Dns(name.to_owned())],
        expires: Timestamp::from_seconds(1_900_000_000),
    }
}

fn connect(house: &House, name: Option<&str>) {
    house.certificate.replace(name.map(certificate));
}

async fn register(house: &House, metadata: &Value) -> (u16, Value) {
    let body = metadata.to_string();
    let answer = house.ask(Method::POST, "/oauth/register", HeaderMap::new(), body).await;
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
}

/// Ann allows the client `id`, which then redeems its code on this connection.
async fn redeem(house: &House, id: &str, name: Option<&str>) -> (u16, Value) {
    let target = authorize(&[("client_id", id), ("redirect_uri", LOOPBACK)]);
    let code = Browser::default().allow(house, &target).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", id),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    connect(house, name);
    house.post(TOKEN, None, &form).await
}

#[tokio::test]
async fn a_registered_client_is_known_by_its_certificate_while_its_credential_holds() {
    let mut house = House::open().await;
    let known = certificate("app.example").thumbprint;
    for mark in
        [CertificateMatch::Dns("app.example".to_owned()), CertificateMatch::Thumbprint(known)]
    {
        let secret = Credential::clone(&house.desired.credentials[0]);
        let proof = Proof::Mtls { certificate: mark };
        let credential = Credential { proof, state: CredentialState::Active, ..secret };
        house.desired.credentials = vec![Arc::new(credential)];
        house.declare();
        let form = [("grant_type", "client_credentials"), ("client_id", "batch/main")];
        let mut given = Vec::new();
        for (name, want) in [(None, 401), (Some("other.example"), 401), (Some("app.example"), 200)]
        {
            connect(&house, name);
            let (status, answer) = house.post(TOKEN, None, &form).await;
            assert_eq!(status, want, "{name:?} {answer}");
            given.push(answer["access_token"].clone());
        }
        let own = &claims(given.last().unwrap())["onedoor"];
        assert_eq!(own["credential"], house.desired.credentials[0].id.as_str());
        // Who is refused uses nothing.
        assert_eq!(house.plane.uses.lock().unwrap().drain(..).count(), 1);
        // Another client's id goes with another client's certificate.
        let form = [("grant_type", "client_credentials"), ("client_id", "agents/reader")];
        assert_eq!(house.post(TOKEN, None, &form).await.1["error"], "unauthorized_client");
        let credential = Arc::make_mut(&mut house.desired.credentials[0]);
        credential.state = CredentialState::Revoked;
        house.declare();
        let form = [("grant_type", "client_credentials"), ("client_id", "batch/main")];
        assert_eq!(house.post(TOKEN, None, &form).await.0, 401);
    }
}

#[tokio::test]
async fn while_a_certificate_is_rotated_the_successor_is_used_and_the_one_before_is_not() {
    use CredentialState::{Active, Retiring};
    let mut house = House::open().await;
    connect(&house, Some("app.example"));
    let known = certificate("app.example").thumbprint;
    let made = |seconds: i64| Some(Timestamp::from_seconds(seconds));
    for (ids, states, created) in [
        (["a-old", "b-new"], [Retiring, Active], [None, None]),
        (["b-old", "a-new"], [Retiring, Active], [None, None]),
        (["b-old", "a-new"], [Active, Active], [made(1), made(2)]),
        (["a-old", "b-new"], [Active, Active], [made(1), made(2)]),
    ] {
        let marks =
            [CertificateMatch::Dns("app.example".to_owned()), CertificateMatch::Thumbprint(known)];
        let secret = Credential::clone(&house.desired.credentials[0]);
        let credentials = marks.into_iter().enumerate().map(|(index, mark)| Credential {
            id: CredentialId::parse(ids[index]).unwrap(),
            proof: Proof::Mtls { certificate: mark },
            state: states[index],
            created: created[index],
            ..secret.clone()
        });
        house.desired.credentials = credentials.map(Arc::new).collect();
        house.desired.credentials.sort_by(|a, b| a.id.cmp(&b.id));
        house.declare();
        let form = [("grant_type", "client_credentials"), ("client_id", "batch/main")];
        let (status, answer) = house.post(TOKEN, None, &form).await;
        assert_eq!(status, 200, "{answer}");
        let used: Vec<_> = house.plane.uses.lock().unwrap().drain(..).map(|it| it.0).collect();
        assert_eq!(used, [ids[1]], "{ids:?} {states:?}");
    }
}

#[tokio::test]
async fn a_client_that_describes_itself_proves_itself_as_its_document_says() {
    let house = House::open().await;
    for (name, want) in [(None, 401), (Some("other.example"), 401), (Some("app.example"), 200)] {
        let (status, answer) = redeem(&house, BY_CERTIFICATE, name).await;
        assert_eq!(status, want, "{name:?} {answer}");
        if status == 200 {
            let cnf = &claims(&answer["access_token"])["cnf"];
            assert_eq!(cnf["x5t#S256"], encode(certificate("app.example").thumbprint));
        }
    }
}

#[tokio::test]
async fn a_client_registers_the_certificate_that_it_proves_itself_by() {
    let house = House::open().await;
    // The certificate's bytes are its name: that is what its thumbprint is of.
    let x5c = STANDARD.encode("app.example");
    for says in [
        json!({
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_subject_dn": "CN=app.example",
        }),
        json!({
            "token_endpoint_auth_method": "self_signed_tls_client_auth",
            "jwks": {"keys": [{"kty": "OKP", "x5c": [x5c]}]},
        }),
    ] {
        let mut metadata = json!({ "redirect_uris": [LOOPBACK] });
        metadata.as_object_mut().unwrap().extend(says.as_object().unwrap().clone());
        metadata["redirect_uris"] = json!(["http://localhost/cb", LOOPBACK]);
        let (status, registered) = register(&house, &metadata).await;
        assert_eq!(status, 201, "{registered}");
        for (name, value) in says.as_object().unwrap() {
            assert_eq!(registered[name], *value);
        }
        assert!(registered.get("client_secret").is_none());
        let id = registered["client_id"].as_str().unwrap();
        for (name, want) in [(None, 401), (Some("other.example"), 401), (Some("app.example"), 200)]
        {
            let (status, answer) = redeem(&house, id, name).await;
            assert_eq!(status, want, "{name:?} {answer}");
        }
    }
    for says in [
        json!({"token_endpoint_auth_method": "tls_client_auth"}),
        json!({"token_endpoint_auth_method": "self_signed_tls_client_auth"}),
        json!({
            "token_endpoint_auth_method": "self_signed_tls_client_auth",
            "jwks": {"keys": [{"x5c": ["YWJj"], "more": "x".repeat(17_000)}]},
        }),
    ] {
        let mut metadata = json!({ "redirect_uris": [LOOPBACK] });
        metadata.as_object_mut().unwrap().extend(says.as_object().unwrap().clone());
        let (status, answer) = register(&house, &metadata).await;
        assert_eq!((status, &answer["error"]), (400, &"invalid_client_metadata".into()), "{says}");
    }
}
