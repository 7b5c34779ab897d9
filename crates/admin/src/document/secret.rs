//! What the door shows to upstreams, by name.

use schemars::JsonSchema;
use serde_json::{Map, Value};

/// A secret: where its value is, never the value.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Secret {
    /// The person or team who answers for it.
    owner: String,
    /// What it is for.
    description: Option<String>,
    /// `store`, or `{env: VARIABLE}`, `{file: /path}`, `{vault: {…}}`; see docs/secrets.md.
    source: Source,
}

#[derive(JsonSchema)]
#[serde(untagged)]
enum Source {
    Store(String),
    Elsewhere(Map<String, Value>),
}
