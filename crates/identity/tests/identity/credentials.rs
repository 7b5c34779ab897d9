//! A token leads to exactly one credential, and only while that is in force.

use std::time::Duration;

use jsonwebtoken::Algorithm;
use model::{CredentialState, Timestamp};
use serde_json::{Value, json};

use crate::{
    house::{House, NOW, client, refused},
    signer::{Signer, claims, with},
};

fn signed(signer: &Signer, change: &Value) -> String {
    signer.sign(&signer.header(), &with(&claims(), change))
}

#[tokio::test]
async fn every_named_claim_must_be_there_and_exactly_one_credential_must_match() {
    let signer = Signer::new(Algorithm::EdDSA);
    let mut house = House::trusting(&[signer.jwk()]);
    house.credentials.clear();
    house.external("writers", &[("tenant", "a"), ("groups", "write")]);
    house.external("readers", &[("tenant", "a"), ("groups", "read")]);
    house.external("lone", &[("tenant", "b")]);
    house.external("bare", &[]);
    house.external("gone", &[("tenant", "c"), ("groups", "x")]).state = CredentialState::Revoked;
    house.external("wide", &[("tenant", "c")]);
    let directory = house.directory();
    assert_eq!(directory.faults().len(), 1, "{:?}", directory.faults());
    for (change, want) in [
        (json!({"tenant": "a", "groups": "write"}), Ok("writers")),
        (json!({"tenant": "a", "groups": ["x", "read", "read"]}), Ok("readers")),
        (json!({"tenant": ["b", "b"]}), Ok("lone")),
        (json!({"tenant": "c"}), Ok("wide")),
        (json!({"tenant": "a", "groups": ["read", "write"]}), Err("more than one")),
        (json!({"tenant": ["a", "b"], "groups": "read"}), Err("more than one")),
        // A revoked narrow credential does not fall through to a wide one.
        (json!({"tenant": "c", "groups": "x"}), Err("more than one")),
        (json!({"tenant": "a"}), Err("no credential matches")),
        (json!({"groups": "read"}), Err("no credential matches")),
        (json!({"tenant": "a", "groups": "rea"}), Err("no credential matches")),
        (json!({"tenant": "a", "groups": "read write"}), Err("no credential matches")),
        (json!({"tenant": "a", "groups": {"read": "read"}}), Err("no credential matches")),
        (json!({}), Err("no credential matches")),
    ] {
        let token = signed(&signer, &change);
        let got = house.token(&directory, &token).await;
        match want {
            Ok(id) => {
                let caller = got.unwrap_or_else(|it| panic!("{change} {it:?}"));
                assert_eq!(caller.credential.as_ref().unwrap().as_str(), id, "{change}");
            }
            Err(cause) => refused(got, cause, &token),
        }
    }
}

#[tokio::test]
async fn a_remembered_token_ends_with_the_token_the_credential_and_the_profile() {
    let signer = Signer::new(Algorithm::EdDSA);
    let token = signed(&signer, &json!({"exp": NOW + 300}));
    let ends = Timestamp::from_seconds(NOW + 100);
    let base = || House::trusting(&[signer.jwk()]);
    let mut credential = base();
    credential.credentials[0].expires = ends;
    let mut profile = base();
    profile.clients[0].profiles[0].expires = Some(ends);
    for (house, seconds, want) in [
        (base(), 300, "exp is past"),
        (credential, 100, "credential \"shop-token\" expired on 2027"),
        (profile, 100, "profile of credential \"shop-token\" expired on 2027"),
    ] {
        let directory = house.directory();
        house.clock.advance(Duration::from_secs(seconds - 1));
        assert!(house.token(&directory, &token).await.is_ok(), "{want}");
        house.clock.advance(Duration::from_secs(1));
        refused(house.token(&directory, &token).await, want, &token);
    }
}

#[tokio::test]
async fn what_is_revoked_or_disabled_stops_with_the_next_directory() {
    let signer = Signer::new(Algorithm::EdDSA);
    let token = signer.token();
    let mut house = House::trusting(&[signer.jwk()]);
    house.credentials[0].state = CredentialState::Retiring;
    assert!(house.token(&house.directory(), &token).await.is_ok(), "retiring is still good");
    house.credentials[0].state = CredentialState::Revoked;
    refused(house.token(&house.directory(), &token).await, "is revoked", &token);
    house.credentials[0].state = CredentialState::Active;
    house.clients[0].is_enabled = false;
    refused(house.token(&house.directory(), &token).await, "client of credential", &token);
    house.clients = vec![client("shop")];
    house.clients[0].profiles[0].is_enabled = false;
    refused(house.token(&house.directory(), &token).await, "profile of credential", &token);
    house.clients = vec![client("other")];
    refused(house.token(&house.directory(), &token).await, "no credential matches", &token);
    assert!(house.directory().faults()[0].message.contains("unknown profile \"shop/main\""));
    house.clients = vec![client("shop")];
    house.issuers.clear();
    refused(house.token(&house.directory(), &token).await, "not a trusted issuer", &token);
    assert!(house.directory().faults()[0].message.contains("unknown issuer \"idp\""));
}
