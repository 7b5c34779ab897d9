//! The arguments of an operation while they are collected: their names, their schemas.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use crate::{
    Error,
    name::{is_key, is_key_character, sanitize, with_suffix},
    schema::{Full, Schemas, Side, Writer, cut, is_small},
};

/// Most arguments of one operation.
pub(super) const COUNT_MAX: usize = 400;
/// Longest description of a parameter, in characters.
const DESCRIPTION_MAX: usize = 1000;

/// Where an argument goes, in the order in which plain names are given away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Header,
    Body,
}

impl Place {
    fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Body => "body",
        }
    }
}

/// One argument, as the document has it.
#[derive(Debug)]
pub(super) struct Argument<'a> {
    pub(super) place: Place,
    /// Its name on the wire.
    pub(super) name: &'a str,
    pub(super) is_required: bool,
    pub(super) form: Form<'a>,
    /// What the parameter object says; the schema's own description otherwise.
    pub(super) description: Option<&'a str>,
    pub(super) example: Option<&'a Value>,
}

/// What an argument's value is like.
#[derive(Debug)]
pub(super) enum Form<'a> {
    /// Bytes, which JSON can hold only as base64.
    Base64,
    /// An object of whatever members.
    Object,
    /// What these schemas together describe.
    Schema(Vec<&'a Value>),
    /// Text.
    Text,
}

/// The arguments of one operation.
#[derive(Debug, Default)]
pub(super) struct Arguments<'a> {
    list: Vec<Argument<'a>>,
}

impl<'a> Arguments<'a> {
    /// Adds one and gives its index; nothing where there are too many.
    pub(super) fn add(&mut self, argument: Argument<'a>) -> Option<usize> {
        let index = self.list.len();
        (index < COUNT_MAX).then(|| self.list.push(argument))?;
        Some(index)
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether each is required, in order.
    pub(super) fn required(&self) -> impl Iterator<Item = bool> {
        self.list.iter().map(|it| it.is_required)
    }

    /// The name of each as an argument: its own where that is valid and free, and otherwise one
    /// that says where it goes: `id_body`.
    pub(super) fn keys(&self) -> Vec<String> {
        let mut taken: HashSet<String> = HashSet::new();
        let mut keys: Vec<Option<String>> = Vec::new();
        for argument in &self.list {
            let is_free = is_key(argument.name) && taken.insert(argument.name.to_owned());
            keys.push(is_free.then(|| argument.name.to_owned()));
        }
        for (key, argument) in keys.iter_mut().zip(&self.list) {
            if key.is_none() {
                *key = Some(free_key(argument, &mut taken));
            }
        }
        keys.into_iter().map(Option::unwrap_or_default).collect()
    }

    /// The schema of the object that holds all of them.
    pub(super) fn schema(
        &self,
        keys: &[String],
        schemas: &mut Schemas<'a>,
    ) -> Result<Value, Error> {
        let required = self.list.iter().zip(keys).filter(|(it, _)| it.is_required);
        let required: Vec<&String> = required.map(|(_, key)| key).collect();
        schemas.write(Side::Input, |writer| {
            let mut properties = Map::new();
            for (argument, key) in self.list.iter().zip(keys) {
                writer.spend(key.len().saturating_mul(2).saturating_add(12))?;
                properties.insert(key.clone(), Value::Object(argument.schema(writer)?));
            }
            let required: Vec<Value> = required.iter().map(|key| json!(key)).collect();
            let mut schema = Map::new();
            schema.insert("type".to_owned(), json!("object"));
            schema.insert("properties".to_owned(), Value::Object(properties));
            if !required.is_empty() {
                schema.insert("required".to_owned(), Value::Array(required));
            }
            schema.insert("additionalProperties".to_owned(), json!(false));
            writer.spend(60)?;
            Ok(schema)
        })
    }
}

impl<'a> Argument<'a> {
    fn schema(&self, writer: &mut Writer<'_, 'a>) -> Result<Map<String, Value>, Full> {
        let description = self.description.map(str::trim).filter(|it| !it.is_empty());
        let mut schema = match &self.form {
            Form::Base64 => {
                let text = description.map_or(String::new(), |it| format!("{it} "));
                let mut schema = of_type("string", Some(&format!("{text}Bytes, as base64.")));
                schema.insert("contentEncoding".to_owned(), json!("base64"));
                schema
            }
            Form::Object => of_type("object", description),
            Form::Schema(values) => {
                let mut node = writer.node(values);
                node.description = description;
                writer.write_node(&node, 1)?
            }
            Form::Text => of_type("string", description),
        };
        if !matches!(self.form, Form::Schema(_)) {
            writer.spend(DESCRIPTION_MAX)?;
        }
        if !writer.has_text() {
            return Ok(schema);
        }
        if let Some(example) = self.example.filter(|it| is_small(it))
            && !schema.contains_key("examples")
        {
            schema.insert("examples".to_owned(), json!([example]));
        }
        Ok(schema)
    }
}

fn of_type(name: &str, description: Option<&str>) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!(name));
    if let Some(text) = description {
        schema.insert("description".to_owned(), json!(cut(text, DESCRIPTION_MAX)));
    }
    schema
}

fn free_key(argument: &Argument<'_>, taken: &mut HashSet<String>) -> String {
    let place = argument.place.as_str();
    let original = format!("{place} {}", argument.name);
    let plain = sanitize(argument.name, is_key_character).unwrap_or_else(|| place.to_owned());
    for key in [plain.clone(), format!("{plain}_{place}")] {
        if is_key(&key) && taken.insert(key.clone()) {
            return key;
        }
    }
    let mut key = with_suffix(&plain, &original);
    for attempt in 1_u32.. {
        if taken.insert(key.clone()) {
            break;
        }
        key = with_suffix(&plain, &format!("{original} #{attempt}"));
    }
    key
}

/// The indices of the arguments by key.
pub(super) fn index(keys: &[String]) -> HashMap<Box<str>, usize> {
    keys.iter().enumerate().map(|(index, key)| (key.as_str().into(), index)).collect()
}
