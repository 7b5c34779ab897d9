//! A POST's body, read as JSON-RPC 2.0 messages that borrow from it.

mod envelope;

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::{Id, ProtocolError, json};

/// How many messages one batch may hold.
pub const BATCH_MAX: usize = 50;

/// How long a method's name may be.
pub const METHOD_BYTES_MAX: usize = 128;

/// What one body carried.
#[derive(Debug, Clone)]
pub enum Incoming<'a> {
    /// Several messages: only revision 2025-03-26 has this.
    Batch(Vec<Message<'a>>),
    /// One message.
    One(Message<'a>),
}

/// A JSON-RPC message.
#[derive(Debug, Clone)]
pub enum Message<'a> {
    /// Wants no answer.
    Notification(Notification<'a>),
    /// Wants an answer.
    Request(Request<'a>),
    /// Answers a request; since we send none, there is nothing to do with it.
    Response(Response),
}

/// A message that wants an answer.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Names it in the answer.
    pub id: Id,
    /// What it asks for.
    pub method: Cow<'a, str>,
    /// With what.
    pub params: Option<Params<'a>>,
}

/// A message that wants no answer.
#[derive(Debug, Clone)]
pub struct Notification<'a> {
    /// What it tells.
    pub method: Cow<'a, str>,
    /// With what.
    pub params: Option<Params<'a>>,
}

/// An answer from the client.
#[derive(Debug, Clone)]
pub struct Response {
    /// The request it answers; none where that could not be read.
    pub id: Option<Id>,
}

/// The parameters of a message: an object that passed the check of [`json`].
#[derive(Debug, Clone, Copy)]
pub struct Params<'a>(&'a RawValue);

impl<'a> Params<'a> {
    /// The object as it came.
    #[must_use]
    pub fn raw(self) -> &'a RawValue {
        self.0
    }

    pub(crate) fn read<T: serde::Deserialize<'a>>(self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.0.get())
    }
}

impl<'a> Message<'a> {
    /// The method; none for an answer.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        match self {
            Self::Notification(Notification { method, .. })
            | Self::Request(Request { method, .. }) => Some(method),
            Self::Response(_) => None,
        }
    }

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> Option<Params<'a>> {
        match self {
            Self::Notification(Notification { params, .. })
            | Self::Request(Request { params, .. }) => *params,
            Self::Response(_) => None,
        }
    }

    /// The id of a request.
    #[must_use]
    pub fn request_id(&self) -> Option<&Id> {
        match self {
            Self::Request(request) => Some(&request.id),
            Self::Notification(_) | Self::Response(_) => None,
        }
    }
}

/// Reads a body.
///
/// # Errors
/// [`ProtocolError`] with status 400, and with the request's id where that could be read.
pub fn parse(body: &[u8]) -> Result<Incoming<'_>, ProtocolError> {
    let text = json::check(body).map_err(|fault| ProtocolError::unreadable(&fault))?;
    let value: &RawValue = serde_json::from_str(text)
        .map_err(|error| ProtocolError::invalid_request(error.to_string()))?;
    if !value.get().starts_with('[') {
        return envelope::read(value).map(Incoming::One);
    }
    let items: Vec<&RawValue> = serde_json::from_str(value.get())
        .map_err(|error| ProtocolError::invalid_request(error.to_string()))?;
    match items.len() {
        0 => Err(ProtocolError::invalid_request("the batch is empty")),
        1..=BATCH_MAX => {
            items.into_iter().map(envelope::read).collect::<Result<_, _>>().map(Incoming::Batch)
        }
        _ => Err(ProtocolError::invalid_request("the batch holds more than 50 messages")),
    }
}
