//! `add_secret_version`: a new value, sealed.

use http::{Method, StatusCode};
use model::{DeclaredSecret, Effect, Secret};
use schemars::JsonSchema;
use secrets::{UPSTREAM_PURPOSE, VersionState};
use serde::{Deserialize, Serialize};
use store::{Change, SealedChange, SealedVersion};

use super::{Version, change, keyring};
use crate::{
    Admin, Call, change::Plan, failure::Failure, operation::Operation, reply::Reply, resource::ById,
};

/// Adds a value to a secret.
#[derive(Debug)]
pub(crate) struct AddVersion;

/// The value.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Value {
    /// The value. No operation shows it again.
    #[schemars(length(min = 1, max = 65_536))]
    value: String,
    /// `true`: it waits until it is made active; otherwise it is active at once, and the one that
    /// was active is retiring.
    pending: Option<bool>,
    /// Why, for the revision.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

/// The version that was made.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Added {
    /// The secret.
    id: String,
    /// Its number.
    version: u32,
    /// `pending` or `active`.
    state: String,
    /// The revision in force.
    revision: u64,
}

impl Operation for AddVersion {
    const NAME: &'static str = "add_secret_version";
    const COMMAND: [&'static str; 2] = ["secret", "set"];
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/secrets/{id}/versions";
    const EFFECT: Effect = Effect::Write;
    const SUMMARY: &'static str = "Give a secret a new value";
    const DESCRIPTION: &'static str =
        "It is sealed before it is stored, and no operation shows it again.";
    const STATUS: StatusCode = StatusCode::CREATED;
    type Parameters = ById;
    type Body = Value;
    type Output = Added;

    async fn run(
        admin: &Admin,
        call: &Call,
        by: ById,
        body: Value,
    ) -> Result<Reply<Added>, Failure> {
        let Value { value, pending, reason } = body;
        let value = Secret::new(value.into_bytes());
        let keyring = keyring(admin)?;
        let state =
            if pending == Some(true) { VersionState::Pending } else { VersionState::Active };
        let plan = |secret: &DeclaredSecret, known: &[Version]| {
            let last = known.iter().map(|(it, _)| it.version).max().unwrap_or(0);
            let number = last.checked_add(1).ok_or_else(|| {
                Failure::Conflict("the numbers of its versions are used up".to_owned())
            })?;
            let sealed = secrets::seal(keyring, &secret.id, number, UPSTREAM_PURPOSE, &value)
                .map_err(|error| Failure::internal(&error))?;
            let new = SealedVersion {
                secret: secret.id.clone(),
                version: number,
                state: state.as_str().to_owned(),
                key: sealed.key,
                sealed: sealed.bytes,
                created: call.at,
            };
            let reason = reason.clone().unwrap_or_default();
            Ok((added(new, state, known, reason), number))
        };
        let (version, revision) = change(admin, call, &by.id, plan).await?;
        Ok(Reply::of(Added { id: by.id, version, state: state.as_str().to_owned(), revision }))
    }
}

/// The new version, and what becomes of those before it.
fn added(new: SealedVersion, state: VersionState, known: &[Version], reason: String) -> Plan {
    let mut plan = Plan { reason, ..Plan::default() };
    plan.lines.push(line(&new.secret, new.version, None, Some(state)));
    plan.sealed.push(SealedChange::Put(new));
    if state == VersionState::Active {
        for (old, was) in known.iter().filter(|(_, state)| *state == VersionState::Active) {
            let (sealed, line) = retiring(old, *was);
            plan.sealed.push(sealed);
            plan.lines.push(line);
        }
    }
    plan
}

fn retiring(old: &SealedVersion, was: VersionState) -> (SealedChange, Change) {
    let (secret, version) = (old.secret.clone(), old.version);
    let change = line(&secret, version, Some(was), Some(VersionState::Retiring));
    let state = VersionState::Retiring.as_str().to_owned();
    (SealedChange::State { secret, version, state }, change)
}

/// What a revision says of a version: its state, and nothing of its value.
pub(super) fn line(
    secret: &model::SecretId,
    version: u32,
    before: Option<VersionState>,
    after: Option<VersionState>,
) -> Change {
    let said = |it: VersionState| format!("state: {}\n", it.as_str());
    Change {
        path: format!("secrets/{secret}#{version}"),
        before: before.map(said),
        after: after.map(said),
    }
}
