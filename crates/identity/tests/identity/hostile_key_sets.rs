//! A key that is not for signatures, or broken, verifies nothing.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::{
    house::{House, refused},
    signer::{Signer, decode, encode, with},
};

#[tokio::test]
async fn only_a_whole_public_signature_key_is_used() {
    let curve = Signer::new(Algorithm::ES256);
    let edwards = Signer::new(Algorithm::EdDSA);
    let rsa = Signer::new(Algorithm::RS256);
    let (n, x) = (rsa.jwk()["n"].clone(), curve.jwk()["x"].clone());
    let n = n.as_str().unwrap();
    let (long_x, short_y) = moved(&curve);
    let even = |n: &str| encode([&decode(n)[..], &[0]].concat());
    for (signer, change) in [
        (&curve, json!({"use": "enc"})),
        (&curve, json!({"use": "SIG"})),
        (&curve, json!({"use": ["sig"]})),
        (&curve, json!({"key_ops": ["encrypt"]})),
        (&curve, json!({"key_ops": []})),
        (&curve, json!({"key_ops": "verify"})),
        (&curve, json!({"alg": "ES384"})),
        (&curve, json!({"alg": "ECDH-ES"})),
        (&curve, json!({"alg": ""})),
        (&curve, json!({"alg": 256})),
        (&curve, json!({"kty": "RSA"})),
        (&curve, json!({"kty": "oct", "k": "AAAA"})),
        (&curve, json!({"kty": "ec"})),
        (&curve, json!({"kid": 1})),
        (&curve, json!({"crv": "P-384"})),
        (&curve, json!({"crv": "secp256k1"})),
        (&curve, json!({"d": "AAAA"})),
        (&curve, json!({"y": null})),
        (&curve, json!({"y": ""})),
        (&curve, json!({"y": x})),
        (&curve, json!({"y": format!("{}=", curve.jwk()["y"].as_str().unwrap())})),
        (&curve, json!({"x": encode([0; 32]), "y": encode([0; 32])})),
        (&curve, json!({"x": encode([255; 32]), "y": encode([255; 32])})),
        (&curve, json!({"x": encode([&[0], &decode(x.as_str().unwrap())[..]].concat())})),
        (&curve, json!({"x": long_x, "y": short_y})),
        (&edwards, json!({"crv": "Ed448"})),
        (&edwards, json!({"crv": "X25519"})),
        (&edwards, json!({"x": encode([1; 31])})),
        (&edwards, json!({"kty": "EC"})),
        (&rsa, json!({"e": "AQ"})),
        (&rsa, json!({"e": ""})),
        (&rsa, json!({"e": "Ag"})),
        (&rsa, json!({"e": encode([255; 9])})),
        (&rsa, json!({"n": encode(&decode(n)[..128])})),
        (&rsa, json!({"n": even(n)})),
        (&rsa, json!({"n": encode([255; 1025])})),
        (&rsa, json!({"n": ""})),
    ] {
        let house = House::trusting(&[with(&signer.jwk(), &change)]);
        let directory = house.directory();
        let token = signer.token();
        println!("{change}");
        match house.token(&directory, &token).await {
            Err(refusal) if refusal.cause() == Some("the signature does not verify") => {
                assert_eq!(change, json!({"n": even(n)}), "the key was taken");
            }
            other => {
                refused(other, "no usable key", &token);
                let faults = directory.faults();
                assert!(faults[0].message.contains("no usable key"), "{faults:?}");
            }
        }
    }
}

/// The same bytes, cut at another place.
fn moved(signer: &Signer) -> (String, String) {
    let coordinate = |name: &str| decode(signer.jwk()[name].as_str().unwrap());
    let both = [coordinate("x"), coordinate("y")].concat();
    (encode(&both[..33]), encode(&both[33..]))
}

#[tokio::test]
async fn a_set_that_is_no_set_is_reported_and_believed_by_nobody() {
    let signer = Signer::new(Algorithm::ES256);
    let many: Vec<Value> = (0..65).map(|_| signer.jwk()).collect();
    for set in [
        json!({}),
        json!({"keys": {}}),
        json!([signer.jwk()]),
        signer.jwk(),
        json!({ "keys": many }),
    ] {
        let mut house = House::trusting(&[]);
        house.issuers[0].keys = model::KeySource::Inline(set.into());
        let directory = house.directory();
        assert!(directory.faults()[0].message.contains("key set"), "{:?}", directory.faults());
        let token = signer.token();
        refused(house.token(&directory, &token).await, "no usable key", &token);
    }
}

#[tokio::test]
async fn the_good_key_is_found_among_bad_ones_of_the_same_name() {
    let signer = Signer::new(Algorithm::ES256);
    let other = Signer::new(Algorithm::ES256);
    let encryption = with(&other.jwk(), &json!({"use": "enc"}));
    let rsa = Signer::new(Algorithm::RS256);
    let house = House::trusting(&[encryption, rsa.jwk(), other.jwk(), signer.jwk()]);
    let directory = house.directory();
    for good in [&signer, &rsa, &other] {
        assert!(house.token(&directory, &good.token()).await.is_ok());
    }
}
