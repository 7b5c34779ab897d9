//! Why may somebody do something, and who may? For operators and auditors, not for calls.

use std::sync::Arc;

use model::{Operation, ProfileId, Reach, Surface};

use crate::{Condition, Denial, Guards, Reason, Rules};

/// Why a profile may call an operation, or why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Every rule that allows it, the one that calls name first; or why none does.
    pub verdict: Result<Vec<Arc<str>>, Denial>,
    /// Over which surfaces.
    pub surfaces: Vec<Surface>,
    /// Over what, where it is a management operation.
    pub reach: Option<Reach>,
    /// The guards that may still refuse a call, sorted by id; none where no rule allows it.
    pub conditions: Vec<Condition>,
}

/// Explains what [`decide()`](crate::decide()) says to calls of `profile`.
///
/// Guards are named and not asked: what they say depends on the call.
#[must_use]
pub fn explain(
    rules: &Rules,
    guards: &Guards,
    profile: &ProfileId,
    operation: &Operation,
) -> Explanation {
    let denied = |reason| Explanation {
        verdict: Err(Denial::new(reason)),
        surfaces: Vec::new(),
        reach: None,
        conditions: Vec::new(),
    };
    if !rules.knows(operation) {
        return denied(Reason::UnknownOperation);
    }
    if rules.is_public(operation) {
        return Explanation {
            verdict: Ok(vec![Arc::clone(rules.anonymous())]),
            surfaces: vec![Surface::Mcp, Surface::Rest],
            reach: None,
            conditions: guards.conditions(operation).to_vec(),
        };
    }
    let Some(contract) = rules.contract(profile) else { return denied(Reason::UnknownProfile) };
    let allowing: Vec<_> = contract.rules(operation.position).cloned().collect();
    if allowing.is_empty() {
        return denied(Reason::NoRole);
    }
    Explanation {
        verdict: Ok(allowing),
        surfaces: contract.surfaces().to_vec(),
        reach: contract.reach(operation.position).map(|it| Reach::clone(it)),
        conditions: guards.conditions(operation).to_vec(),
    }
}

/// The profiles that may call `operation` over at least one surface, sorted. Guards are not asked.
///
/// What is public, everybody may call: these are all profiles then, and callers without any.
#[must_use]
pub fn who_can(rules: &Rules, operation: &Operation) -> Vec<ProfileId> {
    if !rules.knows(operation) {
        return Vec::new();
    }
    let is_public = rules.is_public(operation);
    let able = rules.profiles().filter(|(_, contract)| {
        is_public
            || (!contract.surfaces().is_empty() && contract.rule(operation.position).is_some())
    });
    let mut able: Vec<_> = able.map(|(id, _)| id.clone()).collect();
    able.sort_unstable();
    able
}
