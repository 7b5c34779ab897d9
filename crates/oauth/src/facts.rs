//! What is known of a request, written as it becomes known, and recorded however it ends.

use audit::{Entry, EventId, Journal, Kind, Outcome, Receipt, Record};
use model::{Caller, Refusal, RefusalKind};

use crate::{Request, error::Denied};

/// What is known of a request.
#[derive(Debug)]
pub(crate) struct Facts {
    /// What was asked for, or came of it.
    pub(crate) event: EventId,
    /// Whose profile it is about, and which person.
    pub(crate) caller: Option<Caller>,
    /// More about it, for people.
    pub(crate) note: Option<String>,
    /// Why it was refused, where the answer is a page or leads back to the client all the same.
    pub(crate) denied: Option<Denied>,
}

impl Facts {
    pub(crate) fn new(event: EventId) -> Self {
        Self { event, caller: None, note: None, denied: None }
    }
}

/// Holds the facts of a request until they are recorded: once, however it ends.
#[derive(Debug)]
pub(crate) struct Ledger<'a> {
    log: &'a Journal,
    request: &'a Request,
    pub(crate) facts: Facts,
    is_closed: bool,
}

impl<'a> Ledger<'a> {
    /// Begins. From here on something is recorded, even if nothing else is called.
    pub(crate) fn open(log: &'a Journal, request: &'a Request, event: EventId) -> Self {
        Self { log, request, facts: Facts::new(event), is_closed: false }
    }

    /// Records that it is about to be carried out. It must not be before this is done.
    ///
    /// What it is of, for whom and for which client is only found out: the record of what came of it
    /// says so.
    ///
    /// # Errors
    /// Where it cannot be recorded: then nothing may be carried out.
    pub(crate) async fn begin(&self) -> Result<(), audit::Error> {
        let intent = self.asked(Kind::Intent, Outcome::Begun);
        self.log.store(&self.request.carrier.tell(&intent)).await
    }

    /// Records how the request ended.
    ///
    /// # Errors
    /// Where it cannot be recorded: then nothing may be given.
    pub(crate) async fn close(
        mut self,
        outcome: Result<u16, &Denied>,
    ) -> Result<Receipt, audit::Error> {
        let denied = self.facts.denied.take();
        let refusal = outcome.err().or(denied.as_ref()).map(Denied::refusal);
        let status = outcome.unwrap_or_else(|it| it.status().as_u16());
        let outcome = refusal.as_ref().map_or(Outcome::Answered, Outcome::Refused);
        self.enter(outcome, Some(status))?.stored().await
    }

    fn enter(
        &mut self,
        outcome: Outcome<'_>,
        status: Option<u16>,
    ) -> Result<Entry<'a>, audit::Error> {
        self.is_closed = true;
        let Facts { event, caller, note, denied: _ } = &self.facts;
        let record = Record {
            event: Some(*event),
            note: note.as_deref(),
            caller: caller.as_ref(),
            status,
            ..self.asked(Kind::Authorization, outcome)
        };
        self.log.enter(&self.request.carrier.tell(&record))
    }

    /// What is known of it from the start.
    fn asked<'r>(&'r self, kind: Kind, outcome: Outcome<'r>) -> Record<'r> {
        Record {
            id: Some(self.request.id),
            peer: Some(self.request.peer),
            method: Some(self.request.method.as_str()),
            path: Some(&self.request.path),
            ..Record::new(self.request.at, kind, outcome)
        }
    }
}

impl Drop for Ledger<'_> {
    /// Who asked went away before there was an answer. What was carried out until then may stand, so
    /// it leaves its record too.
    fn drop(&mut self) {
        if self.is_closed {
            return;
        }
        let panicked = Refusal::new(RefusalKind::Internal, "the request could not be answered");
        let outcome =
            if std::thread::panicking() { Outcome::Refused(&panicked) } else { Outcome::Cancelled };
        if let Err(error) = self.enter(outcome, None).and_then(Entry::written) {
            tracing::error!("a request that ended early could not be recorded: {error}");
        }
    }
}
