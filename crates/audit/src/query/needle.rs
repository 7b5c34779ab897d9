//! A text that is looked for in records, whatever it holds.

use serde_json::Value;

use crate::record::one_line;

/// A text that is looked for.
#[derive(Debug)]
pub(super) struct Needle {
    /// In small letters.
    text: String,
    /// As it would stand in a line, in small letters.
    escaped: Vec<u8>,
}

impl Needle {
    pub(super) fn new(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        // A text is always JSON. Its quotes are no part of what is looked for.
        let quoted = one_line(&text).unwrap_or_default();
        let escaped = quoted.strip_prefix(b"\"").and_then(|it| it.strip_suffix(b"\""));
        let escaped = escaped.unwrap_or_default().to_ascii_lowercase();
        Self { text, escaped }
    }

    /// Whether a value of these bytes may have the text in it. An escape stands for one character
    /// whatever is beside it, so what has the text has its escaped form.
    pub(super) fn may_be_in(&self, bytes: &[u8]) -> bool {
        let Some((first, rest)) = self.escaped.split_first() else { return true };
        let mut from = bytes;
        while let Some(at) = from.iter().position(|it| it.to_ascii_lowercase() == *first) {
            from = from.get(at.saturating_add(1)..).unwrap_or_default();
            if from.get(..rest.len()).is_some_and(|it| it.eq_ignore_ascii_case(rest)) {
                return true;
            }
        }
        false
    }

    /// Whether the value, or one in it, has the text in it; names within it count as well.
    pub(super) fn is_in(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.is_in_text(text),
            Value::Number(number) => self.is_in_text(&number.to_string()),
            Value::Bool(true) => self.is_in_text("true"),
            Value::Bool(false) => self.is_in_text("false"),
            Value::Null => false,
            Value::Array(values) => values.iter().any(|it| self.is_in(it)),
            Value::Object(members) => {
                members.iter().any(|(name, value)| self.is_in_text(name) || self.is_in(value))
            }
        }
    }

    fn is_in_text(&self, text: &str) -> bool {
        text.to_ascii_lowercase().contains(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn values_and_the_names_in_them_are_looked_at() {
        let value = json!({"a": [1.5, true, null, {"Éclair": "x\u{202e}\"Y"}]});
        for text in ["1.5", "TRUE", "a", "CLAIR", "X\u{202e}\"y", ""] {
            assert!(Needle::new(text).is_in(&value), "{text}");
        }
        for text in ["null", "é", "y\"", "u202e"] {
            assert!(!Needle::new(text).is_in(&value), "{text}");
        }
    }

    proptest! {
        #[test]
        fn bytes_that_have_the_text_are_never_passed_over(
            before in TEXT, text in TEXT, after in TEXT, is_loud in any::<bool>(),
        ) {
            let line = one_line(&json!({"a": format!("{before}{text}{after}")})).unwrap();
            let text = if is_loud { text.to_ascii_uppercase() } else { text };
            prop_assert!(Needle::new(&text).may_be_in(&line));
        }
    }

    const TEXT: &str = "(\\PC|[\\x00-\\x20\u{7f}-\u{a0}\u{2020}-\u{2070}\"\\\\a-zA-Z]){0,8}";
}
