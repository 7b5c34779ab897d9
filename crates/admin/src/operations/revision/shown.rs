//! Revisions and changes as they are shown: never the HMAC of a key or the hash of a password.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use state::Kind;

use crate::working::hidden;

/// A revision.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Summary {
    /// Its number.
    number: u64,
    /// When it was made.
    at: String,
    /// Who made it.
    author: String,
    /// Why, in the author's words.
    reason: String,
    /// The request that made it, as its record has it.
    request_id: String,
    /// How many things it changed.
    changed: u32,
}

impl From<store::Revision> for Summary {
    fn from(revision: store::Revision) -> Self {
        let store::Revision { number, at, author, reason, request_id, changed } = revision;
        Self { number, at: at.to_string(), author, reason, request_id, changed }
    }
}

/// One thing that is different.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Difference {
    /// The document, or the version of a secret.
    pub(crate) path: String,
    /// `added`, `changed` or `removed`.
    pub(crate) action: &'static str,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<String>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<String>,
}

impl Difference {
    /// What is different at `path`.
    pub(crate) fn new(path: String, before: Option<String>, after: Option<String>) -> Self {
        let action = match (&before, &after) {
            (None, _) => "added",
            (Some(_), Some(_)) => "changed",
            (Some(_), None) => "removed",
        };
        let kind = Kind::of_path(&path).map(|(kind, _)| kind);
        let shown = |text: String| match kind.and_then(hidden) {
            Some(name) => without(name, &text),
            None => text,
        };
        Self { action, before: before.map(shown), after: after.map(shown), path }
    }
}

impl From<store::Change> for Difference {
    fn from(change: store::Change) -> Self {
        let store::Change { path, before, after } = change;
        Self::new(path, before, after)
    }
}

/// The text of a document without the member `name`, however it is written.
fn without(name: &str, text: &str) -> String {
    let found = state::to_json(text).ok().and_then(|it| it.get(name)?.as_str().map(str::to_owned));
    match found {
        // It is written with escapes.
        Some(found) if !text.contains(&found) => "(hidden)\n".to_owned(),
        Some(found) => without_hmac(&text.replace(&found, "(hidden)")),
        None => without_hmac(text),
    }
}

/// The text with each long run of hexadecimal digits hidden.
fn without_hmac(text: &str) -> String {
    const DIGITS_MIN: usize = 32;
    let mut shown = String::with_capacity(text.len());
    let mut run = String::new();
    for character in text.chars().chain(['\n']) {
        if character.is_ascii_hexdigit() {
            run.push(character);
            continue;
        }
        if run.len() >= DIGITS_MIN {
            shown.push_str("(hidden)");
        } else {
            shown.push_str(&run);
        }
        run.clear();
        shown.push(character);
    }
    shown.pop();
    shown
}

/// Which page.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paging {
    /// Goes on behind the page that ended with this `next`.
    pub(crate) cursor: Option<u64>,
    /// Most entries of a page; 100 where it is not said.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) limit: Option<u16>,
}

/// Which revision.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ByNumber {
    /// Its number.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_u64))]
    pub(crate) number: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hmac_of_a_key_is_hidden_however_it_is_written() {
        let hmac = "3f2a9c0d5b7e1846a0c3d9e2f5b81c7d4e6a90b2c8d1f3e5a7b9c0d2e4f60819";
        for text in [format!("hmac: {hmac}\n"), format!("{{\"hmac\":\"{hmac}\"}}"), hmac.into()] {
            let shown = without_hmac(&text);
            assert!(!shown.contains(hmac.get(..8).unwrap()), "{shown}");
            assert!(shown.contains("(hidden)"), "{shown}");
        }
        assert_eq!(without_hmac("created: 2026-11-23\n"), "created: 2026-11-23\n");
    }
}
