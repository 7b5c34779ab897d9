//! Every valid token is accepted, and leads to the caller it speaks of.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::{
    house::House,
    signer::{Signer, claims, with},
};

const ALGORITHMS: [Algorithm; 7] = [
    Algorithm::EdDSA,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::PS256,
    Algorithm::PS512,
    Algorithm::RS256,
    Algorithm::RS384,
];

#[tokio::test]
async fn a_token_of_each_algorithm_is_accepted_however_its_key_is_written() {
    for algorithm in ALGORITHMS {
        let signer = Signer::new(algorithm);
        let jwk = signer.jwk();
        for (why, jwk, header) in [
            ("all named", jwk.clone(), signer.header()),
            ("key without alg", with(&jwk, &json!({"alg": null})), signer.header()),
            ("key without use", with(&jwk, &json!({"use": null})), signer.header()),
            ("key_ops", with(&jwk, &json!({"key_ops": ["verify"]})), signer.header()),
            ("token without kid", jwk.clone(), with(&signer.header(), &json!({"kid": null}))),
            (
                "no kid at all",
                with(&jwk, &json!({"kid": null})),
                with(&signer.header(), &json!({"kid": null})),
            ),
        ] {
            let mut house = House::trusting(&[json!({"kty": "unknown"}), jwk]);
            house.issuers[0].algorithms = vec![format!("{algorithm:?}")];
            let token = signer.sign(&header, &claims());
            accepted_twice(&house, &token, &format!("{algorithm:?}, {why}")).await;
        }
    }
}

/// Verified the first time, remembered the second.
async fn accepted_twice(house: &House, token: &str, why: &str) {
    let directory = house.directory();
    assert_eq!(directory.faults(), []);
    for _round in 0..2 {
        let caller = house.token(&directory, token).await;
        let caller = caller.unwrap_or_else(|it| panic!("{why}: {it:?}"));
        assert_eq!(caller.credential.as_ref().unwrap().as_str(), "shop-token");
    }
}

#[tokio::test]
async fn what_the_standards_leave_open_is_accepted() {
    let signer = Signer::new(Algorithm::ES256);
    let house = House::trusting(&[signer.jwk()]);
    let directory = house.directory();
    let header = |change: Value| signer.sign(&with(&signer.header(), &change), &claims());
    let claim = |change: Value| signer.sign(&signer.header(), &with(&claims(), &change));
    for (why, token) in [
        ("media type", header(json!({"typ": "application/at+jwt"}))),
        ("case of the media type", header(json!({"typ": "AT+JWT"}))),
        ("thumbprint", header(json!({"x5t": "abc", "x5t#S256": "abc"}))),
        ("unknown parameter", header(json!({"nonce": "abc", "ver": 1}))),
        ("list of audiences", claim(json!({"aud": ["other", "door"]}))),
        ("no iat, no nbf", claim(json!({"iat": null, "nbf": null, "jti": null}))),
        ("issuer's clock a minute ahead", claim(json!({"iat": crate::house::NOW + 60}))),
        ("fractions", claim(json!({"exp": 1_800_000_300.5, "iat": 1_799_999_999.5}))),
        ("nested claims", claim(json!({"realm": {"roles": [{"a": 1}], "a": {"a": null}}}))),
        ("no sub", claim(json!({"sub": null}))),
    ] {
        let caller = house.token(&directory, &token).await;
        assert!(caller.is_ok(), "{why}: {caller:?}");
    }
    let spaced = signer.sign_text(
        format!(" {}\n", signer.header()),
        serde_json::to_string_pretty(&claims()).unwrap(),
    );
    assert!(house.token(&directory, &spaced).await.is_ok());
}

#[tokio::test]
async fn the_caller_is_the_bound_client_and_the_user_of_the_token() {
    let signer = Signer::new(Algorithm::EdDSA);
    let house = House::trusting(&[signer.jwk()]);
    let directory = house.directory();
    let act = json!({"sub": "agent-7", "act": {"sub": "planner"}});
    let token = signer.sign(&signer.header(), &with(&claims(), &json!({"act": act})));
    let caller = house.token(&directory, &token).await.unwrap();
    assert_eq!((caller.client.as_str(), caller.profile.as_str()), ("shop", "shop/main"));
    assert_eq!(caller.user.as_deref(), Some("idp:ann"));
    assert_eq!(caller.actors, ["agent-7", "planner"]);

    let token = signer.sign(&signer.header(), &with(&claims(), &json!({"sub": "shop-1"})));
    let caller = house.token(&directory, &token).await.unwrap();
    assert_eq!((caller.user.as_deref(), caller.actors.len()), (None, 0));
}

#[tokio::test]
async fn two_users_of_one_client_are_never_mixed_up() {
    let signer = Signer::new(Algorithm::EdDSA);
    let house = House::trusting(&[signer.jwk()]);
    let directory = house.directory();
    let users: Vec<String> = (0..50).map(|it| format!("user-{it}")).collect();
    for _round in 0..2 {
        for user in &users {
            let token = signer.sign(&signer.header(), &with(&claims(), &json!({"sub": user})));
            let caller = house.token(&directory, &token).await.unwrap();
            assert_eq!(caller.user, Some(format!("idp:{user}")));
        }
    }
}
