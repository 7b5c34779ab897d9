//! One call of a management operation, with all that was found out about it.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::HeaderMap;
use model::{Caller, ClientCertificate, Reach, RequestId, Surface, Timestamp};

/// One call. It was authenticated, authorized, metered and will be recorded.
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
    /// The client certificate that its connection showed, which was verified.
    pub certificate: Option<ClientCertificate>,
    /// The canonical path below the base.
    pub path: String,
    /// The query's pairs, decoded.
    pub query: Vec<(String, Option<String>)>,
    /// Its headers.
    pub headers: HeaderMap,
    /// The body, whole.
    pub body: Bytes,
}

impl fmt::Debug for Call {
    // Body, query and headers may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Call");
        shown.field("operation", &self.operation).field("profile", &self.caller.profile);
        shown.field("id", &self.id).field("at", &self.at).finish_non_exhaustive()
    }
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
