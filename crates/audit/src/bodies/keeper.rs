//! The thread that seals bodies and records that: first they are on the disk, then their records are.

use std::{sync::Arc, time::Duration};

use model::{Caller, Operation, RequestId, Surface, Timestamp};

use super::{
    BodyError, Direction, Subject, Whose,
    capture::{Call, Copied, Finished},
    file::BodyFile,
    frame::Frame,
    keys::Key,
    queue::{Shared, Work},
    told::{Body, Told},
};
use crate::{Entry, Kind, Record};

/// Keeps bodies until the end.
pub(super) fn keep(shared: &Shared) {
    let mut file = None;
    while let Some(work) = shared.next() {
        match work {
            Work::Keep(calls) => seal_all(shared, &mut file, calls),
            Work::Answer(question) => question(shared),
        }
    }
}

fn seal_all(shared: &Shared, file: &mut Option<BodyFile>, calls: Vec<Finished>) {
    let now = shared.clock.now();
    let mut sealing = Sealing { shared, file, failed: None, segment: shared.log.segment(), now };
    let mut sealed: Vec<_> = calls.into_iter().map(|it| sealing.seal(it)).collect();
    let Sealing { file, mut failed, .. } = sealing;
    // One sync for all of them. A file that failed is not there any more, and what stood in it before
    // may not be on the disk.
    let synced = match (&*file, &failed) {
        (Some(file), _) => file.sync().map_err(|it| it.to_string()),
        (None, Some(why)) => Err(why.clone()),
        (None, None) => Ok(()),
    };
    if let Err(why) = synced {
        sealed.iter_mut().for_each(|(_, told)| told.lose(&why));
        (*file, failed) = (None, Some(why));
    }
    // That nothing was written shows nothing.
    if failed.is_some() || file.is_some() {
        shared.close(failed);
    }
    record_all(shared, now, &sealed);
}

fn record_all(shared: &Shared, now: Timestamp, sealed: &[(Facts, Told)]) {
    let mut entries = Vec::with_capacity(sealed.len());
    for (facts, told) in sealed {
        let bodies = told.value();
        let (event, outcome) = told.event();
        let record = Record {
            id: Some(facts.id),
            event: Some(event),
            surface: Some(facts.surface),
            revision: Some(facts.revision),
            caller: Some(&facts.caller),
            operation: Some(&facts.operation),
            bodies: Some(&bodies),
            ..Record::new(now, Kind::Bodies, outcome)
        };
        entries.push(shared.log.enter(&record));
    }
    for entry in entries {
        // A log that failed is closed, and that is told where calls are refused.
        entry.and_then(Entry::settle).ok();
    }
}

/// What the record needs of the call.
struct Facts {
    id: RequestId,
    surface: Surface,
    revision: u64,
    caller: Arc<Caller>,
    operation: Operation,
}

/// How the bodies of one call are sealed.
struct Sealing<'a> {
    shared: &'a Shared,
    file: &'a mut Option<BodyFile>,
    /// Why something could not be kept that should have been.
    failed: Option<String>,
    /// The segment beside which they are: all of a batch, which is synced once.
    segment: u64,
    now: Timestamp,
}

impl Sealing<'_> {
    fn seal(&mut self, finished: Finished) -> (Facts, Told) {
        let Finished { call, request, response } = finished;
        let Call { id, started, surface, revision, caller, operation, rule, whose } = call;
        let facts = Facts { id, surface, revision, caller, operation };
        let passed = |it: &Option<Copied>| it.as_ref().is_some_and(|it| it.passed > 0);
        let subject = match passed(&request) || passed(&response) {
            true => subject(whose, request.as_ref()),
            // There is nothing to be sealed, so nobody gets a key for it.
            false => Err(String::new()),
        };
        let shown = subject.as_ref().ok().map(|it| it.shown(&self.shared.salt, self.now));
        let key = subject.and_then(|it| self.key(&it, started));
        let mut fate = |direction, copied: Option<&Copied>| match &key {
            Ok(key) => self.body(key, (id, direction), copied),
            Err(why) => Body::lost(copied, why),
        };
        let told = Told {
            subject: shown,
            request: rule.request.then(|| fate(Direction::Request, request.as_ref())),
            response: rule.response.then(|| fate(Direction::Response, response.as_ref())),
        };
        (facts, told)
    }

    fn key(&mut self, subject: &Subject, started: Duration) -> Result<Key, String> {
        let keys = &self.shared.keys;
        let found = keys.id(subject).and_then(|id| match self.shared.is_forgotten(&id, started) {
            true => Ok(None),
            false => keys.of(id).map(Some),
        });
        match found {
            Ok(Some(key)) => Ok(key),
            Ok(None) => Err("its subject was forgotten while the call was under way".to_owned()),
            Err(error) => Err(self.fail(&error)),
        }
    }

    fn body(
        &mut self,
        key: &Key,
        (id, direction): (RequestId, Direction),
        copied: Option<&Copied>,
    ) -> Body {
        let Some(copied) = copied.filter(|it| it.passed > 0) else { return Body::of(copied) };
        if !copied.is_of_type {
            return Body::lost(Some(copied), "its type is not among those that are kept");
        }
        if copied.is_crowded_out && copied.bytes.bytes.is_empty() {
            let why = "more bodies were in memory than there is room for";
            return Body::lost(Some(copied), why);
        }
        let frame = Frame::seal(key, (id, direction), &copied.content, &copied.bytes.bytes);
        let written = frame.and_then(|frame| {
            BodyFile::of(&self.shared.folder, self.segment, self.file)?.append(&frame)
        });
        match written {
            Ok(reference) => Body::sealed(copied, reference),
            Err(error) => {
                // It is opened again, behind what a failure left.
                *self.file = None;
                Body::lost(Some(copied), &self.fail(&error))
            }
        }
    }

    fn fail(&mut self, error: &BodyError) -> String {
        let why = error.to_string();
        self.failed = Some(why.clone());
        why
    }
}

fn subject(whose: Whose, request: Option<&Copied>) -> Result<Subject, String> {
    let read = match whose {
        Whose::Known(subject) => return Ok(subject),
        Whose::InRequest(read) => read,
    };
    let Some(request) = request else { return read(&[]) };
    let bytes = &request.bytes.bytes;
    let is_whole = u64::try_from(bytes.len()) == Ok(request.passed) && request.has_ended;
    if !is_whole {
        let why = "the request did not arrive whole, or is larger than what is kept of it";
        return Err(format!("it cannot be told whose they are: {why}"));
    }
    read(bytes)
}
