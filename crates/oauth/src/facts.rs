//! What is known of a request, written as it becomes known, and recorded however it ends.

use audit::{Kind, Log, Outcome, Record};
use model::Caller;

use crate::{Request, error::Denied};

/// What is known of a request.
#[derive(Debug)]
pub(crate) struct Facts {
    /// What was asked for: `token.issue`.
    pub(crate) event: &'static str,
    /// Whose profile it is about, and which person.
    pub(crate) caller: Option<Caller>,
    /// More about it, for people.
    pub(crate) note: Option<String>,
}

impl Facts {
    pub(crate) fn new(event: &'static str) -> Self {
        Self { event, caller: None, note: None }
    }

    /// Records how the request ended.
    ///
    /// # Errors
    /// Where it cannot be recorded: then nothing may be given.
    pub(crate) fn record(
        &self,
        log: &Log,
        request: &Request,
        outcome: Result<u16, &Denied>,
    ) -> Result<(), audit::Error> {
        let refusal = outcome.err().map(Denied::refusal);
        let status = outcome.unwrap_or_else(|it| it.code.status().as_u16());
        log.append(&Record {
            id: Some(request.id),
            event: Some(self.event),
            note: self.note.as_deref(),
            peer: Some(request.peer),
            caller: self.caller.as_ref(),
            method: Some(request.method.as_str()),
            path: Some(&request.path),
            status: Some(status),
            ..Record::new(
                request.at,
                Kind::Authorization,
                refusal.as_ref().map_or(Outcome::Answered, Outcome::Refused),
            )
        })
    }
}
