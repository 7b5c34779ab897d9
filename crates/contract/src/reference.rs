//! Follows `$ref` within one document. Never leaves it: nothing is fetched.

use model::Path;
use serde_json::Value;

/// Longest chain of references to references.
const CHAIN_MAX: usize = 32;

/// Why a reference leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unresolved {
    #[error("a `$ref` that leads back to itself")]
    Cycle,
    #[error("a `$ref` to another document, which is not fetched: bundle it into this one")]
    External,
    #[error("a `$ref` to something that is not in the document")]
    Missing,
}

/// A document, for looking up what its references mean.
#[derive(Debug, Clone, Copy)]
pub(crate) struct References<'a> {
    root: &'a Value,
}

impl<'a> References<'a> {
    pub(crate) fn new(root: &'a Value) -> Self {
        Self { root }
    }

    /// What `value` is in the end, where it is a reference; itself where it is none.
    pub(crate) fn resolve(self, value: &'a Value) -> Result<&'a Value, Unresolved> {
        let mut value = value;
        for _ in 0..CHAIN_MAX {
            match target(value) {
                Some(reference) => value = self.look_up(reference)?,
                None => return Ok(value),
            }
        }
        Err(Unresolved::Cycle)
    }

    /// What `reference` points to: `#/components/schemas/Pet`.
    pub(crate) fn look_up(self, reference: &str) -> Result<&'a Value, Unresolved> {
        let Some(fragment) = reference.strip_prefix('#') else { return Err(Unresolved::External) };
        // The fragment of a URI is percent-encoded; the pointer in it is not.
        self.root.pointer(&Path::decode(fragment)).ok_or(Unresolved::Missing)
    }
}

/// The reference that `value` is, if it is one.
pub(crate) fn target(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str()
}

/// One step of a JSON pointer.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reference_is_followed_within_the_document_only() {
        let root = json!({
            "a": {"$ref": "#/b~1c"}, "b/c": {"$ref": "#/d%20e"}, "d e": 1,
            "loop": {"$ref": "#/loop"}, "file": {"$ref": "other.yaml#/a"},
            "url": {"$ref": "http://127.0.0.1/x"}, "gone": {"$ref": "#/nowhere"},
            "anchor": {"$ref": "#name"}, "property": {"$ref": {"type": "string"}}
        });
        let references = References::new(&root);
        for (key, want) in [
            ("a", Ok(json!(1))),
            ("loop", Err(Unresolved::Cycle)),
            ("file", Err(Unresolved::External)),
            ("url", Err(Unresolved::External)),
            ("gone", Err(Unresolved::Missing)),
            ("anchor", Err(Unresolved::Missing)),
            ("property", Ok(json!({"$ref": {"type": "string"}}))),
        ] {
            assert_eq!(references.resolve(&root[key]).cloned(), want, "{key}");
        }
    }
}
