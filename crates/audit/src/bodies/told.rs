//! What records say of bodies: the member `bodies`.

use model::BodyRule;
use serde_json::{Map, Value, json};

use super::{BodyError, Direction, Reference, capture::Copied};
use crate::{EventId, Outcome};

/// What the records of a call say whose bodies are to be kept: a record of its own follows.
#[must_use]
pub fn due(rule: &BodyRule) -> Value {
    let both = [(rule.request, Direction::Request), (rule.response, Direction::Response)];
    let due: Vec<_> = both.into_iter().filter(|it| it.0).map(|it| it.1.as_str()).collect();
    json!({ "due": due })
}

/// What they say where it was known before that none can be.
#[must_use]
pub fn lost(why: &str) -> Value {
    json!({ "lost": why })
}

/// What became of the bodies of a call.
pub(super) struct Told {
    pub(super) subject: Option<String>,
    /// None where it is not declared to be kept.
    pub(super) request: Option<Body>,
    pub(super) response: Option<Body>,
}

/// What became of one of them.
pub(super) struct Body {
    fate: Fate,
    passed: u64,
    has_ended: bool,
}

enum Fate {
    /// There was nothing in it.
    Empty,
    /// It is not kept, for this reason.
    Lost(String),
    /// So many bytes of it are there.
    Sealed(Reference, usize),
}

impl Body {
    pub(super) fn of(copied: Option<&Copied>) -> Self {
        let (passed, has_ended) = copied.map_or((0, true), |it| (it.passed, it.has_ended));
        Self { fate: Fate::Empty, passed, has_ended }
    }

    pub(super) fn sealed(copied: &Copied, reference: Reference) -> Self {
        let fate = Fate::Sealed(reference, copied.bytes.bytes.len());
        Self { fate, ..Self::of(Some(copied)) }
    }

    pub(super) fn lost(copied: Option<&Copied>, why: &str) -> Self {
        let body = Self::of(copied);
        if body.passed == 0 { body } else { Self { fate: Fate::Lost(why.to_owned()), ..body } }
    }

    fn value(&self) -> Value {
        let mut value = Map::new();
        match &self.fate {
            Fate::Empty => {}
            Fate::Lost(why) => drop(value.insert("lost".to_owned(), json!(why))),
            Fate::Sealed(reference, bytes) => {
                value.insert("sealed".to_owned(), json!(reference.to_string()));
                value.insert("bytes".to_owned(), json!(bytes));
            }
        }
        value.insert("passed".to_owned(), json!(self.passed));
        if !self.has_ended {
            value.insert("ended".to_owned(), json!(false));
        }
        value.into()
    }
}

impl Told {
    /// Says of what was to be sealed that it is lost.
    pub(super) fn lose(&mut self, why: &str) {
        for body in [&mut self.request, &mut self.response].into_iter().flatten() {
            if let Fate::Sealed(..) = body.fate {
                body.fate = Fate::Lost(why.to_owned());
            }
        }
    }

    /// What happened, and how that went.
    pub(super) fn event(&self) -> (EventId, Outcome<'static>) {
        let mut bodies = [&self.request, &self.response].into_iter().flatten();
        match bodies.any(|it| matches!(it.fate, Fate::Lost(_))) {
            true => (EventId::BodiesLost, Outcome::Failed),
            false => (EventId::BodiesKept, Outcome::Answered),
        }
    }

    pub(super) fn value(&self) -> Value {
        let mut value = Map::new();
        if let Some(subject) = &self.subject {
            value.insert("subject".to_owned(), json!(subject));
        }
        let both = [(Direction::Request, &self.request), (Direction::Response, &self.response)];
        for (direction, body) in both {
            if let Some(body) = body {
                value.insert(direction.as_str().to_owned(), body.value());
            }
        }
        value.into()
    }
}

pub(super) fn reference(bodies: &Value, direction: Direction) -> Result<Reference, BodyError> {
    let not_kept = |why: &str| Err(BodyError::NotKept(why.to_owned()));
    let Some(body) = bodies.get(direction.as_str()) else {
        return not_kept("its record does not say that this body is kept");
    };
    if let Some(why) = body.get("lost").and_then(Value::as_str) {
        return not_kept(why);
    }
    match body.get("sealed").and_then(Value::as_str) {
        Some(text) => Reference::parse(text),
        None => not_kept("it had no bytes"),
    }
}
