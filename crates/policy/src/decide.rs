//! The decision in its two steps, and the permit that only they can make.

use std::sync::Arc;

use model::{ArgumentValue, Caller, Operation, Reach, Surface, TokenScope, TokenScopes};

use crate::{Denial, Facts, Guards, Reason, Rules, rules::Contract};

/// Proof that a call was allowed, and by which rule. Only [`Clearance::settle()`] makes one.
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

/// Proof that roles allow a call, and so do all guards but those that read its arguments.
///
/// This is as far as a list can ask. It keeps the question, so that the rest is asked about the
/// same call.
#[derive(Debug)]
pub struct Clearance<'a> {
    permit: Permit,
    guards: &'a Guards,
    caller: &'a Caller,
    operation: &'a Operation,
    facts: Facts,
}

impl Clearance<'_> {
    /// The rule that allows it, unless a guard takes it away.
    #[must_use]
    pub fn rule(&self) -> &Arc<str> {
        &self.permit.rule
    }

    /// Whether some guard has yet to be shown the call's arguments.
    #[must_use]
    pub fn reads_arguments(&self) -> bool {
        self.guards.read_arguments(self.operation)
    }

    /// Asks the guards that read arguments, where there are any. `arguments` holds those that they
    /// read and the call has.
    ///
    /// # Errors
    /// [`Denial`] by the guard that forbids the call or could not be evaluated, and where guards
    /// read arguments and were shown none.
    pub fn settle(
        self,
        arguments: Option<Vec<(Box<str>, ArgumentValue)>>,
    ) -> Result<Permit, Denial> {
        let Self { permit, guards, caller, operation, facts } = self;
        guards.check_arguments(caller, operation, &facts, arguments)?;
        Ok(permit)
    }
}

/// Decides whether `caller` may call `operation` in a call like this, whatever its arguments.
///
/// # Errors
/// [`Denial`] where no rule allows it, or a guard forbids it.
pub fn decide<'a>(
    rules: &Rules,
    guards: &'a Guards,
    caller: &'a Caller,
    operation: &'a Operation,
    facts: &Facts,
) -> Result<Clearance<'a>, Denial> {
    let permit = by_roles(rules, caller, operation, facts.surface)?;
    guards.check(caller, operation, facts)?;
    Ok(Clearance { permit, guards, caller, operation, facts: *facts })
}

/// Whether roles allow `caller` the operation, over either surface. For showing what a token would
/// be good for: guards may still take away from that.
#[must_use]
pub fn allows(rules: &Rules, caller: &Caller, operation: &Operation) -> bool {
    [Surface::Mcp, Surface::Rest]
        .into_iter()
        .any(|it| by_roles(rules, caller, operation, it).is_ok())
}

fn by_roles(
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
    // Whose token is a person's has only what that person consented to, and nobody is asked about the
    // client's own credentials.
    if operation.collection.is_self_service() && caller.user.is_some() {
        return Err(Denial::new(Reason::OnBehalf));
    }
    if let Some(bounds) = &caller.bounds {
        if !bounds.audience.has(&operation.collection) {
            return Err(Denial::new(Reason::Audience));
        }
        if let Some(scopes) = bounds.scopes.as_ref().filter(|it| !it.has_collection(operation)) {
            return by_scope(contract, scopes, operation);
        }
    }
    let reach = contract.reach(operation.position).unwrap_or_else(|| rules.everywhere());
    Ok(Permit { rule: Arc::clone(rule), reach: Arc::clone(reach) })
}

/// What a token carries by roles. What is missing is told in the words the token has already, and
/// along with these: not every client that asks for more knows to ask for what it had.
fn by_scope(
    contract: &Contract,
    scopes: &TokenScopes,
    operation: &Operation,
) -> Result<Permit, Denial> {
    if let Some((rule, reach)) = contract.scoped(operation.position, scopes) {
        return Ok(Permit { rule: Arc::clone(rule), reach });
    }
    let has_roles = scopes.iter().any(|it| matches!(it, TokenScope::Role(_)));
    let role = contract.allowing_role(operation.position).filter(|_| has_roles);
    let missing = match role {
        Some(role) => TokenScope::Role(role.clone()),
        None => TokenScope::Collection(operation.collection.clone()),
    };
    let needed = scopes.iter().cloned().chain([missing]).collect();
    Err(Denial::new(Reason::Scope).needing(needed))
}
