//! An issuer's key desk: publishes a set, fails, stays silent, and counts who asked.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use identity::{Fetch, Fetching};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// Answers with what it was last told to.
pub(crate) struct Desk {
    answer: Mutex<Answer>,
    asked: AtomicUsize,
    /// Closed while it has no permits.
    door: Semaphore,
}

#[derive(Clone)]
enum Answer {
    Body(Bytes),
    Down,
    Panic,
}

impl Default for Desk {
    fn default() -> Self {
        let answer = Mutex::new(Answer::Down);
        Self { answer, asked: AtomicUsize::new(0), door: Semaphore::new(1000) }
    }
}

impl Desk {
    pub(crate) fn publishes(&self, keys: &[Value]) {
        self.says(json!({ "keys": keys }).to_string());
    }

    pub(crate) fn says(&self, body: impl Into<Bytes>) {
        *self.answer.lock().unwrap() = Answer::Body(body.into());
    }

    pub(crate) fn is_down(&self) {
        *self.answer.lock().unwrap() = Answer::Down;
    }

    pub(crate) fn panics(&self) {
        *self.answer.lock().unwrap() = Answer::Panic;
    }

    pub(crate) fn falls_silent(&self) {
        self.door.forget_permits(usize::MAX);
    }

    pub(crate) fn speaks_again(&self) {
        self.door.add_permits(1000);
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Fetch for Desk {
    fn get<'a>(&'a self, _url: &'a str) -> Fetching<'a> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let _permit = self.door.acquire().await.unwrap();
            let answer = self.answer.lock().unwrap().clone();
            match answer {
                Answer::Body(body) => Ok(body.into()),
                Answer::Down => Err("connection refused".into()),
                Answer::Panic => panic!("on purpose"),
            }
        })
    }
}
