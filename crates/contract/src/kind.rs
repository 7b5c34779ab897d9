//! What an operation's arguments are like, as far as conditions can see them.

use model::{Argument, ArgumentType};
use serde_json::{Map, Value};

use crate::bind::{Encoding, Parameter, Plan, Style};

/// The arguments of an operation, in the order of its schema.
///
/// Read from the schema of its tool, which relaxes what the document says: whatever is not plainly
/// of one kind there cannot be seen.
pub(crate) fn arguments(plan: &Plan, schema: &Value) -> Vec<Argument> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let listed = plan.keys.iter().zip(&plan.is_required).enumerate();
    listed
        .map(|(index, (key, is_required))| {
            let property = properties.and_then(|it| it.get(&**key));
            let (kind, is_nullable) = property.map_or((None, true), kind);
            Argument {
                name: key.clone(),
                is_required: *is_required && !is_nullable,
                kind: kind.filter(|it| can_be_read_back(plan, index, it)),
            }
        })
        .collect()
}

/// Whether a request gives the argument back as one value of its kind.
fn can_be_read_back(plan: &Plan, index: usize, kind: &ArgumentType) -> bool {
    let headers = plan.headers.iter().map(|it| &it.parameter);
    let mut parameters = plan.path.iter().chain(&plan.query).chain(headers);
    match parameters.find(|it| it.argument == index) {
        Some(parameter) => is_flat(parameter, kind),
        None => plan.body.as_ref().is_some_and(|it| it.encoding == Encoding::Json),
    }
}

/// Whether the parameter is one text, or a list of them, and not a text for each member.
fn is_flat(parameter: &Parameter, kind: &ArgumentType) -> bool {
    match kind {
        _ if parameter.style == Style::Json => true,
        ArgumentType::Object(_) => false,
        ArgumentType::Boolean
        | ArgumentType::Integer
        | ArgumentType::List(_)
        | ArgumentType::Number
        | ArgumentType::Text => parameter.style != Style::Deep,
    }
}

/// What kind a value is that fits the schema, and whether null fits as well.
fn kind(schema: &Value) -> (Option<ArgumentType>, bool) {
    let is_mixed = ["anyOf", "not"].iter().any(|it| schema.get(it).is_some());
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is_nullable = types.is_empty() || is_mixed || types.contains(&"null");
    let others: Vec<&str> = types.into_iter().filter(|it| *it != "null").collect();
    let kind = match others.as_slice() {
        _ if is_mixed => None,
        ["boolean"] => Some(ArgumentType::Boolean),
        ["integer"] => Some(ArgumentType::Integer),
        ["number"] | ["integer", "number"] | ["number", "integer"] => Some(ArgumentType::Number),
        ["string"] => Some(ArgumentType::Text),
        ["array"] => list(schema),
        ["object"] => object(schema),
        _ => None,
    };
    (kind, is_nullable)
}

/// A list of single values: of lists and objects, conditions could make nothing.
fn list(schema: &Value) -> Option<ArgumentType> {
    let (element, is_nullable) = schema.get("items").map(kind)?;
    let element = element.filter(|it| {
        let is_nested = matches!(it, ArgumentType::List(_) | ArgumentType::Object(_));
        !is_nullable && !is_nested
    })?;
    Some(ArgumentType::List(Box::new(element)))
}

/// An object of named members, and not a map of whatever names.
fn object(schema: &Value) -> Option<ArgumentType> {
    let properties = schema.get("properties").and_then(Value::as_object)?;
    if schema.get("additionalProperties").is_some_and(Value::is_object) {
        return None;
    }
    Some(ArgumentType::Object(members(schema, properties)))
}

fn members(schema: &Value, properties: &Map<String, Value>) -> Vec<Argument> {
    let required = schema.get("required").and_then(Value::as_array);
    let is_required =
        |name: &str| required.is_some_and(|it| it.iter().any(|it| it.as_str() == Some(name)));
    let member = |(name, schema): (&String, &Value)| {
        let (kind, is_nullable) = kind(schema);
        let is_required = is_required(name) && !is_nullable;
        Argument { name: name.as_str().into(), is_required, kind }
    };
    properties.iter().map(member).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_plainly_of_one_kind_is_seen() {
        use ArgumentType as T;
        let member =
            |name: &str, is_required, kind| Argument { name: name.into(), is_required, kind };
        for (schema, want) in [
            (json!({"type": "string", "enum": ["a"]}), (Some(T::Text), false)),
            (json!({"type": "integer"}), (Some(T::Integer), false)),
            (json!({"type": "number"}), (Some(T::Number), false)),
            (json!({"type": ["integer", "number"]}), (Some(T::Number), false)),
            (json!({"type": "boolean"}), (Some(T::Boolean), false)),
            (json!({"type": ["string", "null"]}), (Some(T::Text), true)),
            (json!({"type": ["string", "integer"]}), (None, false)),
            (json!({"type": "string", "anyOf": [{}]}), (None, true)),
            (json!({}), (None, true)),
            (
                json!({"type": "array", "items": {"type": "string"}}),
                (Some(T::List(Box::new(T::Text))), false),
            ),
            (json!({"type": "array", "items": {"type": ["string", "null"]}}), (None, false)),
            (
                json!({"type": "array", "items": {"type": "array", "items": {"type": "string"}}}),
                (None, false),
            ),
            (json!({"type": "array", "items": {}}), (None, false)),
            (json!({"type": "object"}), (None, false)),
            (
                json!({"type": "object", "properties": {"a": {"type": "string"}},
                "additionalProperties": {"type": "string"}}),
                (None, false),
            ),
            (
                json!({"type": "object", "required": ["a", "b"], "properties": {
                    "a": {"type": "integer"}, "b": {"type": ["integer", "null"]}, "c": {}}}),
                (
                    Some(T::Object(vec![
                        member("a", true, Some(T::Integer)),
                        member("b", false, Some(T::Integer)),
                        member("c", false, None),
                    ])),
                    false,
                ),
            ),
        ] {
            assert_eq!(kind(&schema), want, "{schema}");
        }
    }
}
