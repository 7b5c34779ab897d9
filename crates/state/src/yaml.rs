//! YAML in and out: the one place that knows the parser, and the bounds it works within.

mod compose;
mod scalar;

use serde_json::Value;

use crate::node::Node;

/// Biggest document of state; an OpenAPI document has a file and a bound of its own.
const BYTES_MAX: usize = 4 << 20;

/// Why a text is no document: the line, from 1 (0 where none is to blame), and a sentence.
pub(crate) type Flaw = (u32, String);

/// How much a text may unfold to.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Lists and mappings within each other.
    depth: usize,
    /// Values in the text.
    nodes: usize,
    /// What anchors, aliases and merge keys may copy: values, and text in pieces of 32 bytes.
    copies: usize,
}

const STATE: Bounds = Bounds { depth: 64, nodes: 250_000, copies: 100_000 };
const OPENAPI: Bounds = Bounds { depth: 96, nodes: 1_000_000, copies: 1_000_000 };

/// Reads a document of state, with its lines.
pub(crate) fn parse(text: &str) -> Result<Node, Flaw> {
    if text.len() > BYTES_MAX {
        let message = format!("{} bytes are more than {BYTES_MAX} for one document", text.len());
        return Err((0, message));
    }
    compose::compose(text, STATE)
}

/// Reads any YAML as JSON knows it.
pub(crate) fn parse_value(text: &str) -> Result<Value, Flaw> {
    compose::compose(text, OPENAPI)?.into_value()
}

/// Writes a value in its one form.
pub(crate) fn write(value: &Value) -> String {
    let options = serde_saphyr::ser_options! { compact_list_indent: false };
    // JSON is YAML too, should the writer ever find something that it cannot say.
    serde_saphyr::to_string_with_options(value, options).unwrap_or_else(|_| format!("{value}\n"))
}
