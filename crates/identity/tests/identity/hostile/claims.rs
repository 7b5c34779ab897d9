//! Claims count only whole, once, and in their type.

use jsonwebtoken::Algorithm;
use model::KeySource;
use serde_json::{Value, json};

use super::{Row, check, row};
use crate::{
    house::{House, ISS, NOW, issuer},
    signer::{Signer, claims, with},
};

/// The claim, values that it must not have, and what the record must say.
type Claim = (&'static str, Vec<Value>, &'static str);

fn rows(signer: &Signer, table: Vec<Claim>) -> Vec<Row> {
    let one = |(name, values, want): Claim| {
        values.into_iter().map(move |value| {
            let claims = with(&claims(), &json!({ name: value }));
            row(format!("{name} {value}"), signer.sign(&signer.header(), &claims), want)
        })
    };
    table.into_iter().flat_map(one).collect()
}

#[tokio::test]
async fn a_token_is_for_us_and_from_an_issuer_by_their_exact_names() {
    let signer = Signer::new(Algorithm::ES256);
    let other = Signer::new(Algorithm::ES256).named("k9");
    let mut house = House::trusting(&[signer.jwk()]);
    let set = json!({"keys": [other.jwk()]});
    let second = issuer("second", "https://second.example", KeySource::Inline(set.into()));
    house.issuers.push(second);
    let table = vec![
        (
            "aud",
            vec![
                json!(null),
                json!(""),
                json!([]),
                json!("https://door.example/mc"),
                json!("https://door.example/mcp/"),
                json!("https://door.example/mcp/orders"),
                json!("https://door.example"),
                json!("DOOR"),
                json!("door "),
                json!(["other", "doo"]),
                json!([["door"]]),
                json!({"aud": "door"}),
                json!(true),
                json!("*"),
            ],
            "aud is not for us",
        ),
        (
            "iss",
            vec![
                json!("https://issuer.example/"),
                json!("https://ISSUER.example"),
                json!("http://issuer.example"),
                json!("https://issuer.example.evil.example"),
                json!(" https://issuer.example"),
                json!(""),
                json!("idp"),
            ],
            "not a trusted issuer",
        ),
        ("iss", vec![json!(null), json!([ISS]), json!({}), json!(1)], "claim iss"),
        // Another trusted issuer, but not its key.
        ("iss", vec![json!("https://second.example")], "no usable key of issuer \"second\""),
    ];
    check(&house, &signer.token(), rows(&signer, table)).await;
}

#[tokio::test]
async fn a_claim_of_another_type_is_never_taken_as_absent() {
    let signer = Signer::new(Algorithm::ES256);
    let house = House::trusting(&[signer.jwk()]);
    let table = vec![
        ("exp", vec![json!(null)], "claim exp"),
        (
            "exp",
            vec![
                json!("1800000300"),
                json!([NOW + 300]),
                json!({}),
                json!(true),
                json!(-1),
                json!(-1.5),
                json!(1e300),
                json!(u64::MAX),
                json!(i64::MAX),
                json!(253_402_300_800_i64),
            ],
            "exp is not a time",
        ),
        ("exp", vec![json!(NOW), json!(NOW - 1), json!(0), json!(1_800_000_000.9)], "exp is past"),
        ("nbf", vec![json!(NOW + 61)], "nbf is in the future"),
        ("nbf", vec![json!("0"), json!(false), json!(-1)], "nbf is not a time"),
        ("iat", vec![json!(NOW + 61), json!(NOW + 86_400)], "iat is in the future"),
        ("iat", vec![json!("0"), json!([])], "iat is not a time"),
        ("sub", vec![json!(1), json!(["ann"]), json!(""), json!("x".repeat(257))], "claim sub"),
        ("azp", vec![json!(1), json!([])], "claim azp"),
        ("act", vec![json!({}), json!("x"), json!([]), json!({"sub": 1})], "act claim"),
        (
            "client_id",
            vec![json!(null), json!("shop"), json!("shop-12"), json!({"a": "shop-1"}), json!(1)],
            "no credential matches",
        ),
    ];
    check(&house, &signer.token(), rows(&signer, table)).await;
}

#[tokio::test]
async fn what_can_be_read_in_two_ways_is_refused() {
    let signer = Signer::new(Algorithm::ES256);
    let house = House::trusting(&[signer.jwk()]);
    let (header, payload) = (signer.header().to_string(), claims().to_string());
    let head = |text: &str| signer.sign_text(text, &payload);
    let body = |text: &str| signer.sign_text(&header, text);
    let also = |text: &str, more: &str| text.replacen('{', &format!("{{{more},"), 1);
    let null = |text: &str, name: &str| text.replacen('{', &format!("{{\"{name}\":null,"), 1);
    let deep = format!("\"x\":{}{}", "[".repeat(200), "]".repeat(200));
    let bytes = [header.as_bytes(), b"\xff"].concat();
    let rows = [
        row("alg twice", head(&also(&header, r#""alg":"none""#)), "header is not an object"),
        row("alg twice alike", head(&also(&header, r#""alg":"ES256""#)), "header is not an object"),
        row("kid twice", head(&also(&header, r#""kid":"k1""#)), "header is not an object"),
        row("exp twice", body(&also(&payload, r#""exp":1800000300"#)), "payload is not an object"),
        row("sub twice", body(&also(&payload, r#""sub":"eve""#)), "payload is not an object"),
        row("sub escaped", body(&also(&payload, r#""s\u0075b":"eve""#)), "payload is not"),
        row("twice inside", body(&also(&payload, r#""x":{"a":1,"a":1}"#)), "payload is not"),
        row(
            "aud null",
            body(&null(&payload.replace("\"aud\"", "\"b\""), "aud")),
            "aud is not for us",
        ),
        row(
            "exp null",
            body(&null(&payload.replace("\"exp\"", "\"b\""), "exp")),
            "exp is not a time",
        ),
        row(
            "exp 1e400",
            body(&also(&payload.replace("\"exp\"", "\"b\""), r#""exp":1e400"#)),
            "payload",
        ),
        row(
            "exp 1e4",
            body(&also(&payload.replace("\"exp\"", "\"b\""), r#""exp":1e4"#)),
            "exp is past",
        ),
        row("upper case", body(&payload.replace("\"exp\"", "\"EXP\"")), "claim exp"),
        row("very deep", body(&also(&payload, &deep)), "payload is not an object"),
        row("two objects", body(&format!("{payload}{{}}")), "payload is not an object"),
        row("byte order mark", body(&format!("\u{feff}{payload}")), "payload is not an object"),
        row("list", body(&format!("[{payload}]")), "payload is not an object"),
        row("text", body(&json!(payload).to_string()), "payload is not an object"),
        row("empty payload", body(""), "payload is not an object"),
        row("nested token", body(&signer.token()), "payload is not an object"),
        row("bad utf-8", signer.sign_text(bytes, &payload), "header is not an object"),
        row("header as list", head("[]"), "header is not an object"),
    ];
    check(&house, &signer.token(), rows).await;
}
