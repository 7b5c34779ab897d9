//! Documents to and from JSON, for whoever speaks that instead of YAML.

use serde_json::Value;

use crate::{Kind, field::Field, node::Node, parsed::Noun, report::Report, yaml};

/// The document of `kind` that declares `id` as `value` says, in its one form.
///
/// Where `value` is no good document, it is written as it is: reading the folder tells why.
#[must_use]
pub fn document(kind: Kind, id: &str, value: &Value) -> String {
    let node = Node::from(value);
    let report = Report::new(&kind.path(id).into());
    let noun = Noun::read(kind, id, Field::root(&node, &report)).ok().flatten();
    let (faults, _) = report.finish();
    match noun {
        // Nothing is nothing, though some documents may say nothing.
        Some(noun) if faults.is_empty() && value.is_object() => noun.write(),
        Some(_) | None => yaml::write(value),
    }
}

/// Any value as YAML, for people to read.
#[must_use]
pub fn to_yaml(value: &Value) -> String {
    yaml::write(value)
}

/// A document as JSON.
///
/// # Errors
/// The line, from 1 (0 where no line is to blame), and a sentence that says what is wrong.
pub fn to_json(text: &str) -> Result<Value, (u32, String)> {
    yaml::parse(text)?.into_value()
}
