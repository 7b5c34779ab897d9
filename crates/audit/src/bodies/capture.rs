//! Copies of bodies, made while they pass and handed over when the last of them has.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::{BodyRule, Caller, Operation, RequestId, Surface};

use super::{
    Content, Direction, Whose,
    queue::{Begun, Shared},
};

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
pub(super) struct Pending {
    begun: Begun,
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
    /// Whether there was no room for a copy, or not for as long as it took.
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
    bytes_max: usize,
}

impl Capture {
    pub(super) fn new(shared: Arc<Shared>, call: Call) -> Self {
        let (begun, rule) = ((call.started, call.id), Arc::clone(&call.rule));
        let reads_request = matches!(call.whose, Whose::InRequest(_));
        let finished = Box::new(Finished { call, request: None, response: None });
        let finished = Mutex::new(Some(finished));
        let pending = Arc::new(Pending { begun, shared, rule, reads_request, finished });
        pending.shared.begin(begun, Arc::downgrade(&pending));
        Self(pending)
    }

    /// The copy of one of its bodies; none where nothing of it is wanted.
    #[must_use]
    pub fn part(&self, direction: Direction, content: Content) -> Option<Part> {
        let Pending { begun: _, shared, rule, reads_request, finished } = &*self.0;
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
        let mut finished = finished.lock().unwrap_or_else(PoisonError::into_inner);
        *finished.as_mut().filter(|_| is_wanted)?.of(direction) = Some(copied);
        let bytes_max = if is_copied { rule.bytes_max } else { 0 };
        Some(Part { pending: Arc::clone(&self.0), direction, bytes_max })
    }
}

impl Part {
    /// Copies what passes, as far as it is kept. Never waits.
    pub fn pass(&mut self, data: &[u8]) {
        self.pending.change(self.direction, |it| it.pass(data, self.bytes_max));
    }

    /// All of it has passed.
    pub fn end(&mut self) {
        self.pending.change(self.direction, |it| it.has_ended = true);
    }
}

impl Pending {
    fn change(&self, direction: Direction, change: impl FnOnce(&mut Copied)) {
        let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(copied) = finished.as_mut().and_then(|it| it.of(direction).as_mut()) {
            change(copied);
        }
    }

    /// Leaves to others the room of what was copied so far. It goes on, and nothing more is copied.
    pub(super) fn give_way(&self) {
        // Who is passed something just now is not waited for: it may be who looks for room.
        let Ok(mut finished) = self.finished.try_lock() else { return };
        let Some(finished) = &mut *finished else { return };
        for copied in [&mut finished.request, &mut finished.response].into_iter().flatten() {
            copied.give_way();
        }
    }
}

impl Finished {
    fn of(&mut self, direction: Direction) -> &mut Option<Copied> {
        match direction {
            Direction::Request => &mut self.request,
            Direction::Response => &mut self.response,
        }
    }
}

impl Copied {
    fn pass(&mut self, data: &[u8], bytes_max: usize) {
        self.passed = self.passed.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
        let room = bytes_max.saturating_sub(self.bytes.bytes.len());
        let Some(kept) = data.get(..room.min(data.len())).filter(|it| !it.is_empty()) else {
            return;
        };
        // What follows a gap is not copied either.
        if self.is_crowded_out || !self.bytes.shared.reserve(kept.len()) {
            self.is_crowded_out = true;
            return;
        }
        self.bytes.bytes.extend_from_slice(kept);
    }

    fn give_way(&mut self) {
        if !self.bytes.bytes.is_empty() {
            self.is_crowded_out = true;
            self.bytes.clear();
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.shared.ended(&self.begun);
        let finished = self.finished.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(finished) = mem::take(finished) {
            self.shared.hand_over(finished);
        }
    }
}

impl Bytes {
    fn clear(&mut self) {
        self.shared.release(mem::take(&mut self.bytes).len());
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.clear();
    }
}
