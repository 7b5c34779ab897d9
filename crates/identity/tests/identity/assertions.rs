//! Client assertions and JWT grants: accepted when all is right, refused for what is wrong.

use std::{sync::Arc, time::Duration};

use identity::{
    KeySets,
    assertion::{
        Assertion, AssertionError, AssertionTerms, CLIENT_TYPES, ID_JAG_TYPES, VerificationKeys,
        Verified,
    },
};
use jsonwebtoken::Algorithm;
use model::{Clock, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    house::NOW,
    issuer::Desk,
    signer::{Signer, decode, encode, with},
};

const DOOR: &str = "https://door.example";
const CLIENT: &str = "https://agent.example/client.json";

const TERMS: AssertionTerms<'_> = AssertionTerms {
    issuer: CLIENT,
    audiences: &[DOOR, "https://door.example/token"],
    types: CLIENT_TYPES,
    algorithms: &["ES256", "PS256", "EdDSA"],
    lifetime_max: Duration::from_secs(300),
};

fn claims() -> Value {
    json!({"iss": CLIENT, "sub": CLIENT, "aud": DOOR, "jti": "j1", "iat": NOW, "exp": NOW + 60})
}

fn header(signer: &Signer) -> Value {
    with(&signer.header(), &json!({"typ": null}))
}

fn keys(signer: &Signer) -> VerificationKeys {
    VerificationKeys::inline(&json!({"keys": [signer.jwk()]})).unwrap()
}

async fn verify(
    text: &str,
    terms: &AssertionTerms<'_>,
    keys: &VerificationKeys,
) -> Result<Verified, AssertionError> {
    Assertion::parse(text)?.verify(terms, keys, Timestamp::from_seconds(NOW)).await
}

/// Refused, with `want` for the record and nothing of the assertion in either text.
#[track_caller]
fn refused(got: Result<Verified, AssertionError>, want: &str, text: &str) {
    let Err(error) = got else { panic!("accepted, wanted: {want}") };
    assert!(error.to_string().contains(want), "{error}, wanted: {want}");
    let shown = format!("{error} {error:?} {}", error.detail());
    assert!(!text.split('.').any(|it| it.len() > 8 && shown.contains(it)), "{shown}");
}

/// Each row changes the claims, after the good ones were accepted.
async fn check(rows: Vec<(Value, &str)>) {
    let signer = Signer::new(Algorithm::ES256);
    let keys = keys(&signer);
    let sign = |change: &Value| signer.sign(&header(&signer), &with(&claims(), change));
    assert!(verify(&sign(&json!({})), &TERMS, &keys).await.is_ok());
    for (change, want) in rows {
        println!("{change}");
        let text = sign(&change);
        refused(verify(&text, &TERMS, &keys).await, want, &text);
    }
}

#[tokio::test]
async fn a_good_assertion_gives_its_claims() {
    for algorithm in [Algorithm::ES256, Algorithm::PS256, Algorithm::EdDSA] {
        let signer = Signer::new(algorithm);
        let text = signer.sign(&header(&signer), &claims());
        let assertion = Assertion::parse(&text).unwrap();
        assert_eq!((assertion.issuer(), assertion.subject()), (Some(CLIENT), Some(CLIENT)));
        assert_eq!(format!("{assertion:?}"), "Assertion(..)");
        let got = verify(&text, &TERMS, &keys(&signer)).await.unwrap();
        assert_eq!((got.subject.as_deref(), got.jti.as_deref()), (Some(CLIENT), Some("j1")));
        assert_eq!(got.expires, Timestamp::from_seconds(NOW + 60));
        assert_eq!(Value::Object(got.claims), claims());
    }
}

#[tokio::test]
async fn what_honest_clients_send_is_accepted() {
    let signer = Signer::new(Algorithm::ES256);
    let keys = keys(&signer);
    for (head, change) in [
        (json!({"typ": "JWT"}), json!({})),
        (json!({"typ": "application/client-authentication+jwt"}), json!({})),
        (json!({"kid": null}), json!({})),
        (json!({}), json!({"aud": [DOOR]})),
        (json!({}), json!({"aud": ["https://other.example", "https://door.example/token"]})),
        (json!({}), json!({"iat": NOW + 10, "nbf": NOW + 10, "exp": NOW + 310})),
        (json!({}), json!({"iat": NOW + 60, "exp": NOW + 360})),
        (json!({}), json!({"iat": null, "jti": null, "sub": null})),
        (json!({}), json!({"exp": 1_800_000_060.5})),
    ] {
        let text = signer.sign(&with(&header(&signer), &head), &with(&claims(), &change));
        let got = verify(&text, &TERMS, &keys).await;
        assert!(got.is_ok(), "{head} {change}: {got:?}");
    }
}

