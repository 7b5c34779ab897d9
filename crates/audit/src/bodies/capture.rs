//! Copies of bodies, made while they pass and handed over when the last of them has.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::{BodyRule, Caller, Operation, RequestId, Surface};

use super::{Content, Direction, Whose, queue::Shared};

/// A call whose bodies are kept.
#[derive(Debug)]
pub struct Call {
    /// The request's id, as its record has it.
    pub id: RequestId,
    /// When it arrived, on the clock that never jumps.
    pub started: Duration,
    /// How it arrived.
    pub surface: Surface,
    /// The revision that it was decided by.
    pub revision: u64,
    /// Who called.
    pub caller: Arc<Caller>,
    /// What was called.
    pub operation: Operation,
    /// What is kept.
    pub rule: Arc<BodyRule>,
    /// Whose the bodies are.
    pub whose: Whose,
}

/// The bodies of one call, until all of them have passed.
#[derive(Debug)]
pub struct Capture(Arc<Pending>);

/// What is known of a call's bodies so far. Dropped with the last part, it is handed over.
#[derive(Debug)]
struct Pending {
    shared: Arc<Shared>,
    rule: Arc<BodyRule>,
    reads_request: bool,
    finished: Mutex<Option<Box<Finished>>>,
}

/// A call whose bodies have passed.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) call: Call,
    pub(super) request: Option<Copied>,
    pub(super) response: Option<Copied>,
}

/// What there is of a body.
#[derive(Debug)]
pub(super) struct Copied {
    pub(super) content: Content,
    /// Whether the declaration names its type.
    pub(super) is_of_type: bool,
    /// How many bytes went by.
    pub(super) passed: u64,
    /// Whether it came to its end.
    pub(super) has_ended: bool,
    /// Whether there was no room for a copy.
    pub(super) is_crowded_out: bool,
    pub(super) bytes: Bytes,
}

/// The beginning of a body. It gives back its room when it goes.
#[derive(Debug)]
pub(super) struct Bytes {
    pub(super) bytes: Vec<u8>,
    shared: Arc<Shared>,
}

/// One body on its way. Dropping it says that no more comes.
#[derive(Debug)]
pub struct Part {
    pending: Arc<Pending>,
    direction: Direction,
    // None once it is handed over.
    copied: Option<Copied>,
    bytes_max: usize,
}

impl Capture {
    pub(super) fn new(shared: Arc<Shared>, call: Call) -> Self {
        let rule = Arc::clone(&call.rule);
        let reads_request = matches!(call.whose, Whose::InRequest(_));
        let finished = Box::new(Finished { call, request: None, response: None });
        let finished = Mutex::new(Some(finished));
        Self(Arc::new(Pending { shared, rule, reads_request, finished }))
    }

    /// The copy of one of its bodies; none where nothing of it is wanted.
    #[must_use]
    pub fn part(&self, direction: Direction, content: Content) -> Option<Part> {
        let Pending { shared, rule, reads_request, finished: _ } = &*self.0;
        let is_of_type = rule.keeps_type(content.media_type.as_deref());
        let is_wanted = match direction {
            Direction::Request => rule.request || *reads_request,
            Direction::Response => rule.response,
        };
        // Of what is not kept, it is told how much went by; the request may say whose the answer is.
        let is_copied = is_of_type || (direction == Direction::Request && *reads_request);
        let copied = Copied {
            content,
            is_of_type,
            passed: 0,
            has_ended: false,
            is_crowded_out: false,
            bytes: Bytes { bytes: Vec::new(), shared: Arc::clone(shared) },
        };
        is_wanted.then(|| Part {
            pending: Arc::clone(&self.0),
            direction,
            copied: Some(copied),
            bytes_max: if is_copied { rule.bytes_max } else { 0 },
        })
    }
}

impl Part {
    /// Copies what passes, as far as it is kept. Never waits.
    pub fn pass(&mut self, data: &[u8]) {
        let Some(copied) = &mut self.copied else { return };
        copied.passed = copied.passed.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
        let room = self.bytes_max.saturating_sub(copied.bytes.bytes.len());
        let Some(kept) = data.get(..room.min(data.len())).filter(|it| !it.is_empty()) else {
            return;
        };
        // What follows a gap is not copied either.
        if copied.is_crowded_out || !self.pending.shared.reserve(kept.len()) {
            copied.is_crowded_out = true;
            return;
        }
        copied.bytes.bytes.extend_from_slice(kept);
    }

    /// All of it has passed.
    pub fn end(&mut self) {
        if let Some(copied) = &mut self.copied {
            copied.has_ended = true;
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let copied = self.copied.take();
        let finished = &self.pending.finished;
        let mut finished = finished.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(finished) = &mut *finished {
            match self.direction {
                Direction::Request => finished.request = copied,
                Direction::Response => finished.response = copied,
            }
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let finished = self.finished.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(finished) = mem::take(finished) {
            self.shared.hand_over(finished);
        }
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.shared.release(self.bytes.len());
    }
}
