//! Keys come, rotate and go: fetched seldom, never waited for without end, never used too long.

use std::{sync::Arc, time::Duration};

use identity::Directory;
use jsonwebtoken::Algorithm;
use serde_json::json;
use tokio::task::{JoinSet, yield_now};

use crate::{
    house::{House, NOW, refused},
    signer::{Signer, claims, with},
};

const PAUSE: Duration = Duration::from_secs(30);
const DAY: Duration = Duration::from_secs(86_400);

/// A token that outlives all waiting of these tests.
fn long(signer: &Signer) -> String {
    signer.sign(&signer.header(), &with(&claims(), &json!({"exp": NOW + 10 * 86_400})))
}

/// Lets fetches that run beside the calls come to their end.
async fn settle() {
    for _turn in 0..50 {
        yield_now().await;
    }
}

fn key(kid: &str) -> Signer {
    Signer::new(Algorithm::EdDSA).named(kid)
}

async fn accepts(house: &House, directory: &Directory, token: &str, why: &str) {
    let got = house.token(directory, token).await;
    assert!(got.is_ok(), "{why}: {got:?}");
}

/// A call of its own task that must be refused.
fn refuses(
    house: &Arc<House>,
    directory: &Arc<Directory>,
    token: String,
    want: &'static str,
) -> impl Future<Output = ()> + Send + 'static {
    let (house, directory) = (Arc::clone(house), Arc::clone(directory));
    async move { refused(house.token(&directory, &token).await, want, &token) }
}

#[tokio::test]
async fn keys_are_fetched_for_the_first_token_and_kept() {
    let signer = key("k1");
    let house = House::fetching(&[signer.jwk()]);
    let directory = house.directory();
    assert_eq!(house.desk.asked(), 0, "nobody asked yet");
    for user in 0..100 {
        let claims = with(&claims(), &json!({"sub": format!("user-{user}")}));
        let token = signer.sign(&signer.header(), &claims);
        accepts(&house, &directory, &token, "first or later").await;
    }
    // The next snapshot has them too.
    accepts(&house, &house.directory(), &signer.token(), "another directory").await;
    assert_eq!(house.desk.asked(), 1);
}

#[tokio::test]
async fn a_flood_of_unknown_keys_causes_one_fetch_in_30_seconds() {
    let house = Arc::new(House::fetching(&[key("k1").jwk()]));
    let directory = Arc::new(house.directory());
    for round in 1..=3 {
        let mut calls = JoinSet::new();
        for kid in 0..300 {
            let token = key(&format!("unknown-{round}-{kid}")).token();
            calls.spawn(refuses(&house, &directory, token, "no usable key"));
        }
        assert_eq!(calls.join_all().await.len(), 300);
        house.clock.advance(PAUSE - Duration::from_micros(1));
        let token = key("late").token();
        refused(house.token(&directory, &token).await, "no usable key", &token);
        assert_eq!(house.desk.asked(), round, "in round {round}");
        house.clock.advance(Duration::from_micros(1));
    }
}

#[tokio::test]
async fn a_token_that_is_wrong_anyway_causes_no_fetch() {
    let signer = key("k1");
    let house = House::fetching(&[signer.jwk()]);
    let directory = house.directory();
    for change in [
        json!({"aud": "other"}),
        json!({"iss": "https://other.example"}),
        json!({"exp": NOW}),
        json!({"nbf": NOW + 3600}),
    ] {
        let token = signer.sign(&signer.header(), &with(&claims(), &change));
        assert!(house.token(&directory, &token).await.is_err());
    }
    let token = signer.sign(&with(&signer.header(), &json!({"typ": "JWT"})), &claims());
    assert!(house.token(&directory, &token).await.is_err());
    assert_eq!(house.desk.asked(), 0);
}

#[tokio::test]
async fn a_new_key_is_found_and_the_old_one_ends_remembered_tokens() {
    let (old, new) = (key("k1"), key("k2"));
    let house = House::fetching(&[old.jwk()]);
    let directory = house.directory();
    let remembered = long(&old);
    accepts(&house, &directory, &remembered, "before").await;
    house.desk.publishes(&[old.jwk(), new.jwk()]);
    house.clock.advance(PAUSE);
    accepts(&house, &directory, &new.token(), "the new key").await;
    accepts(&house, &directory, &remembered, "the old key, still published").await;
    house.desk.publishes(&[new.jwk()]);
    house.clock.advance(PAUSE);
    // Any unknown key makes the door look, and it sees that the old one is gone.
    let token = key("k3").token();
    refused(house.token(&directory, &token).await, "no usable key", &token);
    refused(house.token(&directory, &remembered).await, "no usable key", &remembered);
    accepts(&house, &directory, &long(&new), "the new key").await;
    assert_eq!(house.desk.asked(), 3);
}

