//! `set_secret_version_state`: pending, active, retiring, revoked; only forward.

use http::Method;
use model::{DeclaredSecret, Effect};
use schemars::JsonSchema;
use secrets::VersionState;
use serde::{Deserialize, Serialize};
use store::{SealedChange, SealedVersion};

use super::{Version, add::line, change};
use crate::{Admin, Call, change::Plan, failure::Failure, operation::Operation, reply::Reply};

/// Moves a version of a secret on.
#[derive(Debug)]
pub(crate) struct SetVersionState;

/// Which version.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ByVersion {
    /// The secret's id.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,62}$"))]
    id: String,
    /// The version's number.
    #[schemars(range(min = 1, max = 4_294_967_295_u64))]
    version: u32,
}

/// What it becomes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    /// The new state.
    state: State,
    /// Why, for the revision.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

/// The state of a version.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    Pending,
    Active,
    Retiring,
    Revoked,
}

/// What the version is now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Became {
    /// The secret.
    id: String,
    /// The version.
    version: u32,
    /// Its state.
    state: State,
    /// The revision in force.
    revision: u64,
}

impl Operation for SetVersionState {
    const NAME: &'static str = "set_secret_version_state";
    const COMMAND: [&'static str; 2] = ["secret", "state"];
    const METHOD: Method = Method::PUT;
    const PATH: &'static str = "/secrets/{id}/versions/{version}";
    const EFFECT: Effect = Effect::Destructive;
    const SUMMARY: &'static str = "Make a version of a secret active, retiring or revoked";
    const DESCRIPTION: &'static str =
        "Only forward. Where a version becomes active, the one that was is retiring.";
    type Parameters = ByVersion;
    type Body = Wish;
    type Output = Became;

    async fn run(
        admin: &Admin,
        call: &Call,
        by: ByVersion,
        wish: Wish,
    ) -> Result<Reply<Became>, Failure> {
        let wanted = match wish.state {
            State::Pending => VersionState::Pending,
            State::Active => VersionState::Active,
            State::Retiring => VersionState::Retiring,
            State::Revoked => VersionState::Revoked,
        };
        let plan = |_: &DeclaredSecret, known: &[Version]| {
            let mut plan = moved(&by, wanted, known)?;
            plan.reason = wish.reason.clone().unwrap_or_default();
            Ok((plan, ()))
        };
        let ((), revision) = change(admin, call, &by.id, plan).await?;
        let ByVersion { id, version } = by;
        Ok(Reply::of(Became { id, version, state: wish.state, revision }))
    }
}

/// The version in its new state, and what becomes of the others.
fn moved(by: &ByVersion, wanted: VersionState, known: &[Version]) -> Result<Plan, Failure> {
    let ByVersion { id, version } = by;
    let found = known.iter().find(|(it, _)| it.version == *version);
    let no_such = || Failure::NotFound(format!("{id} has no version {version}"));
    let (found, was) = found.ok_or_else(no_such)?;
    if !was.can_become(wanted) {
        let (was, wanted) = (was.as_str(), wanted.as_str());
        let detail = format!("version {version} is {was}, and cannot become {wanted}");
        return Err(Failure::Conflict(detail));
    }
    let mut steps = vec![(found, *was, wanted)];
    if wanted == VersionState::Active {
        let active = known.iter().filter(|(_, state)| *state == VersionState::Active);
        steps.extend(active.map(|(it, was)| (it, *was, VersionState::Retiring)));
    }
    Ok(steps.iter().fold(Plan::default(), step))
}

fn step(mut plan: Plan, step: &(&SealedVersion, VersionState, VersionState)) -> Plan {
    let (version, was, state) = step;
    let SealedVersion { secret, version, .. } = version;
    plan.lines.push(line(secret, *version, Some(*was), Some(*state)));
    plan.sealed.push(SealedChange::State {
        secret: secret.clone(),
        version: *version,
        state: state.as_str().to_owned(),
    });
    plan
}
