//! What clients find out by themselves, and where.

use std::sync::Arc;

use http::{HeaderMap, Method, header};
use model::Registration;
use serde_json::Value;

use crate::house::{DOOR, House};

async fn get(house: &House, path: &str) -> (u16, Value) {
    let answer = house.ask(Method::GET, path, HeaderMap::new(), "").await;
    if answer.status() == 200 {
        assert_eq!(answer.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN).unwrap(), "*");
    }
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
}

#[tokio::test]
async fn both_forms_at_the_root_say_who_the_issuer_is_and_what_it_can() {
    let house = House::open().await;
    let (_, document) = get(&house, "/.well-known/oauth-authorization-server").await;
    let (_, other) = get(&house, "/.well-known/openid-configuration").await;
    assert_eq!(document, other);
    assert_eq!(document["issuer"], DOOR);
    assert_eq!(document["code_challenge_methods_supported"], serde_json::json!(["S256"]));
    let algorithms = &document["dpop_signing_alg_values_supported"];
    assert_eq!(*algorithms, serde_json::json!(identity::dpop::ALGORITHMS));
    assert_eq!(document["tls_client_certificate_bound_access_tokens"], true);
    for name in
        ["token_endpoint_auth_methods_supported", "introspection_endpoint_auth_methods_supported"]
    {
        let methods = document[name].as_array().unwrap();
        assert!(methods.contains(&"tls_client_auth".into()), "{methods:?}");
        assert!(methods.contains(&"self_signed_tls_client_auth".into()), "{methods:?}");
    }
    let endpoints = document.as_object().unwrap().iter();
    let endpoints = endpoints.filter(|(name, _)| name.ends_with("_endpoint"));
    let paths: Vec<_> =
        endpoints.map(|(_, url)| url.as_str().unwrap().strip_prefix(DOOR).unwrap()).collect();
    assert!(paths.len() >= 6, "{paths:?}");
    for path in paths {
        // Each is there: what is wrong with an empty request is said in another way.
        let method = if path == "/oauth/authorize" { Method::GET } else { Method::POST };
        let answer = house.ask(method, path, HeaderMap::new(), "").await;
        assert!(matches!(answer.status().as_u16(), 400 | 401), "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn wherever_clients_sign_to_prove_themselves_it_says_by_what_they_may() {
    let house = House::open().await;
    let (_, document) = get(&house, "/.well-known/oauth-authorization-server").await;
    let accepted = ["EdDSA", "ES256", "ES384", "PS256", "PS384", "PS512", "RS256"];
    for endpoint in ["token", "revocation", "introspection"] {
        let methods = &document[format!("{endpoint}_endpoint_auth_methods_supported")];
        assert!(methods.as_array().unwrap().contains(&"private_key_jwt".into()), "{endpoint}");
        let named = &document[format!("{endpoint}_endpoint_auth_signing_alg_values_supported")];
        assert_eq!(*named, serde_json::json!(accepted), "{endpoint}");
    }
}

#[tokio::test]
async fn no_document_stands_where_another_issuer_would_have_its_own() {
    let house = House::open().await;
    for path in [
        "/.well-known/oauth-authorization-server/mcp",
        "/.well-known/oauth-authorization-server/mcp/orders",
        "/.well-known/openid-configuration/mcp",
        "/mcp/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/",
        "/authorize",
        "/token",
        "/register",
    ] {
        assert_eq!(get(&house, path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn only_what_an_admission_lets_in_is_promised() {
    let mut house = House::open().await;
    for (registrations, has_document, registers) in [
        (vec![Registration::Dynamic, Registration::MetadataDocument], true, true),
        (vec![Registration::MetadataDocument], true, false),
        (vec![Registration::Dynamic], false, true),
        (vec![Registration::CommandLine], false, false),
    ] {
        Arc::make_mut(&mut house.desired.admissions[0]).registrations = registrations.clone();
        house.declare();
        let (_, document) = get(&house, "/.well-known/oauth-authorization-server").await;
        let said = &document["client_id_metadata_document_supported"];
        assert_eq!(*said, Value::from(has_document), "{registrations:?}");
        let endpoint = document.get("registration_endpoint");
        assert_eq!(endpoint.is_some(), registers, "{registrations:?}");
    }
    house.desired.admissions.clear();
    house.declare();
    let (_, document) = get(&house, "/.well-known/openid-configuration").await;
    assert_eq!(document["client_id_metadata_document_supported"], Value::from(false));
    assert!(document.get("registration_endpoint").is_none());
}