#[tokio::test]
async fn a_withdrawn_key_ends_remembered_tokens_without_anybody_asking_for_another() {
    let signer = key("k1");
    let house = House::fetching(&[signer.jwk()]);
    let directory = house.directory();
    let remembered = long(&signer);
    accepts(&house, &directory, &remembered, "before").await;
    house.desk.publishes(&[]);
    house.clock.advance(Duration::from_secs(600));
    accepts(&house, &directory, &remembered, "still fresh").await;
    settle().await;
    assert_eq!(house.desk.asked(), 1, "fetched while fresh");
    house.clock.advance(Duration::from_secs(1));
    // This call does not wait, but it starts the look.
    accepts(&house, &directory, &remembered, "the look begins").await;
    settle().await;
    refused(house.token(&directory, &remembered).await, "no usable key", &remembered);
}

#[tokio::test]
async fn keys_of_an_issuer_that_is_down_are_used_for_a_day_and_no_longer() {
    let signer = key("k1");
    let house = House::fetching(&[signer.jwk()]);
    let directory = house.directory();
    let remembered = long(&signer);
    accepts(&house, &directory, &remembered, "before").await;
    house.desk.is_down();
    for hour in 0..24 {
        accepts(&house, &directory, &remembered, "remembered").await;
        let claims = with(&claims(), &json!({"exp": NOW + 10 * 86_400, "jti": hour}));
        let fresh = signer.sign(&signer.header(), &claims);
        accepts(&house, &directory, &fresh, "fresh").await;
        settle().await;
        house.clock.advance(DAY / 24);
    }
    accepts(&house, &directory, &remembered, "the last moment").await;
    settle().await;
    house.clock.advance(PAUSE);
    refused(house.token(&directory, &remembered).await, "cannot be fetched", &remembered);
    house.desk.publishes(&[signer.jwk()]);
    house.clock.advance(PAUSE);
    accepts(&house, &directory, &remembered, "the issuer is back").await;
}

#[tokio::test]
async fn an_issuer_that_was_never_reached_is_asked_again_after_the_pause() {
    let signer = key("k1");
    let house = House::fetching(&[signer.jwk()]);
    house.desk.is_down();
    let directory = house.directory();
    for _call in 0..20 {
        let token = signer.token();
        refused(house.token(&directory, &token).await, "cannot be fetched", &token);
    }
    assert_eq!(house.desk.asked(), 1);
    house.desk.publishes(&[signer.jwk()]);
    house.clock.advance(PAUSE);
    accepts(&house, &directory, &signer.token(), "after the pause").await;
}

#[tokio::test]
async fn a_silent_issuer_holds_nobody_for_long() {
    let signer = key("k1");
    let house = Arc::new(House::fetching(&[signer.jwk()]));
    house.desk.falls_silent();
    let directory = Arc::new(house.directory());
    let mut calls = JoinSet::new();
    for _call in 0..20 {
        calls.spawn(refuses(&house, &directory, signer.token(), "cannot be fetched"));
    }
    assert_eq!(calls.join_all().await.len(), 20);
    assert_eq!(house.desk.asked(), 1);
    house.desk.speaks_again();
    settle().await;
    accepts(&house, &directory, &signer.token(), "the fetch went on").await;
    assert_eq!(house.desk.asked(), 1);
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_take_the_fetch_down() {
    let signer = key("k1");
    let house = House::fetching(&[signer.jwk()]);
    house.desk.falls_silent();
    let directory = house.directory();
    let token = signer.token();
    let mut starter = Box::pin(house.token(&directory, &token));
    tokio::select! {
        biased;
        _ = &mut starter => panic!("the issuer is silent"),
        () = settle() => {}
    }
    drop(starter);
    house.desk.speaks_again();
    settle().await;
    accepts(&house, &directory, &token, "the fetch went on").await;
    assert_eq!(house.desk.asked(), 1);
}

#[tokio::test]
async fn an_answer_that_is_no_key_set_changes_nothing() {
    let signer = key("k1");
    let house = House::fetching(&[signer.jwk()]);
    let directory = house.directory();
    let remembered = long(&signer);
    accepts(&house, &directory, &remembered, "before").await;
    let twice = format!(r#"{{"keys":[],"keys":[{}]}}"#, signer.jwk());
    let huge = format!(r#"{{"x":"{}","keys":[]}}"#, "x".repeat(256 * 1024));
    for answer in ["", "<html>", "{}", "[]", "{\"keys\":1}", "{\"error\":\"busy\"}", &twice, &huge]
    {
        house.desk.says(answer.to_owned());
        house.clock.advance(PAUSE);
        let token = key("unknown").token();
        refused(house.token(&directory, &token).await, "no usable key", &token);
        accepts(&house, &directory, &remembered, answer).await;
    }
    assert_eq!(house.desk.asked(), 9);
}

#[tokio::test]
async fn a_fetch_that_panics_is_a_refusal_and_the_next_one_works() {
    let signer = key("k1");
    let house = House::fetching(&[signer.jwk()]);
    house.desk.panics();
    let directory = house.directory();
    let token = signer.token();
    refused(house.token(&directory, &token).await, "cannot be fetched", &token);
    house.desk.publishes(&[signer.jwk()]);
    house.clock.advance(PAUSE);
    accepts(&house, &directory, &token, "after the panic").await;
}
