//! `rotate_credential`: a successor, and an end for the one before.

use http::{Method, StatusCode};
use model::{Credential, CredentialState, Effect, quantity::parse_duration};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    issue::{Issued, issued},
    lifecycle::{Find, found},
    new::{New, NewKind, Public, expiry, known},
};
use crate::{
    Admin, Call, change::Plan, failure::Failure, operation::Operation, reply::Reply,
    resource::ById, working::Working,
};

/// Makes the successor of a credential.
#[derive(Debug)]
pub(crate) struct Rotate;

/// For how long, and what the client shows from now on.
#[derive(Debug, Deserialize, JsonSchema)]
// Said of the schema alone: serde cannot refuse the rest where something is flattened.
#[schemars(extend("additionalProperties" = false))]
pub(crate) struct Wish {
    /// When the new one ends: `90d`, or a time; 90 days where it is missing, or less where the
    /// profile's rotation says so.
    #[schemars(length(max = 50))]
    pub(super) expires: Option<String>,
    /// How long the old one stays good at most: `7d` where it is missing.
    #[schemars(length(max = 50))]
    pub(super) overlap: Option<String>,
    /// Why, for the revision.
    #[schemars(length(max = 500))]
    pub(super) reason: Option<String>,
    #[serde(flatten)]
    pub(super) public: Public,
}

impl Operation for Rotate {
    const NAME: &'static str = "rotate_credential";
    const COMMAND: [&'static str; 2] = ["credential", "rotate"];
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/credentials/{id}/rotate";
    const EFFECT: Effect = Effect::Write;
    const SUMMARY: &'static str = "Make the successor of a credential";
    const DESCRIPTION: &'static str = "Both are good until the overlap is over, or the old one is retired. A new API key or client secret is shown this once; for external, mtls and private_key_jwt, say what the client shows from now on.";
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
        succeed(admin, call, (&by.id, found), wish).await
    }
}

/// Makes the successor of the credential that `find` finds.
///
/// # Errors
/// Whatever stands in the way; then nothing was changed.
pub(super) async fn succeed(
    admin: &Admin,
    call: &Call,
    (id, find): (&str, Find),
    wish: Wish,
) -> Result<Reply<Issued>, Failure> {
    let Wish { expires, overlap, reason, public } = wish;
    let overlap = parse_duration(overlap.as_deref().unwrap_or("7d"))
        .map_err(|error| Failure::field("body.overlap", error, "write 7d or 12h"))?;
    let working = admin.working();
    let (_, old) = find(&working, call, id)?;
    let kind = rotatable(&old)?;
    let profile = known(&working, call, &old.profile)?;
    let ends = expiry(expires.as_deref(), profile, call.at)?;
    let new = New::make(admin, &old.profile, (kind, &public), (call.at, ends))?;
    let plan = |working: &Working| {
        let (path, mut old) = find(working, call, id)?;
        if rotatable(&old)? != kind {
            return Err(Failure::Changed(format!("{id} is of another kind now")));
        }
        if new.is_known_as(&old) {
            let detail = format!("{id} is known by the same already: give a new one");
            return Err(Failure::Conflict(detail));
        }
        old.state = CredentialState::Retiring;
        old.replaced = Some(call.at);
        old.expires = old.expires.min(call.at.plus(overlap));
        let old = Some(state::write_credential(&old));
        let mut plan = Plan::file(path, old, reason.clone());
        new.add_to(&mut plan);
        Ok(plan)
    };
    let after = admin.change(call, plan).await?;
    Ok(Reply::of(issued(&new, after.revision)))
}

/// What its successor is, where it can have one.
fn rotatable(old: &Credential) -> Result<NewKind, Failure> {
    let id = &old.id;
    match old.state {
        CredentialState::Active | CredentialState::Retiring => {}
        CredentialState::Retired => {
            return Err(Failure::Conflict(format!("{id} is retired: issue a new one")));
        }
        CredentialState::Revoked => {
            return Err(Failure::Conflict(format!("{id} is revoked: issue a new one")));
        }
    }
    Ok(NewKind::of(&old.proof))
}
