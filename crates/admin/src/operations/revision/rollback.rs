//! `rollback`: a new revision that is as an old one was.

use http::Method;
use model::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{shown::ByNumber, store};
use crate::{
    Admin, Call, change::Plan, failure::Failure, operation::Operation, reply::Reply,
    working::Working,
};

/// Goes back to a revision.
#[derive(Debug)]
pub(crate) struct Rollback;

/// Why.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Why {
    /// Why, for the new revision.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

/// What is in force now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Back {
    /// The revision that it is as.
    to: u64,
    /// The new revision.
    revision: u64,
}

impl Operation for Rollback {
    const NAME: &'static str = "rollback_revision";
    const COMMAND: [&'static str; 2] = ["revision", "rollback"];
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/revisions/{number}/rollback";
    const EFFECT: Effect = Effect::Destructive;
    const SUMMARY: &'static str = "Make all documents as they were in a revision";
    const DESCRIPTION: &'static str = "That is a new revision: nothing of the history is lost. Versions of secrets stay as they are. A credential that was revoked since stays revoked.";
    type Parameters = ByNumber;
    type Body = Why;
    type Output = Back;

    async fn run(
        admin: &Admin,
        call: &Call,
        by: ByNumber,
        why: Why,
    ) -> Result<Reply<Back>, Failure> {
        let texts = store(admin, call)?.read_at(by.number).await?;
        let reason = why.reason.unwrap_or_else(|| format!("back to revision {}", by.number));
        let plan = |working: &Working| {
            let mut plan = Plan { reason: reason.clone(), ..Plan::default() };
            for (path, _) in working.folder.files() {
                if !texts.files.contains_key(&**path) && !is_revoked(working, path) {
                    plan.files.insert(path.to_string(), None);
                }
            }
            for (path, text) in &texts.files {
                let is_same = working.folder.file(path).is_some_and(|(_, it)| it == text);
                if !is_same && !is_revoked(working, path) {
                    plan.files.insert(path.clone(), Some(text.clone()));
                }
            }
            Ok(plan)
        };
        let after = admin.change(call, plan).await?;
        Ok(Reply::of(Back { to: by.number, revision: after.revision }))
    }
}

/// Whether the file declares a credential that is refused for ever.
fn is_revoked(working: &Working, path: &str) -> bool {
    let Some((state::Kind::Credential, id)) = state::Kind::of_path(path) else { return false };
    working
        .desired
        .credentials
        .iter()
        .any(|it| it.id.as_str() == id && it.state == model::CredentialState::Revoked)
}
