//! Writes one schema in the dialect that every client and model provider takes.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::{Map, Value, json};

use super::{
    Detail, Full, Node, Side, keyword,
    node::{Gap, is_among},
};
use crate::{
    error::quoted,
    name,
    reference::{References, Unresolved},
};

/// Most properties of one object that are shown.
const PROPERTIES_MAX: usize = 500;
/// Most alternatives that are shown; with more, none is.
const ALTERNATIVES_MAX: usize = 32;
/// Most references that lead nowhere and are named.
const NOTES_MAX: usize = 100;

/// Writes one schema, in one amount of detail.
#[derive(Debug)]
pub(crate) struct Writer<'s, 'a> {
    references: References<'a>,
    side: Side,
    detail: Detail,
    bytes_left: usize,
    work_left: &'s mut usize,
    notes: &'s mut BTreeSet<String>,
    /// The references that were followed to get here.
    around: Vec<&'a Value>,
}

impl<'s, 'a> Writer<'s, 'a> {
    pub(super) fn new(
        references: References<'a>,
        (side, detail): (Side, Detail),
        bytes_left: usize,
        work_left: &'s mut usize,
        notes: &'s mut BTreeSet<String>,
    ) -> Self {
        Self { references, side, detail, bytes_left, work_left, notes, around: Vec::new() }
    }

    pub(super) fn bytes_left(&self) -> usize {
        self.bytes_left
    }

