//! Arguments that make the body.

use bytes::Bytes;
use http::HeaderValue;
use serde_json::{Map, Value};

use super::{
    ArgumentFault, Arguments, Body, Content, Encoding, Field, base64,
    multipart::{self, Part},
};

/// The body and its media type, if the arguments make one.
pub(super) fn write(
    body: &Body,
    arguments: &mut Arguments<'_>,
) -> Result<Option<(HeaderValue, Bytes)>, ArgumentFault> {
    match &body.content {
        Content::Fields(fields) => {
            let is_given = fields.iter().any(|it| arguments.get(it.argument).is_some());
            if !is_given && !body.is_required {
                return Ok(None);
            }
            let missing =
                fields.iter().find(|it| it.is_required && arguments.get(it.argument).is_none());
            if let Some(field) = missing.filter(|_| arguments.is_checked()) {
                return Err(ArgumentFault::Missing { name: arguments.name(field.argument) });
            }
            fields_body(body, fields, arguments).map(Some)
        }
        Content::Whole(argument) => {
            let name = arguments.name(*argument);
            let Some(value) = arguments.take(*argument) else { return Ok(None) };
            whole_body(body, value, name).map(Some)
        }
    }
}

fn fields_body(
    body: &Body,
    fields: &[Field],
    arguments: &mut Arguments<'_>,
) -> Result<(HeaderValue, Bytes), ArgumentFault> {
    // In the document's order, so that the order of the arguments changes nothing.
    let given = fields.iter().filter_map(|field| {
        let name = arguments.name(field.argument);
        Some((field, name, arguments.take(field.argument)?))
    });
    match body.encoding {
        Encoding::Json => {
            let mut members: Map<String, Value> =
                given.map(|(field, _, value)| (field.name.to_string(), value)).collect();
            members.extend(arguments.others.as_mut().map(std::mem::take).into_iter().flatten());
            Ok((body.media_type.clone(), Value::Object(members).to_string().into()))
        }
        Encoding::Form => {
            let mut pairs = Vec::new();
            for (field, name, value) in given {
                form_pairs(&mut pairs, field, &name, value)?;
            }
            Ok((body.media_type.clone(), form(&pairs).into()))
        }
        Encoding::Multipart => {
            let mut parts = Vec::new();
            for (field, name, value) in given {
                form_parts(&mut parts, field, &name, value)?;
            }
            Ok(multipart::write(&parts))
        }
        // Bytes and text have no fields: nothing plans for it.
        Encoding::Base64 | Encoding::Text => Ok((body.media_type.clone(), Bytes::new())),
    }
}

fn whole_body(
    body: &Body,
    value: Value,
    name: Box<str>,
) -> Result<(HeaderValue, Bytes), ArgumentFault> {
    let media_type = body.media_type.clone();
    match (body.encoding, value) {
        (Encoding::Json, value) => Ok((media_type, value.to_string().into())),
        (Encoding::Text, Value::String(text)) => Ok((media_type, text.into())),
        (Encoding::Base64, Value::String(text)) => {
            let bytes = base64::decode(&text).ok_or(ArgumentFault::Base64 { name })?;
            Ok((media_type, bytes.into()))
        }
        (Encoding::Form, Value::Object(members)) => {
            let mut pairs = Vec::new();
            for (key, value) in members {
                form_pairs(&mut pairs, &free_field(&key), &name, value)?;
            }
            Ok((media_type, form(&pairs).into()))
        }
        (Encoding::Multipart, Value::Object(members)) => {
            let mut parts = Vec::new();
            for (key, value) in members {
                form_parts(&mut parts, &free_field(&key), &name, value)?;
            }
            Ok(multipart::write(&parts))
        }
        (Encoding::Form | Encoding::Multipart, _) => {
            Err(ArgumentFault::Shape { name, wanted: "an object" })
        }
        (Encoding::Base64 | Encoding::Text, _) => {
            Err(ArgumentFault::Shape { name, wanted: "a string" })
        }
    }
}

/// A field that the document does not describe.
fn free_field(name: &str) -> Field {
    Field {
        argument: 0,
        name: name.into(),
        is_required: false,
        is_file: false,
        is_exploded: true,
        content_type: None,
    }
}

fn form_pairs(
    pairs: &mut Vec<(String, String)>,
    field: &Field,
    name: &str,
    value: Value,
) -> Result<(), ArgumentFault> {
    match value {
        // A form has no null: the field stays away.
        Value::Null => {}
        Value::Array(elements) if field.is_exploded => {
            pairs.extend(elements.into_iter().map(|it| (field.name.to_string(), plain(it))));
        }
        Value::Array(elements) => {
            let mut words = Vec::with_capacity(elements.len());
            for element in elements {
                let word = plain(element);
                if word.contains(',') {
                    return Err(ArgumentFault::Delimiter { name: name.into(), delimiter: ',' });
                }
                words.push(word);
            }
            pairs.push((field.name.to_string(), words.join(",")));
        }
        value => pairs.push((field.name.to_string(), plain(value))),
    }
    Ok(())
}

fn form_parts(
    parts: &mut Vec<Part>,
    field: &Field,
    name: &str,
    value: Value,
) -> Result<(), ArgumentFault> {
    let elements = match value {
        Value::Null => return Ok(()),
        Value::Array(elements) => elements,
        value => vec![value],
    };
    for element in elements {
        let is_json = element.is_object() || element.is_array();
        let content = match element {
            Value::String(text) if field.is_file => {
                base64::decode(&text).ok_or_else(|| ArgumentFault::Base64 { name: name.into() })?
            }
            _ if field.is_file => {
                return Err(ArgumentFault::Shape { name: name.into(), wanted: "a base64 string" });
            }
            element => plain(element).into_bytes(),
        };
        let content_type = match (&field.content_type, field.is_file, is_json) {
            (Some(own), _, _) => Some(own.clone()),
            (None, true, _) => Some("application/octet-stream".into()),
            (None, false, true) => Some("application/json".into()),
            (None, false, false) => None,
        };
        let is_file = field.is_file;
        parts.push(Part { name: field.name.clone(), content_type, is_file, content });
    }
    Ok(())
}

/// A value in a form: text as it is, all else as JSON.
fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        value @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Array(_)
        | Value::Object(_)) => value.to_string(),
    }
}

/// `a=1&b=x+y`
fn form(pairs: &[(String, String)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        encode(name, &mut text);
        text.push('=');
        encode(value, &mut text);
    }
    text
}

/// The encoding of the URL standard, section 5.2.
fn encode(text: &str, encoded: &mut String) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in text.bytes() {
        match byte {
            b' ' => encoded.push('+'),
            b'*' | b'-' | b'.' | b'_' => encoded.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => encoded.push(char::from(byte)),
            _ => {
                encoded.push('%');
                for digit in [byte >> 4, byte & 0xf] {
                    encoded.extend(DIGITS.get(usize::from(digit)));
                }
            }
        }
    }
}
