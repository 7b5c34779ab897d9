//! The bodies that are kept beside the audit log, as management sees them.

use std::collections::BTreeMap;

use admin::{BodyFault, BodyView};
use audit::{
    Bodies, EventId, Field, Filter, Index, Kind, Order, Outcome, Question, Record,
    bodies::{BodyError, Content, Direction, Opened, Subject, reference},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use gateway::Live;
use model::RequestId;
use serde::Deserialize;
use serde_json::Value;

/// The body of the call `id`, by the record that says where it is.
pub(super) fn body(
    live: &Live,
    index: &Index,
    (id, direction): (RequestId, Direction),
) -> Result<BodyView, BodyFault> {
    let said = said(index, live.log.reached(), id)?;
    let bodies = kept(live)?;
    let opened =
        reference(&said, direction).and_then(|it| bodies.read(id, &it)).map_err(|it| fault(&it))?;
    let Opened { direction: is, content: Content { media_type, encoding }, bytes } = opened;
    if is != direction {
        return Err(fault(&BodyError::Tampered));
    }
    let number = |name: &str| said.get(direction.as_str()).and_then(|it| it.get(name)?.as_u64());
    let ended = said.get(direction.as_str()).and_then(|it| it.get("ended")?.as_bool());
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let (text, base64) = match String::from_utf8(bytes) {
        Ok(text) => (Some(text), None),
        Err(error) => (None, Some(STANDARD.encode(error.as_bytes()))),
    };
    Ok(BodyView {
        request_id: id.to_string(),
        direction: direction.as_str().to_owned(),
        subject: said.get("subject").and_then(Value::as_str).map(str::to_owned),
        content_type: media_type.map(String::from),
        content_encoding: encoding.map(String::from),
        bytes: length,
        passed: number("passed").unwrap_or(length),
        ended: ended.unwrap_or(true),
        text,
        base64,
    })
}

/// Has nobody read any more what was kept of a subject. That it is wanted is recorded before.
pub(super) fn forget(
    live: &Live,
    (kind, id): (&str, &str),
    (call, why): (RequestId, &str),
) -> Result<bool, BodyFault> {
    let bodies = kept(live)?;
    let (subject, now) = (Subject::new(kind, id), live.clock.now());
    let note = format!("{}: {why}", subject.shown(&live.salt, now));
    let record = Record {
        id: Some(call),
        event: Some(EventId::BodiesForget),
        note: Some(&note),
        ..Record::new(now, Kind::Event, Outcome::Answered)
    };
    live.log.append(&record).map_err(|error| BodyFault::Failed(error.to_string()))?;
    bodies.forget(subject).map_err(|it| fault(&it))
}

pub(super) fn under_keys(live: &Live) -> Result<BTreeMap<String, u64>, String> {
    match &live.bodies {
        Some(bodies) => bodies.under_keys().map_err(|error| error.to_string()),
        None => Ok(BTreeMap::new()),
    }
}

pub(super) fn rewrap(live: &Live) -> Result<u64, String> {
    match &live.bodies {
        Some(bodies) => bodies.rewrap().map_err(|error| error.to_string()),
        None => Ok(0),
    }
}

fn kept(live: &Live) -> Result<&Bodies, BodyFault> {
    let none = || BodyFault::Absent("this door keeps no bodies".to_owned());
    live.bodies.as_deref().ok_or_else(none)
}

/// What of a record is looked at.
#[derive(Deserialize)]
struct Said {
    bodies: Value,
}

/// What the record of a call's bodies says of them.
fn said(index: &Index, reached: u64, id: RequestId) -> Result<Value, BodyFault> {
    let fields = vec![
        (Field::Id, vec![id.to_string()]),
        (Field::Kind, vec![Kind::Bodies.as_str().to_owned()]),
    ];
    let filter = Filter { since: None, until: None, fields, text: None };
    let order = Order::NewestFirst;
    let mut question = Question { filter, order, cursor: None, max: 1, reached };
    loop {
        let failed = |error: std::io::Error| BodyFault::Failed(error.to_string());
        let page = index.find(&question).map_err(failed)?;
        if let Some(record) = page.records.first() {
            let said: Result<Said, _> = serde_json::from_str(record.get());
            return said.map(|it| it.bodies).map_err(|it| BodyFault::Failed(it.to_string()));
        }
        if page.next.is_none() {
            let why = "the log has no record of bodies of this call: none is kept of its collection, or they still pass";
            return Err(BodyFault::Absent(why.to_owned()));
        }
        question.cursor = page.next;
    }
}

fn fault(error: &BodyError) -> BodyFault {
    let told = error.to_string();
    match error {
        BodyError::Destroyed | BodyError::Missing | BodyError::NotKept(_) => {
            BodyFault::Absent(told)
        }
        BodyError::Disk { .. }
        | BodyError::Ended
        | BodyError::Tampered
        | BodyError::Unsealable
        | BodyError::Wrap(_) => BodyFault::Failed(told),
    }
}
