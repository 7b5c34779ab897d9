//! Conditions over what roles allow: Cedar policies that only take away.

mod ask;
mod compile;
mod facts;
mod reads;
mod schema;

use std::{collections::HashMap, sync::Arc};

use cedar_policy::{Entity, EntityUid, PolicyId, PolicySet};
use model::{ArgumentValue, Caller, GuardId, Operation};

use crate::{Denial, Reason};
use ask::Question;
pub use facts::Facts;

/// All guards, by the operations that they can touch. Immutable; empty where there are none.
#[derive(Debug, Default)]
pub struct Guards {
    /// By the operation's position; none where no guard can touch it. Empty without guards.
    slices: Box<[Option<Arc<Slice>>]>,
}

/// A guard that may refuse calls of an operation that roles allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The guard.
    pub guard: GuardId,
    /// The arguments that it reads, sorted; none where it decides without them.
    pub arguments: Vec<Box<str>>,
}

/// The guards of an operation, and what they see of it.
#[derive(Debug)]
struct Slice {
    /// The policies that decide without arguments.
    plain: Option<Arc<PolicySet>>,
    /// Those that read some.
    reading: Option<Arc<PolicySet>>,
    /// The arguments that any of these reads, sorted.
    reads: Box<[Box<str>]>,
    conditions: Box<[Condition]>,
    ids: Arc<HashMap<PolicyId, GuardId>>,
    action: EntityUid,
    resource: EntityUid,
    /// The action with its groups, and the collection with its owner.
    entities: Vec<Entity>,
}

impl Guards {
    /// The guards that may refuse calls of `operation`, sorted by id.
    #[must_use]
    pub fn conditions(&self, operation: &Operation) -> &[Condition] {
        self.slice(operation).map_or(&[], |it| &it.conditions)
    }

    /// The arguments of `operation` that guards read, sorted: whoever calls it has to show them.
    #[must_use]
    pub fn reads(&self, operation: &Operation) -> &[Box<str>] {
        self.slice(operation).map_or(&[], |it| &it.reads)
    }

    /// Asks the guards that read no arguments.
    pub(crate) fn check(
        &self,
        caller: &Caller,
        operation: &Operation,
        facts: &Facts,
    ) -> Result<(), Denial> {
        let Some(slice) = self.slice(operation) else { return Ok(()) };
        let Some(policies) = &slice.plain else { return Ok(()) };
        Question { slice, caller, operation, facts, arguments: Vec::new() }.put(policies)
    }

    pub(crate) fn read_arguments(&self, operation: &Operation) -> bool {
        self.slice(operation).is_some_and(|it| it.reading.is_some())
    }

    /// Asks the guards that read arguments, if there are any.
    pub(crate) fn check_arguments(
        &self,
        caller: &Caller,
        operation: &Operation,
        facts: &Facts,
        arguments: Option<Vec<(Box<str>, ArgumentValue)>>,
    ) -> Result<(), Denial> {
        let Some(slice) = self.slice(operation) else { return Ok(()) };
        let Some(policies) = &slice.reading else { return Ok(()) };
        // Whoever forgot to read them must not pass.
        let arguments = arguments.ok_or_else(|| Denial::new(Reason::Guard))?;
        Question { slice, caller, operation, facts, arguments }.put(policies)
    }

    fn slice(&self, operation: &Operation) -> Option<&Slice> {
        self.slices.get(operation.position)?.as_deref()
    }
}
