//! Reads guards, with all their faults at once.

mod slicer;

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    ActionConstraint, Effect, Policy, PolicyId, PolicySet, ResourceConstraint, Schema,
    ValidationMode, Validator,
};
use model::{Argument, ArgumentType, CollectionId, Fault, Guard, GuardId, Operation};

use super::{
    Guards,
    reads::Reads,
    schema::{group, schema},
};
use slicer::Slicer;

const BYTES_MAX: usize = 16 * 1024;

/// A guard that was read and not yet checked.
struct Parsed<'g> {
    guard: &'g Guard,
    set: PolicySet,
    /// What each of its policies reads, in their order.
    reads: Vec<Reads>,
}

/// A policy of a guard.
struct Checked {
    guard: GuardId,
    policy: Policy,
    reads: Reads,
}

/// What guards are checked against.
struct House<'a> {
    operations: &'a [Operation],
    /// Those of each operation that any guard reads.
    arguments: &'a [Vec<Argument>],
    collections: HashSet<&'a str>,
    validator: Validator,
}

impl Guards {
    /// What is wrong with guards whatever the operations are: what Cedar cannot read, and `permit`.
    #[must_use]
    pub fn misread(guards: &[Guard]) -> Vec<Fault> {
        let read = guards.iter().map(|it| (it, parse(it)));
        read.filter_map(|(guard, read)| Some(fault(guard, &read.err()?))).collect()
    }

    /// Compiles guards over `operations`, each at its position.
    ///
    /// `arguments` gives those of an operation, and is asked only where a guard reads some.
    ///
    /// # Errors
    /// All that is wrong: what Cedar cannot read or check, names that do not exist, and `permit`.
    pub fn compile(
        guards: &[Guard],
        owners: &[(&CollectionId, &str)],
        operations: &[Operation],
        arguments: impl Fn(&Operation) -> Vec<Argument>,
    ) -> Result<Self, Vec<Fault>> {
        if guards.is_empty() {
            return Ok(Self::default());
        }
        let mut faults = Vec::new();
        let mut sift = |guard, result: Result<_, String>| {
            result.map_err(|message| faults.push(fault(guard, &message))).ok()
        };
        let parsed: Vec<_> = guards.iter().filter_map(|it| sift(it, parse(it))).collect();
        let arguments = read_by_any(&parsed, operations, arguments);
        let named = named(&parsed);
        let schema = schema(operations, &arguments, |id| named.contains(id))?;
        let house = House::new(operations, &arguments, schema);
        let mut policies = Vec::new();
        for Parsed { guard, set, reads } in parsed {
            match house.check(&set, &reads) {
                Ok(()) => policies.extend(numbered(guard, &set, reads)),
                Err(message) => faults.push(fault(guard, &message)),
            }
        }
        if !faults.is_empty() {
            faults.sort();
            return Err(faults);
        }
        let owners: HashMap<_, _> = owners.iter().copied().collect();
        let mut slicer = Slicer::new(policies);
        let slices = operations.iter().zip(&arguments).map(|(operation, arguments)| {
            slicer.slice(operation, arguments, owners.get(&operation.collection).copied())
        });
        match slices.collect() {
            Ok(slices) => Ok(Self { slices }),
            Err(message) => Err(guards.iter().map(|it| fault(it, &message)).collect()),
        }
    }
}

fn fault(guard: &Guard, message: &str) -> Fault {
    let message = format!("guard {}: {message}", guard.id);
    Fault::new(&guard.place, message, "correct the policy; see docs/guards.md for what it can see")
}

fn parse(guard: &Guard) -> Result<Parsed<'_>, String> {
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
    let reads = set.policies().map(Reads::of).collect::<Result<_, _>>()?;
    Ok(Parsed { guard, set, reads })
}

fn numbered(guard: &Guard, set: &PolicySet, reads: Vec<Reads>) -> Vec<Checked> {
    let read = set.policies().zip(reads).enumerate();
    let checked = |(number, (policy, reads)): (usize, (&Policy, _))| {
        let policy = policy.new_id(PolicyId::new(format!("{}#{number}", guard.id)));
        Checked { guard: guard.id.clone(), policy, reads }
    };
    read.map(checked).collect()
}

