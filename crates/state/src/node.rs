//! A document as a tree that knows its lines, before it means anything.

use serde_json::{Map, Number, Value};

use crate::report::shown;

/// A value, and the line it begins on; 0 where there are no lines.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) line: u32,
    pub(crate) content: Content,
}

/// What a document can hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    Bool(bool),
    List(Vec<Node>),
    /// In the order of the text. A key may stand there twice: whoever reads it must look.
    Mapping(Vec<Entry>),
    Null,
    Number(Number),
    Text(String),
}

/// A key of a mapping, and its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) line: u32,
    pub(crate) value: Node,
}

impl Content {
    /// What it is, for a fault.
    pub(crate) fn describe(&self) -> &'static str {
        match self {
            Self::Bool(_) => "true or false",
            Self::List(_) => "a list",
            Self::Mapping(_) => "a mapping",
            Self::Null => "nothing",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
        }
    }
}

/// JSON that came in by another way than a file: the same tree, without lines.
impl From<&Value> for Node {
    fn from(value: &Value) -> Self {
        let content = match value {
            Value::Null => Content::Null,
            Value::Bool(value) => Content::Bool(*value),
            Value::Number(number) => Content::Number(number.clone()),
            Value::String(text) => Content::Text(text.clone()),
            Value::Array(items) => Content::List(items.iter().map(Self::from).collect()),
            Value::Object(members) => Content::Mapping(members.iter().map(Entry::from).collect()),
        };
        Self { line: 0, content }
    }
}

impl From<(&String, &Value)> for Entry {
    fn from((key, value): (&String, &Value)) -> Self {
        Self { key: key.clone(), line: 0, value: Node::from(value) }
    }
}

impl Node {
    /// The same as JSON.
    ///
    /// # Errors
    /// The line and the name of a key that is named twice.
    pub(crate) fn into_value(self) -> Result<Value, (u32, String)> {
        Ok(match self.content {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(value),
            Content::Number(number) => Value::Number(number),
            Content::Text(text) => Value::String(text),
            Content::List(items) => {
                Value::Array(items.into_iter().map(Self::into_value).collect::<Result<_, _>>()?)
            }
            Content::Mapping(entries) => Value::Object(into_members(entries)?),
        })
    }
}

fn into_members(entries: Vec<Entry>) -> Result<Map<String, Value>, (u32, String)> {
    let mut members = Map::with_capacity(entries.len());
    for Entry { key, line, value } in entries {
        if members.contains_key(&key) {
            return Err((line, format!("key {} is named twice", shown(&key))));
        }
        members.insert(key, value.into_value()?);
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tree_of_json_is_that_json() {
        let value = json!({"a": [1, -1, 1.5, true, null, "x"], "b": {"c": {}}});
        assert_eq!(Node::from(&value).into_value(), Ok(value));
    }
}
