//! The list of operations as an OpenAPI 3.1 document.

use serde_json::{Map, Value, json};

use crate::{About, failure, schema};

/// What the pipeline itself may answer, before the operation is carried out.
const REFUSED: [(u16, &str); 6] = [
    (401, "No credential, or one that is not good."),
    (405, "Not with this method."),
    (413, "The body is too large."),
    (415, "The body is not JSON."),
    (429, "A limit is reached: Retry-After says how long to wait."),
    (431, "The head of the request is too large."),
];

/// The document of `operations`, under this title and description.
pub(crate) fn document((title, description): (&str, &str), operations: &[About]) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for about in operations {
        let path = paths.entry(about.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(about.method.as_str().to_ascii_lowercase(), operation(about));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": "1",
            "description": description,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, or a token of a trusted issuer."},
            },
            "schemas": {"Problem": schema::of::<failure::Problem>()},
            "responses": {"Problem": {
                "description": "It was refused, or could not be carried out.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }},
        },
    })
}

fn operation(about: &About) -> Value {
    let mut operation = json!({
        "operationId": about.name,
        "summary": about.summary,
        "tags": [about.command[0]],
        "parameters": parameters(about),
        "responses": responses(about),
    });
    let Some(fields) = operation.as_object_mut() else { return operation };
    if !about.description.is_empty() {
        fields.insert("description".to_owned(), Value::from(about.description));
    }
    if let Some(body) = &about.body {
        let content = json!({"application/json": {"schema": body}});
        fields.insert("requestBody".to_owned(), json!({"required": true, "content": content}));
    }
    operation
}

fn parameters(about: &About) -> Vec<Value> {
    let properties = about.parameters.get("properties").and_then(Value::as_object);
    let required = about.parameters.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|it| it.iter().any(|it| it == name));
    let parameters = properties.into_iter().flatten().map(|(name, schema)| {
        let place = about.place(name);
        let mut schema = schema.clone();
        let description = schema.as_object_mut().and_then(|it| it.remove("description"));
        json!({
            "name": name,
            "in": place,
            "required": place == "path" || is_required(name),
            "description": description.unwrap_or_default(),
            "schema": without_null(schema),
        })
    });
    parameters.collect()
}

/// What may be left away is simply not sent: there is no null in a query.
fn without_null(mut schema: Value) -> Value {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|it| it != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            if let Some(object) = schema.as_object_mut() {
                object.insert("type".to_owned(), one);
            }
        }
    }
    schema
}

fn responses(about: &About) -> Value {
    let mut responses = Map::new();
    let done = json!({
        "description": "Done.",
        "content": {"application/json": {"schema": about.output}},
    });
    responses.insert(about.status.as_str().to_owned(), done);
    for (status, _) in REFUSED.iter().chain(&failure::STATUSES) {
        let problem = json!({"$ref": "#/components/responses/Problem"});
        responses.insert(status.to_string(), problem);
    }
    Value::Object(responses)
}
