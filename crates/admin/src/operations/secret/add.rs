//! `add_secret_version`: a new value, sealed.

use http::{Method, StatusCode};
use model::{Effect, Secret};
use schemars::JsonSchema;
use secrets::VersionState;
use serde::{Deserialize, Serialize};
use store::{Change, SealedChange, SealedVersion};

use super::{PURPOSE, found, versions};
use crate::{
    Admin, Call, change::Plan, failure::Failure, operation::Operation, reply::Reply,
    resource::ById, working::Working,
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
        let secret = found(&admin.working(), call, &by.id)?;
        let known = versions(admin, &secret).await?;
        let keyring = admin.keyring.as_ref().ok_or_else(|| {
            let detail = "there is no key-encryption key: see docs/secrets.md";
            Failure::Conflict(detail.to_owned())
        })?;
        let version = known.iter().map(|(it, _)| it.version).max().unwrap_or(0).saturating_add(1);
        let sealed = secrets::seal(keyring, &secret.id, version, PURPOSE, &value)
            .map_err(|error| Failure::internal(&error))?;
        let state =
            if pending == Some(true) { VersionState::Pending } else { VersionState::Active };
        let mut sealed = vec![SealedChange::Put(SealedVersion {
            secret: secret.id.clone(),
            version,
            state: state.as_str().to_owned(),
            key: sealed.key,
            sealed: sealed.bytes,
            created: call.at,
        })];
        let mut lines = vec![line(&secret.id, version, None, Some(state))];
        if state == VersionState::Active {
            let active = known.iter().filter(|(_, state)| *state == VersionState::Active);
            for (old, was) in active {
                let (sealed_change, change) = retiring(old, *was);
                sealed.push(sealed_change);
                lines.push(change);
            }
        }
        let plan = |working: &Working| {
            found(working, call, &by.id)?;
            let (sealed, lines) = (sealed.clone(), lines.clone());
            let reason = reason.clone().unwrap_or_default();
            Ok(Plan { files: Default::default(), sealed, lines, reason })
        };
        let after = admin.change(call, plan).await?;
        admin.plane.secret_changed(&secret.id);
        let state = state.as_str().to_owned();
        Ok(Reply::of(Added { id: by.id, version, state, revision: after.revision }))
    }
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
