//! Operations that are carried out in this process: the door's own management, and what clients may do
//! for themselves.

use std::{fmt, pin::Pin, sync::Arc};

use bytes::Bytes;
use http::Response;
use model::{
    Caller, ClientCertificate, Collection, OperationId, Reach, Refusal, RequestHead, RequestId,
    Role, Surface, Timestamp,
};

/// Where the door's own operations are on the REST surface. No other collection can be there.
pub(crate) const BASE: &str = "/onedoor";

/// Where what clients may do for themselves is: the one part of it that is for everybody.
const SELF_SERVICE: &str = "/onedoor/self";

/// Whether a path is at or below [`BASE`].
pub(crate) fn is_below_base(path: &str) -> bool {
    is_below(BASE, path)
}

/// Whether management can be at this path.
pub(crate) fn is_of_management(path: &str) -> bool {
    is_below_base(path) && !is_below(SELF_SERVICE, path)
}

fn is_below(base: &str, path: &str) -> bool {
    path.strip_prefix(base).is_some_and(|it| it.is_empty() || it.starts_with('/'))
}

/// A collection whose operations are carried out here.
#[derive(Debug)]
pub struct LocalCollection {
    /// What its operations are. Its base is `/onedoor` or below, and its upstream is not used.
    pub collection: Arc<Collection>,
    /// Roles that are always there. No declared one can take their names.
    pub roles: Vec<Role>,
    /// Who carries them out.
    pub handler: Arc<dyn Local>,
}

/// Carries operations out in this process.
///
/// The floor is crossed here: who manages the door is above the data plane, or beside it.
pub trait Local: fmt::Debug + Send + Sync {
    /// Carries out one call that was authenticated, authorized and metered.
    ///
    /// What is wrong with its arguments is an answer of 4xx, as an upstream's would be.
    ///
    /// # Errors
    /// A refusal, where it was not carried out for reasons of the door.
    fn carry_out(&self, call: LocalCall) -> LocalFuture<'_>;
}

/// What becomes of a call that is carried out here.
pub type LocalFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Response<Bytes>, Refusal>> + Send + 'a>>;

/// One call, with all that was found out about it.
pub struct LocalCall {
    /// Which operation.
    pub operation: OperationId,
    /// Who calls.
    pub caller: Arc<Caller>,
    /// What of the door the caller may touch by it.
    pub reach: Reach,
    /// The request's id, as its record has it.
    pub id: RequestId,
    /// When it arrived.
    pub at: Timestamp,
    /// How it came.
    pub surface: Surface,
    /// The client certificate that its connection showed, which was verified.
    pub certificate: Option<ClientCertificate>,
    /// Everything but the body, in canonical form.
    pub head: RequestHead,
    /// The body, whole.
    pub body: Bytes,
}

/// Without headers and body: either may hold a secret.
impl fmt::Debug for LocalCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalCall")
            .field("operation", &self.operation)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
