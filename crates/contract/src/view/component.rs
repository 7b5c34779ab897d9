//! Copies parts of a document together with everything that they refer to, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use model::Path;
use serde_json::{Map, Value, json};

use crate::{
    read::Hidden,
    reference::{self, References},
};

/// Deepest nesting that is copied.
const DEPTH_MAX: usize = 300;
/// Most values that are copied in place of references to elsewhere than components.
const INLINED_MAX: usize = 100_000;

/// What the members of a mapping are called by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Around {
    /// Nobody: it is data, such as an example.
    Data,
    /// OpenAPI and JSON Schema.
    Keywords,
    /// The document's author, as properties and headers are.
    Names,
}

impl Around {
    /// What stands under the keyword `key`.
    fn of(key: &str) -> Self {
        match key {
            "const" | "default" | "enum" | "example" | "mapping" | "value" => Self::Data,
            "$defs" | "content" | "definitions" | "dependentSchemas" | "encoding" | "examples"
            | "headers" | "patternProperties" | "properties" | "responses" => Self::Names,
            _ => Self::Keywords,
        }
    }
}

/// Whether the keyword goes along. Links name operations that the caller may not know of; extensions
/// often hold what is inside.
fn is_shown(key: &str) -> bool {
    !matches!(key, "callbacks" | "links") && (!key.starts_with("x-") || key == "x-multi-segment")
}

/// A copy of parts of a document, with the components that they need.
#[derive(Debug)]
pub(super) struct Copy<'a> {
    references: References<'a>,
    hidden: &'a Hidden<'a>,
    /// Components that have been met: kind and name.
    met: BTreeSet<(&'a str, &'a str)>,
    /// Those of them that have not been copied yet.
    open: Vec<(&'a str, &'a str)>,
    /// References to elsewhere that are being copied, for the guard against cycles.
    around: Vec<&'a Value>,
    inlined_left: usize,
}

impl<'a> Copy<'a> {
    pub(super) fn new(references: References<'a>, hidden: &'a Hidden<'a>) -> Self {
        Self {
            references,
            hidden,
            met: BTreeSet::new(),
            open: Vec::new(),
            around: Vec::new(),
            inlined_left: INLINED_MAX,
        }
    }

    /// The members of `map` that `keys` name.
    pub(super) fn picked(
        &mut self,
        map: &'a Map<String, Value>,
        keys: &[&str],
    ) -> Map<String, Value> {
        let mut picked = Map::new();
        for (key, value) in map {
            if !keys.contains(&key.as_str()) {
                continue;
            }
            let value = match value {
                Value::Array(listed) if key == "parameters" => self.parameters(listed),
                value => self.value(value, Around::of(key), 0),
            };
            picked.insert(key.clone(), value);
        }
        picked
    }

    /// Without those that carry the upstream's credentials: the door has its own.
    fn parameters(&mut self, listed: &'a [Value]) -> Value {
        let mut shown = Vec::new();
        for parameter in listed {
            let Ok(resolved) = self.references.resolve(parameter) else { continue };
            let text = |key: &str| resolved.get(key).and_then(Value::as_str).unwrap_or_default();
            let is_hidden = match text("in") {
                "cookie" => true,
                "header" => self.hidden.is_credential_header(text("name")),
                "query" => self.hidden.has_query(text("name")),
                _ => false,
            };
            if !is_hidden {
                shown.push(self.value(parameter, Around::Keywords, 0));
            }
        }
        Value::Array(shown)
    }

    fn value(&mut self, value: &'a Value, around: Around, depth: usize) -> Value {
        if around == Around::Data {
            return value.clone();
        }
        if depth > DEPTH_MAX || self.inlined_left == 0 {
            return json!({});
        }
        if !self.around.is_empty() {
            self.inlined_left = self.inlined_left.saturating_sub(1);
        }
        let next = depth.saturating_add(1);
        match value {
            Value::Array(values) => {
                Value::Array(values.iter().map(|it| self.value(it, around, next)).collect())
            }
            Value::Object(map) => match reference::target(value) {
                Some(reference) if around == Around::Keywords => {
                    self.reference(reference, map, next)
                }
                Some(_) | None => self.object(map, around, next),
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        }
    }

    fn object(&mut self, map: &'a Map<String, Value>, around: Around, depth: usize) -> Value {
        if around == Around::Names {
            let members = map.iter();
            let copied = members
                .map(|(name, it)| (name.clone(), self.value(it, Around::Keywords, depth)))
                .collect();
            return Value::Object(copied);
        }
        if let Some(mapping) = map.get("discriminator").and_then(|it| it.get("mapping")) {
            self.meet_mapping(mapping);
        }
        let members = map.iter().filter(|(key, _)| is_shown(key));
        let copied = members
            .map(|(key, it)| (key.clone(), self.value(it, Around::of(key), depth)))
            .collect();
        Value::Object(copied)
    }

    fn reference(
        &mut self,
        reference: &'a str,
        map: &'a Map<String, Value>,
        depth: usize,
    ) -> Value {
        if self.meet(reference) {
            return self.object(map, Around::Keywords, depth);
        }
        // It points into a path, which the caller may not see, or out of the document.
        match self.references.look_up(reference) {
            Ok(target) if !self.around.iter().any(|it| std::ptr::eq(*it, target)) => {
                self.around.push(target);
                let copied = self.value(target, Around::Keywords, depth);
                self.around.pop();
                copied
            }
            Ok(_) | Err(_) => json!({}),
        }
    }

    /// Notes the component that a reference points to or into; false where it is none.
    fn meet(&mut self, reference: &'a str) -> bool {
        let Some(rest) = reference.strip_prefix("#/components/") else { return false };
        let mut steps = rest.split('/');
        let (Some(kind), Some(name)) = (steps.next(), steps.next()) else { return false };
        if self.references.look_up(reference).is_err() {
            return false;
        }
        if kind != "securitySchemes" && self.met.insert((kind, name)) {
            self.open.push((kind, name));
        }
        true
    }

    fn meet_mapping(&mut self, mapping: &'a Value) {
        for target in mapping.as_object().into_iter().flat_map(|it| it.values()) {
            if let Some(reference) = target.as_str().filter(|it| it.starts_with('#')) {
                self.meet(reference);
            }
        }
    }

    /// The components that were met, and those that they refer to in turn.
    pub(super) fn components(mut self) -> Map<String, Value> {
        let mut found: BTreeMap<&str, BTreeMap<String, Value>> = BTreeMap::new();
        while let Some((kind, name)) = self.open.pop() {
            let pointer = format!("#/components/{kind}/{name}");
            if let Ok(component) = self.references.look_up(&pointer) {
                // The name in a reference is escaped; the key is not.
                let key = Path::decode(name).replace("~1", "/").replace("~0", "~");
                let copied = self.value(component, Around::Keywords, 0);
                found.entry(kind).or_default().insert(key, copied);
            }
        }
        let kinds = found.into_iter().map(|(kind, components)| {
            (kind.to_owned(), Value::Object(components.into_iter().collect()))
        });
        kinds.collect()
    }
}
