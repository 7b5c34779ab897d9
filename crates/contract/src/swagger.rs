//! Swagger 2.0 to OpenAPI 3.0, before anything else looks at it.

mod parameter;
mod schema;
mod security;

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::{
    error::{Warnings, quoted},
    reference::{References, escape},
};
use parameter::Place;

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

/// Keys of an operation, a path or a document that mean the same in 3.0.
const KEPT: [&str; 7] =
    ["description", "summary", "tags", "externalDocs", "operationId", "deprecated", "security"];

/// What converting needs to know of the whole document.
#[derive(Debug)]
struct Conversion<'a> {
    references: References<'a>,
    consumes: Vec<&'a str>,
    produces: Vec<&'a str>,
}

/// The same document in version 3.0. What is wrong in it stays wrong, for the reader to name.
///
/// `root` is the mapping that `whole` is.
pub(crate) fn convert(whole: &Value, root: &Map<String, Value>, warnings: &mut Warnings) -> Value {
    let conversion = Conversion {
        references: References::new(whole),
        consumes: texts(root.get("consumes")),
        produces: texts(root.get("produces")),
    };
    let mut document = Map::new();
    document.insert("openapi".to_owned(), json!("3.0.3"));
    for key in ["info", "tags", "externalDocs", "security"] {
        copy(root, key, &mut document);
    }
    document.insert("servers".to_owned(), servers(root));
    let mut paths = Map::new();
    for (path, item) in object(root.get("paths")) {
        let pointer = format!("/paths/{}", escape(path));
        paths.insert(path.clone(), conversion.path(item, &pointer, warnings));
    }
    document.insert("paths".to_owned(), Value::Object(paths));
    document.insert("components".to_owned(), conversion.components(root, warnings));
    Value::Object(document)
}

impl<'a> Conversion<'a> {
    fn path(&self, item: &Value, pointer: &str, warnings: &mut Warnings) -> Value {
        let Value::Object(item) = item else { return item.clone() };
        let mut converted = Map::new();
        copy(item, "$ref", &mut converted);
        let shared = item.get("parameters").and_then(Value::as_array);
        for key in METHODS {
            let Some(operation) = item.get(key) else { continue };
            let pointer = format!("{pointer}/{key}");
            let operation = match operation {
                Value::Object(operation) => self.operation(operation, shared, &pointer, warnings),
                other => other.clone(),
            };
            converted.insert(key.to_owned(), operation);
        }
        Value::Object(converted)
    }

    fn operation(
        &self,
        operation: &Map<String, Value>,
        shared: Option<&Vec<Value>>,
        pointer: &str,
        warnings: &mut Warnings,
    ) -> Value {
        let mut converted = Map::new();
        for key in KEPT {
            copy(operation, key, &mut converted);
        }
        let own = operation.get("parameters").and_then(Value::as_array);
        let mut parameters = Vec::new();
        let mut form = Vec::new();
        let mut body = None;
        for parameter in self.merged(shared, own) {
            let resolved = match self.references.resolve(parameter) {
                Ok(Value::Object(resolved)) => resolved,
                Ok(_) => {
                    warnings.add(pointer, "a parameter is ignored: no mapping");
                    continue;
                }
                Err(fault) => {
                    warnings.add(pointer, format!("a parameter is ignored: {fault}"));
                    continue;
                }
            };
            match parameter::place(resolved) {
                Place::Body => body = Some(resolved),
                Place::Form => form.push(resolved),
                Place::Other => parameters.push(parameter::convert(resolved, pointer, warnings)),
            }
        }
        if !parameters.is_empty() {
            converted.insert("parameters".to_owned(), Value::Array(parameters));
        }
        let consumes =
            operation.get("consumes").map_or(self.consumes.clone(), |it| texts(Some(it)));
        if body.is_some() && !form.is_empty() {
            warnings.add(pointer, "the form is ignored: there is a body as well");
        }
        let body = match body {
            Some(body) => Some(parameter::body(body, &consumes)),
            None if form.is_empty() => None,
            None => Some(parameter::form(&form, &consumes, pointer, warnings)),
        };
        if let Some(body) = body {
            converted.insert("requestBody".to_owned(), body);
        }
        let produces =
            operation.get("produces").map_or(self.produces.clone(), |it| texts(Some(it)));
        let mut responses = Map::new();
        for (status, response) in object(operation.get("responses")) {
            responses.insert(status.clone(), self.response(response, &produces));
        }
        converted.insert("responses".to_owned(), Value::Object(responses));
        Value::Object(converted)
    }

