//! The header cannot choose the key, the algorithm or the rules.

use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

use super::{check, row};
use crate::{
    house::House,
    signer::{Signer, claims, decode, encode, with},
};

#[tokio::test]
async fn the_token_cannot_choose_how_it_is_checked() {
    let rsa = Signer::new(Algorithm::RS256);
    let curve = Signer::new(Algorithm::ES256).named("k2");
    let pss = Signer::new(Algorithm::PS256).named("k3");
    let house = House::trusting(&[rsa.jwk(), curve.jwk(), pss.jwk()]);
    let algorithm = |name: Value| rsa.sign(&with(&rsa.header(), &json!({"alg": name})), &claims());
    let unsigned = |name: &str| {
        let header = with(&rsa.header(), &json!({"alg": name}));
        format!("{}.{}.", encode(header.to_string()), encode(claims().to_string()))
    };
    let mut rows = vec![
        row("missing", algorithm(Value::Null), "alg is missing"),
        row("list", algorithm(json!(["RS256"])), "alg is missing"),
        row("number", algorithm(json!(256)), "alg is missing"),
        row("lower case", algorithm(json!("rs256")), "alg is missing"),
        row("space", algorithm(json!("RS256 ")), "alg is missing"),
        row("encryption", algorithm(json!("RSA-OAEP")), "alg is missing"),
        row(
            "not allowed",
            rsa.with(Algorithm::RS512).token(),
            "does not allow the algorithm RS512",
        ),
        row("pss with a pkcs1 key", rsa.with(Algorithm::PS256).token(), "fits PS256"),
        row("pkcs1 with a pss key", pss.with(Algorithm::RS256).token(), "fits RS256"),
        row("header says ES384", algorithm(json!("ES384")), "fits ES384"),
        row("header says PS256", algorithm(json!("PS256")), "fits PS256"),
        row(
            "curve key named by an rsa header",
            rsa.sign(&with(&rsa.header(), &json!({"kid": "k2"})), &claims()),
            "fits RS256",
        ),
    ];
    for name in ["none", "None", "nOnE", "NONE", ""] {
        rows.push(row(format!("{name}, unsigned"), unsigned(name), "strict base64url"));
        rows.push(row(format!("{name}, signed"), algorithm(json!(name)), "alg is missing"));
    }
    check(&house, &rsa.token(), rows).await;
    for good in [&curve, &pss] {
        check(&house, &good.token(), []).await;
    }
}

#[tokio::test]
async fn a_public_key_is_no_hmac_secret() {
    let rsa = Signer::new(Algorithm::RS256);
    let jwk = rsa.jwk();
    let mut house = House::trusting(&[jwk.clone(), json!({"kty": "oct", "kid": "o", "k": "AAAA"})]);
    // Even if somebody wrote it into the issuer's document.
    house.issuers[0].algorithms.extend(["HS256".into(), "none".into()]);
    assert_eq!(house.directory().faults().len(), 2);
    let n = jwk["n"].as_str().unwrap();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{n}\n-----END PUBLIC KEY-----\n");
    let secrets = [jwk.to_string(), n.to_owned(), pem.clone(), format!(" \n{pem}"), String::new()];
    let mut secrets: Vec<Vec<u8>> = secrets.into_iter().map(String::into_bytes).collect();
    secrets.extend([decode(n), vec![0, 0, 0]]);
    let rows = secrets.iter().flat_map(|secret| {
        ["k1", "o"].map(|kid| {
            let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": kid}).to_string();
            let message = format!("{}.{}", encode(header), encode(claims().to_string()));
            let key = EncodingKey::from_secret(secret);
            let signature = crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
            row("hmac", format!("{message}.{signature}"), "alg is missing or no public-key")
        })
    });
    check(&house, &rsa.token(), rows.collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn the_header_cannot_bring_its_own_key_or_change_the_rules() {
    let signer = Signer::new(Algorithm::ES256);
    let forger = Signer::new(Algorithm::ES256);
    let house = House::trusting(&[signer.jwk()]);
    let forged = |change: Value| forger.sign(&with(&forger.header(), &change), &claims());
    let signed = |change: Value| signer.sign(&with(&signer.header(), &change), &claims());
    let mut rows = vec![
        row("jwk", forged(json!({"jwk": forger.jwk()})), "parameter jwk"),
        row("jwk without kid", forged(json!({"jwk": forger.jwk(), "kid": null})), "parameter jwk"),
        row("jku", forged(json!({"jku": "https://evil.example/jwks"})), "parameter jku"),
        row("x5u", forged(json!({"x5u": "https://evil.example/cert"})), "parameter x5u"),
        row("x5c", forged(json!({"x5c": ["MIIB"]})), "parameter x5c"),
        row("plain forgery", forged(json!({})), "signature does not verify"),
        row("forgery without kid", forged(json!({"kid": null})), "signature does not verify"),
    ];
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("crit", json!(["b64"])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("cty", json!("JWT")),
        ("jwk", json!({})),
        ("jku", json!("")),
    ] {
        rows.push(row(format!("{name} {value}"), signed(json!({ name: value })), "parameter"));
    }
    for (kid, want) in [
        (json!("unknown"), "no usable key"),
        (json!(""), "no usable key"),
        (json!("K1"), "no usable key"),
        (json!("k1\u{0}"), "no usable key"),
        (json!("../../../../dev/null"), "no usable key"),
        (json!("x' UNION SELECT 'AA';--"), "no usable key"),
        (json!("| id"), "no usable key"),
        (json!("x".repeat(257)), "kid is no string"),
        (json!(1), "kid is no string"),
        (json!(["k1"]), "kid is no string"),
    ] {
        rows.push(row(format!("kid {kid}"), signed(json!({"kid": kid})), want));
    }
    let header = signer.header().to_string();
    let null = header.replace("\"k1\"", "null");
    rows.push(row("kid null", signer.sign_text(null, claims().to_string()), "kid is no string"));
    check(&house, &signer.token(), rows).await;
}

#[tokio::test]
async fn a_token_made_for_something_else_is_no_access_token() {
    let signer = Signer::new(Algorithm::ES256);
    let house = House::trusting(&[signer.jwk()]);
    let types = [
        json!(null),
        json!(""),
        json!("JWT"),
        json!("jwt"),
        json!("id_token+jwt"),
        json!("logout+jwt"),
        json!("dpop+jwt"),
        json!("oauth-id-jag+jwt"),
        json!("secevent+jwt"),
        json!("at+jwt+jwt"),
        json!("text/at+jwt"),
        json!(["at+jwt"]),
    ];
    let rows = types.into_iter().map(|typ| {
        let header = with(&signer.header(), &json!({"typ": typ}));
        row(format!("typ {typ}"), signer.sign(&header, &claims()), "header's typ")
    });
    let bound = with(&claims(), &json!({"cnf": {"jkt": "x"}}));
    let rows = rows.chain([row("bound", signer.sign(&signer.header(), &bound), "cnf")]);
    check(&house, &signer.token(), rows.collect::<Vec<_>>()).await;
}
