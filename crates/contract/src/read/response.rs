//! What an operation answers with: which media type is asked for, and the schema of its JSON.

use http::HeaderValue;
use serde_json::{Map, Value, json};

use super::{
    Context, Entry,
    body::{essence, is_json},
};
use crate::{Error, schema::Side};

/// Most media types that are asked for.
const ACCEPT_MAX: usize = 5;

/// What is known of an operation's answer.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    /// What is asked for.
    pub(super) accept: HeaderValue,
    /// The schema of every answer that succeeds, if they are all JSON and of one schema.
    pub(super) schema: Option<&'a Value>,
}

impl<'a> Context<'a> {
    /// Reads the answers of success: those of 2xx, and `default` only where there is none.
    pub(super) fn answer(&mut self, entry: &Entry<'a>) -> Answer<'a> {
        let declared = entry.operation.get("responses").and_then(Value::as_object);
        let contents = declared.map(|it| self.contents(it)).unwrap_or_default();
        let json_type = contents.iter().flatten().find_map(|content| json_in(content));
        let accept = match json_type {
            Some((media_type, _)) => HeaderValue::from_str(media_type).ok(),
            None => HeaderValue::from_str(&listed(&contents)).ok(),
        };
        let schemas: Vec<Option<&'a Value>> =
            contents.iter().map(|it| json_in((*it)?)?.1.get("schema")).collect();
        // A client that knows a schema refuses an answer without structured content. So there is
        // one only where every answer has it, and the same.
        let schema = match schemas.as_slice() {
            [Some(first), rest @ ..] if rest.iter().all(|it| *it == Some(first)) => Some(*first),
            _ => None,
        };
        Answer { accept: accept.unwrap_or(HeaderValue::from_static("*/*")), schema }
    }

    /// The content of each answer of success; none where an answer has none or is unknown.
    fn contents(&self, responses: &'a Map<String, Value>) -> Vec<Option<&'a Map<String, Value>>> {
        let is_success = |status: &String| status.starts_with('2') && status.len() == 3;
        let content = |response: &'a Value| {
            let content = self.references.resolve(response).ok()?.get("content")?.as_object();
            content.filter(|it| !it.is_empty())
        };
        let success: Vec<_> = responses
            .iter()
            .filter(|(status, _)| is_success(status))
            .map(|(_, response)| content(response))
            .collect();
        match responses.get("default") {
            Some(response) if success.is_empty() => vec![content(response)],
            _ => success,
        }
    }

    /// The schema of the structured content of an answer that `schema` describes.
    pub(super) fn output_schema(&mut self, schema: &'a Value) -> Result<Value, Error> {
        let node = self.schemas.node(&[schema]);
        let is_object = node.is_only("object") && node.alternatives().is_empty();
        let is_open = node.types().is_empty()
            || node.types().contains(&"object")
            || !node.alternatives().is_empty();
        self.schemas.write(Side::Output, |writer| {
            let mut root = Map::new();
            root.insert("type".to_owned(), json!("object"));
            if is_object {
                let written = writer.write_node(&node, 0)?;
                root.extend(written.into_iter().filter(|(key, _)| key != "type"));
            } else if !is_open {
                let mut properties = Map::new();
                let written = writer.write_node(&node, 0)?;
                properties.insert("result".to_owned(), Value::Object(written));
                root.insert("properties".to_owned(), Value::Object(properties));
            }
            // A choice, or nothing known: an object, or `result` and what is none.
            writer.spend(60)?;
            Ok(root)
        })
    }
}

fn json_in(content: &Map<String, Value>) -> Option<(&str, &Value)> {
    let exact = content.iter().find(|(it, _)| essence(it) == "application/json");
    let (media_type, media) = exact.or_else(|| content.iter().find(|(it, _)| is_json(it)))?;
    Some((media_type, media))
}

fn listed(contents: &[Option<&Map<String, Value>>]) -> String {
    let mut types: Vec<&str> = Vec::new();
    for media_type in contents.iter().flatten().flat_map(|it| it.keys()) {
        if types.len() < ACCEPT_MAX && !types.contains(&media_type.as_str()) {
            types.push(media_type);
        }
    }
    if types.is_empty() { "*/*".to_owned() } else { types.join(", ") }
}
