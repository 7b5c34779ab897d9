//! Conditions over what roles allow: Cedar policies that only take away.

mod compile;

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicyId,
    PolicySet, Request, RestrictedExpression,
};
use model::{Caller, GuardId, Operation, Surface, Timestamp};

use crate::{Denial, Reason};

/// All guards, by the operations that they can touch. Immutable; empty where there are none.
#[derive(Debug, Default)]
pub struct Guards {
    /// By the operation's position; none where no guard can touch it. Empty without guards.
    slices: Box<[Option<Arc<Slice>>]>,
}

/// The guards of an operation, and what they see of it.
#[derive(Debug)]
struct Slice {
    policies: Arc<PolicySet>,
    ids: Arc<HashMap<PolicyId, GuardId>>,
    action: EntityUid,
    resource: EntityUid,
    /// The action with its groups, and the collection with its owner.
    entities: Vec<Entity>,
}

/// What guards see of a call, besides caller and operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// How it arrived.
    pub surface: Surface,
    /// Where it came from.
    pub ip: IpAddr,
    /// The hour in UTC, 0 to 23.
    pub hour: i8,
    /// The weekday in UTC: `monday`.
    pub weekday: &'static str,
}

const WEEKDAYS: [&str; 7] =
    ["thursday", "friday", "saturday", "sunday", "monday", "tuesday", "wednesday"];

impl Facts {
    /// What guards see of a call that arrived at this time.
    #[must_use]
    pub fn of(surface: Surface, ip: IpAddr, at: Timestamp) -> Self {
        let hour = at.as_seconds().div_euclid(3600).rem_euclid(24);
        // The first day of the epoch was a Thursday.
        let day = usize::try_from(at.as_seconds().div_euclid(86_400).rem_euclid(7));
        let weekday = day.ok().and_then(|it| WEEKDAYS.get(it)).copied().unwrap_or_default();
        Self { surface, ip, hour: i8::try_from(hour).unwrap_or_default(), weekday }
    }
}

impl Guards {
    /// Whether any guard can touch `operation`. Where none can, no facts need be gathered.
    #[must_use]
    pub fn touch(&self, operation: &Operation) -> bool {
        self.slice(operation).is_some()
    }

    /// Asks every guard that can touch `operation`.
    ///
    /// # Errors
    /// [`Denial`] by the guard that forbids the call, or that could not be evaluated.
    pub fn check(
        &self,
        caller: &Caller,
        operation: &Operation,
        facts: &Facts,
    ) -> Result<(), Denial> {
        match self.slice(operation) {
            None => Ok(()),
            Some(slice) => slice.check(caller, operation, facts),
        }
    }

    fn slice(&self, operation: &Operation) -> Option<&Slice> {
        self.slices.get(operation.position)?.as_deref()
    }
}

impl Slice {
    fn check(&self, caller: &Caller, operation: &Operation, facts: &Facts) -> Result<(), Denial> {
        let undecided = || Denial::new(Reason::Guard);
        let (request, entities) = self.ask(caller, operation, facts).ok_or_else(undecided)?;
        let answer = Authorizer::new().is_authorized(&request, &self.policies, &entities);
        let diagnostics = answer.diagnostics();
        // A guard that cannot be evaluated might have forbidden the call.
        let failed = diagnostics.errors().next().map(|it| match it {
            cedar_policy::AuthorizationError::PolicyEvaluationError(it) => it.policy_id().clone(),
        });
        if answer.decision() == Decision::Allow && failed.is_none() {
            return Ok(());
        }
        let mut ids: Vec<_> =
            diagnostics.reason().chain(&failed).filter_map(|it| self.ids.get(it)).collect();
        ids.sort_unstable();
        match ids.first() {
            Some(id) => Err(undecided().by_rule(format!("guard {id}"))),
            None => Err(undecided()),
        }
    }

    fn ask(
        &self,
        caller: &Caller,
        operation: &Operation,
        facts: &Facts,
    ) -> Option<(Request, Entities)> {
        let text = |it: &str| RestrictedExpression::new_string(it.to_owned());
        let client = uid("Client", caller.client.as_str())?;
        let profile = uid("Profile", caller.profile.as_str())?;
        let Facts { surface, ip, hour, weekday } = facts;
        let actors = caller.actors.iter().map(|it| text(it));
        let mut context = vec![
            ("surface".to_owned(), text(surface.as_str())),
            ("effect".to_owned(), text(operation.effect.as_str())),
            ("ip".to_owned(), RestrictedExpression::new_ip(ip.to_string())),
            ("hour".to_owned(), RestrictedExpression::new_long(i64::from(*hour))),
            ("weekday".to_owned(), text(weekday)),
            ("actors".to_owned(), RestrictedExpression::new_set(actors)),
        ];
        context.extend(caller.user.as_deref().map(|it| ("user".to_owned(), text(it))));
        let context = Context::from_pairs(context).ok()?;
        let known = [
            Entity::new_no_attrs(client.clone(), [].into()),
            Entity::new_no_attrs(profile.clone(), [client].into()),
        ];
        let entities =
            Entities::from_entities(known.into_iter().chain(self.entities.clone()), None).ok()?;
        let (action, resource) = (self.action.clone(), self.resource.clone());
        Some((Request::new(profile, action, resource, context, None).ok()?, entities))
    }
}

fn uid(kind: &str, id: &str) -> Option<EntityUid> {
    Some(EntityUid::from_type_name_and_id(kind.parse::<EntityTypeName>().ok()?, EntityId::new(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hour_and_the_weekday_are_those_of_utc() {
        let facts = |text| {
            let at = Timestamp::parse(text).unwrap();
            let Facts { hour, weekday, .. } = Facts::of(Surface::Rest, [127, 0, 0, 1].into(), at);
            (hour, weekday)
        };
        assert_eq!(facts("1970-01-01T00:00:00Z"), (0, "thursday"));
        assert_eq!(facts("2026-11-25T23:59:59Z"), (23, "wednesday"));
        assert_eq!(facts("2026-11-26T01:00:00+02:00"), (23, "wednesday"));
        assert_eq!(facts("1969-12-31T12:00:00Z"), (12, "wednesday"));
    }
}
