//! What Cedar is told of operations, so that it finds what is wrong with a guard.

use std::collections::HashSet;

use cedar_policy::Schema;
use model::{Argument, ArgumentType, Fault, Operation};
use serde_json::{Map, Value, json};

/// All operations of a collection, as patterns name them.
pub(super) fn group(operation: &Operation) -> String {
    format!("{}:*", operation.collection)
}

/// The schema of these operations, each with the arguments that can be seen of it.
///
/// Cedar checks a policy against every action that its head allows, and each one costs. Operations
/// that no policy names and that look alike to Cedar are checked once, by the first of them. One that
/// is named stands for itself alone: what is said of it may not be checked any further.
pub(super) fn schema(
    operations: &[Operation],
    arguments: &[Vec<Argument>],
    is_named: impl Fn(&str) -> bool,
) -> Result<Schema, Vec<Fault>> {
    let (mut actions, mut known) = (Map::new(), HashSet::new());
    for (operation, arguments) in operations.iter().zip(arguments) {
        let (id, group) = (operation.id.to_string(), group(operation));
        let looks = (is_named(&group).then(|| group.clone()), record(arguments).to_string());
        if !is_named(&id) && !known.insert(looks) {
            continue;
        }
        let action = json!({
            "memberOf": [{"id": group}],
            "appliesTo": {
                "principalTypes": ["Profile"],
                "resourceTypes": ["Collection"],
                "context": context(arguments),
            },
        });
        actions.insert(id, action);
        actions.insert(group, json!({}));
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

fn text() -> Value {
    json!({"type": "String"})
}

fn context(arguments: &[Argument]) -> Value {
    json!({"type": "Record", "attributes": {
        "surface": text(), "effect": text(), "weekday": text(), "hour": {"type": "Long"},
        "ip": {"type": "Extension", "name": "ipaddr"},
        "actors": {"type": "Set", "element": text()},
        "user": {"type": "String", "required": false},
        "arguments": record(arguments),
    }})
}

/// What cannot be seen is left out: a guard that names it is wrong.
fn record(members: &[Argument]) -> Value {
    let attributes = members.iter().filter_map(|member| {
        let Argument { name, is_required, kind } = member;
        let mut attribute = attribute(kind.as_ref()?);
        if let Some(attribute) = attribute.as_object_mut() {
            attribute.insert("required".to_owned(), json!(is_required));
        }
        Some((name.to_string(), attribute))
    });
    json!({"type": "Record", "attributes": attributes.collect::<Map<_, _>>()})
}

fn attribute(kind: &ArgumentType) -> Value {
    match kind {
        ArgumentType::Boolean => json!({"type": "Boolean"}),
        ArgumentType::Integer => json!({"type": "Long"}),
        ArgumentType::List(element) => json!({"type": "Set", "element": attribute(element)}),
        ArgumentType::Number => json!({"type": "Extension", "name": "decimal"}),
        ArgumentType::Object(members) => record(members),
        ArgumentType::Text => text(),
    }
}
