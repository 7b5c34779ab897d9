//! One call, put to the guards in Cedar's words.

use cedar_policy::{
    AuthorizationError, Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName,
    EntityUid, PolicySet, Request, RestrictedExpression,
};
use model::{ArgumentValue, Caller, Operation};

use super::{Facts, Slice};
use crate::{Denial, Reason};

/// One call, as guards see it.
#[derive(Debug)]
pub(super) struct Question<'q> {
    pub(super) slice: &'q Slice,
    pub(super) caller: &'q Caller,
    pub(super) operation: &'q Operation,
    pub(super) facts: &'q Facts,
    pub(super) arguments: Vec<(Box<str>, ArgumentValue)>,
}

impl Question<'_> {
    /// Asks every guard in `policies`.
    pub(super) fn put(self, policies: &PolicySet) -> Result<(), Denial> {
        let undecided = || Denial::new(Reason::Guard);
        let ids = &self.slice.ids;
        let (request, entities) = self.words().ok_or_else(undecided)?;
        let answer = Authorizer::new().is_authorized(&request, policies, &entities);
        let diagnostics = answer.diagnostics();
        // A guard that cannot be evaluated might have forbidden the call.
        let failed = diagnostics.errors().next().map(|it| match it {
            AuthorizationError::PolicyEvaluationError(it) => it.policy_id().clone(),
        });
        if answer.decision() == Decision::Allow && failed.is_none() {
            return Ok(());
        }
        let mut ids: Vec<_> =
            diagnostics.reason().chain(&failed).filter_map(|it| ids.get(it)).collect();
        ids.sort_unstable();
        match ids.first() {
            Some(id) => Err(undecided().by_rule(format!("guard {id}"))),
            None => Err(undecided()),
        }
    }

    fn words(self) -> Option<(Request, Entities)> {
        let Self { slice, caller, operation, facts, arguments } = self;
        let client = uid("Client", caller.client.as_str())?;
        let profile = uid("Profile", caller.profile.as_str())?;
        let actors = caller.actors.iter().map(|it| text(it));
        let mut context = vec![
            ("surface".to_owned(), text(facts.surface.as_str())),
            ("effect".to_owned(), text(operation.effect.as_str())),
            ("ip".to_owned(), RestrictedExpression::new_ip(facts.ip.to_string())),
            ("hour".to_owned(), RestrictedExpression::new_long(facts.hour())),
            ("weekday".to_owned(), text(facts.weekday())),
            ("actors".to_owned(), RestrictedExpression::new_set(actors)),
            ("arguments".to_owned(), record(arguments)?),
        ];
        context.extend(caller.user.as_deref().map(|it| ("user".to_owned(), text(it))));
        let context = Context::from_pairs(context).ok()?;
        let known = [
            Entity::new_no_attrs(client.clone(), [].into()),
            Entity::new_no_attrs(profile.clone(), [client].into()),
        ];
        let entities =
            Entities::from_entities(known.into_iter().chain(slice.entities.clone()), None).ok()?;
        let (action, resource) = (slice.action.clone(), slice.resource.clone());
        Some((Request::new(profile, action, resource, context, None).ok()?, entities))
    }
}

pub(super) fn uid(kind: &str, id: &str) -> Option<EntityUid> {
    Some(EntityUid::from_type_name_and_id(kind.parse::<EntityTypeName>().ok()?, EntityId::new(id)))
}

fn text(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}

/// A record of these members; none where a name comes twice.
fn record(members: Vec<(Box<str>, ArgumentValue)>) -> Option<RestrictedExpression> {
    let pairs = members.into_iter().map(|(name, it)| Some((name.into_string(), expression(it)?)));
    RestrictedExpression::new_record(pairs.collect::<Option<Vec<_>>>()?).ok()
}

fn expression(value: ArgumentValue) -> Option<RestrictedExpression> {
    Some(match value {
        ArgumentValue::Boolean(value) => RestrictedExpression::new_bool(value),
        ArgumentValue::Integer(value) => RestrictedExpression::new_long(value),
        ArgumentValue::List(values) => {
            let elements: Option<Vec<_>> = values.into_iter().map(expression).collect();
            RestrictedExpression::new_set(elements?)
        }
        ArgumentValue::Number(value) => RestrictedExpression::new_decimal(value.to_string()),
        ArgumentValue::Object(members) => record(members)?,
        ArgumentValue::Text(value) => RestrictedExpression::new_string(value),
    })
}
