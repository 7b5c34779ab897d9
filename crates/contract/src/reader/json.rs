//! Values out of a JSON text, each as what it has to be: nothing is converted, nothing overlooked.

use std::fmt;

use model::{Argument, ArgumentType, ArgumentValue, Decimal};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::number::scaled;
use crate::{ArgumentFault, error::quoted};

/// The members of an object in their order, as they are written.
pub(super) struct Members<'a>(pub(super) Vec<(String, &'a RawValue)>);

/// The members of an object; none where it is no object.
pub(super) fn members(text: &RawValue) -> Option<Members<'_>> {
    serde_json::from_str(text.get()).ok()
}

/// The first name that occurs twice.
pub(super) fn twice<'m>(members: &'m Members<'_>) -> Option<&'m str> {
    let mut names: Vec<&str> = members.0.iter().map(|(name, _)| &**name).collect();
    names.sort_unstable();
    names.windows(2).find_map(|it| match it {
        [one, other] if one == other => Some(*one),
        _ => None,
    })
}

/// The value of the argument `name`; none for null.
pub(super) fn value(
    name: &str,
    kind: &ArgumentType,
    text: &RawValue,
) -> Result<Option<ArgumentValue>, ArgumentFault> {
    if text.get() == "null" {
        return Ok(None);
    }
    let read = match kind {
        ArgumentType::Boolean => serde_json::from_str(text.get()).ok().map(ArgumentValue::Boolean),
        ArgumentType::Integer => number(text, 0).map(ArgumentValue::Integer),
        ArgumentType::List(element) => return list(name, element, text).map(Some),
        ArgumentType::Number => number(text, Decimal::PLACES)
            .map(|it| ArgumentValue::Number(Decimal::from_ten_thousandths(it))),
        ArgumentType::Object(known) => return object(name, known, text).map(Some),
        ArgumentType::Text => serde_json::from_str(text.get()).ok().map(ArgumentValue::Text),
    };
    read.map(Some).ok_or_else(|| wrong(name, kind))
}

/// What is said of a value of another kind.
pub(super) fn wrong(name: &str, kind: &ArgumentType) -> ArgumentFault {
    let wanted = match kind {
        ArgumentType::Boolean => "true or false",
        ArgumentType::Integer => "an integer of 64 bits",
        ArgumentType::List(_) => "a list without null in it",
        ArgumentType::Number => "a number with at most four decimals",
        ArgumentType::Object(_) => "an object",
        ArgumentType::Text => "a string",
    };
    ArgumentFault::Shape { name: name.into(), wanted }
}

fn number(text: &RawValue, places: u8) -> Option<i64> {
    let is_number = text.get().starts_with(|it: char| it == '-' || it.is_ascii_digit());
    scaled(text.get(), places).filter(|_| is_number)
}

fn list(
    name: &str,
    element: &ArgumentType,
    text: &RawValue,
) -> Result<ArgumentValue, ArgumentFault> {
    let unlisted = || wrong(name, &ArgumentType::List(Box::new(element.clone())));
    let texts: Vec<&RawValue> = serde_json::from_str(text.get()).map_err(|_| unlisted())?;
    let mut values = Vec::with_capacity(texts.len());
    for text in texts {
        values.push(value(name, element, text)?.ok_or_else(unlisted)?);
    }
    Ok(ArgumentValue::List(values))
}

fn object(name: &str, known: &[Argument], text: &RawValue) -> Result<ArgumentValue, ArgumentFault> {
    let within = |key: &str| format!("{name}.{key}");
    let found = members(text).ok_or_else(|| wrong(name, &ArgumentType::Object(Vec::new())))?;
    if let Some(key) = twice(&found) {
        return Err(ArgumentFault::Twice { name: within(key).into() });
    }
    let mut values: Vec<(Box<str>, ArgumentValue)> = Vec::with_capacity(found.0.len());
    for (key, text) in &found.0 {
        // To the upstream `Amount` may be `amount`: what the document does not name is refused.
        let Some(member) = known.iter().find(|it| *it.name == **key) else {
            return Err(ArgumentFault::Member { name: name.into(), key: quoted(key) });
        };
        let Some(kind) = &member.kind else { continue };
        if let Some(value) = value(&within(key), kind, text)? {
            values.push((member.name.clone(), value));
        }
    }
    let is_there = |name: &str| values.iter().any(|(it, _)| **it == *name);
    let missing =
        known.iter().find(|it| it.is_required && it.kind.is_some() && !is_there(&it.name));
    match missing {
        Some(member) => Err(ArgumentFault::Missing { name: within(&member.name).into() }),
        None => Ok(ArgumentValue::Object(values)),
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Collect)
    }
}

/// Collects members; a map would keep one of two.
struct Collect;

impl<'de> Visitor<'de> for Collect {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some((name, text)) = map.next_entry::<String, &'de RawValue>()? {
            members.push((name, text));
        }
        Ok(Members(members))
    }
}
