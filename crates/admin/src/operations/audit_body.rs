//! `get_audit_body` and `forget_subject`: what was kept of bodies, and that nobody reads it any more.

use audit::{bodies::Direction, without_addresses};
use http::Method;
use model::{Effect, RequestId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Admin, BodyFault, BodyView, Call, authority,
    failure::Failure,
    operation::{NoBody, NoParameters, Operation},
    reply::Reply,
};

/// Shows a body that was kept.
#[derive(Debug)]
pub(crate) struct Get;

/// Which body.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhichBody {
    /// The id of the call, as its record has it.
    #[schemars(regex(pattern = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"))]
    request_id: String,
    /// What came with it, or what was answered.
    direction: DirectionWord,
}

/// Which body of a call.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum DirectionWord {
    Request,
    Response,
}

impl Operation for Get {
    const NAME: &'static str = "get_audit_body";
    const COMMAND: [&'static str; 2] = ["audit", "body"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/audit/bodies/{request_id}/{direction}";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Show a body that was kept of a call";
    const DESCRIPTION: &'static str = "Bodies are kept where a collection says so (audit.bodies), and as long as the segment of the log that refers to them. A body whose subject was forgotten cannot be opened by anybody. That it was shown is recorded.";
    type Parameters = WhichBody;
    type Body = NoBody;
    type Output = BodyView;

    async fn run(
        admin: &Admin,
        call: &Call,
        which: WhichBody,
        _: NoBody,
    ) -> Result<Reply<BodyView>, Failure> {
        authority::ensure_everywhere(call, authority::LOG)?;
        let WhichBody { request_id, direction } = which;
        let direction = match direction {
            DirectionWord::Request => Direction::Request,
            DirectionWord::Response => Direction::Response,
        };
        let id = RequestId::parse(&request_id);
        let id = id.ok_or_else(|| Failure::no_such("call", &request_id))?;
        let _alone = admin.searching.lock().await;
        Ok(admin.plane.body(id, direction).map(Reply::of)?)
    }
}

/// Forgets a subject.
#[derive(Debug)]
pub(crate) struct Forget;

/// Who is to be forgotten, and why.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whom {
    /// What sort of subject: `user`, `profile`, or what a collection declares as `audit.bodies.subject.kind`.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,62}$"))]
    kind: String,
    /// Which of them: the user as records name it, `client/profile`, or the value of the argument.
    #[schemars(length(min = 1, max = 2048))]
    id: String,
    /// Why. It is recorded, so it should not name who is forgotten.
    #[schemars(length(min = 1, max = 500))]
    reason: String,
}

/// What became of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Forgotten {
    /// What sort of subject.
    kind: String,
    /// Whether there was a key to destroy. Where there was none, nothing is kept of that subject, or it was
    /// forgotten before.
    had_key: bool,
}

impl Operation for Forget {
    const NAME: &'static str = "forget_subject";
    const COMMAND: [&'static str; 2] = ["audit", "forget"];
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/audit/forgotten-subjects";
    const EFFECT: Effect = Effect::Destructive;
    const SUMMARY: &'static str = "Destroy the key of all bodies that are kept of a subject";
    const DESCRIPTION: &'static str = "Nobody reads these bodies any more, and it cannot be undone. No record changes: the log can be checked as before, and still says that there were calls. What is kept of the subject from then on has a new key. It is about what this process keeps: ask each replica. It can be done again.";
    type Parameters = NoParameters;
    type Body = Whom;
    type Output = Forgotten;

    async fn run(
        admin: &Admin,
        call: &Call,
        _: NoParameters,
        whom: Whom,
    ) -> Result<Reply<Forgotten>, Failure> {
        authority::ensure_everywhere(call, authority::LOG)?;
        let Whom { kind, id, reason } = whom;
        let why = format!("asked for by {}: {}", call.author(), without_addresses(&reason));
        let had_key = admin.plane.forget((kind.as_str(), id.as_str()), (call.id, why.as_str()))?;
        Ok(Reply::of(Forgotten { kind, had_key }))
    }
}

impl From<BodyFault> for Failure {
    fn from(fault: BodyFault) -> Self {
        match fault {
            BodyFault::Absent(detail) => Self::NotFound(detail),
            BodyFault::Failed(detail) => Self::Internal(detail),
        }
    }
}
