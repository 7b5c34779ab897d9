//! Opaque tokens of the door itself lead where what they stand for says, and are looked up once.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::digest;
use identity::{
    api_key::SystemRandom,
    reference::{self, ReferenceStore},
};
use model::{RefusalKind, Timestamp};
use serde_json::{Map, Value, json};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    house::{NOW, refused},
    own_tokens::{Door, claims},
    signer::with,
};

/// What all replicas keep, and how often it was asked.
struct Shelf {
    kept: Mutex<BTreeMap<[u8; 32], Map<String, Value>>>,
    is_broken: Mutex<bool>,
    asked: AtomicUsize,
    at_once: AtomicUsize,
    at_once_max: AtomicUsize,
    /// Closed while it has no permits.
    door: Semaphore,
}

impl Shelf {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            kept: Mutex::default(),
            is_broken: Mutex::default(),
            asked: AtomicUsize::new(0),
            at_once: AtomicUsize::new(0),
            at_once_max: AtomicUsize::new(0),
            door: Semaphore::new(100),
        })
    }

    /// What another replica does: a reference for these claims.
    fn keep(&self, change: &Value) -> String {
        let token = reference::make(&SystemRandom::new()).unwrap();
        let says = with(&claims(), change).as_object().unwrap().clone();
        self.kept.lock().unwrap().insert(hash(&token), says);
        token
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl ReferenceStore for Shelf {
    fn find(
        &self,
        digest: [u8; 32],
        _: Timestamp,
    ) -> Pin<Box<dyn Future<Output = Result<Option<Map<String, Value>>, String>> + Send + '_>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let _one = One::of(self);
            let _passed = self.door.acquire().await.unwrap();
            match *self.is_broken.lock().unwrap() {
                true => Err("it hangs".to_owned()),
                false => Ok(self.kept.lock().unwrap().get(&digest).cloned()),
            }
        })
    }
}

/// A question that is being answered, until it is or is given up.
struct One<'a>(&'a Shelf);

impl<'a> One<'a> {
    fn of(shelf: &'a Shelf) -> Self {
        let at_once = shelf.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        shelf.at_once_max.fetch_max(at_once, Ordering::SeqCst);
        Self(shelf)
    }
}

impl Drop for One<'_> {
    fn drop(&mut self) {
        self.0.at_once.fetch_sub(1, Ordering::SeqCst);
    }
}

fn hash(token: &str) -> [u8; 32] {
    digest::digest(&digest::SHA256, token.as_bytes()).as_ref().try_into().unwrap()
}

/// A door that looks its references up on a shelf.
fn door() -> (Door, Arc<Shelf>) {
    let (door, shelf) = (Door::new(), Shelf::new());
    door.issuer.keep_references_in(Arc::clone(&shelf) as _);
    (door, shelf)
}

#[tokio::test]
async fn a_reference_of_another_replica_is_looked_up_once_in_half_a_minute() {
    let (door, shelf) = door();
    let token = shelf.keep(&json!({}));
    for (seconds, want) in [(0, 1), (0, 1), (29, 1), (1, 2), (0, 2)] {
        door.house.clock.advance(Duration::from_secs(seconds));
        // A directory that is made anew knows no holder of it, and looks nothing up either.
        let caller = door.house.token(&door.directory(), &token).await.unwrap();
        assert_eq!(caller.profile.as_str(), "shop/main");
        assert_eq!(caller.user.as_deref(), Some("local:ann"));
        assert_eq!(
            caller.bounds.as_ref().unwrap().scopes.as_ref().unwrap().to_string(),
            "role:reader"
        );
        assert_eq!(shelf.asked(), want, "{seconds}");
    }
    let directory = door.directory();
    assert!(door.house.token(&directory, &token).await.is_ok());
    // What the directory knows by itself it does not know for longer.
    shelf.kept.lock().unwrap().clear();
    door.house.clock.advance(Duration::from_secs(30));
    refused(door.house.token(&directory, &token).await, "has ended", &token);
}

