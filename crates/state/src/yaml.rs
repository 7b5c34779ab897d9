//! YAML in and out: the one place that knows the parser, and the bounds it works within.

use serde::de::{Deserialize, DeserializeSeed};
use serde_json::Value;
use serde_saphyr::{
    DefaultMessageFormatter, DuplicateKeyPolicy, Error, MessageFormatter, NonFiniteFloatPolicy,
    Options,
};

use crate::{node::Node, openapi::StrictValue};

/// Biggest document of state; an OpenAPI document has a file and a bound of its own.
const BYTES_MAX: usize = 4 << 20;

/// Why a text is no document: the line, from 1 (0 where none is to blame), and a sentence.
pub(crate) type Flaw = (u32, String);

/// How much a text may unfold to.
struct Bounds {
    depth: usize,
    nodes: usize,
    aliases: usize,
    replayed: usize,
}

const STATE: Bounds = Bounds { depth: 64, nodes: 250_000, aliases: 1_000, replayed: 100_000 };
const OPENAPI: Bounds =
    Bounds { depth: 96, nodes: 2_000_000, aliases: 20_000, replayed: 1_000_000 };

/// Reads a document of state, with its lines.
pub(crate) fn parse(text: &str) -> Result<Node, Flaw> {
    if text.len() > BYTES_MAX {
        let message = format!("{} bytes are more than {BYTES_MAX} for one document", text.len());
        return Err((0, message));
    }
    let options = options(&STATE, DuplicateKeyPolicy::PassThrough);
    serde_saphyr::with_deserializer_from_str_with_options(text, options, |it| Node::deserialize(it))
        .map_err(|it| flaw(&it))
}

/// Reads any YAML as JSON knows it.
pub(crate) fn parse_value(text: &str) -> Result<Value, Flaw> {
    let options = options(&OPENAPI, DuplicateKeyPolicy::Error);
    serde_saphyr::with_deserializer_from_str_with_options(text, options, |it| {
        StrictValue::new().deserialize(it)
    })
    .map_err(|it| flaw(&it))
}

/// Writes a value in its one form.
pub(crate) fn write(value: &Value) -> String {
    let options = serde_saphyr::ser_options! { compact_list_indent: false };
    // JSON is YAML too, should the writer ever find something that it cannot say.
    serde_saphyr::to_string_with_options(value, options).unwrap_or_else(|_| format!("{value}\n"))
}

fn options(bounds: &Bounds, duplicate_keys: DuplicateKeyPolicy) -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: bounds.depth,
            flow_nesting_limit: bounds.depth,
            max_nodes: bounds.nodes,
            max_events: bounds.nodes.saturating_mul(3),
            max_aliases: bounds.aliases,
            max_anchors: bounds.aliases,
            max_merge_keys: bounds.aliases,
            max_recorded_anchor_events: bounds.replayed,
            max_recorded_anchor_bytes: BYTES_MAX,
            max_documents: 1,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: bounds.replayed,
            max_replay_stack_depth: 16,
        },
        duplicate_keys: duplicate_keys,
        // `no` and `on` are words; only true and false are facts.
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        non_finite_float_policy: NonFiniteFloatPolicy::Reject,
        with_snippet: false,
    }
}

fn flaw(error: &Error) -> Flaw {
    let line = error.location().map_or(0, |it| u32::try_from(it.line()).unwrap_or(u32::MAX));
    let message = match error.without_snippet() {
        // A key like `~:` or an empty one.
        Error::NullIntoString { .. } => "a key without a name".into(),
        Error::AliasError { error, .. } => DefaultMessageFormatter.format_message(error),
        error => DefaultMessageFormatter.format_message(error),
    };
    (line, message.chars().take(300).flat_map(char::escape_debug).collect())
}
