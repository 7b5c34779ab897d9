//! What an operation takes, one by one: where it is sent, and how it is given on the command line.

use admin::About;
use serde_json::Value;

/// One thing that is given to an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// As it is sent: `request_id`.
    pub(super) name: String,
    /// As it is given: `request-id`.
    pub(super) option: String,
    /// Where it is sent.
    pub(super) place: Place,
    /// How it is given.
    pub(super) form: Form,
    /// What it is.
    pub(super) help: String,
    /// Whether the operation cannot do without it.
    pub(super) is_required: bool,
}

/// Where a field is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A member of the body.
    Body,
    /// A header.
    Header,
    /// A part of the path.
    Path,
    /// A pair of the query.
    Query,
}

/// How a field is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// One of these words.
    Choice(Vec<String>),
    /// By a file that holds it: too long for the command line, or not fit to be seen there.
    Content,
    /// Yes or no.
    Flag,
    /// A whole number.
    Number,
    /// Any text.
    Text,
    /// Texts, one for each time that it is given.
    Texts,
    /// Only within the body's file.
    Within,
}

/// Members of bodies that are given by a file: operation and member.
const CONTENTS: [(&str, &str); 3] = [
    ("add_secret_version", "value"),
    ("import_collection", "document"),
    ("report_found_credential", "key"),
];
/// Those of them that nobody may see: they come by the standard input where no file has them.
const UNSEEN: [&str; 2] = ["key", "value"];
/// What every command has of its own.
const TAKEN: [&str; 6] = ["all", "file", "help", "json", "url", "version"];

impl Field {
    /// Its name among what was found on the command line.
    pub(super) fn id(&self) -> String {
        format!("{:?}.{}", self.place, self.name)
    }

    /// Whether nobody may see it: it comes by the standard input where no file has it.
    pub(super) fn is_unseen(&self) -> bool {
        self.form == Form::Content && UNSEEN.contains(&self.name.as_str())
    }
}

/// Everything that `about` takes: of the path, in its order, then of the query, the headers and the body.
pub(super) fn fields(about: &About) -> Vec<Field> {
    let mut fields: Vec<Field> = members(&about.parameters)
        .map(|(name, schema)| {
            let place = match about.place(name) {
                "path" => Place::Path,
                "header" => Place::Header,
                _ => Place::Query,
            };
            let is_required = place == Place::Path || is_required(&about.parameters, name);
            field(about, (name, schema), place, is_required)
        })
        .collect();
    fields.sort_by_key(|it| match it.place {
        Place::Path => about.segments().position(|part| part == format!("{{{}}}", it.name)),
        Place::Query | Place::Header | Place::Body => Some(usize::MAX),
    });
    if let Some(body) = &about.body {
        let members = members(body);
        fields.extend(members.map(|(name, schema)| {
            field(about, (name, schema), Place::Body, is_required(body, name))
        }));
    }
    fields
}

fn members(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().map(|(name, schema)| (name.as_str(), schema))
}

fn is_required(schema: &Value, name: &str) -> bool {
    let required = schema.get("required").and_then(Value::as_array);
    required.is_some_and(|it| it.iter().any(|it| it == name))
}

fn field(about: &About, member: (&str, &Value), place: Place, is_required: bool) -> Field {
    let (name, schema) = member;
    let kebab = name.to_ascii_lowercase().replace('_', "-");
    let form = match place {
        Place::Body if CONTENTS.contains(&(about.name, name)) => Form::Content,
        Place::Body | Place::Header | Place::Path | Place::Query => form(schema),
    };
    let option = match form {
        Form::Content => format!("{kebab}-file"),
        // The door's own --url must never be taken for an upstream's, or the other way round.
        _ if TAKEN.contains(&kebab.as_str()) => format!("{}-{kebab}", about.command[0]),
        _ => kebab,
    };
    let help = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let help = help.replace('\n', " ").replace('`', "");
    let help = help.strip_suffix('.').unwrap_or(&help).to_owned();
    Field { name: name.to_owned(), option, place, form, help, is_required }
}

