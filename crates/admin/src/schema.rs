//! JSON Schemas of inputs and outputs, and reading what fits them.

use std::fmt::Write as _;

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::failure::{Failure, Flaw};

/// The JSON Schema (2020-12) of `T`, whole: it refers to nothing.
pub(crate) fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|it| {
        it.inline_subschemas = true;
        it.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    if let Some(object) = schema.as_object_mut() {
        object.remove("title");
    }
    schema
}

/// Most flaws of one input that are told.
pub(crate) const FLAWS_MAX: usize = 100;

/// Checks values against one schema.
#[derive(Debug)]
pub(crate) struct Checker(Validator);

impl Checker {
    /// A checker for `schema`.
    ///
    /// # Errors
    /// Where this is no schema.
    pub(crate) fn new(schema: &Value) -> Result<Self, String> {
        jsonschema::draft202012::new(schema).map(Self).map_err(|error| error.to_string())
    }

    /// Everything about `value` that does not fit. `root` is what the value is called.
    pub(crate) fn flaws(&self, root: &str, value: &Value) -> Vec<Flaw> {
        let errors = self.0.iter_errors(value);
        errors.flat_map(|error| flaws_of(root, &error)).take(FLAWS_MAX).collect()
    }
}

/// One for each field, where several are unknown.
fn flaws_of(root: &str, error: &ValidationError<'_>) -> Vec<Flaw> {
    let field = field(root, error.instance_path().as_str());
    let flaw = |field, message: &str| Flaw { field, message: message.into(), help: String::new() };
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            unexpected.iter().map(|it| flaw(format!("{field}.{it}"), "unknown field")).collect()
        }
        ValidationErrorKind::Required { property: Value::String(name) } => {
            vec![flaw(format!("{field}.{name}"), "missing")]
        }
        // Masked: what was sent may be a secret.
        _ => vec![flaw(field, &error.masked_with("what was sent").to_string())],
    }
}

/// `body` and `/profiles/0/name` to `body.profiles[0].name`.
fn field(root: &str, pointer: &str) -> String {
    let mut field = root.to_owned();
    for part in pointer.split('/').skip(1) {
        if part.bytes().all(|it| it.is_ascii_digit()) && !part.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(field, "[{part}]");
        } else {
            field.push('.');
            field.push_str(&part.replace("~1", "/").replace("~0", "~"));
        }
    }
    field
}

/// Reads a value that was found to fit the schema of `T`.
///
/// # Errors
/// `Invalid` where it does not after all.
pub(crate) fn read<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    // The error's words may hold what was sent, which may be a secret.
    serde_json::from_value(value).map_err(|_| {
        Failure::field("body", "it does not have the right shape", "compare it with the schema")
    })
}
