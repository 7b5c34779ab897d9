//! `check_audit`: whether the log of this process is what was written, and what vouches for that.

use http::Method;
use model::Effect;

use crate::{
    Admin, Call, LogView, authority,
    failure::Failure,
    operation::{NoBody, NoParameters, Operation},
    reply::Reply,
};

/// Checks the audit log.
#[derive(Debug)]
pub(crate) struct Check;

impl Operation for Check {
    const NAME: &'static str = "check_audit";
    const COMMAND: [&'static str; 2] = ["audit", "check"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/audit/check";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Check the audit log, show its checkpoint";
    const DESCRIPTION: &'static str = "The whole log is read, which takes its time where it is long; one check runs at a time. The door checks itself here: onedoor audit verify does so with a copy, and with a checkpoint that was kept elsewhere.";
    type Parameters = NoParameters;
    type Body = NoBody;
    type Output = LogView;

    async fn run(
        admin: &Admin,
        call: &Call,
        _: NoParameters,
        _: NoBody,
    ) -> Result<Reply<LogView>, Failure> {
        authority::ensure_everywhere(call, authority::LOG)?;
        // All of it is read: two at a time would only be slower.
        let _alone = admin.checking.lock().await;
        admin.plane.check_log().map(Reply::of).map_err(|error| Failure::internal(&error))
    }
}
