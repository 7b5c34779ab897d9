//! Hands calls from the pipeline to those who carry them out.

use std::sync::Arc;

use admin::{Admin, Call};
use gateway::{Local, LocalCall, LocalFuture};

/// The management, as the pipeline sees it.
#[derive(Debug)]
pub(super) struct Management(pub(super) Arc<Admin>);

/// What clients may do for themselves, as the pipeline sees it.
#[derive(Debug)]
pub(super) struct SelfService(pub(super) Arc<Admin>);

impl Local for Management {
    fn carry_out(&self, call: LocalCall) -> LocalFuture<'_> {
        Box::pin(async move { Ok(self.0.carry_out(&translated(call)).await) })
    }
}

impl Local for SelfService {
    fn carry_out(&self, call: LocalCall) -> LocalFuture<'_> {
        Box::pin(async move { Ok(self.0.carry_out_for_client(&translated(call)).await) })
    }
}

fn translated(call: LocalCall) -> Call {
    let LocalCall { operation, caller, reach, id, at, surface, certificate, head, body } = call;
    Call {
        operation: operation.name().to_owned(),
        caller,
        reach,
        id,
        at,
        surface,
        certificate,
        path: head.path.as_str().to_owned(),
        query: head.query.pairs().to_vec(),
        headers: head.headers,
        body,
    }
}
