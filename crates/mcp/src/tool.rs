//! A tool as clients see it.

use http::Method;
use model::Effect;
use serde::Serialize;
use serde_json::{Value, value::RawValue};

/// A tool as clients see it. One text serves all revisions: those that do not know a member
/// ignore it.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tool<'a> {
    /// Its name: `^[a-zA-Z0-9_-]{1,64}$`.
    pub name: &'a str,
    /// Its name, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<&'a str>,
    /// What it does, for the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    /// The schema of its arguments, an object at the root.
    pub input_schema: &'a Value,
    /// The schema of its structured results, an object at the root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<&'a Value>,
    /// Hints about what it does to the world.
    pub annotations: Annotations,
}

impl Tool<'_> {
    /// Writes it once, for every list that it will be in.
    ///
    /// # Errors
    /// None that a schema made of JSON values can cause.
    pub fn to_json(&self) -> Result<Box<RawValue>, serde_json::Error> {
        serde_json::value::to_raw_value(self)
    }
}

/// Hints about what a tool does to the world. All four are said: the defaults are the worst case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "the protocol's four independent hints")]
pub struct Annotations {
    /// It changes nothing.
    pub read_only_hint: bool,
    /// It may take something away.
    pub destructive_hint: bool,
    /// Twice does no more than once.
    pub idempotent_hint: bool,
    /// It deals with things beyond the door.
    pub open_world_hint: bool,
}

impl Annotations {
    /// What the operation's effect and method promise; the effect wins.
    #[must_use]
    pub fn of(effect: Effect, method: &Method) -> Self {
        // RFC 9110 section 9.2.2, and QUERY, which is safe by its own definition.
        let is_idempotent = matches!(
            method.as_str(),
            "GET" | "HEAD" | "OPTIONS" | "TRACE" | "QUERY" | "PUT" | "DELETE"
        );
        Self {
            read_only_hint: effect == Effect::Read,
            destructive_hint: effect == Effect::Destructive,
            idempotent_hint: is_idempotent || effect == Effect::Read,
            open_world_hint: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_effect_decides_the_hints_and_the_method_only_idempotence() {
        let table = [
            // effect, method, read only, destructive, idempotent
            (Effect::Read, "GET", true, false, true),
            (Effect::Read, "POST", true, false, true),
            (Effect::Write, "POST", false, false, false),
            (Effect::Write, "PATCH", false, false, false),
            (Effect::Write, "PUT", false, false, true),
            (Effect::Destructive, "DELETE", false, true, true),
            (Effect::Destructive, "POST", false, true, false),
            (Effect::Destructive, "PURGE", false, true, false),
        ];
        for (effect, method, read_only_hint, destructive_hint, idempotent_hint) in table {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let want = Annotations {
                read_only_hint,
                destructive_hint,
                idempotent_hint,
                open_world_hint: true,
            };
            assert_eq!(Annotations::of(effect, &method), want, "{effect:?} {method}");
        }
    }

    #[test]
    fn a_tool_says_only_what_there_is_to_say() {
        let schema = json!({"type": "object"});
        let tool = Tool {
            name: "orders_get",
            title: None,
            description: Some("reads an order"),
            input_schema: &schema,
            output_schema: None,
            annotations: Annotations::of(Effect::Read, &Method::GET),
        };
        insta::assert_snapshot!(tool.to_json().unwrap().get(), @r#"{"name":"orders_get","description":"reads an order","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true,"destructiveHint":false,"idempotentHint":true,"openWorldHint":true}}"#);
    }
}