/// How a value with this schema is given.
fn form(schema: &Value) -> Form {
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        let words = choices.iter().filter_map(Value::as_str).map(ToOwned::to_owned);
        return Form::Choice(words.collect());
    }
    if let Some(several) = schema.get("oneOf").or_else(|| schema.get("anyOf")) {
        let several: Vec<&Value> = several.as_array().into_iter().flatten().collect();
        let constants = several.iter().filter_map(|it| it.get("const").and_then(Value::as_str));
        let constants: Vec<String> = constants.map(ToOwned::to_owned).collect();
        if !constants.is_empty() && constants.len() == several.len() {
            return Form::Choice(constants);
        }
        // Of several shapes the plain one can be typed.
        let forms = several.into_iter().map(form);
        return forms.into_iter().find(|it| *it != Form::Within).unwrap_or(Form::Within);
    }
    match word(schema) {
        Some("boolean") => Form::Flag,
        Some("integer") => Form::Number,
        Some("string") => Form::Text,
        Some("array") => match schema.get("items").map(form) {
            Some(Form::Text | Form::Choice(_)) => Form::Texts,
            _ => Form::Within,
        },
        _ => Form::Within,
    }
}

/// The type, but for null: what may be left away is simply not given.
fn word(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(word) => Some(word),
        Value::Array(words) => words.iter().filter_map(Value::as_str).find(|it| *it != "null"),
        _ => None,
    }
}

/// Whether a value with this schema fits into a line.
pub(super) fn is_short(schema: &Value) -> bool {
    !matches!(form(schema), Form::Texts | Form::Within)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(operation: &str) -> Vec<(String, Form, bool)> {
        let about = admin::operations().into_iter().find(|it| it.name == operation).unwrap();
        fields(&about).into_iter().map(|it| (it.option, it.form, it.is_required)).collect()
    }

    #[test]
    fn a_schema_says_how_its_value_is_given() {
        for (schema, want) in [
            (json!({"type": "string"}), Form::Text),
            (json!({"type": ["string", "null"]}), Form::Text),
            (json!({"type": ["integer", "null"]}), Form::Number),
            (json!({"type": "boolean"}), Form::Flag),
            (
                json!({"type": ["string", "null"], "enum": ["a", null]}),
                Form::Choice(vec!["a".into()]),
            ),
            (
                json!({"oneOf": [{"const": "a"}, {"const": "b"}]}),
                Form::Choice(vec!["a".into(), "b".into()]),
            ),
            (json!({"anyOf": [{"type": "object"}, {"type": "string"}]}), Form::Text),
            (json!({"type": "array", "items": {"type": "string"}}), Form::Texts),
            (json!({"type": "array", "items": {"type": "object"}}), Form::Within),
            (json!({"type": "object"}), Form::Within),
            (json!(true), Form::Within),
        ] {
            assert_eq!(form(&schema), want, "{schema}");
        }
    }

    #[test]
    fn a_secret_is_never_given_on_the_command_line() {
        assert_eq!(found("add_secret_version")[1], ("value-file".into(), Form::Content, true));
        let found = found("report_found_credential");
        assert_eq!(found[0], ("key-file".into(), Form::Content, true));
    }

    #[test]
    fn the_url_of_an_upstream_is_not_taken_for_that_of_the_door() {
        let fields = found("put_upstream");
        assert!(fields.iter().any(|it| it.0 == "upstream-url"), "{fields:?}");
        assert!(fields.iter().all(|it| it.0 != "url"), "{fields:?}");
    }

    #[test]
    fn parameters_of_the_path_come_first_in_its_order() {
        let names: Vec<_> = found("set_secret_version_state").into_iter().map(|it| it.0).collect();
        assert_eq!(names, ["id", "secret-version", "state", "reason"]);
    }
}
