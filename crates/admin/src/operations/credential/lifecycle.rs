//! `retire_credential`, `revoke_credential`: its successor took over, and refused for ever.

use std::sync::Arc;

use http::Method;
use model::{Credential, CredentialState, Effect, LastUse, RotationPolicy, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use state::Kind;

use crate::{
    Admin, Call, authority,
    change::Plan,
    failure::Failure,
    operation::{NoBody, Operation},
    reply::Reply,
    resource::Target,
    working::Working,
};

/// Ends a credential whose successor took over.
#[derive(Debug)]
pub(crate) struct Retire;

/// Ends a credential.
#[derive(Debug)]
pub(crate) struct Revoke;

/// Which one, under which condition, and how sure whoever asks is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retirement {
    /// The id.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,62}$"))]
    pub(super) id: String,
    /// `true`: even where it is still used.
    pub(super) force: Option<bool>,
    /// For how long it must not have been used: `2h`, 20 s or more. As its profile's rotation says where
    /// it is missing, else a day.
    #[schemars(length(max = 50))]
    pub(super) unused_for: Option<String>,
    /// Why, for the revision.
    #[schemars(length(max = 500))]
    pub(super) reason: Option<String>,
    /// Only if this is still its version.
    #[serde(rename = "If-Match")]
    #[schemars(length(max = 200))]
    pub(super) if_match: Option<String>,
}

/// What the credential is now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Became {
    /// Its id.
    id: String,
    /// `retired` or `revoked`.
    state: &'static str,
    /// The revision in force.
    revision: u64,
}

impl Operation for Retire {
    const NAME: &'static str = "retire_credential";
    const COMMAND: [&'static str; 2] = ["credential", "retire"];
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/credentials/{id}/retire";
    const EFFECT: Effect = Effect::Write;
    const SUMMARY: &'static str = "End a credential whose successor took over";
    const DESCRIPTION: &'static str = "Refused where it was used within the last day and since its successor was made, or within unused_for, or the time that its profile's rotation calls quiet; and for 10 s after it or that successor was made, until every replica has told of its use. The answer says when and how it was used, or when to try again, and force ends it all the same.";
    type Parameters = Retirement;
    type Body = NoBody;
    type Output = Became;

    async fn run(
        admin: &Admin,
        call: &Call,
        retirement: Retirement,
        _: NoBody,
    ) -> Result<Reply<Became>, Failure> {
        retire(admin, call, retirement, found).await
    }
}

/// Finds a credential that the caller may have to do with, and its path.
pub(super) type Find =
    for<'a> fn(&'a Working, &Call, &str) -> Result<(&'a str, Credential), Failure>;

/// Retires the credential that `find` finds.
///
/// # Errors
/// Whatever stands in the way; then nothing was changed.
pub(super) async fn retire(
    admin: &Admin,
    call: &Call,
    retirement: Retirement,
    find: Find,
) -> Result<Reply<Became>, Failure> {
    let Retirement { id, force, unused_for, reason, if_match } = retirement;
    let unused_for = unused_for.as_deref().map(LastUse::parse_unused_for).transpose();
    let unused_for = unused_for
        .map_err(|error| Failure::field("parameters.unused_for", error, "write 2h or 7d"))?;
    let target = Target { id, reason, if_match, if_none_match: None };
    let target = &target;
    // What this replica knows must not be missing. What others know is waited for where it counts.
    admin.store_uses().await?;
    let plan = |working: Arc<Working>| async move {
        let (path, mut credential) = find(&working, call, &target.id)?;
        target.check(Some(&working.etag(path)))?;
        if credential.state == CredentialState::Revoked {
            let detail = format!("{} is revoked, and that is for ever", target.id);
            return Err(Failure::Conflict(detail));
        }
        let used = admin.changeable()?.last_use(&target.id).await?;
        if force != Some(true) {
            let mut policy = working.rotation(&credential.profile);
            policy.quiet = unused_for.or(policy.quiet);
            ensure_unused(&credential, policy, used, call.at)?;
        }
        credential.state = CredentialState::Retired;
        let text = state::write_credential(&credential);
        Ok((Plan::file(path, Some(text), target.reason.clone()), ()))
    };
    let (after, ()) = admin.change_by(call, plan).await?;
    let (id, revision) = (target.id.clone(), after.revision);
    Ok(Reply::of(Became { id, state: "retired", revision }))
}

impl Operation for Revoke {
    const NAME: &'static str = "revoke_credential";
    const COMMAND: [&'static str; 2] = ["credential", "revoke"];
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/credentials/{id}/revoke";
    const EFFECT: Effect = Effect::Destructive;
    const SUMMARY: &'static str = "Refuse a credential for ever";
    type Parameters = Target;
    type Body = NoBody;
    type Output = Became;

    async fn run(
        admin: &Admin,
        call: &Call,
        target: Target,
        _: NoBody,
    ) -> Result<Reply<Became>, Failure> {
        let plan = |working: &Working| {
            let (path, mut credential) = found(working, call, &target.id)?;
            target.check(Some(&working.etag(path)))?;
            credential.state = CredentialState::Revoked;
            let text = state::write_credential(&credential);
            Ok(Plan::file(path, Some(text), target.reason.clone()))
        };
        let after = admin.change(call, plan).await?;
        Ok(Reply::of(Became { id: target.id, state: "revoked", revision: after.revision }))
    }
}

/// Whether nobody holds `credential` any more, as far as its uses tell.
///
/// # Errors
/// `Conflict` with when and how it was used, or from when on that is known.
fn ensure_unused(
    credential: &Credential,
    policy: RotationPolicy,
    used: Option<LastUse>,
    now: Timestamp,
) -> Result<(), Failure> {
    if !credential.state.is_good() {
        return Ok(());
    }
    let (id, since) = (&credential.id, policy.unused_since(credential, now));
    // Uses are noted to the second: one in the same second was not after it.
    if let Some(used) = used.filter(|it| it.at > since) {
        return Err(Failure::Conflict(format!(
            "{id} was used after {since}: {used}; have its holder take the successor, or force it"
        )));
    }
    // Another replica may have seen it since, and not have stored that yet.
    let changed = credential.replaced.max(credential.created);
    let known = changed.map(|it| it.plus(LastUse::KNOWN_AFTER));
    if let Some(known) = known.filter(|it| now < *it) {
        return Err(Failure::Conflict(format!(
            "{id} was made or replaced just now, and whether it is used is not known before {known}: try again then, or force it"
        )));
    }
    Ok(())
}

/// The path of a credential within the caller's reach, and the credential.
pub(super) fn found<'a>(
    working: &'a Working,
    call: &Call,
    id: &str,
) -> Result<(&'a str, Credential), Failure> {
    let no_such = || Failure::no_such("credential", id);
    let found = working.document(Kind::Credential, id);
    let found = found.filter(|_| authority::reaches(call, working, Kind::Credential, id));
    let (path, _) = found.ok_or_else(no_such)?;
    let credential = working.desired.credentials.iter().find(|it| it.id.as_str() == id);
    Ok((path, Credential::clone(credential.ok_or_else(no_such)?)))
}
