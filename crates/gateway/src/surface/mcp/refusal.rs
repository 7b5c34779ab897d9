//! A refusal in the words of JSON-RPC.

use ::mcp::{Era, Id, ToolResult, error};
use http::StatusCode;
use model::{Refusal, RefusalKind, RequestId};
use serde_json::{Map, Value, json};

use super::reply::{self, Reply};

/// A client took its request back. The code that others use for it, outside JSON-RPC's own range.
const CANCELLED: i32 = -32800;

/// What MCP says for each kind.
enum Words {
    /// A JSON-RPC error with this code. Ours are HTTP's, far from the ranges that are reserved.
    Error(i32),
    /// The tool's own failure: a model reads it and can do better.
    Tool,
}

fn words(kind: RefusalKind) -> Words {
    match kind {
        RefusalKind::Forbidden | RefusalKind::Stopped => Words::Error(403),
        RefusalKind::Gone => Words::Error(410),
        RefusalKind::Internal => Words::Error(error::INTERNAL_ERROR),
        RefusalKind::InvalidArguments => Words::Tool,
        RefusalKind::LimitReached => Words::Error(429),
        RefusalKind::Malformed => Words::Error(error::INVALID_REQUEST),
        RefusalKind::MethodNotAllowed => Words::Error(error::METHOD_NOT_FOUND),
        RefusalKind::NotFound => Words::Error(error::INVALID_PARAMS),
        RefusalKind::TooLarge => Words::Error(413),
        RefusalKind::Unauthenticated => Words::Error(401),
        RefusalKind::IssuerUnavailable | RefusalKind::Unrecorded | RefusalKind::UpstreamBusy => {
            Words::Error(503)
        }
        RefusalKind::UpstreamFailed => Words::Error(502),
        RefusalKind::UpstreamTimeout => Words::Error(504),
    }
}

/// Answers a call that did not go through.
pub(super) fn reply(era: Era, id: &Id, request: RequestId, refusal: Refusal) -> Reply {
    let body = match words(refusal.kind()) {
        Words::Tool => {
            let text = format!("{}: {}", refusal.kind().as_str(), refusal.detail());
            let result = ToolResult { text: &text, structured: None, is_error: true };
            reply::server().tool_result(era, id, &result)
        }
        Words::Error(code) => {
            ::mcp::answer::error(Some(id), code, refusal.detail(), Some(&data(request, &refusal)))
        }
    };
    // Clients look for the challenge of a 401; any other status would end the exchange for some.
    let status = match refusal.kind() {
        RefusalKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        // Or for that of a 403, to ask for what the token lacks.
        _ if refusal.scope().is_some() => StatusCode::FORBIDDEN,
        _ => StatusCode::OK,
    };
    Reply { status, body, session: None, refusal: Some(refusal) }
}

/// Answers a request that its client took back. It waits for nothing, but HTTP wants an answer.
pub(super) fn cancelled(id: &Id) -> Reply {
    Reply::ok(::mcp::answer::error(Some(id), CANCELLED, "the request was cancelled", None))
}

/// The same facts that a problem document has.
pub(super) fn data(request: RequestId, refusal: &Refusal) -> Value {
    let mut data = Map::new();
    data.insert("reason".to_owned(), json!(refusal.kind().as_str()));
    if let Some(rule) = refusal.rule() {
        data.insert("rule".to_owned(), json!(rule));
    }
    if let Some(limit) = refusal.limit() {
        data.insert("limit".to_owned(), json!(&*limit.limit));
        data.insert("retry_after_seconds".to_owned(), json!(limit.retry_after_seconds()));
    }
    data.insert("request_id".to_owned(), json!(request.to_string()));
    Value::Object(data)
}

/// The code of a refusal of the whole POST, which names no request.
pub(super) fn code(kind: RefusalKind) -> i32 {
    match words(kind) {
        Words::Error(code) => code,
        Words::Tool => error::INVALID_PARAMS,
    }
}
