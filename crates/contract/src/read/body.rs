//! The body of a request: in which media type it is sent, and which arguments make it.

use http::{HeaderValue, Method};
use serde_json::{Map, Value};

use super::{
    Context, Entry,
    argument::{Argument, Arguments, COUNT_MAX, Form, Place},
};
use crate::{
    bind::{Body, Content, Encoding, Field},
    schema::Node,
};

/// Keywords of an alternative that say nothing new, only less.
const NARROWING: [&str; 8] = [
    "$ref",
    "additionalProperties",
    "description",
    "not",
    "properties",
    "required",
    "title",
    "type",
];

/// A schema that anything fits.
const ANYTHING: &Value = &Value::Bool(true);

impl<'a> Context<'a> {
    /// How the operation's body is made, if it has one, and the arguments for it.
    pub(super) fn body(
        &mut self,
        entry: &Entry<'a>,
        arguments: &mut Arguments<'a>,
    ) -> Option<Body> {
        let declared = entry.operation.get("requestBody")?;
        if entry.method == Method::GET || entry.method == Method::HEAD {
            // RFC 9110 section 9.3.1: such a body has no meaning, and servers refuse it.
            self.warnings.add(&entry.pointer, format!("the body of {} is ignored", entry.method));
            return None;
        }
        let declared = match self.references.resolve(declared) {
            Ok(declared) => declared,
            Err(fault) => {
                self.warnings
                    .add(&entry.pointer, format!("the body is taken as any JSON: {fault}"));
                &Value::Null
            }
        };
        let is_required = declared.get("required") == Some(&Value::Bool(true));
        let description = declared.get("description").and_then(Value::as_str);
        let (media_type, encoding, media) = match declared.get("content").and_then(Value::as_object)
        {
            Some(content) if content.is_empty() => return None,
            Some(content) => self.preferred(content)?,
            None => ("application/json", Encoding::Json, &Value::Null),
        };
        let Ok(header) = HeaderValue::from_str(media_type) else {
            self.warnings.add(&entry.pointer, "the body is ignored: no valid media type");
            return None;
        };
        let schema = media.get("schema").unwrap_or(ANYTHING);
        let content = match encoding {
            Encoding::Form | Encoding::Json | Encoding::Multipart => {
                let fields = self.fields(schema, (media, encoding), arguments.len());
                match fields {
                    Some(fields) => Content::Fields(add_fields(fields, is_required, arguments)?),
                    None => {
                        let form = self.whole(schema, encoding);
                        Content::Whole(add_whole(form, is_required, description, arguments)?)
                    }
                }
            }
            Encoding::Base64 => {
                Content::Whole(add_whole(Form::Base64, is_required, description, arguments)?)
            }
            Encoding::Text => {
                Content::Whole(add_whole(Form::Text, is_required, description, arguments)?)
            }
        };
        Some(Body { media_type: header, encoding, is_required, content })
    }

