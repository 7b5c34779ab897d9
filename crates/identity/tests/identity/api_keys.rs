//! An API key is accepted whole, in force and from its network, or not at all.

use std::{sync::Arc, time::Duration};

use identity::{Presented, api_key::Pepper};
use model::{CredentialState, How, LastUse, Secret, Timestamp, Way, Wrong};

use crate::house::{House, NOW, client, refused, sender};

#[tokio::test]
async fn a_key_leads_to_its_caller_and_nothing_leads_to_anonymous() {
    let mut house = House::new();
    let keys: Vec<String> = (0..100).map(|it| house.api_key(&format!("key-{it}"))).collect();
    let directory = house.directory();
    for (at, key) in keys.iter().enumerate() {
        let caller = house.key(&directory, key).await.unwrap();
        assert_eq!(caller.credential.as_ref().unwrap().as_str(), format!("key-{at}"));
        assert_eq!((caller.client.as_str(), caller.user.as_ref()), ("shop", None));
        let again = house.key(&directory, key).await.unwrap();
        assert!(Arc::ptr_eq(&caller, &again), "a caller was made on the way");
    }
    let nobody =
        directory.authenticate(&Presented::Nothing, &sender("::1"), house.clock.now()).await;
    assert!(nobody.unwrap().is_anonymous());
}

#[tokio::test]
async fn a_key_that_is_not_known_whole_is_refused() {
    let mut house = House::new();
    let key = house.api_key("key");
    let mut elsewhere = House::new();
    let unknown = elsewhere.api_key("key");
    let directory = house.directory();
    let (broken, form) = ("the form or the checksum", key.strip_prefix("odk_").unwrap());
    let swapped = key.replacen(|it: char| it.is_ascii_digit(), "#", 1);
    for (key, want) in [
        (unknown.as_str(), "no credential has this api key"),
        (&key[..52], broken),
        (&format!("{key}0"), broken),
        (&format!("{key} "), broken),
        (&format!(" {key}"), broken),
        (&format!("ODK_{form}"), broken),
        (form, broken),
        (&key.to_lowercase(), broken),
        (&swapped, broken),
        ("odk_", broken),
        ("", broken),
        ("a.b.c", broken),
        (&"odk_".repeat(4000), broken),
        ("odk_ääääääääääääääääääääääää0", broken),
    ] {
        refused(house.key(&directory, key).await, want, key);
    }
    // In the place of a token it is no token.
    refused(house.token(&directory, &key).await, "three parts", &key);
    assert!(house.key(&directory, &key).await.is_ok());
}

#[tokio::test]
async fn a_key_under_another_pepper_or_none_is_refused() {
    let mut house = House::new();
    let key = house.api_key("key");
    house.pepper = Some(Pepper::new(&Secret::new(vec![8; 32])).unwrap());
    refused(house.key(&house.directory(), &key).await, "no credential has", &key);
    house.pepper = None;
    let directory = house.directory();
    let got = house.key(&directory, &key).await;
    // Anybody can make one up with the right checksum: so it is counted.
    assert_eq!(got.as_ref().unwrap_err().wrong(), Some(Wrong::Ended));
    refused(got, "no pepper", &key);
    assert!(directory.faults()[0].message.contains("without a pepper"));
}

#[tokio::test]
async fn a_key_counts_only_while_it_and_its_profile_are_in_force() {
    let mut house = House::new();
    let key = house.api_key("key");
    house.credentials[0].state = CredentialState::Retiring;
    assert!(house.key(&house.directory(), &key).await.is_ok());
    house.credentials[0].state = CredentialState::Retired;
    refused(house.key(&house.directory(), &key).await, "\"key\" is retired", &key);
    house.credentials[0].state = CredentialState::Revoked;
    refused(house.key(&house.directory(), &key).await, "\"key\" is revoked", &key);
    house.credentials[0].state = CredentialState::Active;
    house.clients[0].is_enabled = false;
    refused(house.key(&house.directory(), &key).await, "client of credential \"key\"", &key);
    house.clients = vec![client("shop")];
    house.clients[0].profiles[0].is_enabled = false;
    refused(house.key(&house.directory(), &key).await, "profile of credential \"key\"", &key);
    house.clients[0].profiles[0].is_enabled = true;
    house.clients[0].profiles[0].expires = Some(Timestamp::from_seconds(NOW));
    refused(house.key(&house.directory(), &key).await, "profile of credential", &key);
    house.clients[0].profiles[0].expires = None;
    house.credentials[0].expires = Timestamp::from_seconds(NOW + 1);
    let directory = house.directory();
    assert!(house.key(&directory, &key).await.is_ok());
    house.clock.advance(Duration::from_secs(1));
    refused(house.key(&directory, &key).await, "\"key\" expired on", &key);
}

