//! Values out of the texts of a path, a query and headers.

use http::{HeaderMap, HeaderName};
use model::{ArgumentType, ArgumentValue, Decimal, Query};
use serde_json::value::RawValue;

use super::{
    json,
    number::{is_plain, scaled},
};
use crate::{
    ArgumentFault, Template,
    bind::{Parameter, Style},
};

/// One parameter that is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) name: &'a str,
    pub(super) kind: &'a ArgumentType,
    pub(super) parameter: &'a Parameter,
}

impl Wanted<'_> {
    /// The value in a path: every hole of this name holds the same.
    pub(super) fn in_path(
        self,
        template: &Template,
        path: &str,
    ) -> Result<Option<ArgumentValue>, ArgumentFault> {
        let captures = template.captures(path);
        let mut found = captures.iter().filter(|(name, _)| **name == *self.parameter.name);
        let Some((_, text)) = found.next() else { return Ok(None) };
        if found.any(|(_, other)| other != text) {
            return Err(self.twice());
        }
        if template.is_torn(path) {
            return Err(json::wrong(self.name, self.kind));
        }
        self.one(text)
    }

    pub(super) fn in_query(self, query: &Query) -> Result<Option<ArgumentValue>, ArgumentFault> {
        let pairs = query.pairs().iter().filter(|(name, _)| **name == *self.parameter.name);
        let mut texts = Vec::new();
        for (_, text) in pairs {
            // A bare name is empty to some servers and true to others.
            texts.push(text.as_deref().ok_or_else(|| json::wrong(self.name, self.kind))?);
        }
        match (self.kind, texts.as_slice()) {
            (_, []) => Ok(None),
            (ArgumentType::List(element), texts)
                if self.parameter.is_exploded && self.parameter.style != Style::Json =>
            {
                self.list(element, texts.iter().copied()).map(Some)
            }
            (_, [text]) => self.one(text),
            // Of several, some servers take the first and others the last.
            _ => Err(self.twice()),
        }
    }

    pub(super) fn in_headers(
        self,
        header: &HeaderName,
        headers: &HeaderMap,
    ) -> Result<Option<ArgumentValue>, ArgumentFault> {
        if headers.keys().any(|it| it != header && is_alike(it, header)) {
            return Err(self.twice());
        }
        let mut values = headers.get_all(header).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => {
                let wrong = || json::wrong(self.name, self.kind);
                let text = value.to_str().map_err(|_| wrong())?;
                // Most servers take spaces around a value, or around an element, away.
                let is_padded = |it: &str| it.trim() != it;
                let is_list = matches!(self.kind, ArgumentType::List(_))
                    && self.parameter.style != Style::Json;
                let delimiter = self.parameter.style.delimiter();
                if is_padded(text) || (is_list && text.split(delimiter).any(is_padded)) {
                    return Err(wrong());
                }
                self.one(text)
            }
            (Some(_), Some(_)) => Err(self.twice()),
        }
    }

    /// The value of a parameter that is all in one text.
    fn one(self, text: &str) -> Result<Option<ArgumentValue>, ArgumentFault> {
        if self.parameter.style == Style::Json {
            let text: &RawValue =
                serde_json::from_str(text).map_err(|_| json::wrong(self.name, self.kind))?;
            return json::value(self.name, self.kind, text);
        }
        match self.kind {
            ArgumentType::List(element) => {
                self.list(element, text.split(self.parameter.style.delimiter())).map(Some)
            }
            kind => single(kind, text).map(Some).ok_or_else(|| json::wrong(self.name, kind)),
        }
    }

    fn list(
        self,
        element: &ArgumentType,
        texts: impl Iterator<Item = impl AsRef<str>>,
    ) -> Result<ArgumentValue, ArgumentFault> {
        let values = texts
            .map(|it| single(element, it.as_ref()).ok_or_else(|| json::wrong(self.name, element)));
        values.collect::<Result<_, _>>().map(ArgumentValue::List)
    }

    fn twice(self) -> ArgumentFault {
        ArgumentFault::Twice { name: self.name.into() }
    }
}

/// One value that is written as a text.
fn single(kind: &ArgumentType, text: &str) -> Option<ArgumentValue> {
    let number = |places| scaled(text, places).filter(|_| is_plain(text));
    match kind {
        ArgumentType::Boolean => match text {
            "true" => Some(ArgumentValue::Boolean(true)),
            "false" => Some(ArgumentValue::Boolean(false)),
            _ => None,
        },
        ArgumentType::Integer => {
            number(0).filter(|_| !text.contains('.')).map(ArgumentValue::Integer)
        }
        ArgumentType::Number => number(Decimal::PLACES)
            .map(|it| ArgumentValue::Number(Decimal::from_ten_thousandths(it))),
        ArgumentType::Text => Some(ArgumentValue::Text(text.to_owned())),
        ArgumentType::List(_) | ArgumentType::Object(_) => None,
    }
}

/// Whether some servers take one for the other: `X-Amount` and `X_Amount`.
pub(super) fn is_alike(one: &HeaderName, other: &HeaderName) -> bool {
    let same = |it: u8| if matches!(it, b'_' | b'.') { b'-' } else { it };
    one.as_str().bytes().map(same).eq(other.as_str().bytes().map(same))
}
