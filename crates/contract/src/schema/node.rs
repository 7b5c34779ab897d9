//! Everything that holds for one value: a schema with its references and `allOf` brought together.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::Writer;
use crate::reference;

/// Most schemas that together describe one value.
const PARTS_MAX: usize = 64;
/// Deepest `allOf` in `allOf`.
const LEVELS_MAX: usize = 24;

/// A schema with its references followed and its `allOf` flattened: all parts hold at once.
///
/// Bringing parts together here, instead of merging JSON, copies nothing and cannot lose anything.
#[derive(Debug, Default, Clone)]
pub(crate) struct Node<'a> {
    /// The schemas, outermost first: what stands beside a reference goes before what it refers to.
    pub(crate) parts: Vec<&'a Map<String, Value>>,
    /// What stands beside the schema and says more nearly what the value is for.
    pub(crate) description: Option<&'a str>,
    /// Every target on the way, for the guard against cycles.
    pub(crate) targets: Vec<&'a Value>,
    /// What it would go on with, were that not one of the schemas around it.
    again: Option<&'a Value>,
    /// Why some of it is missing.
    pub(crate) gap: Option<Gap>,
    /// Nothing can be valid: `false`.
    pub(crate) is_never: bool,
}

/// Why part of a schema is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gap {
    /// It is one of the schemas around it.
    Recursion,
    /// A reference leads nowhere.
    Unresolved,
    /// It is put together from more than is read.
    Vast,
}

impl<'a> Node<'a> {
    /// The first part's value for `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&'a Value> {
        self.parts.iter().find_map(|it| it.get(key))
    }

    /// The first part's value for `key` that is not of the wrong kind.
    pub(crate) fn text(&self, key: &str) -> Option<&'a str> {
        self.parts.iter().find_map(|it| it.get(key)?.as_str())
    }

    /// Whether any part says so.
    pub(crate) fn has_flag(&self, key: &str) -> bool {
        self.parts.iter().any(|it| it.get(key) == Some(&Value::Bool(true)))
    }

    /// The types that are allowed, in the document's order; none where any is.
    pub(crate) fn types(&self) -> Vec<&'static str> {
        let again = || self.again.and_then(|it| it.get("type"));
        let mut types = match self.get("type").or_else(again) {
            Some(Value::String(name)) => known_type(name).into_iter().collect(),
            Some(Value::Array(names)) => {
                let mut types: Vec<_> =
                    names.iter().filter_map(|it| known_type(it.as_str()?)).collect();
                let mut seen = Vec::new();
                types.retain(|it| {
                    let is_new = !seen.contains(it);
                    seen.push(*it);
                    is_new
                });
                types
            }
            _ => Vec::new(),
        };
        if types.is_empty() {
            if self.parts.iter().any(|it| it.get("properties").is_some_and(Value::is_object)) {
                types.push("object");
            } else if self.parts.iter().any(|it| it.contains_key("items")) {
                types.push("array");
            }
        }
        // 3.0 says it with a flag, 2.0 with an extension.
        let is_nullable = self.has_flag("nullable") || self.has_flag("x-nullable");
        if is_nullable && !types.is_empty() && !types.contains(&"null") {
            types.push("null");
        }
        types
    }

    /// Whether it is of type `name`, and of no other but null.
    pub(crate) fn is_only(&self, name: &str) -> bool {
        let types = self.types();
        types.contains(&name) && types.iter().all(|it| *it == name || *it == "null")
    }

    /// The properties, each with all schemas that hold for it, in the document's order.
    pub(crate) fn properties(&self) -> Vec<(&'a str, Vec<&'a Value>)> {
        let mut found: Vec<(&'a str, Vec<&'a Value>)> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        let maps = self.parts.iter().filter_map(|it| it.get("properties")?.as_object());
        for (name, schema) in maps.flatten() {
            match places.get(name.as_str()).and_then(|it| found.get_mut(*it)) {
                Some((_, schemas)) => schemas.push(schema),
                None => {
                    places.insert(name, found.len());
                    found.push((name, vec![schema]));
                }
            }
        }
        found
    }

    /// Whether any part demands the property.
    pub(crate) fn is_required(&self, property: &str) -> bool {
        let names = |part: &&'a Map<String, Value>| part.get("required").and_then(Value::as_array);
        self.parts.iter().filter_map(names).flatten().any(|it| it.as_str() == Some(property))
    }

    /// The alternatives, of which one has to hold; none where there is no choice.
    ///
    /// Alternatives that only demand other properties of the same object are no choice of shapes.
    pub(crate) fn alternatives(&self) -> &'a [Value] {
        const SILENT: [&str; 4] = ["description", "required", "title", "not"];
        let lists = self.parts.iter().flat_map(|part| {
            ["anyOf", "oneOf"].iter().filter_map(|key| part.get(*key)?.as_array())
        });
        lists
            .filter(|list| {
                list.len() > 1
                    && !list.iter().all(|it| {
                        it.as_object()
                            .is_some_and(|it| it.keys().all(|key| SILENT.contains(&key.as_str())))
                    })
            })
            .map(Vec::as_slice)
            .next()
            .unwrap_or_default()
    }
}

impl<'a> Writer<'_, 'a> {
    /// Brings `values`, which hold all at once, together.
    pub(crate) fn node(&mut self, values: &[&'a Value]) -> Node<'a> {
        let mut node = Node::default();
        for value in values {
            self.gather(value, &mut node, 0);
        }
        node
    }

    fn gather(&mut self, value: &'a Value, node: &mut Node<'a>, level: usize) {
        self.note_work();
        if node.parts.len() >= PARTS_MAX || level >= LEVELS_MAX {
            node.gap = Some(Gap::Vast);
            return;
        }
        let part = match value {
            Value::Object(part) => part,
            Value::Bool(false) => {
                node.is_never = true;
                return;
            }
            // `true` holds for everything; anything else is no schema.
            _ => return,
        };
        let next = level.saturating_add(1);
        node.parts.push(part);
        if let Some(reference) = reference::target(value) {
            match self.references().look_up(reference) {
                Ok(target) if self.is_around(target) || is_among(&node.targets, target) => {
                    node.again = Some(target);
                    node.gap = Some(Gap::Recursion);
                }
                Ok(target) => {
                    node.targets.push(target);
                    self.gather(target, node, next);
                }
                Err(fault) => {
                    self.note(reference, &fault);
                    node.gap = Some(Gap::Unresolved);
                }
            }
        }
        let choice_of_one = ["anyOf", "oneOf"].into_iter().filter_map(|key| {
            part.get(key).and_then(Value::as_array).filter(|list| list.len() == 1)
        });
        let all_of = part.get("allOf").and_then(Value::as_array);
        for schema in all_of.into_iter().chain(choice_of_one).flatten() {
            self.gather(schema, node, next);
        }
    }
}

/// Whether `target` is one of `targets`: the same place in the document, not an equal one.
pub(super) fn is_among(targets: &[&Value], target: &Value) -> bool {
    targets.iter().any(|it| std::ptr::eq(*it, target))
}

fn known_type(name: &str) -> Option<&'static str> {
    const KNOWN: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];
    // `file` is what 2.0 calls bytes.
    if name == "file" { Some("string") } else { KNOWN.into_iter().find(|it| *it == name) }
}
