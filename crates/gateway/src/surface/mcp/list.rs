//! `tools/list`: exactly what a call would be allowed, a page at a time, in a fixed order.

use ::mcp::{Era, ListParams, Method, Page, ProtocolError, Request};
use audit::{Kind, Recorded};
use model::id::is_operation_name;

use super::{
    exchange::Exchange,
    reply::{self, Reply},
};
use crate::pipeline;

/// How long a client may keep a list, in milliseconds: a change is seen within this time.
pub(super) const TTL_MS: u32 = 10_000;

/// One page, beginning behind the tool that the cursor names.
pub(super) async fn answer(
    exchange: &Exchange,
    era: Era,
    request: &Request<'_>,
) -> Result<Recorded<Reply>, ProtocolError> {
    let params = ListParams::read(request)?;
    let cursor = params.cursor.as_deref().unwrap_or_default();
    let visible: Vec<_> =
        pipeline::visible(&exchange.snapshot, &exchange.arrival, &exchange.caller)
            .filter(|it| exchange.endpoint.has(it))
            .collect();
    // The cursor is the last name of the page before: it holds through changes of the tables.
    if !cursor.is_empty() && !is_operation_name(cursor) {
        return Err(
            ProtocolError::invalid_params("this cursor is none of ours").for_request(&request.id)
        );
    }
    let start = visible.partition_point(|it| *it.tool_name <= *cursor);
    let rest = visible.get(start..).unwrap_or_default();
    let page_max = exchange.gateway.settings.tools_page_max.max(1);
    let shown = rest.get(..page_max).unwrap_or(rest);
    let has_more = shown.len() < rest.len();
    let page = Page {
        tools: shown.iter().map(|it| &*it.tool),
        next_cursor: shown.last().filter(|_| has_more).map(|it| it.tool_name.to_string()),
        ttl_ms: TTL_MS,
    };
    let noted = exchange.note(Kind::List, Method::ToolsList, &request.id, || {
        Reply::ok(reply::server().tools_list(era, &request.id, &page))
    });
    Ok(noted.await)
}
