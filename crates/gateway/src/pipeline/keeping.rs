//! Bodies of a call that are kept: copied while they pass, and never waited for.

use std::sync::Arc;

use audit::{
    Bodies,
    bodies::{self, Capture, Content, Direction, Part, Subject, Whose},
};
use contract::{Operation, Sent};
use http::{HeaderMap, Response, header};
use http_body::Body as _;
use model::{ArgumentValue, Caller, Level, Refusal, RefusalKind, RequestHead};
use upstream::{RequestBody, ResponseBody, Tap};

use super::Facts;
use crate::{
    Live,
    snapshot::{KeptBodies, Route},
};

/// A call whose bodies can be kept.
pub(super) struct Prepared {
    bodies: Arc<Bodies>,
    call: bodies::Call,
}

/// Asks whether the bodies of a call can be kept, before anything is carried out. Its records say so.
///
/// # Errors
/// `Unrecorded` where they cannot, for a call whose records are [`Level::Strict`].
pub(super) fn prepare(
    kept: &Arc<KeptBodies>,
    live: &Live,
    facts: &mut Facts,
    (caller, route, head): (&Arc<Caller>, &Route, &RequestHead),
) -> Result<Option<Box<Prepared>>, Refusal> {
    match admitted(live).and_then(|it| Ok((it, whose(kept, caller, route, head)?))) {
        Ok((bodies, whose)) => {
            facts.bodies = Some(Box::new(bodies::due(&kept.rule)));
            let call = bodies::Call {
                id: facts.arrival.id,
                started: facts.arrival.started,
                surface: facts.arrival.surface,
                revision: facts.revision,
                caller: Arc::clone(caller),
                operation: route.operation.clone(),
                rule: Arc::clone(&kept.rule),
                whose,
            };
            Ok(Some(Box::new(Prepared { bodies, call })))
        }
        Err(why) => {
            facts.bodies = Some(Box::new(bodies::lost(&why)));
            match live.log.level(&route.operation) {
                Level::Standard => Ok(None),
                Level::Strict => {
                    let detail = "its bodies cannot be kept, so it is not carried out";
                    Err(Refusal::new(RefusalKind::Unrecorded, detail).because(why))
                }
            }
        }
    }
}

fn admitted(live: &Live) -> Result<Arc<Bodies>, String> {
    let bodies = live.bodies.as_ref().ok_or("this door keeps no bodies")?;
    bodies.admit()?;
    Ok(Arc::clone(bodies))
}

/// Begins to copy what comes with the request. The call is as good as recorded now.
pub(super) fn begin(
    prepared: Option<Box<Prepared>>,
    head: &RequestHead,
    body: RequestBody,
) -> (RequestBody, Option<Capture>) {
    let Some(prepared) = prepared else { return (body, None) };
    let Prepared { bodies, call } = *prepared;
    let capture = bodies.capture(call);
    if body.is_end_stream() {
        return (body, Some(capture));
    }
    let body = match capture.part(Direction::Request, content(&head.headers)) {
        Some(part) => body.tapped(Box::new(Copying(part))),
        None => body,
    };
    (body, Some(capture))
}

/// Begins to copy what is answered.
pub(super) fn answer(
    capture: Option<Capture>,
    answer: Response<ResponseBody>,
) -> Response<ResponseBody> {
    let Some(capture) = capture.filter(|_| !answer.body().is_end_stream()) else { return answer };
    match capture.part(Direction::Response, content(answer.headers())) {
        Some(part) => answer.map(|it| it.tapped(Box::new(Copying(part)))),
        None => answer,
    }
}

/// Copies what passes.
#[derive(Debug)]
struct Copying(Part);

impl Tap for Copying {
    fn pass(&mut self, data: &[u8]) {
        self.0.pass(data);
    }

    fn end(&mut self) {
        self.0.end();
    }
}

fn content(headers: &HeaderMap) -> Content {
    let text = |name| headers.get(name)?.to_str().ok().map(Into::into);
    Content { media_type: text(header::CONTENT_TYPE), encoding: text(header::CONTENT_ENCODING) }
}

/// Whose the bodies of the call are. An argument in the body is read when that has passed.
fn whose(
    kept: &Arc<KeptBodies>,
    caller: &Arc<Caller>,
    route: &Route,
    head: &RequestHead,
) -> Result<Whose, String> {
    if !kept.subject.as_ref().is_some_and(|(_, reader)| reader.needs_body()) {
        return subject(kept, caller, (&route.contract, head), Sent::Nothing).map(Whose::Known);
    }
    let (kept, caller) = (Arc::clone(kept), Arc::clone(caller));
    let (contract, head) = (Arc::clone(&route.contract), head.clone());
    Ok(Whose::InRequest(Box::new(move |body| {
        let sent = match body {
            [] => Sent::Nothing,
            // What has two readings may be about two people.
            body if mcp::json::passable(body).is_err() => return Err(unreadable(&kept)),
            body => Sent::Whole(body),
        };
        subject(&kept, &caller, (&contract, &head), sent)
    })))
}

fn subject(
    kept: &KeptBodies,
    caller: &Caller,
    (contract, head): (&Operation, &RequestHead),
    sent: Sent<'_>,
) -> Result<Subject, String> {
    let Some((rule, reader)) = &kept.subject else { return Ok(Subject::of(caller)) };
    let read = reader.read(contract, head, sent).map_err(|_| unreadable(kept))?;
    match read.into_iter().next() {
        None => Ok(Subject::of(caller)),
        Some((_, ArgumentValue::Text(text))) => Ok(Subject::new(&rule.kind, &text)),
        Some((_, ArgumentValue::Integer(number))) => {
            Ok(Subject::new(&rule.kind, &number.to_string()))
        }
        Some(_) => Err(unreadable(kept)),
    }
}

/// Without what was sent: it may be a secret in the wrong place.
fn unreadable(kept: &KeptBodies) -> String {
    let argument = kept.subject.as_ref().map_or("", |(rule, _)| &*rule.argument);
    format!("it cannot be told whose they are: the argument \"{argument}\" cannot be read")
}
