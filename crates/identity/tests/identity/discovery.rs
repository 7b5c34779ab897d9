//! An issuer says itself where its keys are, and nobody else says it for it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use identity::{Fetch, Fetching, KeySets};
use jsonwebtoken::Algorithm;
use model::KeySource;
use serde_json::{Value, json};
use tokio::task::yield_now;

use crate::{
    house::{House, ISS, NOW, refused},
    signer::{Signer, claims, with},
};

const OPENID: &str = "https://issuer.example/.well-known/openid-configuration";
const OAUTH: &str = "https://issuer.example/.well-known/oauth-authorization-server";
const KEYS: &str = "https://keys.example/of-issuer";
const PAUSE: Duration = Duration::from_secs(30);
const DAY: Duration = Duration::from_secs(86_400);

/// Documents by URL, and what was asked for.
#[derive(Default)]
struct Shelf {
    documents: Mutex<BTreeMap<String, Bytes>>,
    asked: Mutex<Vec<String>>,
}

impl Shelf {
    fn put(&self, url: &str, document: &Value) {
        self.documents.lock().unwrap().insert(url.into(), document.to_string().into());
    }

    fn take(&self, url: &str) {
        self.documents.lock().unwrap().remove(url);
    }

    /// What was asked for since the last time.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Fetch for Shelf {
    fn get<'a>(&'a self, url: &'a str) -> Fetching<'a> {
        Box::pin(async move {
            self.asked.lock().unwrap().push(url.into());
            let document = self.documents.lock().unwrap().get(url).cloned();
            document.map(Into::into).ok_or_else(|| "status 404 instead of 200".to_owned())
        })
    }
}

fn metadata() -> Value {
    json!({"issuer": ISS, "jwks_uri": KEYS, "token_endpoint": "https://issuer.example/token"})
}

/// A house whose one issuer is asked where its keys are: they are those of `signer`.
fn discovering(place: &str, signer: &Signer) -> (House, Arc<Shelf>) {
    let mut house = House::trusting(&[]);
    house.issuers[0].keys = KeySource::Discovery;
    let shelf = Arc::new(Shelf::default());
    shelf.put(place, &metadata());
    shelf.put(KEYS, &json!({"keys": [signer.jwk()]}));
    let wait = Duration::from_millis(20);
    house.key_sets = KeySets::waiting(Arc::clone(&shelf) as _, house.clock.clone(), wait);
    (house, shelf)
}

fn key(kid: &str) -> Signer {
    Signer::new(Algorithm::EdDSA).named(kid)
}

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

#[tokio::test]
async fn keys_are_found_through_either_document() {
    for (place, want) in [(OPENID, &[OPENID, KEYS][..]), (OAUTH, &[OPENID, OAUTH, KEYS])] {
        let signer = key("k1");
        let (house, shelf) = discovering(place, &signer);
        let directory = house.directory();
        assert!(shelf.asked().is_empty(), "nobody asked yet");
        for _call in 0..3 {
            assert!(house.token(&directory, &signer.token()).await.is_ok());
        }
        assert_eq!(shelf.asked(), want);
    }
}

#[tokio::test]
async fn metadata_of_another_issuer_leads_to_no_keys() {
    for other in ["https://issuer.example/", "https://evil.example", "https://{tenant}.example"] {
        let signer = key("k1");
        let (house, shelf) = discovering(OPENID, &signer);
        shelf.put(OPENID, &json!({"issuer": other, "jwks_uri": KEYS}));
        // A good document at the other place makes no difference: somebody lies.
        shelf.put(OAUTH, &metadata());
        let directory = house.directory();
        let token = signer.token();
        refused(house.token(&directory, &token).await, "cannot be fetched", &token);
        assert_eq!(shelf.asked(), [OPENID], "{other}");
        let error = house.key_sets.provider(ISS).metadata().await.unwrap_err();
        assert!(error.contains("declare the issuer"), "{error}");
    }
}

#[tokio::test]
async fn an_issuer_that_moves_its_keys_is_followed() {
    let (old, new) = (key("k1"), key("k2"));
    let (house, shelf) = discovering(OPENID, &old);
    let directory = house.directory();
    assert!(house.token(&directory, &long(&old)).await.is_ok());
    let elsewhere = "https://keys.example/new";
    shelf.put(OPENID, &json!({"issuer": ISS, "jwks_uri": elsewhere}));
    shelf.put(elsewhere, &json!({"keys": [new.jwk()]}));
    house.clock.advance(Duration::from_secs(601));
    assert!(house.token(&directory, &long(&new)).await.is_ok());
    assert_eq!(shelf.asked(), [OPENID, KEYS, OPENID, elsewhere]);
    let token = long(&old);
    refused(house.token(&directory, &token).await, "no usable key", &token);
}

#[tokio::test]
async fn keys_are_renewed_where_they_were_while_metadata_is_out_of_reach_and_for_a_day_at_most() {
    let (old, new) = (key("k1"), key("k2"));
    let (house, shelf) = discovering(OPENID, &old);
    let directory = house.directory();
    assert!(house.token(&directory, &long(&old)).await.is_ok());
    shelf.take(OPENID);
    shelf.put(KEYS, &json!({"keys": [new.jwk()]}));
    house.clock.advance(DAY - PAUSE);
    assert!(house.token(&directory, &long(&new)).await.is_ok(), "known metadata will do");
    shelf.asked();
    house.clock.advance(DAY + PAUSE);
    let token = long(&new);
    assert!(house.token(&directory, &token).await.is_err(), "everything is too old");
    settle().await;
    assert_eq!(shelf.asked(), [OPENID, OAUTH]);
}

#[tokio::test]
async fn an_issuer_that_fails_is_asked_once_in_30_seconds_and_known_when_it_is_back() {
    let signer = key("k1");
    let (house, shelf) = discovering(OPENID, &signer);
    shelf.take(OPENID);
    let provider = house.key_sets.provider(ISS);
    for _call in 0..10 {
        let error = provider.metadata().await.unwrap_err();
        assert!(
            error.contains(OPENID) && error.contains(OAUTH) && error.contains("404"),
            "{error}"
        );
    }
    assert_eq!(shelf.asked(), [OPENID, OAUTH]);
    shelf.put(OPENID, &metadata());
    house.clock.advance(PAUSE);
    let found = provider.metadata().await.unwrap();
    assert_eq!(found.token_endpoint.as_deref(), Some("https://issuer.example/token"));
    // Whoever asks for the same issuer asks the same provider, keys included.
    assert!(Arc::ptr_eq(&provider, &house.key_sets.provider(ISS)));
    assert!(house.token(&house.directory(), &signer.token()).await.is_ok());
    assert_eq!(shelf.asked(), [OPENID, KEYS]);
}

#[tokio::test]
async fn many_who_ask_at_once_ask_the_issuer_once() {
    let (house, shelf) = discovering(OPENID, &key("k1"));
    let provider = house.key_sets.provider(ISS);
    let mut calls = tokio::task::JoinSet::new();
    for _call in 0..100 {
        let provider = Arc::clone(&provider);
        calls.spawn(async move { provider.metadata().await.is_ok() });
    }
    assert!(calls.join_all().await.into_iter().all(|it| it));
    assert_eq!(shelf.asked(), [OPENID]);
}
