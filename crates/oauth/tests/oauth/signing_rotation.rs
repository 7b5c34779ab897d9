//! Signing keys are replaced on demand, and withdrawn at once.

use std::time::Duration;

use http::{HeaderMap, Method};
use oauth::{Algorithm, KeyError, KeyStage, PublishedKey, follow};
use secrets::Keyring;
use serde_json::Value;

use crate::{
    house::{House, SECRET},
    signing::is_believed,
};

async fn token(house: &House) -> String {
    let form = [("grant_type", "client_credentials")];
    let (_, answer) = house.post("/oauth/token", Some(("batch/main", SECRET)), &form).await;
    answer.get("access_token").and_then(Value::as_str).unwrap_or_else(|| panic!("{answer}")).into()
}

async fn published(house: &House) -> Vec<String> {
    let answer = house.ask(Method::GET, "/oauth/jwks", HeaderMap::new(), "").await;
    let keys: Value = serde_json::from_slice(answer.body()).unwrap();
    let keys = keys["keys"].as_array().unwrap().clone();
    keys.iter().map(|it| it["kid"].as_str().unwrap().to_owned()).collect()
}

async fn stages(house: &House) -> Vec<KeyStage> {
    house.server.signing_keys().await.unwrap().iter().map(|it| it.stage).collect()
}

const AHEAD: Option<Duration> = Some(Duration::from_secs(60));

#[tokio::test]
async fn a_new_key_is_published_before_it_signs_and_the_old_one_until_its_tokens_ended() {
    let house = House::open().await;
    let old = token(&house).await;
    // Keys of one second have no order.
    house.advance(1);
    let PublishedKey { id, stage, ends, .. } =
        house.server.rotate_signing_key(AHEAD).await.unwrap();
    assert_eq!((stage, ends), (KeyStage::Next, None));
    assert!(published(&house).await.contains(&id), "it is published at once");
    assert_eq!(stages(&house).await, [KeyStage::Next, KeyStage::Signing]);
    // It does not sign yet: whoever does not know it yet needs no key but the old one.
    let before = token(&house).await;
    house.advance(60);
    assert_eq!(stages(&house).await, [KeyStage::Signing, KeyStage::Verifying]);
    let after = token(&house).await;
    assert_ne!(before.split('.').next(), after.split('.').next(), "another key signs");
    for token in [&old, &before, &after] {
        assert!(is_believed(&house, token).await, "{token}");
    }
    let keys = house.server.signing_keys().await.unwrap();
    assert_eq!(keys[1].ends.unwrap(), keys[0].activates.plus(Duration::from_secs(2 * 3600)));
    house.advance(2 * 3600 + 1);
    house.server.start().await.unwrap();
    house.server.start().await.unwrap();
    assert_eq!(published(&house).await, [id]);
}

#[tokio::test]
async fn what_is_under_way_or_out_of_bounds_is_not_begun_again() {
    let house = House::open().await;
    for bad in [0, 1, 7 * 24 * 3600 + 1] {
        let refused = house.server.rotate_signing_key(Some(Duration::from_secs(bad))).await;
        assert!(matches!(refused, Err(KeyError::Ahead(_))), "{bad}");
    }
    let made = house.server.rotate_signing_key(AHEAD).await.unwrap();
    let again = house.server.rotate_signing_key(AHEAD).await.unwrap_err();
    assert!(again.to_string().contains(&made.id), "{again}");
    // One that would sign earlier is another matter.
    house.server.rotate_signing_key(Some(Duration::from_secs(5))).await.unwrap();
    assert!(!house.server.withdraw_signing_key("nobody").await.unwrap(), "there is none");
    for _ in published(&house).await.len()..64 {
        house.advance(61);
        house.server.rotate_signing_key(AHEAD).await.unwrap();
    }
    house.advance(61);
    let full = house.server.rotate_signing_key(AHEAD).await;
    assert!(matches!(full, Err(KeyError::Full(64))), "{full:?}");
}

#[tokio::test]
async fn a_key_that_was_opened_signs_on_whatever_seals_it_meanwhile() {
    let house = House::open().await;
    let old = token(&house).await;
    house.advance(1);
    // The keyring is replaced, in the moment before what it sealed is sealed anew.
    house.keyring().replace(&Keyring::generate("k2").unwrap().0);
    house.server.rotate_signing_key(AHEAD).await.unwrap();
    assert_eq!(stages(&house).await, [KeyStage::Next, KeyStage::Signing]);
    let new = token(&house).await;
    assert_eq!(old.split('.').next(), new.split('.').next(), "the same key signs");
    // Nor is it replaced by one that nobody else knows yet.
    house.server.start().await.unwrap();
    assert_eq!(published(&house).await.len(), 2);
}

#[tokio::test]
async fn a_withdrawn_key_is_believed_no_more_and_another_signs() {
    let house = House::open().await;
    let old = token(&house).await;
    let [withdrawn] = published(&house).await.try_into().unwrap();
    assert!(is_believed(&house, &old).await);
    assert!(house.server.withdraw_signing_key(&withdrawn).await.unwrap());
    assert!(!house.server.withdraw_signing_key(&withdrawn).await.unwrap(), "it was done");
    assert!(!is_believed(&house, &old).await);
    let [next] = published(&house).await.try_into().unwrap();
    assert_ne!(next, withdrawn);
    house.advance(1);
    let new = token(&house).await;
    assert!(is_believed(&house, &new).await);
    // One that is published and waits for its turn is taken first.
    let waiting = house.server.rotate_signing_key(None).await.unwrap();
    house.server.withdraw_signing_key(&next).await.unwrap();
    house.advance(1);
    assert!(is_believed(&house, &token(&house).await).await);
    assert_eq!(published(&house).await, [waiting.id]);
    // A key that verifies is taken away without another beginning to sign.
    house.server.rotate_signing_key(AHEAD).await.unwrap();
    house.advance(60);
    let [_, verifying] = &*house.server.signing_keys().await.unwrap() else {
        panic!("there are two")
    };
    house.server.withdraw_signing_key(&verifying.id).await.unwrap();
    assert_eq!(stages(&house).await, [KeyStage::Signing]);
}

#[tokio::test]
async fn a_key_that_is_withdrawn_at_one_replica_is_gone_from_the_others() {
    let mut house = House::open().await;
    let old = token(&house).await;
    let [withdrawn] = published(&house).await.try_into().unwrap();
    let first = std::sync::Arc::clone(&house.server);
    house.replica().await;
    assert!(is_believed(&house, &old).await);
    let mut following = tokio::task::JoinSet::new();
    following.spawn(follow(std::sync::Arc::clone(&house.server)));
    first.withdraw_signing_key(&withdrawn).await.unwrap();
    let refused = async {
        while is_believed(&house, &old).await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    // Sooner than the next look at the keys, which is not what it waits for.
    tokio::time::timeout(Duration::from_millis(500), refused).await.expect("it hears of it");
    following.shutdown().await;
    house.restart(Algorithm::EdDsa).await;
    assert!(!is_believed(&house, &old).await, "it came back with a start");
}
