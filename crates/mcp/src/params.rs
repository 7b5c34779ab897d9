//! The parameters of each method, read from a checked message into what the door needs of them.
//!
//! Unknown members are ignored and go nowhere. Names are exact: `Name` is not `name`.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use crate::{Id, Params, ProtocolError, Request, json};

/// How long the name of a tool may be; no published name comes near it.
pub const NAME_BYTES_MAX: usize = 256;

/// How long a cursor may be.
pub const CURSOR_BYTES_MAX: usize = 512;

/// How long what a client says of itself may be; what is longer is cut.
const CLAIM_CHARACTERS_MAX: usize = 128;

/// Of `tools/call`.
#[derive(Debug, Clone, PartialEq)]
pub struct CallParams<'a> {
    /// The tool.
    pub name: Cow<'a, str>,
    /// Its arguments, each named once at every depth; empty where there are none.
    pub arguments: Map<String, Value>,
}

/// Of `tools/list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListParams<'a> {
    /// Where the page begins: what an earlier page named as its end. It may be empty.
    pub cursor: Option<Cow<'a, str>>,
}

/// Of `initialize`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitializeParams<'a> {
    /// The version that the client asks for: see [`Version::negotiate`](crate::Version::negotiate).
    pub protocol_version: Cow<'a, str>,
    /// What the client says it is, as `name version`. A claim: nothing may depend on it.
    pub client: Option<String>,
}

/// Of `notifications/cancelled`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelledParams {
    /// The request that nobody waits for any more.
    pub request_id: Id,
}

/// The members that any of the methods reads.
#[derive(Deserialize, Default)]
struct Members<'a> {
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, rename = "clientInfo")]
    client_info: Option<&'a RawValue>,
    #[serde(borrow)]
    cursor: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow, rename = "protocolVersion")]
    protocol_version: Option<&'a RawValue>,
    #[serde(borrow, rename = "requestId")]
    request_id: Option<&'a RawValue>,
    #[serde(borrow)]
    version: Option<&'a RawValue>,
}

impl<'a> Members<'a> {
    fn of(params: Option<Params<'a>>) -> Self {
        params.and_then(|it| it.read().ok()).unwrap_or_default()
    }
}

impl<'a> CallParams<'a> {
    /// Reads them.
    ///
    /// # Errors
    /// [`ProtocolError`] with code -32602 where the name is no string, or the arguments no object.
    pub fn read(request: &Request<'a>) -> Result<Self, ProtocolError> {
        let members = Members::of(request.params);
        let name = members.name.and_then(json::string).filter(|it| it.len() <= NAME_BYTES_MAX);
        let name = name.ok_or_else(|| {
            invalid(request, "params.name must be a string of at most 256 bytes: the tool to call")
        })?;
        let arguments = match members.arguments {
            None => Map::new(),
            Some(value) => serde_json::from_str(value.get())
                .map_err(|_| invalid(request, "params.arguments must be an object"))?,
        };
        Ok(Self { name, arguments })
    }
}

impl<'a> ListParams<'a> {
    /// Reads them.
    ///
    /// # Errors
    /// [`ProtocolError`] with code -32602 where the cursor is no string or too long.
    pub fn read(request: &Request<'a>) -> Result<Self, ProtocolError> {
        let Some(cursor) = Members::of(request.params).cursor else {
            return Ok(Self { cursor: None });
        };
        json::string(cursor)
            .filter(|it| it.len() <= CURSOR_BYTES_MAX)
            .map(|it| Self { cursor: Some(it) })
            .ok_or_else(|| invalid(request, "params.cursor must be what the last page named"))
    }
}

impl<'a> InitializeParams<'a> {
    /// Reads them.
    ///
    /// # Errors
    /// [`ProtocolError`] with code -32602 where the version is not there.
    pub fn read(request: &Request<'a>) -> Result<Self, ProtocolError> {
        let members = Members::of(request.params);
        let protocol_version =
            members.protocol_version.and_then(json::string).ok_or_else(|| {
                invalid(request, "params.protocolVersion must be a string like \"2025-11-25\"")
            })?;
        Ok(Self { protocol_version, client: members.client_info.and_then(claim) })
    }
}

impl CancelledParams {
    /// Reads them; none where they name no request.
    pub(crate) fn read(params: Option<Params<'_>>) -> Option<Self> {
        let request_id = Members::of(params).request_id?;
        Id::read(request_id).ok().map(|request_id| Self { request_id })
    }
}

fn claim(client_info: &RawValue) -> Option<String> {
    let members: Members<'_> = Some(client_info)
        .filter(|it| json::is_object(it))
        .and_then(|it| serde_json::from_str(it.get()).ok())?;
    let name = json::string(members.name?)?;
    let version = members.version.and_then(json::string).unwrap_or_default();
    let shown = name.chars().chain([' ']).chain(version.chars()).take(CLAIM_CHARACTERS_MAX);
    Some(shown.collect::<String>().trim_end().to_owned())
}

fn invalid(request: &Request<'_>, message: &'static str) -> ProtocolError {
    ProtocolError::invalid_params(message).for_request(&request.id)
}
