//! The members of a message's parameters that say how to understand it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{Params, ProtocolError, json};

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// What the parameters say that a header repeats, and the envelope in `_meta`.
#[derive(Default)]
pub(super) struct Claims<'a> {
    members: Members<'a>,
    meta: Meta<'a>,
}

#[derive(Deserialize, Default)]
struct Members<'a> {
    #[serde(borrow, rename = "_meta")]
    meta: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow, rename = "taskId")]
    task: Option<&'a RawValue>,
    #[serde(borrow)]
    uri: Option<&'a RawValue>,
}

/// `clientInfo` is not here: nothing may depend on it.
#[derive(Deserialize, Default)]
struct Meta<'a> {
    #[serde(borrow, rename = "io.modelcontextprotocol/clientCapabilities")]
    capabilities: Option<&'a RawValue>,
    #[serde(borrow, rename = "io.modelcontextprotocol/protocolVersion")]
    version: Option<&'a RawValue>,
}

impl<'a> Claims<'a> {
    /// Reads them; a `_meta` that is no object counts as none.
    pub(super) fn of(params: Option<Params<'a>>) -> Self {
        let members: Members<'a> = params.and_then(|it| it.read().ok()).unwrap_or_default();
        let meta = members.meta.filter(|it| json::is_object(it));
        let meta = meta.and_then(|it| serde_json::from_str(it.get()).ok()).unwrap_or_default();
        Self { members, meta }
    }

    /// Whether the message says itself which version it is in.
    pub(super) fn is_stateless(&self) -> bool {
        self.meta.version.is_some()
    }

    /// The version, where all that must be there is there.
    pub(super) fn version(&self) -> Result<Cow<'a, str>, ProtocolError> {
        let version = self.meta.version.ok_or_else(|| missing(VERSION))?;
        let capabilities = self.meta.capabilities.ok_or_else(|| missing(CAPABILITIES))?;
        if !json::is_object(capabilities) {
            return Err(ProtocolError::missing_meta(format!(
                "params._meta[\"{CAPABILITIES}\"] must be an object"
            )));
        }
        json::string(version).ok_or_else(|| {
            ProtocolError::missing_meta(format!("params._meta[\"{VERSION}\"] must be a string"))
        })
    }

    /// The parameter that `Mcp-Name` repeats.
    pub(super) fn named_by(&self, method: &str) -> Named<'a> {
        let member = match method {
            "tools/call" | "prompts/get" => self.members.name,
            "resources/read" => self.members.uri,
            "tasks/get" | "tasks/update" | "tasks/cancel" => self.members.task,
            _ => return Named::Nothing,
        };
        member.and_then(json::string).map_or(Named::Absent, Named::Text)
    }
}

/// What a request names.
pub(super) enum Named<'a> {
    /// Its method names something, but the parameter is not there or is no string.
    Absent,
    /// Its method names nothing.
    Nothing,
    /// This.
    Text(Cow<'a, str>),
}

fn missing(key: &str) -> ProtocolError {
    ProtocolError::missing_meta(format!("params._meta lacks \"{key}\""))
}
