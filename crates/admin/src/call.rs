//! One call of a management operation, with all that was found out about it.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use model::{Caller, Reach, RequestId, Surface, Timestamp};

/// One call. It was authenticated, authorized, metered and will be recorded.
#[derive(Debug)]
pub struct Call {
    /// Which operation: `put_client`.
    pub operation: String,
    /// Who calls.
    pub caller: Arc<Caller>,
    /// What of the door the caller may touch by it.
    pub reach: Reach,
    /// The request's id.
    pub id: RequestId,
    /// When it arrived.
    pub at: Timestamp,
    /// How it came.
    pub surface: Surface,
    /// The canonical path below the base.
    pub path: String,
    /// The query's pairs, decoded.
    pub query: Vec<(String, Option<String>)>,
    /// Its headers.
    pub headers: HeaderMap,
    /// The body, whole.
    pub body: Bytes,
}

impl Call {
    /// Who is named as the author of a revision.
    pub(crate) fn author(&self) -> String {
        match &self.caller.user {
            Some(user) => format!("{user} by {}", self.caller.profile),
            None => self.caller.profile.to_string(),
        }
    }
}
