//! `DPoP` proofs: those of the RFC and good ones are accepted, each bad one for what is wrong.

use http::{HeaderMap, HeaderValue};
use identity::dpop::{self, NonceMaker, ProofError, ProofTerms, VerifiedProof};
use jsonwebtoken::Algorithm;
use model::{Secret, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    house::NOW,
    signer::{Signer, decode, encode, with},
};

const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
const ATH: &str = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo";
const URL: &str = "https://door.example/mcp";

const TERMS: ProofTerms<'_> =
    ProofTerms { method: "POST", url: URL, access_token: Some(TOKEN), nonce: None, jkt: None };

fn claims() -> Value {
    json!({"jti": "j1", "htm": "POST", "htu": URL, "iat": NOW, "ath": ATH})
}

pub(crate) fn header(signer: &Signer) -> Value {
    let jwk = with(&signer.jwk(), &json!({"kid": null, "use": null, "alg": null}));
    with(&signer.header(), &json!({"typ": "dpop+jwt", "kid": null, "jwk": jwk}))
}

fn verify(text: &str, terms: &ProofTerms<'_>) -> Result<VerifiedProof, ProofError> {
    dpop::verify(text, terms, Timestamp::from_seconds(NOW))
}

#[track_caller]
fn refused(text: &str, terms: &ProofTerms<'_>, want: &str) {
    let got = verify(text, terms);
    let Err(error) = got else { panic!("accepted, wanted: {want}") };
    assert!(error.to_string().contains(want), "{error}, wanted: {want}");
    assert_eq!(error.code(), "invalid_dpop_proof");
    let shown = format!("{error} {error:?} {}", error.detail());
    assert!(!text.split('.').any(|it| it.len() > 8 && shown.contains(it)), "{shown}");
}

#[test]
fn the_proofs_of_rfc_9449_are_accepted() {
    let head = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19";
    let jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    let at_token = format!(
        "{head}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
    );
    let at_resource = format!(
        "{head}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
    );
    let now = Timestamp::from_seconds(1_562_262_620);
    let terms = ProofTerms {
        url: "https://server.example.com/token",
        access_token: None,
        jkt: Some(jkt),
        ..TERMS
    };
    let got = dpop::verify(&at_token, &terms, now).unwrap();
    assert_eq!((got.jkt.as_str(), got.jti.as_str()), (jkt, "-BwC3ESc6acc2lTc"));
    assert_eq!(got.expires, Timestamp::from_seconds(1_562_262_916));
    let url = "https://resource.example.org/protectedresource";
    let terms = ProofTerms { method: "GET", url, access_token: Some(TOKEN), ..terms };
    assert!(dpop::verify(&at_resource, &terms, now).is_ok());
}

#[test]
fn honest_proofs_are_accepted_and_known_by_their_key() {
    for algorithm in
        [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA, Algorithm::PS256, Algorithm::RS256]
    {
        let signer = Signer::new(algorithm);
        let text = signer.sign(&header(&signer), &claims());
        let got = verify(&text, &TERMS).unwrap();
        // Another implementation's thumbprint of the same key.
        let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(signer.jwk()).unwrap();
        let want = jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap();
        assert_eq!(got.jkt, want);
        assert!(verify(&text, &ProofTerms { jkt: Some(&got.jkt), ..TERMS }).is_ok());
    }
    let signer = Signer::new(Algorithm::ES256);
    for change in [
        json!({"htu": "HTTPS://DOOR.example:443/mcp?a=b#c"}),
        json!({"htu": "https://door.example/%6dcp"}),
        json!({"iat": NOW - 299}),
        json!({"iat": NOW + 300}),
        json!({"nonce": "whatever"}),
        json!({"jti": "x".repeat(256)}),
        json!({"exp": NOW + 1, "nbf": NOW + 60}),
    ] {
        let text = signer.sign(&header(&signer), &with(&claims(), &change));
        assert!(verify(&text, &TERMS).is_ok(), "{change}: {:?}", verify(&text, &TERMS));
    }
}

