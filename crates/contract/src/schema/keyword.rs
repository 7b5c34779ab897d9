//! The keywords of a schema that hold no other schema: what is kept of them, and in which words.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::{Node, Side, node::Gap};

/// Longest description, in characters.
const DESCRIPTION_MAX: usize = 1000;
/// Longest value that is shown as a default or an example, as JSON.
const SAMPLE_BYTES_MAX: usize = 200;
/// Longest other text, in bytes.
const TEXT_BYTES_MAX: usize = 200;
/// Most values of an enumeration that are shown.
const ENUM_MAX: usize = 250;
/// Longest enumeration that is shown, as JSON.
const ENUM_BYTES_MAX: usize = 8 * 1024;
/// Most examples that are shown.
const EXAMPLES_MAX: usize = 3;

/// What the schema is for, and what could not be said in keywords.
pub(super) fn description(node: &Node<'_>, side: Side, notes: &[Cow<'_, str>]) -> Option<String> {
    let own = || node.text("description").or_else(|| node.text("title"));
    let text = node.description.or_else(own).unwrap_or_default().trim();
    let mut sentences: Vec<Cow<'_, str>> = Vec::new();
    if node.has_flag("deprecated") && side == Side::Input {
        sentences.push("Deprecated.".into());
    }
    if !text.is_empty() {
        sentences.push(cut(text, DESCRIPTION_MAX));
    }
    // Not as a keyword: dialects of regular expressions differ, and a client whose engine does not
    // take one pattern refuses the whole list of tools.
    if let Some(pattern) = node.text("pattern").filter(|it| it.len() <= TEXT_BYTES_MAX)
        && side == Side::Input
    {
        sentences.push(format!("Pattern: {pattern}").into());
    }
    match node.gap {
        Some(Gap::Recursion) => sentences.push("Recursive: like an object around it.".into()),
        Some(Gap::Unresolved) => sentences.push("Described elsewhere.".into()),
        Some(Gap::Vast) | None => {}
    }
    sentences.extend(notes.iter().cloned());
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// What values are allowed: an `enum`, which `const` is as well. For a reader, examples.
pub(super) fn values(node: &Node<'_>, side: Side, schema: &mut Map<String, Value>) {
    let listed = match (node.get("const"), node.get("enum")) {
        (Some(value), _) => std::slice::from_ref(value),
        (None, Some(Value::Array(values))) => values.as_slice(),
        _ => return,
    };
    let is_plain = |it: &Value| !it.is_array() && !it.is_object();
    let size: usize = listed.iter().map(|it| bytes(it, ENUM_BYTES_MAX)).sum();
    let is_shown = (1..=ENUM_MAX).contains(&listed.len()) && size <= ENUM_BYTES_MAX;
    if !is_shown || !listed.iter().all(is_plain) {
        return;
    }
    let mut values = listed.to_vec();
    match side {
        Side::Input => {
            let is_nullable = node.types().contains(&"null");
            if is_nullable && !values.contains(&Value::Null) {
                values.push(Value::Null);
            }
            schema.insert("enum".to_owned(), Value::Array(values));
        }
        Side::Output => {
            values.retain(|it| !it.is_null());
            values.truncate(EXAMPLES_MAX.saturating_mul(3));
            if !values.is_empty() {
                schema.insert("examples".to_owned(), Value::Array(values));
            }
        }
    }
}

/// A default and examples, where they are small.
pub(super) fn samples(node: &Node<'_>, schema: &mut Map<String, Value>) {
    if let Some(value) = node.get("default").filter(|it| is_small(it)) {
        schema.insert("default".to_owned(), value.clone());
    }
    let mut examples: Vec<Value> = match (node.get("examples"), node.get("example")) {
        (Some(Value::Array(values)), _) => values.clone(),
        (_, Some(value)) => vec![value.clone()],
        _ => return,
    };
    examples.retain(is_small);
    examples.truncate(EXAMPLES_MAX);
    if !examples.is_empty() {
        schema.insert("examples".to_owned(), Value::Array(examples));
    }
}

/// Bounds, formats and the like, where they are what they should be.
pub(super) fn bounds(node: &Node<'_>, schema: &mut Map<String, Value>) {
    for key in ["format", "contentEncoding", "contentMediaType"] {
        if let Some(text) = node.text(key).filter(|it| it.len() <= TEXT_BYTES_MAX) {
            schema.insert(key.to_owned(), json!(text));
        }
    }
    for (key, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        let bound = node.get(key).filter(|it| it.is_number());
        match node.get(exclusive) {
            // 3.0: a flag on the bound beside it.
            Some(Value::Bool(true)) => insert(schema, exclusive, bound),
            Some(strict) if strict.is_number() => {
                insert(schema, exclusive, Some(strict));
                insert(schema, key, bound);
            }
            _ => insert(schema, key, bound),
        }
    }
    let is_positive = |it: &&Value| it.as_f64().is_some_and(|it| it > 0.0);
    insert(schema, "multipleOf", node.get("multipleOf").filter(is_positive));
    for key in ["minLength", "maxLength", "minItems", "maxItems"] {
        insert(schema, key, node.get(key).filter(|it| it.is_u64()));
    }
    if node.has_flag("uniqueItems") {
        schema.insert("uniqueItems".to_owned(), Value::Bool(true));
    }
}

/// Whether a value is short enough to be shown.
pub(crate) fn is_small(value: &Value) -> bool {
    bytes(value, SAMPLE_BYTES_MAX) <= SAMPLE_BYTES_MAX
}

/// `text`, cut to `characters_max`.
pub(crate) fn cut(text: &str, characters_max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(characters_max) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
        None => text.into(),
    }
}

/// About how long `value` is as JSON; not counted further than a little over `bytes_max`.
pub(super) fn bytes(value: &Value, bytes_max: usize) -> usize {
    let mut sum: usize = 0;
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        sum = sum.saturating_add(match value {
            Value::Null | Value::Bool(_) => 5,
            Value::Number(number) => number.to_string().len(),
            Value::String(text) => text.len().saturating_add(2),
            Value::Array(values) => {
                open.extend(values);
                values.len().saturating_add(2)
            }
            Value::Object(map) => {
                open.extend(map.values());
                map.keys().map(|it| it.len().saturating_add(4)).sum::<usize>().saturating_add(2)
            }
        });
        if sum > bytes_max {
            break;
        }
    }
    sum
}

fn insert(schema: &mut Map<String, Value>, key: &str, value: Option<&Value>) {
    if let Some(value) = value {
        schema.insert(key.to_owned(), value.clone());
    }
}
