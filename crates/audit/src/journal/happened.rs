//! What happens at the door without a call that would tell of it: recorded in one way.

use model::{Caller, Refusal, RefusalKind, RequestId, Timestamp};

use super::Journal;
use crate::{Entry, Error, EventId, Kind, Outcome, Record};

/// Something that happened and is no call.
#[derive(Debug, Clone, Copy)]
pub struct Happened<'a> {
    /// What it is.
    pub event: EventId,
    /// What happened, for people.
    pub note: &'a str,
    /// Why it did not go through; none where it did.
    pub fault: Option<&'a str>,
    /// The revision in force behind it, where it is about desired state.
    pub revision: Option<u64>,
    /// The request that it came of, if one.
    pub id: Option<RequestId>,
    /// Whose credential it is about, where it is about one.
    pub caller: Option<&'a Caller>,
}

impl<'a> Happened<'a> {
    /// Of which nothing more is to be said.
    #[must_use]
    pub fn new(event: EventId, note: &'a str) -> Self {
        Self { event, note, fault: None, revision: None, id: None, caller: None }
    }

    /// The record of it, with what came of it.
    #[must_use]
    pub fn record<'b>(&self, now: Timestamp, outcome: Outcome<'b>) -> Record<'b>
    where
        'a: 'b,
    {
        let Self { event, note, fault: _, revision, id, caller } = *self;
        Record {
            id,
            event: Some(event),
            note: Some(note),
            revision,
            caller,
            ..Record::new(now, Kind::Event, outcome)
        }
    }
}

impl Journal {
    /// Records what happened, and does not wait for the disk: nobody is answered behind it.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn happened(&self, happened: &Happened<'_>) -> Result<(), Error> {
        let refusal = happened.fault.map(|it| Refusal::new(RefusalKind::Internal, it.to_owned()));
        let outcome = refusal.as_ref().map_or(Outcome::Answered, Outcome::Refused);
        let record = happened.record(self.shared.clock.now(), outcome);
        self.enter(&record).and_then(Entry::written).map(drop)
    }
}
