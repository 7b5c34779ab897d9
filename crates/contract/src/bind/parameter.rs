//! Arguments that go into the path, the query and the headers.

use http::HeaderValue;
use model::{Path, Query};
use serde_json::{Map, Value};

use super::{ArgumentFault, Arguments, Parameter, Shape, Style};
use crate::{Template, error::quoted, read::is_credential};

const SCALAR: &str = "a string, a number or a boolean";

/// The path with the arguments in its holes.
pub(super) fn path(template: &Template, arguments: &Arguments<'_>) -> Result<Path, ArgumentFault> {
    let parameters = &arguments.plan.path;
    let mut values = Vec::with_capacity(parameters.len());
    for parameter in parameters {
        values.push(simple(parameter, arguments)?.unwrap_or_default());
    }
    template.path(&values).map_err(|(index, ambiguity)| {
        let culprit = index.or_else(|| parameters.len().checked_sub(1));
        let parameter = culprit.and_then(|it| parameters.get(it));
        let name = parameter.map(|it| arguments.name(it.argument)).unwrap_or_default();
        ArgumentFault::Path { name, ambiguity }
    })
}

/// The value of a header, if there is one.
pub(super) fn header(
    parameter: &Parameter,
    arguments: &Arguments<'_>,
) -> Result<Option<HeaderValue>, ArgumentFault> {
    let Some(text) = simple(parameter, arguments)? else { return Ok(None) };
    // Space at an end would be cut off on the way.
    let value =
        HeaderValue::from_str(&text).ok().filter(|_| text.is_ascii() && text.trim() == text);
    let name = || arguments.name(parameter.argument);
    value.map(Some).ok_or_else(|| ArgumentFault::Header { name: name() })
}

/// Adds the pairs of one parameter.
pub(super) fn push_query(
    query: &mut Query,
    parameter: &Parameter,
    arguments: &Arguments<'_>,
) -> Result<(), ArgumentFault> {
    let Some(value) = arguments.get(parameter.argument) else { return Ok(()) };
    let words = Words { parameter, arguments };
    let name = &*parameter.name;
    match (value, parameter.style) {
        (value, Style::Json) => words.push(query, name, value.to_string()),
        (value, _) if !arguments.is_checked() => words.push(query, name, as_it_is(value)),
        (Value::Array(_) | Value::Object(_), _) if parameter.shape == Shape::Scalar => {
            Err(words.wrong(SCALAR))
        }
        (Value::Array(_), _) if parameter.shape == Shape::Object => Err(words.wrong("an object")),
        (Value::Array(elements), style) => words.push_array(query, elements, style),
        (Value::Object(_), _) if parameter.shape == Shape::Array => Err(words.wrong("an array")),
        (Value::Object(members), style) => words.push_object(query, members, style),
        _ if parameter.shape == Shape::Object => Err(words.wrong("an object")),
        (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), _) => {
            words.push(query, name, words.scalar(value)?)
        }
    }
}

/// Adds a pair that the operation does not know.
pub(super) fn push_other(
    query: &mut Query,
    name: &str,
    value: &Value,
) -> Result<(), ArgumentFault> {
    let pushed = query.push(name.to_owned(), Some(as_it_is(value)));
    pushed.map_err(|ambiguity| ArgumentFault::Query { name: name.into(), ambiguity })
}

/// A value of any kind as text: text as it is, all else as JSON.
fn as_it_is(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// The text of a parameter in simple style: a scalar, or elements with commas between.
fn simple(
    parameter: &Parameter,
    arguments: &Arguments<'_>,
) -> Result<Option<String>, ArgumentFault> {
    let Some(value) = arguments.get(parameter.argument) else { return Ok(None) };
    let words = Words { parameter, arguments };
    let text = match value {
        value if parameter.style == Style::Json => value.to_string(),
        value if !arguments.is_checked() => as_it_is(value),
        Value::Array(_) | Value::Object(_) if parameter.shape == Shape::Scalar => {
            return Err(words.wrong(SCALAR));
        }
        Value::Array(_) if parameter.shape == Shape::Object => return Err(words.wrong("an object")),
        Value::Array(elements) => words.joined(elements, ',')?,
        Value::Object(_) if parameter.shape == Shape::Array => return Err(words.wrong("an array")),
        Value::Object(members) => {
            let divider = if parameter.is_exploded { "=" } else { "," };
            let mut pairs = Vec::with_capacity(members.len());
            for (key, value) in members {
                let (key, value) = (words.undivided(key, ',')?, words.scalar(value)?);
                pairs.push(format!("{key}{divider}{}", words.undivided(&value, ',')?));
            }
            pairs.join(",")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            words.scalar(value)?
        }
    };
    Ok(Some(text))
}

/// One parameter while it is written.
#[derive(Debug, Clone, Copy)]
struct Words<'x> {
    parameter: &'x Parameter,
    arguments: &'x Arguments<'x>,
}

