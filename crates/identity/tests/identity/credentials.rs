//! A token leads to a credential of exactly one profile, and only while that is in force.

use std::time::Duration;

use jsonwebtoken::Algorithm;
use model::{Credential, CredentialState, ProfileId, Timestamp};
use serde_json::{Value, json};

use crate::{
    house::{House, NOW, client, refused},
    signer::{Signer, claims, with},
};

fn signed(signer: &Signer, change: &Value) -> String {
    signer.sign(&signer.header(), &with(&claims(), change))
}

/// A second profile of the client.
fn other_profile(house: &mut House) -> ProfileId {
    let mut other = house.clients[0].profiles[0].clone();
    other.id = ProfileId::parse("shop/other").unwrap();
    house.clients[0].profiles.push(other.clone());
    other.id
}

/// By which credential a token gets in. No other one is noted as used.
async fn used(house: &House, token: &str) -> String {
    let directory = house.directory();
    let caller = house.token(&directory, token).await.unwrap();
    let id = caller.credential.as_ref().unwrap().to_string();
    let [(used, _)] = directory.take_uses().try_into().unwrap();
    assert_eq!(used.as_str(), id);
    id
}

#[tokio::test]
async fn every_named_claim_must_be_there_and_exactly_one_profile_must_match() {
    let signer = Signer::new(Algorithm::EdDSA);
    let mut house = House::trusting(&[signer.jwk()]);
    house.credentials.clear();
    let other = other_profile(&mut house);
    house.external("writers", &[("tenant", "a"), ("groups", "write")]).profile = other.clone();
    house.external("readers", &[("tenant", "a"), ("groups", "read")]);
    house.external("lone", &[("tenant", "b")]);
    house.external("bare", &[]);
    let gone = house.external("gone", &[("tenant", "c"), ("groups", "x")]);
    (gone.state, gone.profile) = (CredentialState::Revoked, other);
    house.external("wide", &[("tenant", "c")]);
    let directory = house.directory();
    assert_eq!(directory.faults().len(), 1, "{:?}", directory.faults());
    for (change, want) in [
        (json!({"tenant": "a", "groups": "write"}), Ok("writers")),
        (json!({"tenant": "a", "groups": ["x", "read", "read"]}), Ok("readers")),
        (json!({"tenant": ["b", "b"]}), Ok("lone")),
        (json!({"tenant": "c"}), Ok("wide")),
        (json!({"tenant": "a", "groups": ["read", "write"]}), Err("credentials of two profiles")),
        (json!({"tenant": ["a", "b"], "groups": "write"}), Err("credentials of two profiles")),
        // A revoked narrow credential does not fall through to a wide one of another profile.
        (json!({"tenant": "c", "groups": "x"}), Err("credentials of two profiles")),
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
async fn of_several_of_one_profile_a_good_one_lets_in_and_the_successor_is_used() {
    use CredentialState::{Active, Retired, Retiring, Revoked};
    let signer = Signer::new(Algorithm::EdDSA);
    let token = signer.token();
    let mut house = House::trusting(&[signer.jwk()]);
    house.external("a-newer", &[("client_id", "shop-1"), ("sub", "ann")]);
    let made = |seconds: i64| Some(Timestamp::from_seconds(NOW - seconds));
    (house.credentials[0].created, house.credentials[1].created) = (made(60), made(30));
    for (old, newer, want) in [
        (Active, Active, "a-newer"),
        (Retiring, Active, "a-newer"),
        (Active, Retiring, "shop-token"),
        (Retired, Active, "a-newer"),
        (Revoked, Active, "a-newer"),
        (Active, Retired, "shop-token"),
        (Retiring, Retired, "shop-token"),
    ] {
        (house.credentials[0].state, house.credentials[1].state) = (old, newer);
        assert_eq!(used(&house, &token).await, want, "{old:?} {newer:?}");
    }
    // What is left of it lets nobody in.
    for (old, newer, want) in [
        (Revoked, Revoked, "is revoked"),
        (Retired, Retired, "is retired: its successor"),
        // It said more than the other: who it was is not let in as anybody at all.
        (Active, Revoked, "\"a-newer\" is revoked"),
        (Retiring, Revoked, "\"a-newer\" is revoked"),
        (Retired, Revoked, "is revoked"),
    ] {
        (house.credentials[0].state, house.credentials[1].state) = (old, newer);
        refused(house.token(&house.directory(), &token).await, want, &token);
    }
    // Where nothing says which is newer, it is the same one all the same.
    let same = |it: &mut Credential| (it.state, it.created) = (Active, None);
    house.credentials.iter_mut().for_each(same);
    assert_eq!(used(&house, &token).await, "shop-token");
}

#[tokio::test]
async fn beside_a_revoked_one_that_says_no_more_the_other_goes_on() {
    let signer = Signer::new(Algorithm::EdDSA);
    let token = signed(&signer, &json!({"sub": "ann", "tenant": "a"}));
    for (claims, want) in [
        (&[("client_id", "shop-1")][..], Ok(())),
        (&[("sub", "ann")], Ok(())),
        (&[("sub", "ann"), ("tenant", "a")], Ok(())),
        (&[("client_id", "shop-1"), ("tenant", "b")], Ok(())),
        (&[("client_id", "shop-1"), ("tenant", "a")], Err("\"gone\" is revoked")),
    ] {
        let mut house = House::trusting(&[signer.jwk()]);
        house.external("gone", claims).state = CredentialState::Revoked;
        match want {
            Ok(()) => assert_eq!(used(&house, &token).await, "shop-token", "{claims:?}"),
            Err(cause) => refused(house.token(&house.directory(), &token).await, cause, &token),
        }
    }
}

#[tokio::test]
async fn a_remembered_token_goes_over_to_the_one_that_is_good_for_longer() {
    let signer = Signer::new(Algorithm::EdDSA);
    let token = signed(&signer, &json!({"exp": NOW + 300}));
    let mut house = House::trusting(&[signer.jwk()]);
    let newer = house.external("newer", &[("sub", "ann")]);
    newer.created = Some(Timestamp::from_seconds(NOW - 30));
    newer.expires = Timestamp::from_seconds(NOW + 100);
    let directory = house.directory();
    for (seconds, want) in [(0, "newer"), (99, "newer"), (1, "shop-token"), (199, "shop-token")] {
        house.clock.advance(Duration::from_secs(seconds));
        let caller = house.token(&directory, &token).await.unwrap();
        assert_eq!(caller.credential.as_ref().unwrap().as_str(), want, "{seconds}");
    }
    house.clock.advance(Duration::from_secs(1));
    refused(house.token(&directory, &token).await, "exp is past", &token);
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
