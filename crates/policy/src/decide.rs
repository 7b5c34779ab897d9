//! The decision, and the permit that only it can make.

use std::sync::Arc;

use model::{Caller, Operation, Reach, Surface};

use crate::{Denial, Reason, Rules};

/// Proof that a call was allowed, and by which rule. Only [`decide()`] makes one.
///
/// ```compile_fail,E0451
/// let permit = policy::Permit { rule: "mine".into() };
/// ```
// No Clone: one decision lets one call through.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    rule: Arc<str>,
    reach: Arc<Reach>,
}

impl Permit {
    /// The rule that allowed it: `role shop-reader: orders:*`, or `anonymous`.
    #[must_use]
    pub fn rule(&self) -> &Arc<str> {
        &self.rule
    }

    /// Over what the operation may be carried out, where it is a management operation.
    ///
    /// It is what all roles that allow the operation reach together. Elsewhere there is no bound
    /// left: whether the collection is within reach was decided with the rule.
    #[must_use]
    pub fn reach(&self) -> &Reach {
        &self.reach
    }
}

/// Decides whether `caller` may call `operation` over `surface`.
///
/// # Errors
/// [`Denial`] where no rule allows it.
pub fn decide(
    rules: &Rules,
    caller: &Caller,
    operation: &Operation,
    surface: Surface,
) -> Result<Permit, Denial> {
    if !rules.knows(operation) {
        return Err(Denial::new(Reason::UnknownOperation));
    }
    // First, and whatever the profile says: nobody may do less with a credential than without one.
    if rules.is_public(operation) {
        let rule = Arc::clone(rules.anonymous());
        return Ok(Permit { rule, reach: Arc::clone(rules.everywhere()) });
    }
    if caller.is_anonymous() {
        return Err(Denial::new(Reason::Anonymous));
    }
    let Some(contract) = rules.contract(&caller.profile) else {
        return Err(Denial::new(Reason::UnknownProfile));
    };
    if !contract.has_surface(surface) {
        let rule = format!("profile {}: surfaces", caller.profile);
        return Err(Denial::new(Reason::Surface(surface)).by_rule(rule));
    }
    let Some(rule) = contract.rule(operation.position) else {
        return Err(Denial::new(Reason::NoRole));
    };
    let reach = contract.reach(operation.position).unwrap_or_else(|| rules.everywhere());
    Ok(Permit { rule: Arc::clone(rule), reach: Arc::clone(reach) })
}
