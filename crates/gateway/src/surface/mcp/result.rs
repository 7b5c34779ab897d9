//! An upstream's answer as the result of a tool: text for the model, data for programs, bounded.

use ::mcp::{Era, Id, ToolResult, Whole, json, truncate};
use http::{HeaderMap, Response, StatusCode, header};

use super::reply::{self, Reply};
use crate::pipeline::Taken;

/// Makes the result, of at most `bytes_max` bytes of the answer.
pub(super) fn reply(era: Era, id: &Id, answer: Response<Taken>, bytes_max: usize) -> Reply {
    let (parts, taken) = answer.into_parts();
    let shown = shown(parts.status, &parts.headers, &taken, bytes_max);
    let structured =
        shown.structured.as_deref().and_then(|text| json::passable(text.as_bytes()).ok());
    let result = ToolResult { text: &shown.text, structured, is_error: shown.is_error };
    Reply::ok(reply::server().tool_result(era, id, &result))
}

/// What the model and the program get to see.
struct Shown {
    text: String,
    /// The whole body, where it is JSON.
    structured: Option<String>,
    is_error: bool,
}

fn shown(status: StatusCode, headers: &HeaderMap, taken: &Taken, bytes_max: usize) -> Shown {
    let Taken { bytes, is_whole, length, late } = taken;
    let media_type = media_type(headers);
    let whole = match length {
        Some(length) => Whole::Bytes(*length),
        None => Whole::BytesAbove(u64::try_from(bytes.len().min(bytes_max)).unwrap_or(u64::MAX)),
    };
    let text = match text(bytes, &media_type) {
        Some(text) => truncate(text, bytes_max, whole).into_owned(),
        None if bytes.is_empty() => String::new(),
        None => format!("[{media_type}, not shown: it is not text]"),
    };
    if let Some(late) = late {
        // A model must not take the beginning for all there is.
        let (kind, detail) = (late.kind().as_str(), late.detail());
        let text = format!("{kind}: {detail}\nHTTP {status}\n{text}");
        return Shown { text, structured: None, is_error: true };
    }
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
