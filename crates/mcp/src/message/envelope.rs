//! From a checked JSON value to a message: which members it has decides what it is.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{METHOD_BYTES_MAX, Message, Notification, Params, Request, Response};
use crate::{Id, ProtocolError, json};

/// The members that mean something, by their exact names. Others are ignored and go nowhere.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

/// Tells `null` from a member that is not there, which serde's own `Option` does not.
fn present<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

pub(super) fn read(value: &RawValue) -> Result<Message<'_>, ProtocolError> {
    if !json::is_object(value) {
        return Err(ProtocolError::invalid_request("a message is a JSON object"));
    }
    let envelope: Envelope<'_> = serde_json::from_str(value.get())
        .map_err(|error| ProtocolError::invalid_request(error.to_string()))?;
    let id = envelope.id.map(Id::read);
    let known = id.as_ref().and_then(|it| it.as_ref().ok()).cloned();
    message(&envelope, id).map_err(|error| ProtocolError { id: known, ..error })
}

fn message<'a>(
    envelope: &Envelope<'a>,
    id: Option<Result<Id, &'static str>>,
) -> Result<Message<'a>, ProtocolError> {
    if envelope.jsonrpc.and_then(json::string).as_deref() != Some("2.0") {
        return Err(ProtocolError::invalid_request("\"jsonrpc\" must be \"2.0\""));
    }
    let is_answer = envelope.result.is_some() || envelope.error.is_some();
    match (envelope.method, is_answer) {
        (Some(method), false) => call(name(method)?, params(envelope.params)?, id),
        (None, true) => answer(envelope, id),
        (Some(_), true) => {
            Err(ProtocolError::invalid_request("a message with a method has no result or error"))
        }
        (None, false) => Err(ProtocolError::invalid_request("the message has no \"method\"")),
    }
}

fn call<'a>(
    method: Cow<'a, str>,
    params: Option<Params<'a>>,
    id: Option<Result<Id, &'static str>>,
) -> Result<Message<'a>, ProtocolError> {
    match id {
        None => Ok(Message::Notification(Notification { method, params })),
        Some(Ok(id)) => Ok(Message::Request(Request { id, method, params })),
        Some(Err(fault)) => Err(ProtocolError::invalid_request(fault)),
    }
}

fn answer(
    envelope: &Envelope<'_>,
    id: Option<Result<Id, &'static str>>,
) -> Result<Message<'static>, ProtocolError> {
    let is_null = envelope.id.is_some_and(json::is_null);
    match (envelope.result, envelope.error, id) {
        (Some(_), Some(_), _) => {
            Err(ProtocolError::invalid_request("an answer has a result or an error, not both"))
        }
        // An error about a message whose id its sender could not read.
        (None, Some(_), None) => Ok(Message::Response(Response { id: None })),
        (None, Some(_), Some(Err(_))) if is_null => Ok(Message::Response(Response { id: None })),
        (_, _, Some(Ok(id))) => Ok(Message::Response(Response { id: Some(id) })),
        (_, _, Some(Err(fault))) => Err(ProtocolError::invalid_request(fault)),
        (_, _, None) => Err(ProtocolError::invalid_request("the answer has no \"id\"")),
    }
}

fn name(method: &RawValue) -> Result<Cow<'_, str>, ProtocolError> {
    json::string(method).filter(|it| (1..=METHOD_BYTES_MAX).contains(&it.len())).ok_or_else(|| {
        ProtocolError::invalid_request("\"method\" must be a string of 1 to 128 bytes")
    })
}

/// Null counts as absent: some clients write every member they know.
fn params(value: Option<&RawValue>) -> Result<Option<Params<'_>>, ProtocolError> {
    match value.filter(|it| !json::is_null(it)) {
        None => Ok(None),
        Some(value) if json::is_object(value) => Ok(Some(Params(value))),
        Some(_) => Err(ProtocolError::invalid_request("\"params\" must be an object")),
    }
}