    /// What a body that is one argument is like: a form can be made of an object only.
    fn whole(&mut self, schema: &'a Value, encoding: Encoding) -> Form<'a> {
        let is_form = matches!(encoding, Encoding::Form | Encoding::Multipart);
        if is_form && !self.schemas.node(&[schema]).is_only("object") {
            Form::Object
        } else {
            Form::Schema(vec![schema])
        }
    }

    /// The media type that arguments can be sent in best.
    fn preferred(
        &mut self,
        content: &'a Map<String, Value>,
    ) -> Option<(&'a str, Encoding, &'a Value)> {
        let ranked = content.iter().map(|(media_type, media)| {
            let (rank, sent, encoding) = self.rank(media_type, media);
            (rank, (sent, encoding, media))
        });
        // The first of the best, so that the order in the document decides among equals.
        let best = ranked.reduce(|best, next| if next.0 < best.0 { next } else { best })?;
        Some(best.1)
    }

    fn rank(&mut self, media_type: &'a str, media: &'a Value) -> (u8, &'a str, Encoding) {
        let essence = essence(media_type);
        if essence == "application/json" {
            return (0, media_type, Encoding::Json);
        }
        if is_json(&essence) {
            return (1, media_type, Encoding::Json);
        }
        match essence.as_str() {
            "*/*" | "application/*" => {
                let schema = media.get("schema").unwrap_or(ANYTHING);
                let node = self.schemas.node(&[schema]);
                if is_bytes(&node) {
                    (6, "application/octet-stream", Encoding::Base64)
                } else {
                    (2, "application/json", Encoding::Json)
                }
            }
            "application/x-www-form-urlencoded" => (3, media_type, Encoding::Form),
            "multipart/form-data" | "multipart/*" => {
                (4, "multipart/form-data", Encoding::Multipart)
            }
            "text/*" => (5, "text/plain", Encoding::Text),
            text if is_text(text) => (5, media_type, Encoding::Text),
            wild if wild.ends_with("/*") => (6, "application/octet-stream", Encoding::Base64),
            _ => (6, media_type, Encoding::Base64),
        }
    }

    /// The fields of a body, if its root is a plain object that can stand beside the parameters.
    fn fields(
        &mut self,
        schema: &'a Value,
        (media, encoding): (&'a Value, Encoding),
        taken: usize,
    ) -> Option<Vec<(Argument<'a>, Field)>> {
        let node = self.schemas.node(&[schema]);
        let properties = node.properties();
        let is_map = matches!(node.get("additionalProperties"),
            Some(Value::Object(map)) if !map.is_empty());
        let is_plain = node.is_only("object")
            && node.gap.is_none()
            && !is_map
            && !properties.is_empty()
            && properties.len().saturating_add(taken) <= COUNT_MAX
            && self.is_refined(&node, &properties);
        if !is_plain {
            return None;
        }
        let mut fields = Vec::with_capacity(properties.len());
        for (name, schemas) in properties {
            let property = self.schemas.node(&schemas);
            if property.has_flag("readOnly") || property.is_never {
                continue;
            }
            let is_file = encoding == Encoding::Multipart && self.is_file(&property);
            let form = if is_file && !property.is_only("array") {
                Form::Base64
            } else {
                Form::Schema(schemas)
            };
            let description = property.text("description").filter(|_| is_file);
            let is_required = node.is_required(name);
            let argument = Argument {
                place: Place::Body,
                name,
                is_required,
                form,
                description,
                example: None,
            };
            let rules = media.get("encoding").and_then(|it| it.get(name));
            let rule = |key: &str| rules.and_then(|it| it.get(key));
            let content_type = rule("contentType").and_then(Value::as_str);
            let field = Field {
                argument: 0,
                name: name.into(),
                is_required,
                is_file,
                is_exploded: rule("explode").and_then(Value::as_bool).unwrap_or(true),
                content_type: content_type.filter(|it| is_one_media_type(it)).map(Into::into),
            };
            fields.push((argument, field));
        }
        Some(fields)
    }

    /// Whether the alternatives, if there are any, only narrow properties that the root has.
    fn is_refined(&mut self, node: &Node<'a>, properties: &[(&str, Vec<&'a Value>)]) -> bool {
        node.alternatives().iter().all(|alternative| {
            let alternative = self.schemas.node(&[alternative]);
            let narrowed = alternative.properties();
            let mut keys = alternative.parts.iter().flat_map(|it| it.keys());
            alternative.gap.is_none()
                && keys.all(|key| NARROWING.contains(&key.as_str()))
                && narrowed.iter().all(|(name, _)| properties.iter().any(|(it, _)| it == name))
        })
    }

    fn is_file(&mut self, property: &Node<'a>) -> bool {
        let items = property.get("items").filter(|_| property.is_only("array"));
        is_bytes(property) || items.is_some_and(|it| is_bytes(&self.schemas.node(&[it])))
    }
}

fn add_fields<'a>(
    fields: Vec<(Argument<'a>, Field)>,
    is_body_required: bool,
    arguments: &mut Arguments<'a>,
) -> Option<Vec<Field>> {
    let mut added = Vec::with_capacity(fields.len());
    for (mut argument, mut field) in fields {
        // Of an optional body, a field is required only once there is a body.
        argument.is_required = argument.is_required && is_body_required;
        field.argument = arguments.add(argument)?;
        added.push(field);
    }
    Some(added)
}

fn add_whole<'a>(
    form: Form<'a>,
    is_required: bool,
    description: Option<&'a str>,
    arguments: &mut Arguments<'a>,
) -> Option<usize> {
    let (place, name) = (Place::Body, "body");
    arguments.add(Argument { place, name, is_required, form, description, example: None })
}

/// A media type without its parameters, in lower case.
pub(crate) fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether the media type is JSON.
pub(crate) fn is_json(media_type: &str) -> bool {
    let essence = essence(media_type);
    essence == "application/json" || essence == "text/json" || essence.ends_with("+json")
}

fn is_text(essence: &str) -> bool {
    const TEXTS: [&str; 6] = [
        "application/graphql",
        "application/javascript",
        "application/x-ndjson",
        "application/xml",
        "application/yaml",
        "application/x-yaml",
    ];
    essence.starts_with("text/") || essence.ends_with("+xml") || TEXTS.contains(&essence)
}

/// Whether a schema describes bytes: 3.0 and 2.0 by format, 3.1 by having no encoding.
fn is_bytes(node: &Node<'_>) -> bool {
    node.text("format") == Some("binary")
        || node.text("type") == Some("file")
        || (node.text("contentMediaType").is_some() && node.text("contentEncoding").is_none())
}

fn is_one_media_type(text: &str) -> bool {
    !text.contains([',', '*']) && text.contains('/') && HeaderValue::from_str(text).is_ok()
}
