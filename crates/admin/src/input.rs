//! What was sent, as one object for the parameters and one value for the body.

use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use crate::{
    Call,
    failure::{Failure, Flaw},
    operation::{About, HEADERS},
    schema::FLAWS_MAX,
};

/// The parameters of path, query and header, by name, as the types that their schema asks for.
///
/// # Errors
/// `Invalid` for a parameter that is given twice, or in the wrong place.
pub(crate) fn parameters(about: &About, call: &Call) -> Result<Value, Failure> {
    let mut found = Map::new();
    let mut flaws = Vec::new();
    let mut add = |place: &str, name: &str, text: &str| {
        let field = format!("parameters.{name}");
        if place != about.place(name) {
            let help = format!("it belongs in the {}", about.place(name));
            flaws.push(Flaw { field, message: format!("not taken from the {place}"), help });
        } else if found.insert(name.to_owned(), typed(about, name, text)).is_some() {
            let (message, help) = ("given twice".to_owned(), "give it once".to_owned());
            flaws.push(Flaw { field, message, help });
        }
    };
    for (part, template) in call.path.split('/').skip(1).zip(about.segments()) {
        if let Some(name) = template.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
            add("path", name, &decoded(part));
        }
    }
    for (name, value) in &call.query {
        add("query", name, value.as_deref().unwrap_or_default());
    }
    for name in HEADERS.into_iter().filter(|it| has_parameter(about, it)) {
        for value in call.headers.get_all(name) {
            add("header", name, value.to_str().unwrap_or_default());
        }
    }
    if flaws.is_empty() { Ok(Value::Object(found)) } else { Err(Failure::Invalid(flaws)) }
}

/// The body as JSON; an empty object where the operation takes none.
///
/// # Errors
/// `Malformed` where it is not JSON, is missing, or is not taken.
pub(crate) fn body(about: &About, call: &Call) -> Result<Value, Failure> {
    if about.body.is_none() {
        let is_empty = call.body.iter().all(u8::is_ascii_whitespace);
        // `{}` is what some clients send where there is nothing to say.
        return if is_empty || &*call.body == b"{}" {
            Ok(Value::Object(Map::new()))
        } else {
            Err(Failure::Malformed("this operation takes no body".to_owned()))
        };
    }
    let media_type = call.headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let is_json = media_type.is_none_or(|it| {
        let it = it.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        it == "application/json" || it.ends_with("+json")
    });
    if !is_json {
        let detail = "the body must be JSON: send content-type: application/json";
        return Err(Failure::Malformed(detail.to_owned()));
    }
    serde_json::from_slice(&call.body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Failure::Malformed(format!("the body is not JSON: line {line}, column {column}"))
    })
}

/// Takes out what the operation does not know, and says so of each.
///
/// Where it was sent is not told: a tool has one place for all, and is told the same.
pub(crate) fn take_unknown(about: &About, parameters: &mut Value, body: &mut Value) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    for (root, value) in [("parameters", parameters), ("body", body)] {
        let Some(members) = value.as_object_mut() else { continue };
        let is_known = |name: &str| match root {
            "body" => has_field(about, name),
            _ => has_parameter(about, name),
        };
        let others = members.keys().filter(|it| !is_known(it)).take(FLAWS_MAX);
        flaws.extend(others.map(|name| unknown(about, root, name)));
        members.retain(|name, _| is_known(name));
    }
    flaws
}

fn unknown(about: &About, root: &str, name: &str) -> Flaw {
    let elsewhere = match root {
        "body" if has_parameter(about, name) => about.place(name),
        "parameters" if has_field(about, name) => "body",
        _ => {
            let names: Vec<_> =
                names(&about.parameters).chain(about.body.iter().flat_map(names)).collect();
            let help = match names.as_slice() {
                [] => "the operation takes nothing".to_owned(),
                names => format!("the operation takes {}", names.join(", ")),
            };
            return Flaw { field: name.to_owned(), message: "unknown".to_owned(), help };
        }
    };
    let place = if root == "body" { "body" } else { "query" };
    Flaw {
        field: format!("{root}.{name}"),
        message: format!("not taken from the {place}"),
        help: format!("it belongs in the {elsewhere}"),
    }
}

fn names(schema: &Value) -> impl Iterator<Item = &str> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().map(|it| it.0.as_str())
}

fn has_parameter(about: &About, name: &str) -> bool {
    names(&about.parameters).any(|it| it == name)
}

fn has_field(about: &About, name: &str) -> bool {
    about.body.iter().flat_map(names).any(|it| it == name)
}

/// Text as the number or boolean that the schema asks for; as text where it is neither.
fn typed(about: &About, name: &str, text: &str) -> Value {
    let schema = about.parameters.pointer("/properties").and_then(|it| it.get(name));
    let is_asked = |wanted: &str| match schema.and_then(|it| it.get("type")) {
        Some(Value::String(one)) => one == wanted,
        Some(Value::Array(several)) => several.iter().any(|it| it == wanted),
        _ => false,
    };
    if is_asked("integer")
        && let Ok(number) = text.parse::<u64>()
    {
        return Value::from(number);
    }
    if is_asked("boolean")
        && let Ok(truth) = text.parse::<bool>()
    {
        return Value::from(truth);
    }
    Value::from(text)
}

/// A part of a canonical path with its escapes undone.
fn decoded(part: &str) -> String {
    percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned()
}
