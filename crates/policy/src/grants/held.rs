//! What a profile holds, as its roles say it.

use model::{CollectionId, Effect, Pattern, ProfileId, Reach};

use crate::{Rules, rules::Contract};

/// What a profile holds.
pub(super) struct Held<'a> {
    rules: &'a Rules,
    contract: &'a Contract,
}

impl<'a> Held<'a> {
    /// What `profile` holds; none where it is unknown or disabled.
    pub(super) fn new(rules: &'a Rules, profile: &ProfileId) -> Option<Self> {
        rules.contract(profile).map(|contract| Self { rules, contract })
    }

    /// Whether a grant as wide as `pattern` is held with `effect`, in a reach that is `within`.
    pub(super) fn has(
        &self,
        pattern: &Pattern,
        effect: Effect,
        within: impl Fn(&Reach) -> bool,
    ) -> bool {
        self.contract.assignments().iter().filter(|it| within(&it.reach)).any(|assignment| {
            self.rules.grants(&assignment.role).iter().any(|grant| {
                (grant.effects.is_empty() || grant.effects.contains(&effect))
                    && grant.operations.iter().any(|it| it.includes(pattern))
            })
        })
    }

    /// Whether it may put a collection, in a reach that is `within`.
    pub(super) fn may_put(&self, within: impl Fn(&Reach) -> bool) -> bool {
        self.rules.put_collection().is_some_and(|position| {
            self.contract.rule(position).is_some()
                && self.contract.reach(position).is_some_and(|it| within(it))
        })
    }

    /// Who answers for `collection`.
    pub(super) fn owner(&self, collection: &str) -> Option<&'a str> {
        CollectionId::parse(collection).ok().and_then(|it| self.rules.owner(&it))
    }
}