    pub(super) fn references(&self) -> References<'a> {
        self.references
    }

    pub(super) fn is_around(&self, target: &Value) -> bool {
        is_among(&self.around, target)
    }

    pub(super) fn note(&mut self, reference: &str, fault: &Unresolved) {
        if self.notes.len() < NOTES_MAX {
            self.notes.insert(format!("{}: {fault}", quoted(reference)));
        }
    }

    pub(super) fn note_work(&mut self) {
        *self.work_left = self.work_left.saturating_sub(1);
    }

    /// Whether descriptions, examples and defaults are shown.
    pub(crate) fn has_text(&self) -> bool {
        self.detail.has_text
    }

    /// Counts `bytes` of the schema that is written.
    pub(crate) fn spend(&mut self, bytes: usize) -> Result<(), Full> {
        if *self.work_left == 0 {
            return Err(Full::Work);
        }
        self.bytes_left = self.bytes_left.checked_sub(bytes).ok_or(Full::Bytes)?;
        Ok(())
    }

    /// Writes the schema for what `values` describe together, `depth` levels below the root.
    pub(crate) fn schema(
        &mut self,
        values: &[&'a Value],
        depth: usize,
    ) -> Result<Map<String, Value>, Full> {
        let node = self.node(values);
        self.write_node(&node, depth)
    }

    /// Writes a schema that has been looked at.
    pub(crate) fn write_node(
        &mut self,
        node: &Node<'a>,
        depth: usize,
    ) -> Result<Map<String, Value>, Full> {
        let outside = self.around.len();
        self.around.extend(&node.targets);
        let written = self.within(node, depth);
        self.around.truncate(outside);
        written
    }

    fn within(&mut self, node: &Node<'a>, depth: usize) -> Result<Map<String, Value>, Full> {
        let mut schema = Map::new();
        if node.is_never {
            schema.insert("not".to_owned(), json!({}));
            self.spend(10)?;
            return Ok(schema);
        }
        let types = node.types();
        if let [one] = types.as_slice() {
            schema.insert("type".to_owned(), json!(one));
        } else if !types.is_empty() {
            schema.insert("type".to_owned(), json!(types));
        }
        // Deeper than is shown, or the same again: what it is, and no more.
        let is_cut = depth >= self.detail.depth_max || node.gap == Some(Gap::Recursion);
        let mut notes: Vec<Cow<'_, str>> = Vec::new();
        let mut nested = Map::new();
        if !is_cut {
            if types.contains(&"object") {
                notes.extend(self.object(node, depth, &mut nested)?);
            }
            if types.contains(&"array") {
                self.items(node, depth, &mut nested)?;
            }
            self.alternatives(node, &types, depth, &mut nested)?;
        } else if types.contains(&"array") {
            nested.insert("items".to_owned(), json!({}));
        }
        if self.detail.has_text {
            if let Some(text) = keyword::description(node, self.side, &notes) {
                schema.insert("description".to_owned(), Value::String(text));
            }
            if self.side == Side::Input {
                keyword::samples(node, &mut schema);
            }
        }
        if self.side == Side::Input {
            keyword::bounds(node, &mut schema);
        }
        if self.detail.has_text || self.side == Side::Input {
            keyword::values(node, self.side, &mut schema);
        }
        let own = schema.iter().map(|(key, value)| {
            keyword::bytes(value, self.bytes_left).saturating_add(key.len()).saturating_add(4)
        });
        let own = own.sum::<usize>().saturating_add(2);
        self.spend(own)?;
        schema.append(&mut nested);
        Ok(schema)
    }

    /// Writes the properties; gives what has to be said in words.
    fn object(
        &mut self,
        node: &Node<'a>,
        depth: usize,
        schema: &mut Map<String, Value>,
    ) -> Result<Option<Cow<'static, str>>, Full> {
        let mut properties = Map::new();
        let mut required = Vec::new();
        let mut unnamed = Vec::new();
        let mut is_open = node.parts.iter().any(|it| it.contains_key("patternProperties"));
        for (key, values) in node.properties() {
            let property = self.node(&values);
            let is_hidden = property.is_never || self.is_hidden(&property);
            if is_hidden {
                continue;
            }
            if !name::is_key(key) || properties.len() >= PROPERTIES_MAX {
                is_open = true;
                unnamed.push(quoted(key));
                continue;
            }
            self.spend(key.len().saturating_add(8))?;
            let written = self.write_node(&property, depth.saturating_add(1))?;
            properties.insert(key.to_owned(), Value::Object(written));
            if self.side == Side::Input && node.is_required(key) {
                required.push(Value::String(key.to_owned()));
            }
        }
        if !properties.is_empty() {
            schema.insert("properties".to_owned(), Value::Object(properties));
        }
        if !required.is_empty() {
            self.spend(keyword::bytes(&json!(required), self.bytes_left))?;
            schema.insert("required".to_owned(), Value::Array(required));
        }
        // Two closed objects in one `allOf` would refuse each other's properties.
        is_open =
            is_open || node.parts.iter().filter(|it| it.contains_key("properties")).count() > 1;
        match node.get("additionalProperties") {
            Some(Value::Bool(false)) if !is_open && self.side == Side::Input => {
                self.spend(30)?;
                schema.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            Some(value @ Value::Object(map)) if !map.is_empty() => {
                let written = self.schema(&[value], depth.saturating_add(1))?;
                schema.insert("additionalProperties".to_owned(), Value::Object(written));
            }
            _ => {}
        }
        unnamed.truncate(10);
        // A model provider refuses a whole tool for one key that it does not like.
        Ok((!unnamed.is_empty() && self.side == Side::Input)
            .then(|| format!("Other properties: {}.", unnamed.join(", ")).into()))
    }

    /// Whether the other side alone has this property.
    pub(crate) fn is_hidden(&self, property: &Node<'_>) -> bool {
        match self.side {
            Side::Input => property.has_flag("readOnly"),
            Side::Output => property.has_flag("writeOnly"),
        }
    }

    fn items(
        &mut self,
        node: &Node<'a>,
        depth: usize,
        schema: &mut Map<String, Value>,
    ) -> Result<(), Full> {
        // `items` beside `prefixItems` describes only the rest; one item schema for all would lie.
        let is_tuple = node.parts.iter().any(|it| it.contains_key("prefixItems"));
        let values: Vec<&'a Value> =
            node.parts.iter().filter_map(|it| it.get("items")).filter(|_| !is_tuple).collect();
        let items = self.node(&values);
        let written = if items.is_never {
            Map::new()
        } else {
            self.write_node(&items, depth.saturating_add(1))?
        };
        self.spend(10)?;
        schema.insert("items".to_owned(), Value::Object(written));
        Ok(())
    }

    /// Writes `anyOf` and `oneOf`, both as `anyOf`: that only one may hold is for the upstream to say.
    fn alternatives(
        &mut self,
        node: &Node<'a>,
        types: &[&str],
        depth: usize,
        schema: &mut Map<String, Value>,
    ) -> Result<(), Full> {
        let listed = node.alternatives();
        if listed.is_empty() || listed.len() > ALTERNATIVES_MAX {
            return Ok(());
        }
        let mut written: Vec<Value> = Vec::with_capacity(listed.len());
        for value in listed {
            let alternative = Value::Object(self.schema(&[value], depth.saturating_add(1))?);
            if !written.contains(&alternative) {
                written.push(alternative);
            }
        }
        let is_nullable = node.has_flag("nullable") || node.has_flag("x-nullable");
        let null = json!({"type": "null"});
        if (is_nullable || types.contains(&"null")) && !written.contains(&null) {
            written.push(null);
        }
        // Where one of them takes anything, there is nothing to say.
        if written.len() > 1 && !written.iter().any(|it| it.as_object().is_some_and(Map::is_empty))
        {
            self.spend(12)?;
            schema.insert("anyOf".to_owned(), Value::Array(written));
        }
        Ok(())
    }
}