    /// The parameters of a path and of its operation; those of the operation replace the others.
    fn merged<'v>(
        &self,
        shared: Option<&'v Vec<Value>>,
        own: Option<&'v Vec<Value>>,
    ) -> Vec<&'v Value>
    where
        'a: 'v,
    {
        let key = |value: &'v Value| {
            let value = self.references.resolve(value).ok()?;
            let text = |key: &str| value.get(key).and_then(Value::as_str);
            Some((text("in")?.to_owned(), text("name")?.to_owned()))
        };
        let own: Vec<&Value> = own.into_iter().flatten().collect();
        let taken: HashSet<_> = own.iter().filter_map(|it| key(it)).collect();
        let shared = shared.into_iter().flatten();
        let shared = shared.filter(|it| key(it).is_none_or(|it| !taken.contains(&it)));
        shared.chain(own).collect()
    }

    fn response(&self, response: &Value, produces: &[&str]) -> Value {
        let Ok(Value::Object(response)) = self.references.resolve(response) else {
            return schema::convert(response);
        };
        let mut converted = Map::new();
        converted.insert("description".to_owned(), json!(""));
        copy(response, "description", &mut converted);
        let examples = response.get("examples").and_then(Value::as_object);
        if let Some(schema) = response.get("schema") {
            let default = if schema.get("type") == Some(&json!("file")) {
                "application/octet-stream"
            } else {
                "application/json"
            };
            let types = if produces.is_empty() { &[default] } else { produces };
            let mut content = Map::new();
            for media_type in types {
                let mut media = Map::new();
                media.insert("schema".to_owned(), schema::convert(schema));
                let example = examples.and_then(|it| it.get(*media_type)).cloned();
                media.extend(example.map(|it| ("example".to_owned(), it)));
                content.insert((*media_type).to_owned(), Value::Object(media));
            }
            converted.insert("content".to_owned(), Value::Object(content));
        }
        let mut headers = Map::new();
        for (name, header) in object(response.get("headers")) {
            headers.insert(name.clone(), parameter::header(header));
        }
        if !headers.is_empty() {
            converted.insert("headers".to_owned(), Value::Object(headers));
        }
        Value::Object(converted)
    }

    /// Shared parameters and responses have been put where they are used: what media types they
    /// have depends on the operation.
    fn components(&self, root: &Map<String, Value>, warnings: &mut Warnings) -> Value {
        let mut components = Map::new();
        let mut schemas = Map::new();
        for (name, definition) in object(root.get("definitions")) {
            schemas.insert(name.clone(), schema::convert(definition));
        }
        components.insert("schemas".to_owned(), Value::Object(schemas));
        let mut schemes = Map::new();
        for (name, scheme) in object(root.get("securityDefinitions")) {
            match security::convert(scheme) {
                Some(scheme) => {
                    schemes.insert(name.clone(), scheme);
                }
                None => warnings.add(
                    &format!("/securityDefinitions/{}", escape(name)),
                    format!("the unknown security scheme {} is ignored", quoted(name)),
                ),
            }
        }
        components.insert("securitySchemes".to_owned(), Value::Object(schemes));
        Value::Object(components)
    }
}

fn servers(root: &Map<String, Value>) -> Value {
    let base = root.get("basePath").and_then(Value::as_str).unwrap_or_default();
    let base = base.trim_end_matches('/');
    let Some(host) = root.get("host").and_then(Value::as_str) else {
        return json!([{ "url": if base.is_empty() { "/" } else { base } }]);
    };
    let schemes = texts(root.get("schemes"));
    let schemes = if schemes.is_empty() { vec!["https"] } else { schemes };
    let servers = schemes.iter().map(|scheme| json!({"url": format!("{scheme}://{host}{base}")}));
    Value::Array(servers.collect())
}

fn object(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

fn texts(value: Option<&Value>) -> Vec<&str> {
    let values = value.and_then(Value::as_array).into_iter().flatten();
    values.filter_map(Value::as_str).collect()
}

fn copy(from: &Map<String, Value>, key: &str, to: &mut Map<String, Value>) {
    if let Some(value) = from.get(key) {
        to.insert(key.to_owned(), value.clone());
    }
}
