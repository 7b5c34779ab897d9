//! The arguments of a call, without their secrets and of a bounded size.

mod name;
mod value;

use serde::Serialize;
use serde_json::{Map, Number, Value};

pub use name::is_secret_name;
pub use value::is_secret_text;

use crate::text;

/// What stands where a secret was.
pub const REDACTED: &str = "[redacted]";

/// Longest text that is kept of a value.
const TEXT_BYTES_MAX: usize = 256;
/// Longest name that is kept.
const NAME_BYTES_MAX: usize = 64;
/// Deepest level that is kept.
const DEPTH_MAX: usize = 8;
/// Most values that are kept, at all levels together.
const VALUES_MAX: usize = 256;
/// Most bytes of names and texts that are kept, all together.
const BYTES_MAX: usize = 8 * 1024;

/// Arguments that may be recorded: a record takes no others.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Redacted(Value);

impl Redacted {
    /// Takes the secrets out of `arguments` and cuts what is too long, too deep or too much.
    #[must_use]
    pub fn of(arguments: &Map<String, Value>) -> Self {
        let mut room = Room { values: VALUES_MAX, bytes: BYTES_MAX };
        Self(room.object(arguments, 0))
    }

    /// What is left.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.0
    }
}

/// How much may still be kept.
struct Room {
    values: usize,
    bytes: usize,
}

impl Room {
    fn value(&mut self, value: &Value, depth: usize) -> Value {
        match value {
            Value::Null | Value::Bool(_) => value.clone(),
            Value::Number(number) => Self::number(number),
            Value::String(text) => self.text(text),
            Value::Array(_) | Value::Object(_) if depth >= DEPTH_MAX => "[cut, too deep]".into(),
            Value::Array(items) => self.array(items, depth),
            Value::Object(object) => self.object(object, depth),
        }
    }

    fn number(number: &Number) -> Value {
        // A card number may well arrive as a number.
        if value::is_card_number(number.to_string().trim_end_matches(".0").bytes()) {
            return REDACTED.into();
        }
        number.clone().into()
    }

    fn text(&mut self, text: &str) -> Value {
        if is_secret_text(text) {
            return REDACTED.into();
        }
        let kept = text::cut(text, TEXT_BYTES_MAX.min(self.bytes));
        self.bytes = self.bytes.saturating_sub(kept.len());
        kept.into()
    }

    fn array(&mut self, items: &[Value], depth: usize) -> Value {
        let mut kept = Vec::new();
        for item in items {
            if !self.takes_one() {
                kept.push(format!("[cut, {} items in all]", items.len()).into());
                break;
            }
            kept.push(self.value(item, depth.saturating_add(1)));
        }
        kept.into()
    }

    fn object(&mut self, object: &Map<String, Value>, depth: usize) -> Value {
        let mut kept = Map::new();
        for (name, value) in object {
            if !self.takes_one() {
                let names = object.len();
                kept.insert("[cut]".into(), format!("[cut, {names} names in all]").into());
                break;
            }
            // A name is chosen by the caller as well, and may be the secret itself.
            let shown = if is_secret_text(name) {
                REDACTED.into()
            } else {
                text::cut(name, NAME_BYTES_MAX)
            };
            self.bytes = self.bytes.saturating_sub(shown.len());
            let value = match value {
                // Whether there is one is no secret.
                Value::Null | Value::Bool(_) => value.clone(),
                _ if is_secret_name(name) => REDACTED.into(),
                _ => self.value(value, depth.saturating_add(1)),
            };
            kept.insert(shown.into_owned(), value);
        }
        kept.into()
    }

    fn takes_one(&mut self) -> bool {
        let fits = self.values > 0 && self.bytes > 0;
        self.values = self.values.saturating_sub(1);
        fits
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn redacted(value: &Value) -> Value {
        Redacted::of(value.as_object().unwrap()).value().clone()
    }

    #[test]
    fn a_secret_is_gone_whether_its_name_or_its_look_betrays_it() {
        let arguments = json!({
            "id": 42,
            "total": 9.5,
            "apiKey": "x",
            "note": "use Bearer abcdef0123456789",
            "nested": {"list": [{"password": "hunter2"}, "4111 1111 1111 1111", 4_111_111_111_111_111_u64]},
            "credentials": {"user": "a", "more": ["b"]},
            "has_password": true,
            "odk_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO": 1,
        });
        assert_eq!(
            redacted(&arguments),
            json!({
                "id": 42,
                "total": 9.5,
                "apiKey": REDACTED,
                "note": REDACTED,
                "nested": {"list": [{"password": REDACTED}, REDACTED, REDACTED]},
                "credentials": REDACTED,
                "has_password": true,
                REDACTED: 1,
            })
        );
    }

    #[test]
    fn what_is_long_is_cut_and_says_so() {
        let long = "x".repeat(1000);
        let kept = redacted(&json!({ "a": long }));
        assert_eq!(kept["a"], format!("{}[cut, 1000 bytes in all]", "x".repeat(256)));
        let many: Vec<_> = (0..1000).collect();
        let kept = redacted(&json!({ "a": many, "b": 1 }));
        assert_eq!(kept["a"][255], "[cut, 1000 items in all]");
        assert_eq!(kept["[cut]"], "[cut, 2 names in all]");
        let mut deep = json!(1);
        for _ in 0..100 {
            deep = json!({ "a": deep });
        }
        assert!(redacted(&deep).to_string().contains("[cut, too deep]"));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,600}".prop_map(Value::from),
        ];
        leaf.prop_recursive(12, 400, 40, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..40).prop_map(Value::from),
                prop::collection::hash_map("\\PC{0,90}", inner, 0..20)
                    .prop_map(|it| Value::from(it.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn redacted_arguments_have_a_bounded_size(value in any_json()) {
            let arguments = Map::from_iter([(String::from("a"), value)]);
            let kept = Redacted::of(&arguments);
            // Escapes make a byte six at most.
            prop_assert!(kept.value().to_string().len() < 8 * BYTES_MAX);
        }
    }
}
