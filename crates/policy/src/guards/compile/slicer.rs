//! Sorts policies by operation, and by whether they read arguments of it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use cedar_policy::{Entity, Policy, PolicyId, PolicySet, RestrictedExpression};
use model::{Argument, GuardId, Operation};

use super::{Checked, touches};
use crate::guards::{Condition, Slice, ask::uid, schema::group};

/// All policies, while they are sorted.
pub(super) struct Slicer {
    policies: Vec<Checked>,
    ids: Arc<HashMap<PolicyId, GuardId>>,
    /// Operations that the same policies can touch share their set.
    sets: HashMap<BTreeSet<usize>, Arc<PolicySet>>,
}

impl Slicer {
    pub(super) fn new(policies: Vec<Checked>) -> Self {
        let ids = policies.iter().map(|it| (it.policy.id().clone(), it.guard.clone())).collect();
        Self { policies, ids: Arc::new(ids), sets: HashMap::new() }
    }

    /// The policies that can touch `operation`, which has these arguments.
    pub(super) fn slice(
        &mut self,
        operation: &Operation,
        arguments: &[Argument],
        owner: Option<&str>,
    ) -> Result<Option<Arc<Slice>>, String> {
        let (mut plain, mut reading, mut reads) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut conditions: BTreeMap<GuardId, BTreeSet<Box<str>>> = BTreeMap::new();
        for (index, checked) in self.policies.iter().enumerate() {
            if !touches(&checked.policy, operation) {
                continue;
            }
            // Where the operation has none of what is read, the policy finds no arguments: it does
            // not have to wait for them.
            let names = checked.reads.among(arguments);
            if names.is_empty() {
                plain.insert(index)
            } else {
                reading.insert(index)
            };
            conditions.entry(checked.guard.clone()).or_default().extend(names.iter().cloned());
            reads.extend(names);
        }
        if conditions.is_empty() {
            return Ok(None);
        }
        let conditions = conditions.into_iter().map(|(guard, arguments)| Condition {
            guard,
            arguments: arguments.into_iter().collect(),
        });
        let invalid = || format!("{} cannot be named", operation.id);
        let action = uid("Action", operation.id.as_str()).ok_or_else(invalid)?;
        let resource = uid("Collection", operation.collection.as_str()).ok_or_else(invalid)?;
        let group = uid("Action", &group(operation)).ok_or_else(invalid)?;
        let owner = RestrictedExpression::new_string(owner.unwrap_or_default().to_owned());
        let collection =
            Entity::new(resource.clone(), [("owner".to_owned(), owner)].into(), [].into())
                .map_err(|it| it.to_string())?;
        let entities = vec![
            Entity::new_no_attrs(group.clone(), [].into()),
            Entity::new_no_attrs(action.clone(), [group].into()),
            collection,
        ];
        Ok(Some(Arc::new(Slice {
            plain: self.set(plain)?,
            reading: self.set(reading)?,
            reads: reads.into_iter().collect(),
            conditions: conditions.collect(),
            ids: Arc::clone(&self.ids),
            action,
            resource,
            entities,
        })))
    }

    /// The set of these policies; none where there are none.
    fn set(&mut self, chosen: BTreeSet<usize>) -> Result<Option<Arc<PolicySet>>, String> {
        if chosen.is_empty() {
            return Ok(None);
        }
        if let Some(set) = self.sets.get(&chosen) {
            return Ok(Some(Arc::clone(set)));
        }
        // Roles have allowed the call already; to Cedar this says so. Its id is no guard's.
        let allowed =
            Policy::parse(Some(PolicyId::new("#")), "permit(principal, action, resource);")
                .map_err(|it| it.to_string())?;
        let policies =
            chosen.iter().filter_map(|it| self.policies.get(*it)).map(|it| it.policy.clone());
        let set =
            PolicySet::from_policies(policies.chain([allowed])).map_err(|it| it.to_string())?;
        let set = Arc::new(set);
        self.sets.insert(chosen, Arc::clone(&set));
        Ok(Some(set))
    }
}
