//! One pass over a JSON text that keeps nothing but the keys of the objects it is in.

use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{DEPTH_MAX, Fault, Integers, VALUES_MAX, excerpt};

/// `serde_json` reads an object whose first key is one of its own tokens as something else:
/// `{"$serde_json::private::RawValue": "…"}` would be parsed from the string, past this check.
const RESERVED: &str = "$serde_json::private::";

/// From here on, the numbers that `serde_json` hands over as `f64` may have been integers.
const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

pub(super) fn whole(text: &str, integers: Integers) -> Result<(), Fault> {
    let mut state = State { keys: Vec::new(), values: 0, has_large_number: false, fault: None };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = Check { state: &mut state, depth: 0 }
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end());
    if let Err(error) = read {
        return Err(state.fault.unwrap_or_else(|| Fault::Syntax(error.to_string())));
    }
    if state.has_large_number
        && integers == Integers::Fit64Bits
        && let Some(integer) = long_integer(text)
    {
        return Err(Fault::Integer(excerpt(integer)));
    }
    Ok(())
}

struct State<'a> {
    /// The keys of all open objects, innermost last.
    keys: Vec<Cow<'a, str>>,
    values: usize,
    has_large_number: bool,
    /// serde's errors are text; the fault itself is left here.
    fault: Option<Fault>,
}

impl State<'_> {
    fn refuse<E: serde::de::Error>(&mut self, fault: Fault) -> E {
        let error = E::custom(&fault);
        self.fault = Some(fault);
        error
    }

    fn count<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.values = self.values.saturating_add(1);
        if self.values > VALUES_MAX { Err(self.refuse(Fault::TooManyValues)) } else { Ok(()) }
    }

    /// Sorting finds a duplicate in n log n, whatever keys an attacker picks.
    fn close_object<E: serde::de::Error>(&mut self, start: usize) -> Result<(), E> {
        let keys = self.keys.get_mut(start..).unwrap_or_default();
        keys.sort_unstable();
        let twice = keys.windows(2).find_map(|pair| match pair {
            [one, other] if one == other => Some(excerpt(one)),
            _ => None,
        });
        self.keys.truncate(start);
        twice.map_or(Ok(()), |key| Err(self.refuse(Fault::DuplicateKey(key))))
    }
}

struct Check<'s, 'a> {
    state: &'s mut State<'a>,
    depth: usize,
}

impl Check<'_, '_> {
    /// Goes one level down.
    fn inside<E: serde::de::Error>(&mut self) -> Result<usize, E> {
        self.state.count()?;
        if self.depth < DEPTH_MAX {
            Ok(self.depth.saturating_add(1))
        } else {
            Err(self.state.refuse(Fault::TooDeep))
        }
    }
}

impl<'a> DeserializeSeed<'a> for Check<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Check<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.state.count()
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        self.state.count()
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        self.state.count()
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        self.state.count()
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<(), E> {
        self.state.has_large_number |= number.abs() >= TWO_TO_63;
        self.state.count()
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        self.state.count()
    }

    fn visit_seq<A: SeqAccess<'a>>(mut self, mut items: A) -> Result<(), A::Error> {
        let depth = self.inside()?;
        while items.next_element_seed(Check { state: self.state, depth })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut members: A) -> Result<(), A::Error> {
        let depth = self.inside()?;
        let start = self.state.keys.len();
        while let Some(key) = members.next_key_seed(Key)? {
            if key.starts_with(RESERVED) {
                return Err(self.state.refuse(Fault::ReservedKey(excerpt(&key))));
            }
            self.state.keys.push(key);
            members.next_value_seed(Check { state: self.state, depth })?;
        }
        self.state.close_object(start)
    }
}

/// Reads a key without a copy where it has no escapes.
struct Key;

impl<'a> DeserializeSeed<'a> for Key {
    type Value = Cow<'a, str>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Key {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, key: &'a str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

/// The first integer literal in a valid JSON text that fits neither `i64` nor `u64`.
fn long_integer(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some(start) = rest.find(['"', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
    {
        let from = rest.get(start..)?;
        if let Some(string) = from.strip_prefix('"') {
            rest = after_string(string)?;
            continue;
        }
        let end = from.find(|it: char| !matches!(it, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
        let (number, after) = from.split_at_checked(end.unwrap_or(from.len()))?;
        let is_integer = number.bytes().all(|it| it == b'-' || it.is_ascii_digit());
        if is_integer && number.parse::<i64>().is_err() && number.parse::<u64>().is_err() {
            return Some(number);
        }
        rest = after;
    }
    None
}

/// What follows the closing quote.
fn after_string(inside: &str) -> Option<&str> {
    let mut bytes = inside.bytes().enumerate();
    while let Some((index, byte)) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'"' => return inside.get(index.saturating_add(1)..),
            _ => {}
        }
    }
    None
}
