//! The arguments in a body, if it is the JSON that a tool would have sent.

use http::{HeaderMap, HeaderName, header};
use model::{ArgumentType, ArgumentValue};
use serde_json::value::RawValue;

use super::{json, text::is_alike};
use crate::{
    ArgumentFault,
    bind::{Body, Content, Encoding, Plan},
    read::{essence, is_json},
};

/// The arguments that a body holds, by index, as they are written.
#[derive(Debug, Default)]
pub(super) struct Contents<'b>(Vec<(usize, &'b RawValue)>);

impl<'b> Contents<'b> {
    pub(super) fn read(
        plan: &Plan,
        planned: &Body,
        headers: &HeaderMap,
        body: &'b [u8],
    ) -> Result<Self, ArgumentFault> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        check_headers(headers)?;
        let text: &RawValue = serde_json::from_slice(body)
            .map_err(|error| ArgumentFault::Body { wanted: format!("must be JSON: {error}") })?;
        let fields = match &planned.content {
            Content::Whole(argument) => return Ok(Self(vec![(*argument, text)])),
            Content::Fields(fields) => fields,
        };
        let members = json::members(text)
            .ok_or_else(|| ArgumentFault::Body { wanted: "must be a JSON object".to_owned() })?;
        if let Some(name) = json::twice(&members) {
            return Err(ArgumentFault::Twice { name: name.into() });
        }
        let mut contents = Vec::with_capacity(members.0.len());
        for (name, text) in members.0 {
            // To the upstream `Amount` may be `amount`: what the document does not name is refused.
            match fields.iter().find(|it| *it.name == *name) {
                Some(field) => contents.push((field.argument, text)),
                None => return Err(ArgumentFault::unknown(&name, &plan.keys)),
            }
        }
        Ok(Self(contents))
    }

    pub(super) fn value(
        &self,
        index: usize,
        name: &str,
        kind: &ArgumentType,
    ) -> Result<Option<ArgumentValue>, ArgumentFault> {
        match self.0.iter().find(|(it, _)| *it == index) {
            Some((_, text)) => json::value(name, kind, text),
            None => Ok(None),
        }
    }
}

/// Refuses a body that nobody described, or a form where the document has none: many servers take
/// an argument out of a form that they did not find elsewhere, or even rather.
pub(super) fn check_unread(
    planned: Option<&Body>,
    headers: &HeaderMap,
    has_body: bool,
) -> Result<(), ArgumentFault> {
    let fault = |wanted: &str| Err(ArgumentFault::Body { wanted: wanted.to_owned() });
    if planned.is_none() && has_body {
        return fault("must be empty: the operation takes none");
    }
    let encoding = planned.map(|it| it.encoding);
    for (name, value) in headers {
        if !is_alike(name, &header::CONTENT_TYPE) {
            continue;
        }
        let Ok(text) = value.to_str() else { return fault("must have a content-type in ASCII") };
        let text = text.to_ascii_lowercase();
        let is_form = text.contains("x-www-form-urlencoded") && encoding != Some(Encoding::Form);
        let is_parts = text.contains("multipart") && encoding != Some(Encoding::Multipart);
        if is_form || is_parts {
            return fault("must not be a form: the operation takes none");
        }
    }
    Ok(())
}

/// Whether every server takes the body for JSON in UTF-8.
fn check_headers(headers: &HeaderMap) -> Result<(), ArgumentFault> {
    let fault = |wanted: &str| Err(ArgumentFault::Body { wanted: wanted.to_owned() });
    if headers.keys().any(|it| is_alike(it, &header::CONTENT_ENCODING)) {
        return fault("must not be compressed, or what it asks for cannot be seen");
    }
    let is_other =
        |it: &HeaderName| it != header::CONTENT_TYPE && is_alike(it, &header::CONTENT_TYPE);
    if headers.keys().any(is_other) {
        return fault("must have one content-type, and that of JSON");
    }
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(Ok(media_type)), None) = (types.next().map(|it| it.to_str()), types.next()) else {
        return fault("must have one content-type, and that of JSON");
    };
    // Two types in one header: a server may take either.
    if media_type.contains(',') {
        return fault("must have one content-type, and that of JSON");
    }
    let parameters = media_type.split(';').skip(1).map(|it| it.trim().to_ascii_lowercase());
    let is_utf8 = |it: &str| matches!(it, "" | "charset=utf-8" | "charset=\"utf-8\"");
    let mut charsets = parameters.filter(|it| it.is_empty() || it.starts_with("charset"));
    if !is_json(&essence(media_type)) || !charsets.all(|it| is_utf8(&it)) {
        return fault("must be JSON in UTF-8, and have the content-type that says so");
    }
    Ok(())
}
