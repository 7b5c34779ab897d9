//! OpenAPI documents as JSON values: parsed strictly, each at most once.

use std::{cell::Cell, collections::BTreeMap, fmt, mem, sync::Arc};

use model::{Fault, Place};
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Number, Value, error::Category};

use crate::{Folder, folder::DOCUMENTS, report::shown, yaml};

/// Most values in a document: GitHub's description of 1,100 operations has a quarter of that.
const NODES_MAX: usize = 1_000_000;

/// Reads an OpenAPI document: JSON, or YAML, which may begin with a brace too.
///
/// # Errors
/// The line, from 1 (0 where no line is to blame), and a sentence that says what is wrong: broken
/// text, a key that is named twice, too many bytes or values, too deep.
pub fn parse_document(text: &str) -> Result<Value, (u32, String)> {
    if text.len() > Folder::FILE_BYTES_MAX {
        let bytes_max = Folder::FILE_BYTES_MAX;
        return Err((0, format!("{} bytes are more than {bytes_max}", text.len())));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if is_json(text) { parse_json(text) } else { yaml::parse_value(text) }
}

/// Whether `text` is taken for JSON: it begins with a brace, and behind that a key in quotes or
/// nothing. Behind a brace anything else is YAML in its flow style.
#[must_use]
pub fn is_json(text: &str) -> bool {
    let inside = text.trim_start_matches('\u{feff}').trim_start().strip_prefix('{');
    let inside = inside.map(str::trim_start);
    inside.is_some_and(|it| it.is_empty() || it.starts_with(['"', '}']))
}

fn parse_json(text: &str) -> Result<Value, (u32, String)> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = StrictJson::new().deserialize(&mut reader);
    value.and_then(|value| reader.end().map(|()| value)).map_err(|error| {
        let line = u32::try_from(error.line()).unwrap_or(u32::MAX);
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(&*message, |(message, _)| message);
        let looks = match error.classify() {
            Category::Syntax => " (it is read as JSON, as it begins like that)",
            Category::Data | Category::Eof | Category::Io => "",
        };
        (line, format!("{message}{looks}"))
    })
}

/// Reads any value, a bounded number of them, and refuses a key that is named twice: two readers
/// would take two different values for it.
pub(crate) struct StrictJson<'a>(Option<&'a Cell<usize>>);

impl StrictJson<'_> {
    pub(crate) fn new() -> Self {
        Self(None)
    }
}

impl<'de> DeserializeSeed<'de> for StrictJson<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let own = Cell::new(NODES_MAX);
        let left = self.0.unwrap_or(&own);
        let Some(fewer) = left.get().checked_sub(1) else {
            return Err(D::Error::custom(format!("more than {NODES_MAX} values")));
        };
        left.set(fewer);
        deserializer.deserialize_any(ValueVisitor(left))
    }
}

struct ValueVisitor<'a>(&'a Cell<usize>);

impl<'de> Visitor<'de> for ValueVisitor<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        let finite = Number::from_f64(value).map(Value::Number);
        finite.ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(StrictJson(Some(self.0)))? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key_seed(Key)? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("key {} is named twice", shown(&key))));
            }
            map.insert(key, entries.next_value_seed(StrictJson(Some(self.0)))?);
        }
        Ok(Value::Object(map))
    }
}

/// A key as text: OpenAPI has keys like `200`.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        String::deserialize(deserializer)
    }
}

/// The OpenAPI documents that are named, each parsed once for as long as its text is the same.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    read: BTreeMap<Arc<str>, Read>,
}

#[derive(Debug)]
struct Read {
    text: Arc<str>,
    /// What is wrong in a document is told once, however many collections name it.
    value: Result<Arc<Value>, Fault>,
}

impl Documents {
    /// Reads those of `folder` that are in `named`, and forgets all others.
    pub(crate) fn open(&mut self, folder: &Folder, named: &[&str]) {
        let mut before = mem::take(&mut self.read);
        for name in named {
            let Some((path, text)) = folder.shared(name).filter(|_| is_document(name)) else {
                continue;
            };
            if self.read.contains_key(path) {
                continue;
            }
            let same = before.remove(path).filter(|it| it.text == *text);
            let read =
                same.unwrap_or_else(|| Read { text: Arc::clone(text), value: read(path, text) });
            self.read.insert(Arc::clone(path), read);
        }
    }

    /// The document at `path`, where it is there and not broken.
    pub(crate) fn get(&self, path: &str) -> Option<Arc<Value>> {
        self.read.get(path).and_then(|it| it.value.as_ref().ok()).cloned()
    }

    /// What is wrong in the documents themselves.
    pub(crate) fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.read.values().filter_map(|it| it.value.as_ref().err())
    }
}

fn read(path: &Arc<str>, text: &str) -> Result<Arc<Value>, Fault> {
    let (line, message, help) = match parse_document(text) {
        Ok(value) if value.is_object() => return Ok(Arc::new(value)),
        Ok(_) => (0, "not a mapping".to_owned(), "put an OpenAPI document there"),
        Err((line, message)) => (line, message, "correct the document"),
    };
    Err(Fault::new(&Place::new(path, line), message, help))
}

/// Whether the file at `path` is one that collections may name.
pub(crate) fn is_document(path: &str) -> bool {
    path.strip_prefix(DOCUMENTS).is_some_and(|it| it.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_that_begins_with_a_brace_may_be_yaml() {
        let want = serde_json::json!({"a": {"200": "x"}, "b": [1, true]});
        for text in [
            r#"{"a": {"200": "x"}, "b": [1, true]}"#,
            "{a: {'200': x}, b: [1, true]}",
            "\n{ # all of it\n  a: {200: x},\n  'b': [1, true],\n}\n",
        ] {
            assert_eq!(parse_document(text).as_ref(), Ok(&want), "{text}");
        }
        assert_eq!(parse_document("{}"), Ok(serde_json::json!({})));
    }

    #[test]
    fn a_broken_document_is_told_of_as_what_it_looks_like() {
        for (text, line, want) in [
            ("{\"a\": 1,\n\"b\" 2}", 2, "expected `:`"),
            ("{\"a\": 1,\n\"b\": [}", 2, "expected value"),
            ("{\"a\": 1, \"a\": 2}", 1, "named twice"),
            ("{\"a\": {200: x}}", 1, "key must be a string (it is read as JSON"),
            ("{a: 1,\n a: 2}", 2, "named twice"),
            ("{a: 1,\n b: ]", 1, "bracket"),
        ] {
            let (at, message) = parse_document(text).unwrap_err();
            assert!(at == line && message.contains(want), "{text}: line {at}: {message}");
        }
    }

    #[test]
    fn the_number_of_values_is_bounded() {
        let read = |text, most| {
            let left = Cell::new(most);
            StrictJson(Some(&left)).deserialize(&mut serde_json::Deserializer::from_str(text))
        };
        let text = r#"{"a": [1, 2, {"b": null}]}"#;
        assert!(read(text, 6).is_ok());
        let error = read(text, 5).unwrap_err().to_string();
        assert!(error.starts_with("more than 1000000 values"), "{error}");
    }
}