#[tokio::test]
async fn a_key_ends_when_it_is_older_than_its_profile_allows_whatever_it_says() {
    let mut house = House::new();
    let key = house.api_key("key");
    house.credentials[0].created = Some(Timestamp::from_seconds(NOW - 100));
    let before = house.directory();
    assert!(house.key(&before, &key).await.is_ok());
    house.clients[0].profiles[0].rotation.lifetime_max = Some(Duration::from_secs(101));
    let directory = house.next(&before);
    assert!(house.key(&directory, &key).await.is_ok());
    house.clock.advance(Duration::from_secs(1));
    refused(house.key(&directory, &key).await, "\"key\" expired on", &key);
    // Of what does not say how old it is, nobody knows.
    house.credentials[0].created = None;
    refused(house.key(&house.directory(), &key).await, "\"key\" expired on", &key);
}

#[tokio::test]
async fn the_last_use_of_a_key_is_noted_with_how_and_from_where_and_only_if_it_was_good() {
    let mut house = House::new();
    let key = house.api_key("key");
    house.api_key("unused");
    let directory = house.directory();
    for (address, seconds) in [("192.0.2.1", 0), ("::ffff:192.0.2.2", 5)] {
        house.clock.advance(Duration::from_secs(seconds));
        let presented = Presented::ApiKey(&key);
        directory.authenticate(&presented, &sender(address), house.clock.now()).await.unwrap();
    }
    let [(credential, used)] = directory.take_uses().try_into().unwrap();
    assert_eq!(credential.as_str(), "key");
    let how = Some(How { way: Way::Call, from: [192, 0, 2, 2].into() });
    assert_eq!(used, LastUse { at: Timestamp::from_seconds(NOW + 5), how });
    assert_eq!(directory.take_uses(), [], "told twice");
    house.credentials[0].state = CredentialState::Revoked;
    let directory = house.directory();
    assert!(house.key(&directory, &key).await.is_err());
    assert_eq!(directory.take_uses(), [], "a use that was refused is none");
}

#[tokio::test]
async fn a_profile_with_networks_is_open_to_those_alone() {
    let mut house = House::new();
    let key = house.api_key("key");
    house.clients[0].profiles[0].networks =
        ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"].map(|it| it.parse().unwrap()).into();
    let directory = house.directory();
    for (address, is_open) in [
        ("10.1.2.3", true),
        ("192.0.2.7", true),
        ("::ffff:10.1.2.3", true),
        ("2001:db8::7", true),
        ("11.0.0.1", false),
        ("192.0.2.8", false),
        ("::ffff:11.0.0.1", false),
        ("::10.1.2.3", false),
        ("::1", false),
        ("2001:db9::7", false),
    ] {
        let presented = Presented::ApiKey(&key);
        let got = directory.authenticate(&presented, &sender(address), house.clock.now()).await;
        match is_open {
            true => assert!(got.is_ok(), "{address}"),
            false => refused(got, "may not be used from", &key),
        }
    }
}

#[tokio::test]
async fn two_credentials_cannot_share_a_key() {
    let mut house = House::new();
    let key = house.api_key("first");
    let mut twin = house.credentials[0].clone();
    twin.id = model::CredentialId::parse("second").unwrap();
    house.credentials.push(twin);
    let directory = house.directory();
    assert!(directory.faults()[0].message.contains("same hmac as \"first\""));
    let caller = house.key(&directory, &key).await.unwrap();
    assert_eq!(caller.credential.as_ref().unwrap().as_str(), "first");
}