#[tokio::test]
async fn a_claim_that_is_wrong_is_refused() {
    let mut rows: Vec<(Value, &str)> = Vec::new();
    for aud in [
        json!(null),
        json!(""),
        json!([]),
        json!([[DOOR]]),
        json!({"aud": DOOR}),
        json!("https://door.example/"),
        json!("https://door.exampl"),
        json!("https://DOOR.example"),
        json!(["https://other.example"]),
    ] {
        rows.push((json!({ "aud": aud }), "aud does not name"));
    }
    for iss in [json!("https://agent.example/client.jso"), json!(""), json!("HTTPS://agent")] {
        rows.push((json!({ "iss": iss }), "iss is not"));
    }
    for iss in [json!(null), json!(1), json!([CLIENT])] {
        rows.push((json!({ "iss": iss }), "claim iss"));
    }
    for time in [json!("1800000060"), json!([NOW]), json!(true), json!(-1), json!(1e300)] {
        rows.push((json!({ "exp": time }), "exp is not a time"));
        rows.push((json!({ "iat": time }), "iat is not a time"));
        rows.push((json!({ "nbf": time }), "nbf is not a time"));
    }
    rows.extend([
        (json!({"exp": null}), "claim exp"),
        (json!({"exp": NOW}), "exp is past"),
        (json!({"exp": NOW - 1}), "exp is past"),
        (json!({"exp": NOW + 361}), "exp is more than 300 s ahead"),
        (json!({"exp": NOW + 86_400}), "exp is more than 300 s ahead"),
        (json!({"iat": NOW + 61}), "iat is in the future"),
        (json!({"nbf": NOW + 61}), "nbf is in the future"),
        (json!({"jti": ""}), "claim jti"),
        (json!({"jti": 1}), "claim jti"),
        (json!({"jti": "x".repeat(257)}), "claim jti"),
        (json!({"sub": ["a"]}), "claim sub"),
        (json!({"sub": ""}), "claim sub"),
        (json!({"sub": "x".repeat(1025)}), "claim sub"),
        (json!({"x": "x".repeat(1024 * 1024)}), "longer than 16 KiB"),
    ]);
    check(rows).await;
}

#[tokio::test]
async fn a_header_that_is_wrong_is_refused() {
    let signer = Signer::new(Algorithm::ES256);
    let forger = Signer::new(Algorithm::ES256);
    let keys = keys(&signer);
    for (change, want) in [
        (json!({"alg": "none"}), "alg is missing"),
        (json!({"alg": "nOnE"}), "alg is missing"),
        (json!({"alg": "HS256"}), "alg is missing"),
        (json!({"alg": null}), "alg is missing"),
        (json!({"alg": "RS256"}), "algorithm RS256 is not allowed"),
        (json!({"alg": "ES384"}), "algorithm ES384 is not allowed"),
        (json!({"alg": "PS256"}), "no usable key"),
        (json!({"alg": "EdDSA"}), "no usable key"),
        (json!({"kid": "k2"}), "no usable key"),
        (json!({"kid": "x".repeat(257)}), "kid is no string"),
        (json!({"kid": 1}), "kid is no string"),
        (json!({"crit": ["exp"]}), "parameter crit"),
        (json!({"b64": false}), "parameter b64"),
        (json!({"jwk": forger.jwk()}), "parameter jwk"),
        (json!({"jku": "https://evil.example"}), "parameter jku"),
        (json!({"x5u": "https://evil.example"}), "parameter x5u"),
        (json!({"x5c": ["MIIB"]}), "parameter x5c"),
        (json!({"zip": "DEF"}), "parameter zip"),
        (json!({"typ": "at+jwt"}), "typ is not"),
        (json!({"typ": "application/AT+JWT"}), "typ is not"),
        (json!({"typ": "dpop+jwt"}), "typ is not"),
        (json!({"typ": "oauth-id-jag+jwt"}), "typ is not"),
        (json!({"typ": "logout+jwt"}), "typ is not"),
        (json!({"typ": ""}), "typ is not"),
        (json!({"typ": "application/"}), "typ is not"),
        (json!({"typ": ["JWT"]}), "typ is not"),
        (json!({"typ": 1}), "typ is not"),
    ] {
        println!("{change}");
        let text = signer.sign(&with(&header(&signer), &change), &claims());
        refused(verify(&text, &TERMS, &keys).await, want, &text);
    }
    let text = forger.sign(&header(&forger), &claims());
    refused(verify(&text, &TERMS, &keys).await, "signature does not verify", &text);
}

