//! `rotate_audit_key`: another key signs the audit log from now on.

use audit::without_addresses;
use http::{Method, StatusCode};
use model::Effect;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    Admin, Call, LogKeyView, authority,
    failure::Failure,
    operation::{NoParameters, Operation},
    reply::Reply,
};

/// Has another key sign the log.
#[derive(Debug)]
pub(crate) struct Rotate;

/// Why.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    /// Why. It is recorded with the change.
    #[schemars(length(min = 1, max = 500))]
    reason: String,
}

impl Operation for Rotate {
    const NAME: &'static str = "rotate_audit_key";
    const COMMAND: [&'static str; 2] = ["audit_key", "rotate"];
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/audit-keys";
    const EFFECT: Effect = Effect::Write;
    const SUMMARY: &'static str = "Have another key sign the audit log";
    const DESCRIPTION: &'static str = "Both keys sign that one follows the other, so whoever has either can check all of the log; the older one signs for no more records from then on. The new private key is made by the door and stays on its machine. It is about the log of this process.";
    const STATUS: StatusCode = StatusCode::CREATED;
    type Parameters = NoParameters;
    type Body = Wish;
    type Output = LogKeyView;

    async fn run(
        admin: &Admin,
        call: &Call,
        _: NoParameters,
        wish: Wish,
    ) -> Result<Reply<LogKeyView>, Failure> {
        authority::ensure_everywhere(call, authority::LOG)?;
        let why = format!("asked for by {}: {}", call.author(), without_addresses(&wish.reason));
        Ok(Reply::of(admin.plane.rotate_log_key(&why)?))
    }
}
