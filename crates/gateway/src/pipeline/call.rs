//! A call on its way: what it is, and how far it has come.

use std::sync::Arc;

use identity::Presented;
use limits::Allowance;
use model::{Caller, Refusal, RequestHead};
use policy::Permit;

use super::Facts;
use crate::{Snapshot, snapshot::Route};

/// One request for one operation by one caller, as far as stage `S`. It moves only forward.
#[derive(Debug)]
pub struct Call<'a, S> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) facts: &'a mut Facts,
    pub(super) stage: S,
}

/// What a surface made of the bytes. Nothing of it is decided yet: even its own faults wait until
/// the caller is known, so that a stranger learns nothing.
#[derive(Debug)]
pub struct Received<'a> {
    /// The credential, as it was shown.
    pub presented: Result<Presented<'a>, Refusal>,
    /// The operation that is meant.
    pub target: Result<Arc<Route>, Refusal>,
    /// What was asked in the surface's own words, where no operation was found.
    pub asked: Option<String>,
    /// What would go to the upstream.
    // Boxed: it goes from stage to stage, and each would move it at its size.
    pub request: Result<Box<Outgoing>, Refusal>,
}

/// A request for the upstream, in canonical form.
#[derive(Debug)]
pub struct Outgoing {
    /// Everything but the body.
    pub head: RequestHead,
    /// The body.
    pub body: upstream::RequestBody,
}

/// The caller and the operation are known.
#[derive(Debug)]
pub struct Authenticated {
    pub(super) caller: Arc<Caller>,
    pub(super) route: Arc<Route>,
    pub(super) request: Result<Box<Outgoing>, Refusal>,
}

/// The caller may call the operation, and the request can be carried out.
#[derive(Debug)]
pub struct Authorized {
    pub(super) caller: Arc<Caller>,
    pub(super) route: Arc<Route>,
    pub(super) outgoing: Box<Outgoing>,
    pub(super) permit: Permit,
}

/// The call fits into every limit, and was counted.
#[derive(Debug)]
pub struct Metered {
    pub(super) caller: Arc<Caller>,
    pub(super) route: Arc<Route>,
    pub(super) outgoing: Box<Outgoing>,
    /// Held to the end: who has no permit does not get here.
    pub(super) permit: Permit,
    /// Likewise: who was not counted does not get here.
    pub(super) _allowance: Allowance,
}

impl<'a, 'p> Call<'a, Received<'p>> {
    pub(crate) fn new(
        snapshot: &'a Snapshot,
        facts: &'a mut Facts,
        received: Received<'p>,
    ) -> Self {
        Self { snapshot, facts, stage: received }
    }
}

impl<'a, S> Call<'a, S> {
    /// The same call, one stage on.
    pub(super) fn advance<T>(self, step: impl FnOnce(S) -> T) -> Call<'a, T> {
        Call { snapshot: self.snapshot, facts: self.facts, stage: step(self.stage) }
    }
}
