//! Goes through arguments and keeps of each value what may be kept.

use model::{Detector, Treatment};
use serde_json::{Map, Value};

use super::{
    REDACTED, canonical,
    found::Found,
    name,
    policy::{Place, Policy, may},
    salt::Day,
    shown::Texts,
};

/// Longest text that is kept of a value.
pub(super) const TEXT_BYTES_MAX: usize = 256;
/// Longest name that is kept.
const NAME_BYTES_MAX: usize = 64;
/// Deepest level that is kept.
const DEPTH_MAX: usize = 8;
/// Most values that are kept, at all levels together.
const VALUES_MAX: usize = 256;
/// Most bytes of names and texts that are kept, all together.
pub(super) const BYTES_MAX: usize = 8 * 1024;

/// What may be kept of `arguments`, and what was found in them.
pub(super) fn kept(arguments: &Map<String, Value>, policy: &Policy, day: &Day) -> (Value, Found) {
    let texts = Texts { policy, day, found: Found::default() };
    let mut walk = Walk { texts, values: VALUES_MAX, bytes: BYTES_MAX };
    let kept = walk.object(arguments, &policy.root(), 0);
    (kept, walk.texts.found)
}

/// How texts are kept, and how much may still be.
struct Walk<'a> {
    texts: Texts<'a>,
    values: usize,
    bytes: usize,
}

impl Walk<'_> {
    fn object(&mut self, object: &Map<String, Value>, place: &Place<'_>, depth: usize) -> Value {
        let mut kept = Map::new();
        for (name, value) in object {
            if !self.takes_one() {
                let names = object.len();
                kept.insert("[cut]".into(), format!("[cut, {names} names in all]").into());
                break;
            }
            // A name is chosen by the caller as well, and may be the secret itself.
            let shown = self.texts.text(name, NAME_BYTES_MAX, None);
            self.bytes = self.bytes.saturating_sub(shown.len());
            let (place, depth) = (place.at(name), depth.saturating_add(1));
            let value = match name::named(name) {
                Some(kind) => self.of_secret_name(value, kind, &place),
                None => self.value(value, &place, depth),
            };
            kept.insert(shown, value);
        }
        kept.into()
    }

    fn array(&mut self, items: &[Value], place: &Place<'_>, depth: usize) -> Value {
        let mut kept = Vec::new();
        for (index, item) in items.iter().enumerate() {
            if !self.takes_one() {
                kept.push(format!("[cut, {} items in all]", items.len()).into());
                break;
            }
            kept.push(self.value(item, &place.at_index(index), depth.saturating_add(1)));
        }
        kept.into()
    }

    fn value(&mut self, value: &Value, place: &Place<'_>, depth: usize) -> Value {
        match value {
            Value::Array(_) | Value::Object(_) => self.nested(value, place, depth),
            Value::Bool(_) | Value::Null => self.plain(value, place),
            Value::Number(number) => {
                let text = number.to_string();
                // A card number may well arrive as a number.
                let text = text.trim_end_matches(".0");
                let kept = self.texts.text(text, TEXT_BYTES_MAX, place.treatment());
                if kept == text { value.clone() } else { kept.into() }
            }
            Value::String(text) => {
                let bytes_max = TEXT_BYTES_MAX.min(self.bytes);
                let kept = self.texts.text(text, bytes_max, place.treatment());
                self.bytes = self.bytes.saturating_sub(kept.len());
                kept.into()
            }
        }
    }

    fn nested(&mut self, value: &Value, place: &Place<'_>, depth: usize) -> Value {
        if place.treatment() == Some(Treatment::Drop) && !place.has_below() {
            return REDACTED.into();
        }
        match value {
            _ if depth >= DEPTH_MAX => "[cut, too deep]".into(),
            Value::Array(items) => self.array(items, place, depth),
            Value::Object(object) => self.object(object, place, depth),
            Value::Bool(_) | Value::Null | Value::Number(_) | Value::String(_) => Value::Null,
        }
    }

    /// Of true, false and nothing nothing is found; only who says so hides them.
    fn plain(&self, value: &Value, place: &Place<'_>) -> Value {
        match place.treatment() {
            None | Some(Treatment::Keep) => value.clone(),
            Some(Treatment::Hash) => self.texts.day.hash(value.to_string().as_bytes()).into(),
            Some(Treatment::Drop | Treatment::Mask) => REDACTED.into(),
        }
    }

    /// What its name says is a secret, or of a card.
    fn of_secret_name(&mut self, value: &Value, kind: Detector, place: &Place<'_>) -> Value {
        let treatment = place.treatment().or_else(|| self.texts.policy.like(kind));
        if !matches!(value, Value::Null | Value::Bool(_)) {
            self.texts.found.add(kind);
        }
        let kept = match (value, treatment) {
            // Whether there is one is no secret.
            (Value::Null | Value::Bool(_), _) => return self.plain(value, place),
            (Value::String(text), Some(treatment)) if may(kind, treatment) => {
                self.texts.whole(text, treatment)
            }
            (Value::Number(number), Some(treatment)) if may(kind, treatment) => {
                self.texts.whole(&number.to_string(), treatment)
            }
            (_, Some(Treatment::Hash)) => {
                let mut whole = Map::new();
                whole.insert(String::new(), value.clone());
                self.texts.day.hash(&canonical::bytes(&whole))
            }
            _ => REDACTED.to_owned(),
        };
        self.bytes = self.bytes.saturating_sub(kept.len());
        kept.into()
    }

    fn takes_one(&mut self) -> bool {
        let fits = self.values > 0 && self.bytes > 0;
        self.values = self.values.saturating_sub(1);
        fits
    }
}
