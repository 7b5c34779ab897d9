//! `explain_access` and `list_access`: who may call what, and by which rule.

use http::Method;
use model::{Effect, ProfileId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use state::Kind;

use crate::{
    AccessView, Admin, Call, authority,
    failure::Failure,
    operation::{NoBody, Operation},
    operations::operation::visible,
    reply::Reply,
};

/// Explains one decision.
#[derive(Debug)]
pub(crate) struct Explain;

/// Lists who may call an operation.
#[derive(Debug)]
pub(crate) struct WhoCan;

/// Whose access to what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// The profile: `client/profile`.
    #[schemars(length(max = 130))]
    profile: String,
    /// The operation: `orders.get_order`.
    #[schemars(length(max = 130))]
    operation: String,
}

/// To what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct What {
    /// The operation: `orders.get_order`.
    #[schemars(length(max = 130))]
    operation: String,
}

/// Who may call it, unless a guard refuses the call.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Profiles {
    /// The profiles.
    profiles: Vec<String>,
}

impl Operation for Explain {
    const NAME: &'static str = "explain_access";
    const COMMAND: [&'static str; 2] = ["access", "explain"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/access/explanation";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Say whether a profile may call an operation, and why";
    type Parameters = Question;
    type Body = NoBody;
    type Output = AccessView;

    async fn run(
        admin: &Admin,
        call: &Call,
        question: Question,
        _: NoBody,
    ) -> Result<Reply<AccessView>, Failure> {
        let Question { profile, operation } = question;
        let no_profile = || Failure::no_such("profile", &profile);
        let id = ProfileId::parse(&profile).map_err(|_| no_profile())?;
        let working = admin.working();
        if !authority::reaches(call, &working, Kind::Client, id.client()) {
            return Err(no_profile());
        }
        check_reach(admin, call, &operation)?;
        let explained = admin.plane.explain(&id, &operation);
        explained.map(Reply::of).ok_or_else(|| Failure::no_such("operation", &operation))
    }
}

impl Operation for WhoCan {
    const NAME: &'static str = "list_access";
    const COMMAND: [&'static str; 2] = ["access", "list"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/access";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "List the profiles that may call an operation";
    type Parameters = What;
    type Body = NoBody;
    type Output = Profiles;

    async fn run(
        admin: &Admin,
        call: &Call,
        what: What,
        _: NoBody,
    ) -> Result<Reply<Profiles>, Failure> {
        check_reach(admin, call, &what.operation)?;
        let found = admin.plane.who_can(&what.operation);
        let found = found.ok_or_else(|| Failure::no_such("operation", &what.operation))?;
        let working = admin.working();
        let profiles = found
            .into_iter()
            .filter(|it| authority::reaches(call, &working, Kind::Client, it.client()));
        Ok(Reply::of(Profiles { profiles: profiles.map(|it| it.to_string()).collect() }))
    }
}

/// What is out of reach is as if it were not there.
fn check_reach(admin: &Admin, call: &Call, id: &str) -> Result<(), Failure> {
    if call.reach.is_everywhere() {
        return Ok(());
    }
    let is_visible = visible(admin, call).iter().any(|it| it.id == id);
    is_visible.then_some(()).ok_or_else(|| Failure::no_such("operation", id))
}