#[tokio::test]
async fn one_that_was_made_here_is_never_looked_up_and_ends_at_once() {
    for id in ["t1", "g1"] {
        let (door, shelf) = door();
        let token = reference::make(&SystemRandom::new()).unwrap();
        door.issuer.know_reference(&token, claims().as_object().unwrap().clone());
        let directory = door.directory();
        for seconds in [0, 300, 299] {
            door.house.clock.advance(Duration::from_secs(seconds));
            assert!(door.house.token(&directory, &token).await.is_ok(), "{seconds}");
        }
        door.issuer.revoke(id, Timestamp::from_seconds(NOW + 9_000));
        refused(door.house.token(&directory, &token).await, "taken back", &token);
        refused(door.house.token(&door.directory(), &token).await, "taken back", &token);
        assert_eq!(shelf.asked(), 0);
        // At its end nothing is known of it any more.
        door.house.clock.advance(Duration::from_secs(1));
        refused(door.house.token(&directory, &token).await, "has ended", &token);
    }
}

#[tokio::test]
async fn what_nobody_made_is_refused_and_looked_up_once_in_ten_seconds() {
    let (door, shelf) = door();
    let directory = door.directory();
    let token = reference::make(&SystemRandom::new()).unwrap();
    for (seconds, want) in [(0, 1), (9, 1), (1, 2)] {
        door.house.clock.advance(Duration::from_secs(seconds));
        refused(door.house.token(&directory, &token).await, "has ended", &token);
        assert_eq!(shelf.asked(), want, "{seconds}");
    }
    let mistyped = format!("{}x", &token[..token.len() - 1]);
    for bad in
        [&*mistyped, "oda_", "oda_x", &token[..52], &format!("{token}0"), &format!("{token}.a.b")]
    {
        refused(door.house.token(&directory, bad).await, "has ended", bad);
    }
    assert_eq!(shelf.asked(), 2, "a look-up for what is no reference");
    // Not even where it was made for something else.
    let other = format!("odr_{}", &token[4..]);
    assert!(door.house.token(&directory, &other).await.is_err());
    assert_eq!(shelf.asked(), 2);
}

#[tokio::test]
async fn what_a_reference_stands_for_is_checked_as_a_signed_token_is() {
    let (door, shelf) = door();
    let directory = door.directory();
    for (change, want) in [
        (json!({"iss": "https://other.example"}), "iss"),
        (json!({"aud": "https://other.example/mcp"}), "aud"),
        (json!({"exp": null}), "has ended"),
        (json!({"exp": NOW}), "exp"),
        (json!({"jti": null}), "jti"),
        (json!({"scope": "everything"}), "scope"),
        (json!({"cnf": {"jkt": "x"}}), "cnf"),
        (
            json!({"cnf": {"x5t#S256": "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"}}),
            "certificate",
        ),
        (json!({"onedoor": {"profile": "shop/other"}}), "not there"),
        (json!({"sub": "local:gone"}), "not there"),
    ] {
        let token = shelf.keep(&change);
        refused(door.house.token(&directory, &token).await, want, &token);
    }
}

#[tokio::test(start_paused = true)]
async fn while_nobody_says_what_a_reference_stands_for_it_is_refused_for_now() {
    let (door, shelf) = door();
    let directory = door.directory();
    let token = shelf.keep(&json!({}));
    *shelf.is_broken.lock().unwrap() = true;
    for _ in 0..2 {
        let refusal = door.house.token(&directory, &token).await.unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::IssuerUnavailable);
    }
    assert_eq!(shelf.asked(), 1);
    *shelf.is_broken.lock().unwrap() = false;
    door.house.clock.advance(Duration::from_secs(1));
    assert!(door.house.token(&directory, &token).await.is_ok());
    // One that hangs is not waited for, and many of them are not asked for at once.
    shelf.door.forget_permits(100);
    let (door, directory) = (Arc::new(door), Arc::new(directory));
    let mut calls = JoinSet::new();
    for _ in 0..40 {
        let (door, directory, token) = (door.clone(), directory.clone(), shelf.keep(&json!({})));
        calls.spawn(async move { door.house.token(&directory, &token).await.unwrap_err().kind() });
    }
    let kinds = calls.join_all().await;
    assert!(kinds.iter().all(|it| *it == RefusalKind::IssuerUnavailable), "{kinds:?}");
    assert_eq!(shelf.at_once_max.load(Ordering::SeqCst), 8);
}
