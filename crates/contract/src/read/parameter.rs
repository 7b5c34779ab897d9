//! Parameters in the path, the query and the headers.

use http::HeaderName;
use serde_json::{Map, Value};

use super::{
    Context, Entry,
    argument::{Argument, COUNT_MAX, Form, Place},
    body::is_json,
    operation::{Draft, LeftOut},
};
use crate::{
    bind::{Header, Parameter, Shape, Style},
    error::quoted,
};

/// A schema that anything fits.
const ANYTHING: &Value = &Value::Bool(true);

impl<'a> Context<'a> {
    /// Reads all parameters of an operation into the draft.
    pub(super) fn read_parameters(
        &mut self,
        entry: &Entry<'a>,
        draft: &mut Draft<'a>,
    ) -> Result<(), LeftOut> {
        self.warn_of_unresolved(entry);
        let parameters = self.parameters(entry.item, entry.operation);
        self.path_parameters(entry, &parameters, draft)?;
        for place in [Place::Query, Place::Header] {
            for parameter in &parameters {
                self.parameter(entry, place, parameter, draft)?;
            }
        }
        for parameter in &parameters {
            match text(parameter, "in") {
                "path" | "query" | "header" => {}
                "cookie" if !is_required(parameter) => {}
                "cookie" => {
                    let message = "a required cookie: callers cannot send cookies through the door";
                    self.warnings.add(&entry.pointer, message);
                }
                other => {
                    let message = format!("a parameter in {} is ignored", quoted(other));
                    self.warnings.add(&entry.pointer, message);
                }
            }
        }
        draft.plan.barred = draft.plan.query.iter().map(|it| it.name.clone()).collect();
        draft.plan.barred.extend(self.hidden.queries().map(Into::into));
        Ok(())
    }

    fn warn_of_unresolved(&mut self, entry: &Entry<'a>) {
        let listed = [entry.item, entry.operation]
            .into_iter()
            .filter_map(|it| it.get("parameters").and_then(Value::as_array));
        for value in listed.flatten() {
            if let Err(fault) = self.references.resolve(value) {
                self.warnings.add(&entry.pointer, format!("a parameter is ignored: {fault}"));
            }
        }
    }

