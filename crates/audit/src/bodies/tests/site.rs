//! Where bodies are kept in these tests: a folder, a log in memory, and a clock that is moved.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use model::{
    BodyRule, Caller, Clock, CollectionId, Effect, MediaRange, Operation, OperationId, Place,
    RequestId, Secret, Surface, Timestamp,
};
use serde_json::Value;
use uuid::Uuid;

use super::super::{
    Bodies, BodyError, Call, Content, Direction, Places, Subject, Whose, Wrap, reference,
};
use crate::{Journal, Memory, Salt};

pub(super) const START: Timestamp = Timestamp::from_seconds(1_795_392_000);

/// Seals by a number that may become another.
#[derive(Debug, Clone, Default)]
pub(super) struct Number(pub(super) Arc<Mutex<u8>>);

impl Number {
    fn mixed(by: u8, name: &str, bytes: &[u8]) -> Vec<u8> {
        let name = name.bytes().cycle();
        bytes.iter().zip(name).map(|(byte, name)| byte ^ name ^ by).collect()
    }
}

impl Wrap for Number {
    fn seal(&self, name: &str, secret: &[u8]) -> Result<Vec<u8>, String> {
        let by = *self.0.lock().unwrap();
        Ok([&[by], &*Self::mixed(by, name, secret)].concat())
    }

    fn open(&self, name: &str, sealed: &[u8]) -> Result<Secret<Vec<u8>>, String> {
        let (by, sealed) = sealed.split_first().ok_or("empty")?;
        Ok(Secret::new(Self::mixed(*by, name, sealed)))
    }

    fn key(&self, sealed: &[u8]) -> Result<String, String> {
        sealed.first().map(u8::to_string).ok_or_else(|| "empty".to_owned())
    }

    fn rewrap(&self, name: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let is_new = sealed.first() == Some(&*self.0.lock().unwrap());
        let secret = self.open(name, sealed)?;
        if is_new { Ok(None) } else { self.seal(name, secret.expose()).map(Some) }
    }
}

pub(super) struct Site {
    pub(super) folder: tempfile::TempDir,
    pub(super) clock: Clock,
    pub(super) memory: Memory,
    pub(super) log: Arc<Journal>,
    pub(super) bodies: Bodies,
    pub(super) wrap: Number,
}

pub(super) fn open(folder: &Path, log: &Arc<Journal>, wrap: &Number, clock: &Clock) -> Bodies {
    let places = Places { log: folder.join("audit"), keys: folder.join("keys") };
    let salt = Arc::new(Salt::new(&[7; 32]));
    Bodies::open(places, (Arc::clone(log), salt), Box::new(wrap.clone()), clock.clone()).unwrap()
}

impl Site {
    pub(super) fn new() -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::fake(START));
        let (log, memory) = Journal::memory(clock.clone());
        let (log, wrap) = (Arc::new(log), Number::default());
        let bodies = open(folder.path(), &log, &wrap, &clock);
        Self { folder, clock, memory, log, bodies, wrap }
    }

    pub(super) fn again(&self) -> Bodies {
        open(self.folder.path(), &self.log, &self.wrap, &self.clock)
    }

    /// Keeps a request and an answer of a call about `user`, and gives what its record says.
    pub(super) fn keep(&self, number: u128, user: &str, both: (&str, &str)) -> Value {
        let capture = self.bodies.capture(self.call(number, Whose::Known(of(user))));
        for (direction, text) in Direction::ALL.into_iter().zip([both.0, both.1]) {
            let mut part = capture.part(direction, json_content()).unwrap();
            part.pass(text.as_bytes());
            part.end();
        }
        drop(capture);
        self.record(number)
    }

    pub(super) fn call(&self, number: u128, whose: Whose) -> Call {
        let collection = CollectionId::parse("orders").unwrap();
        let operation = Operation {
            id: OperationId::new(&collection, "put_order").unwrap(),
            collection,
            effect: Effect::Write,
            is_public: false,
            level: None,
            position: 0,
        };
        Call {
            id: id(number),
            started: self.clock.elapsed(),
            surface: Surface::Rest,
            revision: 1,
            caller: Arc::new(Caller::anonymous()),
            operation,
            rule: Arc::new(rule(true, true, 16)),
            whose,
        }
    }

    /// What the record of a call's bodies says, once it is there.
    pub(super) fn record(&self, number: u128) -> Value {
        // The keeper answers in order: what was handed over is recorded before that.
        self.bodies.rewrap().unwrap();
        let (id, records) = (id(number).to_string(), self.memory.records());
        let mut found = records.into_iter().filter(|it| it["id"] == *id && it["kind"] == "bodies");
        let record = found.next().unwrap();
        assert!(found.next().is_none(), "one call, one record of its bodies");
        record
    }

    pub(super) fn read(
        &self,
        number: u128,
        record: &Value,
        direction: Direction,
    ) -> Result<String, BodyError> {
        read(&self.bodies, number, record, direction)
    }
}

pub(super) fn read(
    bodies: &Bodies,
    number: u128,
    record: &Value,
    direction: Direction,
) -> Result<String, BodyError> {
    let opened = bodies.read(id(number), &reference(&record["bodies"], direction)?)?;
    assert_eq!(opened.direction, direction);
    Ok(String::from_utf8(opened.bytes).unwrap())
}

pub(super) fn rule(request: bool, response: bool, bytes_max: usize) -> BodyRule {
    let content_types = vec![MediaRange::parse("application/json").unwrap()];
    BodyRule { request, response, bytes_max, content_types, subject: None, place: Place::default() }
}

pub(super) fn json_content() -> Content {
    Content { media_type: Some("application/json".into()), encoding: None }
}

pub(super) fn of(user: &str) -> Subject {
    Subject::new(Subject::USER, user)
}

pub(super) fn id(number: u128) -> RequestId {
    RequestId::new(Uuid::from_u128(number))
}

pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    entries.flat_map(|it| if it.is_dir() { files(&it) } else { vec![it] }).collect()
}
