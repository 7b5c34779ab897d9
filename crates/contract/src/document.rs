//! An OpenAPI document and the operations in it.

use std::sync::Arc;

use http::Method;
use serde_json::Value;

use crate::{
    Error, Operation, Shown, Template, Warning,
    error::{Warnings, quoted},
    read, swagger, view,
};

/// Deepest nesting of a document.
const DEPTH_MAX: usize = 200;
/// Most servers that are told.
const SERVERS_MAX: usize = 16;

/// An OpenAPI document and the operations in it.
#[derive(Debug, Clone)]
pub struct Document {
    /// In version 3, whatever it was before.
    root: Arc<Value>,
    operations: Vec<Operation>,
    left_out: Vec<(Method, Template)>,
    warnings: Vec<Warning>,
}

impl Document {
    /// Reads a document of version 2.0, 3.0 or 3.1. What it refers to elsewhere is not fetched.
    ///
    /// What cannot be used is left out with a warning; the same document gives the same operations,
    /// to the byte.
    ///
    /// # Errors
    /// [`Error`] where it is no OpenAPI document, or beyond the bounds.
    pub fn read(value: &Arc<Value>) -> Result<Self, Error> {
        let Value::Object(map) = &**value else { return Err(Error::NotAMapping) };
        if is_deep(value) {
            return Err(Error::TooDeep { depth_max: DEPTH_MAX });
        }
        let mut warnings = Warnings::default();
        // A version without quotes is a number in YAML.
        let version = |key: &str| {
            map.get(key).map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned))
        };
        let root = match (version("openapi"), version("swagger")) {
            (Some(version), _) if version == "3" || version.starts_with("3.") => Arc::clone(value),
            (None, Some(version)) if version == "2.0" || version == "2" => {
                Arc::new(swagger::convert(value, map, &mut warnings))
            }
            (found, other) => {
                let found = found.or(other).map_or_else(|| "(none)".to_owned(), |it| quoted(&it));
                return Err(Error::Version { found });
            }
        };
        let read::Found { operations, left_out, warnings } = read::operations(&root, warnings)?;
        Ok(Self { root, operations, left_out, warnings: warnings.into_list() })
    }

    /// The operations, in the document's order.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The requests of what it describes and is none of [`Self::operations`], as far as they are known:
    /// they must not be taken for another one's, by a hole in its path.
    #[must_use]
    pub fn left_out(&self) -> &[(Method, Template)] {
        &self.left_out
    }

    /// What could not be used.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// What the document calls itself.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.root.pointer("/info/title").and_then(Value::as_str)
    }

    /// What the document says of itself.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.root.pointer("/info/description").and_then(Value::as_str)
    }

    /// Where the document says it is served, with the defaults of its variables filled in. Told to
    /// people only: an upstream is never taken from a document.
    #[must_use]
    pub fn servers(&self) -> Vec<String> {
        let servers = self.root.get("servers").and_then(Value::as_array).into_iter().flatten();
        servers.filter_map(server).take(SERVERS_MAX).collect()
    }

    /// The same document as one caller sees it: `shown` operations, served at `base_url`, with the
    /// door's credentials instead of the upstream's, and no word of anything else.
    #[must_use]
    pub fn view(&self, base_url: &str, shown: &[Shown<'_>]) -> Value {
        view::view(&self.root, &self.operations, base_url, shown)
    }
}

fn server(server: &Value) -> Option<String> {
    let mut url = server.get("url")?.as_str()?.to_owned();
    for (name, variable) in server.get("variables").and_then(Value::as_object).into_iter().flatten()
    {
        let default = variable.get("default").and_then(Value::as_str)?;
        url = url.replace(&format!("{{{name}}}"), default);
        if url.len() > 2048 {
            return None;
        }
    }
    Some(url)
}

/// Whether it nests deeper than can be walked by recursion.
fn is_deep(value: &Value) -> bool {
    let mut open = vec![(value, 0_usize)];
    while let Some((value, depth)) = open.pop() {
        if depth > DEPTH_MAX {
            return true;
        }
        let next = depth.saturating_add(1);
        match value {
            Value::Array(values) => open.extend(values.iter().map(|it| (it, next))),
            Value::Object(map) => open.extend(map.values().map(|it| (it, next))),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    false
}