    fn path_parameters(
        &mut self,
        entry: &Entry<'a>,
        parameters: &[&'a Map<String, Value>],
        draft: &mut Draft<'a>,
    ) -> Result<(), LeftOut> {
        // In the order of the path, whatever the order of the list; what the path does not name
        // cannot be sent.
        for name in entry.template.parameters() {
            let found =
                parameters.iter().find(|it| text(it, "in") == "path" && text(it, "name") == name);
            let Some(parameter) = found else {
                self.warnings.add(
                    &entry.pointer,
                    format!(
                        "the path's parameter {} is not described: taken as text",
                        quoted(name)
                    ),
                );
                // The name must live as long as the document: find it in the path's own key.
                let argument = Argument {
                    place: Place::Path,
                    name: name_in(entry.path, name),
                    is_required: true,
                    form: Form::Text,
                    description: None,
                    example: None,
                };
                let index = draft.arguments.add(argument).ok_or_else(too_many)?;
                draft.plan.path.push(Parameter::plain(index, name, Style::Simple));
                continue;
            };
            let (style, is_exploded) = style(parameter, Place::Path)?;
            let (argument, shape) = self.argument(Place::Path, parameter, style);
            let index = draft.arguments.add(argument).ok_or_else(too_many)?;
            draft.plan.path.push(Parameter {
                argument: index,
                name: name.into(),
                style,
                is_exploded,
                shape,
            });
        }
        Ok(())
    }

    fn parameter(
        &mut self,
        entry: &Entry<'a>,
        place: Place,
        parameter: &'a Map<String, Value>,
        draft: &mut Draft<'a>,
    ) -> Result<(), LeftOut> {
        let name = text(parameter, "name");
        let is_shown = match (place, text(parameter, "in")) {
            (Place::Query, "query") => !name.is_empty() && !self.hidden.has_query(name),
            (Place::Header, "header") => !self.hidden.has_header(name),
            _ => false,
        };
        if !is_shown {
            return Ok(());
        }
        let (style, is_exploded) = match style(parameter, place) {
            Ok(style) => style,
            Err(fault) if is_required(parameter) => return Err(fault),
            Err(LeftOut(why)) => {
                self.warnings.add(&entry.pointer, format!("a parameter is ignored: {why}"));
                return Ok(());
            }
        };
        let header = match place {
            Place::Header => match HeaderName::from_bytes(name.as_bytes()) {
                Ok(header) => Some(header),
                Err(_) => {
                    let message = format!("{} is ignored: no name of a header", quoted(name));
                    self.warnings.add(&entry.pointer, message);
                    return Ok(());
                }
            },
            Place::Body | Place::Path | Place::Query => None,
        };
        let (argument, shape) = self.argument(place, parameter, style);
        let Some(index) = draft.arguments.add(argument) else {
            if is_required(parameter) {
                return Err(too_many());
            }
            let message = format!("{} is ignored: over {COUNT_MAX} arguments", quoted(name));
            self.warnings.add(&entry.pointer, message);
            return Ok(());
        };
        let parameter = Parameter { argument: index, name: name.into(), style, is_exploded, shape };
        match header {
            Some(name) => draft.plan.headers.push(Header { name, parameter }),
            None => draft.plan.query.push(parameter),
        }
        Ok(())
    }

    fn argument(
        &mut self,
        place: Place,
        parameter: &'a Map<String, Value>,
        style: Style,
    ) -> (Argument<'a>, Shape) {
        let schema = match content(parameter) {
            Some((_, media)) => media.get("schema"),
            None => parameter.get("schema"),
        };
        let schema = schema.unwrap_or(ANYTHING);
        let shape = match style {
            Style::Json => Shape::Any,
            Style::Deep => Shape::Object,
            Style::Form | Style::Pipe | Style::Simple | Style::Space => self.shape(schema),
        };
        let argument = Argument {
            place,
            name: text(parameter, "name"),
            is_required: place == Place::Path || is_required(parameter),
            form: if style == Style::Deep && self.shape(schema) != Shape::Object {
                Form::Object
            } else {
                Form::Schema(vec![schema])
            },
            description: parameter.get("description").and_then(Value::as_str),
            example: parameter.get("example"),
        };
        (argument, shape)
    }

    fn shape(&mut self, schema: &'a Value) -> Shape {
        let node = self.schemas.node(&[schema]);
        let types = node.types();
        if node.is_only("array") {
            Shape::Array
        } else if node.is_only("object") {
            Shape::Object
        } else if types.is_empty() || types.contains(&"array") || types.contains(&"object") {
            Shape::Any
        } else {
            Shape::Scalar
        }
    }
}

/// How the parameter is written, and whether each of its elements stands alone.
fn style(parameter: &Map<String, Value>, place: Place) -> Result<(Style, bool), LeftOut> {
    if let Some((media_type, _)) = content(parameter) {
        return if is_json(media_type) || media_type == "*/*" {
            Ok((Style::Json, false))
        } else {
            Ok((if place == Place::Query { Style::Form } else { Style::Simple }, false))
        };
    }
    let name = parameter.get("style").and_then(Value::as_str);
    let explode = parameter.get("explode").and_then(Value::as_bool);
    match (place, name) {
        (Place::Path | Place::Header, None | Some("simple")) => {
            Ok((Style::Simple, explode.unwrap_or(false)))
        }
        (Place::Query, None | Some("form")) => Ok((Style::Form, explode.unwrap_or(true))),
        (Place::Query, Some("deepObject")) => Ok((Style::Deep, true)),
        (Place::Query, Some("spaceDelimited")) => Ok((Style::Space, explode.unwrap_or(false))),
        (Place::Query, Some("pipeDelimited")) => Ok((Style::Pipe, explode.unwrap_or(false))),
        (_, Some(style)) => Err(LeftOut(format!(
            "the parameter {} has the style {}, which is not carried on",
            quoted(text(parameter, "name")),
            quoted(style)
        ))),
        (Place::Body, None) => Err(LeftOut("a parameter in the body".to_owned())),
    }
}

/// The media type of a parameter that is a text in a language of its own.
fn content(parameter: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (media_type, media) = parameter.get("content")?.as_object()?.iter().next()?;
    Some((media_type, media))
}

/// `name` as it stands in `path`.
fn name_in<'a>(path: &'a str, name: &str) -> &'a str {
    path.split(['{', '}']).find(|it| *it == name).unwrap_or_default()
}

fn too_many() -> LeftOut {
    LeftOut(format!("more than {COUNT_MAX} arguments"))
}

fn is_required(parameter: &Map<String, Value>) -> bool {
    parameter.get("required") == Some(&Value::Bool(true))
}

fn text<'a>(parameter: &'a Map<String, Value>, key: &str) -> &'a str {
    parameter.get(key).and_then(Value::as_str).unwrap_or_default()
}
