//! Hands calls of management operations from the pipeline to those who carry them out.

use std::sync::Arc;

use admin::{Admin, Call};
use gateway::{Local, LocalCall, LocalFuture};

/// The management, as the pipeline sees it.
#[derive(Debug)]
pub(super) struct Management(pub(super) Arc<Admin>);

impl Local for Management {
    fn carry_out(&self, call: LocalCall) -> LocalFuture<'_> {
        Box::pin(async move {
            let LocalCall { operation, caller, reach, id, at, surface, head, body } = call;
            let call = Call {
                operation: operation.name().to_owned(),
                caller,
                reach,
                id,
                at,
                surface,
                path: head.path.as_str().to_owned(),
                query: head.query.pairs().to_vec(),
                headers: head.headers,
                body,
            };
            Ok(self.0.carry_out(&call).await)
        })
    }
}
