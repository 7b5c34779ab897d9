//! `retire_credential` of a client: it has taken the successor, and the old one goes.

use http::Method;
use model::{Credential, Effect};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    super::lifecycle::{Became, Retirement, retire},
    begin, found_own, is_good, of_profile,
};
use crate::{
    Admin, Call,
    failure::Failure,
    operation::{NoBody, Operation},
    reply::Reply,
    working::Working,
};

/// Ends one of the caller's own.
#[derive(Debug)]
pub(crate) struct Retire;

/// Which one, and how sure whoever asks is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnRetirement {
    /// The id.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,62}$"))]
    id: String,
    /// `true`: even where it is still used.
    force: Option<bool>,
    /// Why, for the record of changes.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

impl Operation for Retire {
    const NAME: &'static str = "retire_credential";
    const COMMAND: [&'static str; 2] = ["self", "retire"];
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/credentials/{id}/retire";
    const EFFECT: Effect = Effect::Write;
    const SUMMARY: &'static str = "End one of your own credentials whose successor you have taken";
    const DESCRIPTION: &'static str = "Refused where it was used within the last day and since its successor was made, or within the time that your profile's rotation calls quiet: somebody holds it still; and for 10 s after it or that successor was made, until every replica has told of its use. force ends it all the same. The last good one is never ended here.";
    type Parameters = OwnRetirement;
    type Body = NoBody;
    type Output = Became;

    async fn run(
        admin: &Admin,
        call: &Call,
        retirement: OwnRetirement,
        _: NoBody,
    ) -> Result<Reply<Became>, Failure> {
        begin(admin, call)?;
        let OwnRetirement { id, force, reason } = retirement;
        let retirement = Retirement { id, force, unused_for: None, reason, if_match: None };
        retire(admin, call, retirement, dispensable).await
    }
}

/// One without which the client can go on.
fn dispensable<'a>(
    working: &'a Working,
    call: &Call,
    id: &str,
) -> Result<(&'a str, Credential), Failure> {
    let (path, credential) = found_own(working, call, id)?;
    let mut others = of_profile(working, call).filter(|it| it.id != credential.id);
    if others.any(|it| is_good(working, it, call.at)) {
        return Ok((path, credential));
    }
    let detail = format!("{id} is the only good one: rotate it, and take the successor first");
    Err(Failure::Conflict(detail))
}