/// Everything that any policy names.
fn named(parsed: &[Parsed<'_>]) -> HashSet<String> {
    let literals = parsed.iter().flat_map(|it| it.set.policies()).flat_map(Policy::entity_literals);
    literals.map(|it| it.id().unescaped().to_owned()).collect()
}

/// The arguments of each operation that any guard reads. All others would only make a large schema.
fn read_by_any(
    parsed: &[Parsed<'_>],
    operations: &[Operation],
    arguments: impl Fn(&Operation) -> Vec<Argument>,
) -> Vec<Vec<Argument>> {
    let reads: Vec<_> =
        parsed.iter().flat_map(|it| &it.reads).filter(|it| !it.is_empty()).collect();
    if reads.is_empty() {
        return vec![Vec::new(); operations.len()];
    }
    let of_one = |operation| {
        let mut arguments = arguments(operation);
        arguments.retain(|argument| reads.iter().any(|it| it.has(&argument.name)));
        arguments
    };
    operations.iter().map(of_one).collect()
}

impl<'a> House<'a> {
    fn new(operations: &'a [Operation], arguments: &'a [Vec<Argument>], schema: Schema) -> Self {
        let collections = operations.iter().map(|it| it.collection.as_str()).collect();
        Self { operations, arguments, collections, validator: Validator::new(schema) }
    }

    fn check(&self, set: &PolicySet, reads: &[Reads]) -> Result<(), String> {
        // First: Cedar takes `context.arguments has amuont` for a condition that never holds.
        for (policy, reads) in set.policies().zip(reads) {
            let check = |path| self.check_argument(policy, path, reads.takes_whole(path));
            reads.paths().try_for_each(check)?;
            if reads.has_all() {
                self.check_all(policy)?;
            }
        }
        let checked = self.validator.validate(set, ValidationMode::Strict);
        if let Some(error) = checked.validation_errors().next() {
            return Err(error.to_string());
        }
        for literal in set.policies().flat_map(Policy::entity_literals) {
            let id = literal.id().unescaped();
            if literal.type_name().to_string() == "Collection" && !self.collections.contains(id) {
                return Err(format!("there is no collection \"{id}\" with operations"));
            }
        }
        Ok(())
    }

    /// Some operation that `policy` can touch must have what it names, and none in a form that
    /// cannot be seen: there the policy would find nothing, and let every call pass.
    fn check_argument(
        &self,
        policy: &Policy,
        path: &[String],
        is_whole: bool,
    ) -> Result<(), String> {
        let name = path.join(".");
        let touched = self.operations.iter().zip(self.arguments);
        let mut is_there = false;
        for (operation, arguments) in touched.filter(|(it, _)| touches(policy, it)) {
            match sight(arguments, path, is_whole) {
                Some(Sight::Seen) => is_there = true,
                Some(Sight::Unseen) => {
                    let id = &operation.id;
                    return Err(format!(
                        "the argument \"{name}\" of {id} has no form that can be seen"
                    ));
                }
                None => {}
            }
        }
        let missing = || format!("no operation that it can touch has an argument \"{name}\"");
        is_there.then_some(()).ok_or_else(missing)
    }

    /// A policy that takes all arguments together must see all of each operation that it touches.
    fn check_all(&self, policy: &Policy) -> Result<(), String> {
        let touched = self.operations.iter().zip(self.arguments);
        let unseen = touched.filter(|(it, _)| touches(policy, it)).find_map(|(it, arguments)| {
            let argument = arguments.iter().find(|it| !is_seen(it.kind.as_ref()))?;
            Some((it, argument))
        });
        match unseen {
            Some((operation, argument)) => Err(format!(
                "it takes all arguments together, and \"{}\" of {} has no form that can be seen: name the arguments",
                argument.name, operation.id
            )),
            None => Ok(()),
        }
    }
}

/// Whether nothing of it is left out of what a guard sees.
fn is_seen(kind: Option<&ArgumentType>) -> bool {
    match kind {
        None => false,
        Some(ArgumentType::Object(members)) => members.iter().all(|it| is_seen(it.kind.as_ref())),
        Some(ArgumentType::List(element)) => is_seen(Some(element)),
        Some(_) => true,
    }
}

/// Whether there is something, and whether a guard can see it.
enum Sight {
    Seen,
    Unseen,
}

/// What there is at `path`; none where there is nothing. Of what is taken whole all has to be seen.
fn sight(arguments: &[Argument], path: &[String], is_whole: bool) -> Option<Sight> {
    let (name, below) = path.split_first()?;
    let argument = arguments.iter().find(|it| *it.name == **name)?;
    match &argument.kind {
        None => Some(Sight::Unseen),
        Some(ArgumentType::Object(members)) if !below.is_empty() => sight(members, below, is_whole),
        kind if is_whole && below.is_empty() && !is_seen(kind.as_ref()) => Some(Sight::Unseen),
        // What is below is no member: Cedar says so where it checks types.
        Some(_) => Some(Sight::Seen),
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
