//! `retire_credential`, `revoke_credential`: still good but soon to go, and refused for ever.

use http::Method;
use model::{Credential, CredentialState, Effect};
use schemars::JsonSchema;
use serde::Serialize;
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

/// Says that a credential is soon to go.
#[derive(Debug)]
pub(crate) struct Retire;

/// Ends a credential.
#[derive(Debug)]
pub(crate) struct Revoke;

/// What the credential is now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Became {
    /// Its id.
    id: String,
    /// `retiring` or `revoked`.
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
    const SUMMARY: &'static str = "Say that a credential is soon to go";
    const DESCRIPTION: &'static str = "It is still good: its successor is out.";
    type Parameters = Target;
    type Body = NoBody;
    type Output = Became;

    async fn run(
        admin: &Admin,
        call: &Call,
        target: Target,
        _: NoBody,
    ) -> Result<Reply<Became>, Failure> {
        become_state(admin, call, target, (CredentialState::Retiring, "retiring")).await
    }
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
        become_state(admin, call, target, (CredentialState::Revoked, "revoked")).await
    }
}

async fn become_state(
    admin: &Admin,
    call: &Call,
    target: Target,
    (state, word): (CredentialState, &'static str),
) -> Result<Reply<Became>, Failure> {
    let plan = |working: &Working| {
        let (path, mut credential) = found(working, call, &target.id)?;
        target.check(Some(&working.etag(path)))?;
        if credential.state == CredentialState::Revoked && state != CredentialState::Revoked {
            let detail = format!("{} is revoked, and that is for ever", target.id);
            return Err(Failure::Conflict(detail));
        }
        credential.state = state;
        let text = state::write_credential(&credential);
        Ok(Plan::file(path, Some(text), target.reason.clone()))
    };
    let after = admin.change(call, plan).await?;
    Ok(Reply::of(Became { id: target.id, state: word, revision: after.revision }))
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
