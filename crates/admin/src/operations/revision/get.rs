//! `get_revision`: one, with all that it changed.

use http::Method;
use model::Effect;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    shown::{ByNumber, Difference, Summary},
    store,
};
use crate::{
    Admin, Call,
    failure::Failure,
    operation::{NoBody, Operation},
    reply::Reply,
};

/// Shows a revision.
#[derive(Debug)]
pub(crate) struct Get;

/// A revision and what it changed.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Shown {
    /// The revision.
    revision: Summary,
    /// What it changed, by path.
    changes: Vec<Difference>,
}

impl Operation for Get {
    const NAME: &'static str = "get_revision";
    const COMMAND: [&'static str; 2] = ["revision", "get"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/revisions/{number}";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Show a revision and what it changed";
    type Parameters = ByNumber;
    type Body = NoBody;
    type Output = Shown;

    async fn run(
        admin: &Admin,
        call: &Call,
        by: ByNumber,
        _: NoBody,
    ) -> Result<Reply<Shown>, Failure> {
        let store = store(admin, call)?;
        let revision = store.revision(by.number).await?;
        let revision =
            revision.ok_or_else(|| Failure::no_such("revision", &by.number.to_string()))?;
        let changes = store.changes(by.number).await?;
        let changes = changes.into_iter().map(Difference::from).collect();
        Ok(Reply::of(Shown { revision: revision.into(), changes }))
    }
}