#[test]
fn a_proof_for_something_else_is_refused() {
    let signer = Signer::new(Algorithm::ES256);
    let mut rows: Vec<(Value, &str)> = Vec::new();
    for htm in [json!(null), json!("GET"), json!("post"), json!(""), json!(["POST"])] {
        rows.push((json!({ "htm": htm }), "htm is not"));
    }
    for htu in [
        json!(null),
        json!(""),
        json!([URL]),
        json!("/mcp"),
        json!("http://door.example/mcp"),
        json!("https://door.example/mcp/"),
        json!("https://door.example/MCP"),
        json!("https://door.example:8443/mcp"),
        json!("https://door.example.evil.example/mcp"),
        json!("https://u@door.example/mcp"),
        json!("https://door.example/x/../mcp"),
        json!("https://door.example//mcp"),
        json!("https://door.example%2Fmcp"),
    ] {
        rows.push((json!({ "htu": htu }), "htu is not"));
    }
    for ath in [json!(null), json!(""), json!(TOKEN), json!([ATH]), json!(format!("{ATH}="))] {
        rows.push((json!({ "ath": ath }), "ath is not"));
    }
    for iat in [json!("1800000000"), json!([NOW]), json!(true), json!(-1), json!(1e300)] {
        rows.push((json!({ "iat": iat }), "iat is not a time"));
    }
    for iat in [NOW - 300, NOW + 301, 0] {
        rows.push((json!({ "iat": iat }), "iat is more than"));
    }
    for jti in [json!(null), json!(""), json!(1), json!("x".repeat(257))] {
        rows.push((json!({ "jti": jti }), "claim jti"));
    }
    rows.extend([
        (json!({"iat": null}), "claim iat"),
        (json!({"exp": NOW}), "exp is past"),
        (json!({"exp": "x"}), "exp is not a time"),
        (json!({"nbf": NOW + 61}), "nbf is in the future"),
        (json!({"x": "x".repeat(8 * 1024)}), "longer than 8 KiB"),
        (json!({"x": "x".repeat(1024 * 1024)}), "longer than 8 KiB"),
    ]);
    for (change, want) in rows {
        println!("{change}");
        refused(&signer.sign(&header(&signer), &with(&claims(), &change)), &TERMS, want);
    }
    let good = signer.sign(&header(&signer), &claims());
    let other = Signer::new(Algorithm::ES256);
    let jkt = verify(&other.sign(&header(&other), &claims()), &TERMS).unwrap().jkt;
    for jkt in [jkt.as_str(), "", "x"] {
        refused(&good, &ProofTerms { jkt: Some(jkt), ..TERMS }, "by another key");
    }
    refused(&good, &ProofTerms { access_token: Some("other"), ..TERMS }, "ath is not");
    refused(&good, &ProofTerms { url: "mcp", ..TERMS }, "no normal form");
}

#[test]
fn a_header_that_is_wrong_is_refused() {
    let signer = Signer::new(Algorithm::ES256);
    let none = "alg is missing";
    for (change, want) in [
        (json!({"typ": null}), "typ is not"),
        (json!({"typ": "JWT"}), "typ is not"),
        (json!({"typ": "at+jwt"}), "typ is not"),
        (json!({"typ": ["dpop+jwt"]}), "typ is not"),
        (json!({"alg": "none"}), none),
        (json!({"alg": "HS256"}), none),
        (json!({"alg": "es256"}), none),
        (json!({"alg": "ES512"}), "algorithm ES512"),
        (json!({"alg": "RS512"}), "algorithm RS512"),
        (json!({"alg": "ES384"}), "jwk is missing"),
        (json!({"alg": "RS256"}), "jwk is missing"),
        (json!({"jwk": null}), "jwk is missing"),
        (json!({"jwk": signer.jwk().to_string()}), "jwk is missing"),
        (json!({"jwk": [signer.jwk()]}), "jwk is missing"),
        (json!({"jwk": {}}), "jwk is missing"),
        (json!({"jwk": signer.jwk(), "kid": "k2"}), "jwk is missing"),
        (json!({"kid": 1}), "kid is no string"),
        (json!({"crit": ["htm"]}), "parameter crit"),
        (json!({"b64": false}), "parameter b64"),
        (json!({"jku": "https://evil.example"}), "parameter jku"),
        (json!({"x5u": "https://evil.example"}), "parameter x5u"),
        (json!({"x5c": ["MIIB"]}), "parameter x5c"),
    ] {
        println!("{change}");
        refused(&signer.sign(&with(&header(&signer), &change), &claims()), &TERMS, want);
    }
}

#[test]
fn a_key_that_is_not_public_whole_and_fitting_is_refused() {
    let curve = Signer::new(Algorithm::ES256);
    let rsa = Signer::new(Algorithm::RS256);
    let edwards = Signer::new(Algorithm::EdDSA);
    let coordinate = |name: &str| decode(curve.jwk()[name].as_str().unwrap());
    let n = decode(rsa.jwk()["n"].as_str().unwrap());
    let mut rows = vec![
        (&curve, json!({"kty": "oct", "k": "AAAA"})),
        (&curve, json!({"kty": "RSA"})),
        (&curve, json!({"crv": "P-384"})),
        (&curve, json!({"crv": "secp256k1"})),
        (&curve, json!({"y": null})),
        (&curve, json!({"y": encode(coordinate("x"))})),
        (&curve, json!({"x": encode([0; 32]), "y": encode([0; 32])})),
        (&curve, json!({"x": encode([&[0], &coordinate("x")[..]].concat())})),
        (&curve, json!({"x": format!("{}=", encode(coordinate("x")))})),
        (&curve, json!({"alg": "ES384"})),
        (&curve, json!({"use": "enc"})),
        (&curve, json!({"key_ops": ["sign"]})),
        (&edwards, json!({"crv": "X25519"})),
        (&edwards, json!({"x": encode([1; 31])})),
        (&rsa, json!({"n": encode(&n[..128])})),
        (&rsa, json!({"n": encode([&[0], &n[..]].concat())})),
        (&rsa, json!({"e": "AAEAAQ"})),
        (&rsa, json!({"e": "AQ"})),
        (&rsa, json!({"e": "Ag"})),
        (&rsa, json!({"alg": "PS256"})),
    ];
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        rows.push((&rsa, json!({ name: "AAAA" })));
        rows.push((&curve, json!({ name: "AAAA" })));
    }
    for (signer, change) in rows {
        println!("{change}");
        let jwk = with(&header(signer)["jwk"], &change);
        let header = with(&header(signer), &json!({ "jwk": jwk }));
        refused(&signer.sign(&header, &claims()), &TERMS, "jwk is missing");
    }
}

