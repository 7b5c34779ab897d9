//! The answers, written as JSON-RPC. The stateless era wants some members more than the other.

use bytes::Bytes;
use serde::{Serialize, Serializer};
use serde_json::{Value, value::RawValue};

use crate::{Era, Id, Version, error::ErrorObject, json};

/// What the server says of itself, and with that the writer of its answers.
#[derive(Debug, Clone, Serialize)]
pub struct Server {
    /// Its name, for programs.
    pub name: String,
    /// Its name, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its version.
    pub version: String,
    /// How to use its tools, for the model.
    #[serde(skip)]
    pub instructions: Option<String>,
}

/// One page of the tools that a caller may call.
#[derive(Debug, Clone)]
pub struct Page<I> {
    /// The tools, each as [`Tool::to_json`](crate::Tool::to_json) wrote it, in a fixed order.
    pub tools: I,
    /// What the client sends for the next page; none after the last.
    pub next_cursor: Option<String>,
    /// How long the client may keep the page, in milliseconds.
    pub ttl_ms: u32,
}

/// How a call ended, for the model that asked for it.
#[derive(Debug, Clone, Copy)]
pub struct ToolResult<'a> {
    /// What the model reads.
    pub text: &'a str,
    /// The same as data, from [`json::passable`]. Where the tool has an output schema, clients
    /// demand it of every answer that is no error, and check it.
    pub structured: Option<&'a RawValue>,
    /// Whether the call failed. Then only the text goes out, since no error fits the schema.
    pub is_error: bool,
}

impl Server {
    /// Answers `initialize` with the version from [`Version::negotiate`].
    #[must_use]
    pub fn initialize(&self, id: &Id, version: Version) -> Bytes {
        let result = Initialize {
            protocol_version: version,
            capabilities: Capabilities::default(),
            server_info: self,
            instructions: self.instructions.as_deref(),
        };
        success(id, &result, 512)
    }

    /// Answers `server/discover`.
    #[must_use]
    pub fn discover(&self, id: &Id, ttl_ms: u32) -> Bytes {
        let result = Discover {
            supported_versions: Version::SUPPORTED,
            capabilities: Capabilities::default(),
            instructions: self.instructions.as_deref(),
            caching: Caching::private(ttl_ms),
            ending: self.ending(),
        };
        success(id, &result, 512)
    }

    /// Answers `tools/list`.
    #[must_use]
    pub fn tools_list<'t, I>(&self, era: Era, id: &Id, page: &Page<I>) -> Bytes
    where
        I: Iterator<Item = &'t RawValue> + Clone,
    {
        let tools_bytes = page
            .tools
            .clone()
            .fold(0_usize, |sum, it| sum.saturating_add(it.get().len()).saturating_add(1));
        let result = ToolsList {
            tools: Sequence(page.tools.clone()),
            next_cursor: page.next_cursor.as_deref(),
            caching: era.is_stateless().then(|| Caching::private(page.ttl_ms)),
            ending: era.is_stateless().then(|| self.ending()),
        };
        success(id, &result, tools_bytes.saturating_add(512))
    }

    /// Answers `tools/call`.
    #[must_use]
    pub fn tool_result(&self, era: Era, id: &Id, result: &ToolResult<'_>) -> Bytes {
        let structured = result.structured.filter(|_| !result.is_error);
        let data_bytes = structured.map_or(0, |it| it.get().len());
        // Quotes and line breaks double in a JSON string; most texts have some.
        let text_bytes = result.text.len().saturating_add(result.text.len() / 4);
        let written = Call {
            content: [Text { kind: "text", text: result.text }],
            structured_content: structured.map(Structured::of),
            is_error: result.is_error,
            ending: era.is_stateless().then(|| self.ending()),
        };
        success(id, &written, text_bytes.saturating_add(data_bytes).saturating_add(256))
    }

    fn ending(&self) -> Ending<'_> {
        Ending { result_type: "complete", meta: Meta { server_info: self } }
    }
}

