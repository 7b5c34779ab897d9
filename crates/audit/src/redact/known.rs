//! The hash that a value has in records, for whoever knows the value and looks for it.

use model::Timestamp;
use serde_json::{Map, Value};

use super::{Salt, canonical, card, shown::plain_address};

/// What a value is, which says what of it is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// All arguments of a call, as JSON: `arguments_digest`.
    Arguments,
    /// A card number: its digits.
    Card,
    /// An e-mail address: in small letters.
    Email,
    /// Any other text or number: as it is.
    Text,
}

/// The hash of `value` in records of the day of `at`.
///
/// # Errors
/// What the value is not.
pub fn hash_of(
    value: &str,
    form: Form,
    (salt, at): (&Salt, Timestamp),
) -> Result<String, &'static str> {
    let bytes = match form {
        Form::Arguments => {
            let read: Result<Map<String, Value>, _> = serde_json::from_str(value);
            canonical::bytes(&read.map_err(|_| "no JSON object")?)
        }
        Form::Card if card::is_number(card::digits(value)) => card::digits(value).collect(),
        Form::Card => return Err("no card number"),
        Form::Email => plain_address(value).into_bytes(),
        Form::Text => value.as_bytes().to_vec(),
    };
    Ok(salt.hash(&bytes, at))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::{Detector, Place, Redaction, Sought, Treatment};
    use serde_json::json;

    use super::*;
    use crate::{
        Redacted,
        redact::{By, Policy},
    };

    const AT: Timestamp = Timestamp::from_seconds(1_795_392_000);

    #[test]
    fn the_hash_of_a_known_value_is_the_one_that_a_record_has() {
        let salt = Salt::new(&[7; 32]);
        let (of, place) = (Sought::Like(Detector::CardNumber), Place::default());
        let policy = Policy::new(&[&[Redaction { of, treatment: Treatment::Hash, place }]]);
        let check = |argument: Value, form, value: &str| {
            let arguments = json!({"a": argument});
            let by = By { policy: &policy, salt: &salt, at: AT };
            let redacted = Redacted::of(arguments.as_object().unwrap(), by);
            let hash = hash_of(value, form, (&salt, AT)).unwrap();
            let kept = format!("{} {}", redacted.value(), redacted.digest());
            assert!(kept.contains(&hash), "{form:?} {value}: {kept}");
        };
        check(json!("to Ann@Example.com"), Form::Email, "ANN@example.com");
        check(json!("4111-1111 1111 1111"), Form::Card, "4111 1111 1111 1111");
        check(json!(7), Form::Arguments, "{ \"a\" : 7 }");
        let next = hash_of("x", Form::Text, (&salt, AT.plus(Duration::from_secs(86_400))));
        assert_ne!(hash_of("x", Form::Text, (&salt, AT)), next);
        assert_eq!(hash_of("x", Form::Text, (&salt, AT)), Ok(salt.hash(b"x", AT)));
    }

    #[test]
    fn what_is_none_of_its_form_has_no_hash() {
        let salt = Salt::new(&[7; 32]);
        for (value, form) in [
            ("4111111111111112", Form::Card),
            ("", Form::Card),
            ("[]", Form::Arguments),
            ("{", Form::Arguments),
        ] {
            assert!(hash_of(value, form, (&salt, AT)).is_err(), "{value}");
        }
    }
}