#[test]
fn only_one_form_and_the_right_signature_are_a_proof() {
    let signer = Signer::new(Algorithm::ES256);
    let forger = Signer::new(Algorithm::ES256);
    let good = signer.sign(&header(&signer), &claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let raw = decode(signature);
    let der = [&[0x30, 70, 2, 33, 0], &raw[..32], &[2, 33, 0], &raw[32..]].concat();
    let wrong = "signature does not verify";
    let form = "strict base64url";
    let twice = claims().to_string().replacen('{', "{\"htm\":\"GET\",", 1);
    let inner = header(&signer).to_string().replacen("\"jwk\":{", "\"jwk\":{\"kty\":\"RSA\",", 1);
    for (text, want) in [
        (String::new(), form),
        (format!("{good}="), form),
        (format!("{good}, {good}"), form),
        (format!("{message}."), form),
        (format!("{good}.{signature}"), form),
        (format!("{message}.{}", encode(der)), wrong),
        (format!("{message}.{}", encode([0; 64])), wrong),
        (forger.sign(&header(&signer), &claims()), wrong),
        (signer.sign_text(header(&signer).to_string(), twice), "payload is not"),
        (signer.sign_text(inner, claims().to_string()), "header is not"),
        ("x".repeat(1024 * 1024), "longer than 8 KiB"),
    ] {
        refused(&text, &TERMS, want);
    }
}

#[test]
fn a_nonce_is_asked_for_only_where_nothing_else_is_wrong() {
    let maker = NonceMaker::new(&Secret::new(vec![7; 32])).unwrap();
    let now = Timestamp::from_seconds(NOW);
    let terms = ProofTerms { nonce: Some(&maker), ..TERMS };
    let signer = Signer::new(Algorithm::ES256);
    let sign = |change: Value| signer.sign(&header(&signer), &with(&claims(), &change));
    assert!(verify(&sign(json!({"nonce": maker.issue(now)})), &terms).is_ok());
    let old = maker.issue(Timestamp::from_seconds(NOW - 600));
    for nonce in [json!(null), json!(old), json!(""), json!(1), json!([maker.issue(now)])] {
        let error = verify(&sign(json!({ "nonce": nonce })), &terms).unwrap_err();
        assert_eq!(error.code(), "use_dpop_nonce", "{nonce}: {error}");
    }
    refused(&sign(json!({"htm": "GET"})), &terms, "htm is not");
    refused(&format!("{}A", sign(json!({}))), &terms, "");
}

#[test]
fn a_request_has_one_proof_or_none() {
    let mut headers = HeaderMap::new();
    assert_eq!(dpop::from_headers(&headers), Ok(None));
    headers.append("DPoP", HeaderValue::from_static("a.b.c"));
    assert_eq!(dpop::from_headers(&headers), Ok(Some("a.b.c")));
    headers.append("dpop", HeaderValue::from_static("a.b.c"));
    assert!(dpop::from_headers(&headers).unwrap_err().to_string().contains("several"));
    headers.insert("dpop", HeaderValue::from_bytes(b"a\xff").unwrap());
    assert!(dpop::from_headers(&headers).unwrap_err().to_string().contains("visible ascii"));
}

#[test]
fn two_proofs_of_one_key_are_remembered_apart() {
    let signer = Signer::new(Algorithm::EdDSA);
    let digest = |jti: &str| {
        let text = signer.sign(&header(&signer), &with(&claims(), &json!({ "jti": jti })));
        verify(&text, &TERMS).unwrap().digest()
    };
    assert_eq!(digest("a"), digest("a"));
    assert_ne!(digest("a"), digest("b"));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[A-Za-z0-9_.-]{0,200}|.{0,80}") {
        prop_assert!(verify(&text, &TERMS).is_err());
    }

    #[test]
    fn no_key_makes_it_panic(kty in "EC|RSA|OKP|.{0,3}", x in "[A-Za-z0-9_=-]{0,60}", y in ".{0,9}") {
        let signature = encode([1; 64]);
        for alg in ["ES256", "EdDSA", "RS256"] {
            let jwk = json!({"kty": kty, "crv": "P-256", "x": x, "y": y, "n": x, "e": y});
            let head = json!({"typ": "dpop+jwt", "alg": alg, "jwk": jwk}).to_string();
            let text = format!("{}.{}.{signature}", encode(head), encode(claims().to_string()));
            prop_assert!(verify(&text, &TERMS).is_err());
        }
    }
}