#[tokio::test]
async fn a_grant_has_to_say_that_it_is_one() {
    let signer = Signer::new(Algorithm::ES256);
    let terms = AssertionTerms { types: ID_JAG_TYPES, ..TERMS };
    for (typ, is_accepted) in [
        (json!("oauth-id-jag+jwt"), true),
        (json!("application/oauth-id-jag+jwt"), true),
        (json!(null), false),
        (json!("JWT"), false),
        (json!(""), false),
    ] {
        let text = signer.sign(&with(&header(&signer), &json!({"typ": typ})), &claims());
        let got = verify(&text, &terms, &keys(&signer)).await;
        assert_eq!(got.is_ok(), is_accepted, "{typ}: {got:?}");
    }
}

#[tokio::test]
async fn empty_terms_accept_nothing() {
    let signer = Signer::new(Algorithm::ES256);
    let text = signer.sign(&header(&signer), &claims());
    for terms in [
        AssertionTerms { types: &[], ..TERMS },
        AssertionTerms { audiences: &[], ..TERMS },
        AssertionTerms { algorithms: &[], ..TERMS },
        AssertionTerms { algorithms: &["none", "HS256", "es256", ""], ..TERMS },
        AssertionTerms { issuer: "", ..TERMS },
    ] {
        assert!(verify(&text, &terms, &keys(&signer)).await.is_err(), "{terms:?}");
    }
}

#[tokio::test]
async fn only_one_form_of_the_text_is_an_assertion() {
    let signer = Signer::new(Algorithm::ES256);
    let keys = keys(&signer);
    let good = signer.sign(&header(&signer), &claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let raw = decode(signature);
    let der = [&[0x30, 70, 2, 33, 0], &raw[..32], &[2, 33, 0], &raw[32..]].concat();
    let twice = claims().to_string().replacen('{', "{\"jti\":\"j0\",", 1);
    for (text, want) in [
        (String::new(), "strict base64url"),
        (format!("{good}="), "strict base64url"),
        (format!("{good}\n"), "strict base64url"),
        (format!("{message}."), "strict base64url"),
        (format!("{good}.{signature}"), "strict base64url"),
        (format!("{message}.{}", encode(der)), "signature does not verify"),
        (format!("{message}.{}", encode([0; 64])), "signature does not verify"),
        (signer.sign_text(header(&signer).to_string(), twice), "payload is not"),
        ("x".repeat(1024 * 1024), "longer than 16 KiB"),
    ] {
        refused(verify(&text, &TERMS, &keys).await, want, &text);
    }
}

#[tokio::test]
async fn keys_out_of_reach_are_told_apart_from_a_bad_assertion() {
    let clock = Clock::fake(Timestamp::from_seconds(NOW));
    let desk = Arc::new(Desk::default());
    let wait = Duration::from_millis(20);
    let sets = KeySets::waiting(Arc::clone(&desk) as _, clock.clone(), wait);
    let live = VerificationKeys::live("https://agent.example/jwks", &sets);
    let signer = Signer::new(Algorithm::ES256);
    let good = signer.sign(&header(&signer), &claims());
    let bad = signer.sign(&header(&signer), &with(&claims(), &json!({"aud": "x"})));
    refused(verify(&bad, &TERMS, &live).await, "aud does not name", &bad);
    assert_eq!(desk.asked(), 0, "a bad assertion caused a fetch");
    let error = verify(&good, &TERMS, &live).await.unwrap_err();
    assert!(error.is_temporary() && error.detail().contains("out of reach"), "{error}");
    desk.publishes(&[signer.jwk()]);
    clock.advance(Duration::from_secs(31));
    assert!(verify(&good, &TERMS, &live.clone()).await.is_ok());
    assert_eq!(desk.asked(), 2);
}

#[test]
fn a_set_without_a_usable_key_is_no_set() {
    for set in [json!({}), json!({"keys": []}), json!({"keys": [{"kty": "oct", "k": "AA"}]})] {
        assert!(VerificationKeys::inline(&set).is_err(), "{set}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[A-Za-z0-9_.-]{0,200}|.{0,80}") {
        drop(Assertion::parse(&text));
    }
}