/// Answers `ping`. Clients of the session era refuse members in it.
#[must_use]
pub fn ping(id: &Id) -> Bytes {
    #[derive(Serialize)]
    struct Empty {}
    success(id, &Empty {}, 64)
}

/// Answers with an error. Without an id, the request's could not be read.
#[must_use]
pub fn error(id: Option<&Id>, code: i32, message: &str, data: Option<&Value>) -> Bytes {
    let error = ErrorObject { code, message, data };
    write(&Failure { jsonrpc: "2.0", id, error }, message.len().saturating_add(128))
}

/// Joins the answers to the requests of a batch; none where it held no request.
#[must_use]
pub fn batch(answers: &[Bytes]) -> Option<Bytes> {
    if answers.is_empty() {
        return None;
    }
    let mut joined = vec![b'['];
    for answer in answers {
        if joined.len() > 1 {
            joined.push(b',');
        }
        joined.extend_from_slice(answer);
    }
    joined.push(b']');
    Some(joined.into())
}

fn success<R: Serialize>(id: &Id, result: &R, capacity: usize) -> Bytes {
    write(&Success { jsonrpc: "2.0", id, result }, capacity)
}

fn write<T: Serialize>(answer: &T, capacity: usize) -> Bytes {
    let mut bytes = Vec::with_capacity(capacity);
    match serde_json::to_writer(&mut bytes, answer) {
        Ok(()) => bytes.into(),
        // Only a map with keys that are no strings fails, and no answer has one.
        Err(_) => Bytes::from_static(
            br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"internal error"}}"#,
        ),
    }
}

#[derive(Serialize)]
struct Success<'a, R> {
    jsonrpc: &'static str,
    id: &'a Id,
    result: &'a R,
}

#[derive(Serialize)]
struct Failure<'a> {
    jsonrpc: &'static str,
    id: Option<&'a Id>,
    error: ErrorObject<'a>,
}

/// What the door offers: tools, and no notice of their changes.
#[derive(Serialize, Default)]
struct Capabilities {
    tools: Tools,
}

#[derive(Serialize, Default)]
struct Tools {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Initialize<'a> {
    protocol_version: Version,
    capabilities: Capabilities,
    server_info: &'a Server,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Discover<'a> {
    supported_versions: [Version; 4],
    capabilities: Capabilities,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    #[serde(flatten)]
    caching: Caching,
    #[serde(flatten)]
    ending: Ending<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolsList<'a, I: Serialize> {
    tools: I,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<&'a str>,
    #[serde(flatten)]
    caching: Option<Caching>,
    #[serde(flatten)]
    ending: Option<Ending<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Call<'a> {
    content: [Text<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    structured_content: Option<Structured<'a>>,
    is_error: bool,
    #[serde(flatten)]
    ending: Option<Ending<'a>>,
}

#[derive(Serialize)]
struct Text<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a str,
}

/// Structured content is an object in the session era, so anything else is wrapped. The stateless
/// era could do without, but a tool has one output schema for both, and that describes an object.
#[derive(Serialize)]
#[serde(untagged)]
enum Structured<'a> {
    Object(&'a RawValue),
    Wrapped { result: &'a RawValue },
}

impl<'a> Structured<'a> {
    fn of(value: &'a RawValue) -> Self {
        if json::is_object(value) { Self::Object(value) } else { Self::Wrapped { result: value } }
    }
}

/// Who may keep an answer, and how long. What a caller sees is what that caller may call.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Caching {
    ttl_ms: u32,
    cache_scope: &'static str,
}

impl Caching {
    fn private(ttl_ms: u32) -> Self {
        Self { ttl_ms, cache_scope: "private" }
    }
}

/// What every result of the stateless era ends with.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ending<'a> {
    result_type: &'static str,
    #[serde(rename = "_meta")]
    meta: Meta<'a>,
}

#[derive(Serialize)]
struct Meta<'a> {
    #[serde(rename = "io.modelcontextprotocol/serverInfo")]
    server_info: &'a Server,
}

struct Sequence<I>(I);

impl<'t, I: Iterator<Item = &'t RawValue> + Clone> Serialize for Sequence<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}