impl Words<'_> {
    fn wrong(&self, wanted: &'static str) -> ArgumentFault {
        ArgumentFault::Shape { name: self.arguments.name(self.parameter.argument), wanted }
    }

    fn push(&self, query: &mut Query, name: &str, value: String) -> Result<(), ArgumentFault> {
        query.push(name.to_owned(), Some(value)).map_err(|ambiguity| ArgumentFault::Query {
            name: self.arguments.name(self.parameter.argument),
            ambiguity,
        })
    }

    fn push_array(
        &self,
        query: &mut Query,
        elements: &[Value],
        style: Style,
    ) -> Result<(), ArgumentFault> {
        let name = &*self.parameter.name;
        if self.parameter.is_exploded {
            for element in elements {
                self.push(query, name, self.scalar(element)?)?;
            }
            return Ok(());
        }
        // An empty list has no text of its own: nothing between delimiters is one empty element.
        if elements.is_empty() {
            return Ok(());
        }
        self.push(query, name, self.joined(elements, style.delimiter())?)
    }

    fn push_object(
        &self,
        query: &mut Query,
        members: &Map<String, Value>,
        style: Style,
    ) -> Result<(), ArgumentFault> {
        let name = &*self.parameter.name;
        match style {
            Style::Deep => members.iter().try_for_each(|it| self.push_deep(query, it)),
            Style::Form | Style::Json | Style::Pipe | Style::Simple | Style::Space
                if self.parameter.is_exploded =>
            {
                members.iter().try_for_each(|it| self.push_member(query, it))
            }
            Style::Form | Style::Json | Style::Pipe | Style::Simple | Style::Space => {
                let delimiter = style.delimiter();
                let mut words = Vec::with_capacity(members.len());
                for (key, value) in members {
                    words.push(self.undivided(key, delimiter)?.to_owned());
                    words.push(self.undivided(&self.scalar(value)?, delimiter)?.to_owned());
                }
                if words.is_empty() {
                    return Ok(());
                }
                self.push(query, name, words.join(&delimiter.to_string()))
            }
        }
    }

    fn push_deep(
        &self,
        query: &mut Query,
        (key, value): (&String, &Value),
    ) -> Result<(), ArgumentFault> {
        if key.contains(['[', ']']) {
            return Err(self.barred(key));
        }
        let name = format!("{}[{key}]", self.parameter.name);
        let elements = match value {
            Value::Array(elements) => elements.as_slice(),
            value => std::slice::from_ref(value),
        };
        elements.iter().try_for_each(|it| self.push(query, &name, self.scalar(it)?))
    }

    /// The members become parameters of their own; they must not become others.
    fn push_member(
        &self,
        query: &mut Query,
        (key, value): (&String, &Value),
    ) -> Result<(), ArgumentFault> {
        if is_credential(key) || self.arguments.plan.barred.iter().any(|it| **it == **key) {
            return Err(self.barred(key));
        }
        self.push(query, key, self.scalar(value)?)
    }

    fn joined(&self, elements: &[Value], delimiter: char) -> Result<String, ArgumentFault> {
        let mut text = String::new();
        for (position, element) in elements.iter().enumerate() {
            if position > 0 {
                text.push(delimiter);
            }
            text.push_str(self.undivided(&self.scalar(element)?, delimiter)?);
        }
        Ok(text)
    }

    fn scalar(&self, value: &Value) -> Result<String, ArgumentFault> {
        match value {
            Value::Bool(value) => Ok(value.to_string()),
            Value::Number(value) => Ok(value.to_string()),
            Value::String(value) => Ok(value.clone()),
            Value::Null | Value::Array(_) | Value::Object(_) => {
                Err(self.wrong(if self.parameter.shape == Shape::Scalar {
                    SCALAR
                } else {
                    "a flat value"
                }))
            }
        }
    }

    /// A canonical query does not tell an encoded delimiter from a bare one, so neither do we.
    fn undivided<'t>(&self, text: &'t str, delimiter: char) -> Result<&'t str, ArgumentFault> {
        if text.contains(delimiter) {
            let name = self.arguments.name(self.parameter.argument);
            return Err(ArgumentFault::Delimiter { name, delimiter });
        }
        Ok(text)
    }

    fn barred(&self, key: &str) -> ArgumentFault {
        let name = self.arguments.name(self.parameter.argument);
        ArgumentFault::Barred { name, key: quoted(key) }
    }
}
