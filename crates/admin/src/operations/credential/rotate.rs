//! `rotate_credential`: a successor, and an end for the one before.

use http::{Method, StatusCode};
use model::{CredentialState, Effect, Proof, quantity::parse_duration};
use schemars::JsonSchema;
use serde::Deserialize;
use state::Kind;

use super::{
    issue::{Issued, expiry, issued, made},
    lifecycle::found,
};
use crate::{
    Admin, Call, change::Plan, failure::Failure, operation::Operation, reply::Reply,
    resource::ById, working::Working,
};

/// Makes the successor of an API key.
#[derive(Debug)]
pub(crate) struct Rotate;

/// For how long.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    /// When the new key ends: `90d`, or a time; 90 days where it is missing.
    #[schemars(length(max = 50))]
    expires: Option<String>,
    /// How long the old key stays good: `7d` where it is missing.
    #[schemars(length(max = 50))]
    overlap: Option<String>,
    /// Why, for the revision.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

impl Operation for Rotate {
    const NAME: &'static str = "rotate_credential";
    const COMMAND: [&'static str; 2] = ["credential", "rotate"];
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/credentials/{id}/rotate";
    const EFFECT: Effect = Effect::Write;
    const SUMMARY: &'static str = "Make the successor of an API key";
    const DESCRIPTION: &'static str =
        "Both are good until the overlap is over. The new key is shown this once.";
    const STATUS: StatusCode = StatusCode::CREATED;
    type Parameters = ById;
    type Body = Wish;
    type Output = Issued;

    async fn run(
        admin: &Admin,
        call: &Call,
        by: ById,
        wish: Wish,
    ) -> Result<Reply<Issued>, Failure> {
        let expires = expiry(wish.expires.as_deref(), call.at)?;
        let overlap = wish.overlap.as_deref().unwrap_or("7d");
        let overlap = parse_duration(overlap)
            .map_err(|error| Failure::field("body.overlap", error, "write 7d or 12h"))?;
        let (_, old) = found(&admin.working(), call, &by.id)?;
        let (key, new) = made(admin, &old.profile, call.at, expires)?;
        let plan = |working: &Working| {
            let (path, mut old) = found(working, call, &by.id)?;
            if !matches!(old.proof, Proof::ApiKey { .. }) {
                let detail = format!("{} is no API key: its issuer makes its tokens", by.id);
                return Err(Failure::Conflict(detail));
            }
            if old.state == CredentialState::Revoked {
                return Err(Failure::Conflict(format!("{} is revoked: issue a new key", by.id)));
            }
            old.state = CredentialState::Retiring;
            old.expires = old.expires.min(call.at.plus(overlap));
            let old = Some(state::write_credential(&old));
            let mut plan = Plan::file(path, old, wish.reason.clone());
            let path = Kind::Credential.path(new.id.as_str());
            plan.files.insert(path, Some(state::write_credential(&new)));
            Ok(plan)
        };
        let after = admin.change(call, plan).await?;
        Ok(Reply::of(issued(&key, &new, after.revision)))
    }
}
