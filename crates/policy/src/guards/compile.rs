//! Reads guards, with all their faults at once, and sorts them by operation.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use cedar_policy::{
    ActionConstraint, Effect, Entity, Policy, PolicyId, PolicySet, ResourceConstraint,
    RestrictedExpression, Schema, ValidationMode, Validator,
};
use model::{CollectionId, Fault, Guard, GuardId, Operation};
use serde_json::{Map, Value, json};

use super::{Guards, Slice, uid};

const BYTES_MAX: usize = 16 * 1024;

impl Guards {
    /// Compiles guards over `operations`, each at its position.
    ///
    /// # Errors
    /// All that is wrong: what Cedar cannot read or check, names that do not exist, and `permit`.
    pub fn compile(
        guards: &[Guard],
        owners: &[(&CollectionId, &str)],
        operations: &[Operation],
    ) -> Result<Self, Vec<Fault>> {
        if guards.is_empty() {
            return Ok(Self::default());
        }
        let schema = schema(operations)?;
        let validator = Validator::new(schema);
        let collections: HashSet<_> = operations.iter().map(|it| it.collection.as_str()).collect();
        let (mut policies, mut ids, mut faults) = (Vec::new(), HashMap::new(), Vec::new());
        for guard in guards {
            match read(guard, &validator, &collections) {
                Ok(found) => {
                    ids.extend(found.iter().map(|it| (it.id().clone(), guard.id.clone())));
                    policies.extend(found);
                }
                Err(message) => faults.push(fault(guard, &message)),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let owners: HashMap<_, _> = owners.iter().copied().collect();
        let mut slicer = Slicer { policies, ids: Arc::new(ids), sets: HashMap::new() };
        let slices =
            operations.iter().map(|it| slicer.slice(it, owners.get(&it.collection).copied()));
        let slices: Result<_, String> = slices.collect();
        match slices {
            Ok(slices) => Ok(Self { slices }),
            Err(message) => Err(guards.iter().map(|it| fault(it, &message)).collect()),
        }
    }
}

fn fault(guard: &Guard, message: &str) -> Fault {
    let message = format!("guard {}: {message}", guard.id);
    Fault::new(&guard.place, message, "correct the policy; see docs/guards.md for what it can see")
}

fn read(
    guard: &Guard,
    validator: &Validator,
    collections: &HashSet<&str>,
) -> Result<Vec<Policy>, String> {
    if guard.policy.len() > BYTES_MAX {
        return Err(format!("the policy is longer than {BYTES_MAX} bytes"));
    }
    let set: PolicySet =
        guard.policy.parse().map_err(|it: cedar_policy::ParseErrors| it.to_string())?;
    if set.templates().next().is_some() {
        return Err("the policy has slots, which nothing fills".to_owned());
    }
    if set.policies().next().is_none() {
        return Err("the policy is empty".to_owned());
    }
    if set.policies().any(|it| it.effect() == Effect::Permit) {
        return Err("a guard only takes away: write forbid instead of permit".to_owned());
    }
    let checked = validator.validate(&set, ValidationMode::Strict);
    if let Some(error) = checked.validation_errors().next() {
        return Err(error.to_string());
    }
    for literal in set.policies().flat_map(Policy::entity_literals) {
        let id = literal.id().unescaped();
        if literal.type_name().to_string() == "Collection" && !collections.contains(id) {
            return Err(format!("there is no collection \"{id}\" with operations"));
        }
    }
    let numbered = set.policies().enumerate();
    Ok(numbered
        .map(|(it, policy)| policy.new_id(PolicyId::new(format!("{}#{it}", guard.id))))
        .collect())
}

struct Slicer {
    policies: Vec<Policy>,
    ids: Arc<HashMap<PolicyId, GuardId>>,
    /// Operations that the same policies can touch share their set.
    sets: HashMap<BTreeSet<usize>, Arc<PolicySet>>,
}

impl Slicer {
    fn slice(
        &mut self,
        operation: &Operation,
        owner: Option<&str>,
    ) -> Result<Option<Arc<Slice>>, String> {
        let touching = self.policies.iter().enumerate().filter(|(_, it)| touches(it, operation));
        let touching: BTreeSet<_> = touching.map(|(index, _)| index).collect();
        if touching.is_empty() {
            return Ok(None);
        }
        let policies = self.set(touching)?;
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
        let ids = Arc::clone(&self.ids);
        Ok(Some(Arc::new(Slice { policies, ids, action, resource, entities })))
    }

    fn set(&mut self, touching: BTreeSet<usize>) -> Result<Arc<PolicySet>, String> {
        if let Some(set) = self.sets.get(&touching) {
            return Ok(Arc::clone(set));
        }
        // Roles have allowed the call already; to Cedar this says so. Its id is no guard's.
        let allowed =
            Policy::parse(Some(PolicyId::new("#")), "permit(principal, action, resource);")
                .map_err(|it| it.to_string())?;
        let chosen = touching.iter().filter_map(|it| self.policies.get(*it)).cloned();
        let set = PolicySet::from_policies(chosen.chain([allowed])).map_err(|it| it.to_string())?;
        let set = Arc::new(set);
        self.sets.insert(touching, Arc::clone(&set));
        Ok(set)
    }
}

/// Whether the head of `policy` leaves room for `operation`.
fn touches(policy: &Policy, operation: &Operation) -> bool {
    let (id, group) = (operation.id.as_str(), group(operation));
    let is_action = match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(it) => it.id().unescaped() == id,
        ActionConstraint::In(all) => {
            all.iter().any(|it| it.id().unescaped() == id || it.id().unescaped() == group)
        }
    };
    let collection = operation.collection.as_str();
    is_action
        && match policy.resource_constraint() {
            ResourceConstraint::Any | ResourceConstraint::Is(_) => true,
            ResourceConstraint::In(it)
            | ResourceConstraint::Eq(it)
            | ResourceConstraint::IsIn(_, it) => it.id().unescaped() == collection,
        }
}

/// All operations of a collection, as patterns name them.
fn group(operation: &Operation) -> String {
    format!("{}:*", operation.collection)
}

fn schema(operations: &[Operation]) -> Result<Schema, Vec<Fault>> {
    let text = || json!({"type": "String"});
    let context = json!({"type": "Record", "attributes": {
        "surface": text(), "effect": text(), "weekday": text(), "hour": {"type": "Long"},
        "ip": {"type": "Extension", "name": "ipaddr"},
        "actors": {"type": "Set", "element": text()},
        "user": {"type": "String", "required": false},
    }});
    let mut actions = Map::new();
    for operation in operations {
        actions.insert(group(operation), json!({}));
        let action = json!({
            "memberOf": [{"id": group(operation)}],
            "appliesTo": {
                "principalTypes": ["Profile"], "resourceTypes": ["Collection"], "context": context,
            },
        });
        actions.insert(operation.id.to_string(), action);
    }
    let whole = json!({"": {
        "entityTypes": {
            "Client": {},
            "Profile": {"memberOfTypes": ["Client"]},
            "Collection": {"shape": {"type": "Record", "attributes": {"owner": text()}}},
        },
        "actions": Value::Object(actions),
    }});
    Schema::from_json_value(whole).map_err(|it| {
        let message = format!("the operations make no Cedar schema: {it}");
        vec![Fault::new(&model::Place::default(), message, "report this")]
    })
}
