//! An upstream's answer as the result of a tool: text for the model, data for programs, bounded.

use ::mcp::{Era, Id, ToolResult, Whole, json, truncate};
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt as _;
use model::RequestId;

use super::{
    refusal,
    reply::{self, Reply},
};
use crate::{Body, BodyError, pipeline::Answer};

/// Reads the answer as far as it will be shown, and makes the result.
pub(super) async fn reply(
    era: Era,
    (id, request): (&Id, RequestId),
    answer: Answer,
    bytes_max: usize,
) -> Reply {
    let (parts, body) = answer.into_parts();
    let length = http_body::Body::size_hint(&body).exact();
    let body = read(body, bytes_max).await;
    let result = match &body {
        Ok(beginning) => shown(parts.status, &parts.headers, beginning, length, bytes_max),
        // Nothing of it is out yet, so all that is told is why.
        Err(BodyError::Cut(refusal)) => {
            return refusal::reply(era, id, request, refusal.clone());
        }
        Err(BodyError::Upstream(_)) => {
            Shown::failed("the upstream broke off its answer".to_owned())
        }
    };
    let structured =
        result.structured.as_deref().and_then(|text| json::passable(text.as_bytes()).ok());
    let result = ToolResult { text: &result.text, structured, is_error: result.is_error };
    Reply::ok(reply::server().tool_result(era, id, &result))
}

/// What is read of a body: all of it, or as much as will be shown.
struct Beginning {
    bytes: Vec<u8>,
    is_whole: bool,
}

async fn read(mut body: Body, bytes_max: usize) -> Result<Beginning, BodyError> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        bytes.extend_from_slice(&data);
        if bytes.len() > bytes_max {
            // The rest is not waited for; dropping the body tells the upstream so.
            return Ok(Beginning { bytes, is_whole: false });
        }
    }
    Ok(Beginning { bytes, is_whole: true })
}

/// What the model and the program get to see.
struct Shown {
    text: String,
    /// The whole body, where it is JSON.
    structured: Option<String>,
    is_error: bool,
}

impl Shown {
    fn failed(text: String) -> Self {
        Self { text, structured: None, is_error: true }
    }
}

fn shown(
    status: StatusCode,
    headers: &HeaderMap,
    beginning: &Beginning,
    length: Option<u64>,
    bytes_max: usize,
) -> Shown {
    let Beginning { bytes, is_whole } = beginning;
    let media_type = media_type(headers);
    let read = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let whole = match (is_whole, length) {
        (true, _) => Whole::Bytes(read),
        (false, Some(length)) => Whole::Bytes(length),
        (false, None) => Whole::BytesAbove(u64::try_from(bytes_max).unwrap_or(u64::MAX)),
    };
    let text = match text(bytes, &media_type) {
        Some(text) => truncate(text, bytes_max, whole).into_owned(),
        None if bytes.is_empty() => String::new(),
        None => format!("[{media_type}, not shown: it is not text]"),
    };
    let is_error = status.is_client_error() || status.is_server_error();
    if is_error || status.is_redirection() {
        return Shown { text: format!("HTTP {status}\n{text}"), structured: None, is_error };
    }
    let is_json = *is_whole && is_json(&media_type);
    let structured = is_json.then(|| String::from_utf8(bytes.clone()).ok()).flatten();
    let text = if text.is_empty() { format!("HTTP {status}, no content") } else { text };
    Shown { text, structured, is_error }
}

/// The body as text, where it is text. A character that the bound cut through is left out.
fn text<'b>(bytes: &'b [u8], media_type: &str) -> Option<&'b str> {
    let is_binary = ["image/", "audio/", "video/", "font/", "application/octet-stream"];
    if bytes.is_empty() || is_binary.iter().any(|it| media_type.starts_with(it)) {
        return None;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        // Only a character that is not complete at the very end.
        Err(error) if error.error_len().is_none() => {
            bytes.get(..error.valid_up_to()).and_then(|it| std::str::from_utf8(it).ok())
        }
        Err(_) => None,
    }
}

fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let value = value.unwrap_or("application/octet-stream");
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_json(media_type: &str) -> bool {
    media_type == "application/json" || media_type.ends_with("+json")
}
