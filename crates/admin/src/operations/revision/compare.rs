//! `compare_revisions`: what is different between two.

use std::collections::BTreeSet;

use http::Method;
use model::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{shown::Difference, store};
use crate::{
    Admin, Call,
    failure::Failure,
    operation::{NoBody, Operation},
    reply::Reply,
};

/// Compares two revisions.
#[derive(Debug)]
pub(crate) struct Compare;

/// Which two.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Two {
    /// The one; 0 is the empty state before the first.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_u64))]
    from: u64,
    /// The other; the last one where it is missing.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_u64))]
    to: Option<u64>,
}

/// What is different.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Compared {
    /// The one.
    from: u64,
    /// The other.
    to: u64,
    /// The documents that are different, by path.
    changes: Vec<Difference>,
}

impl Operation for Compare {
    const NAME: &'static str = "compare_revisions";
    const COMMAND: [&'static str; 2] = ["revision", "compare"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/comparison";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Show what is different between two revisions";
    type Parameters = Two;
    type Body = NoBody;
    type Output = Compared;

    async fn run(
        admin: &Admin,
        call: &Call,
        two: Two,
        _: NoBody,
    ) -> Result<Reply<Compared>, Failure> {
        let store = store(admin, call)?;
        let to = two.to.unwrap_or_else(|| admin.revision());
        let (one, other) = (store.read_at(two.from).await?, store.read_at(to).await?);
        let paths: BTreeSet<_> = one.files.keys().chain(other.files.keys()).collect();
        let text = |of: &store::Texts, path| of.files.get(path).map(ToString::to_string);
        let changes = paths.into_iter().filter_map(|path| {
            let (before, after) = (text(&one, path), text(&other, path));
            (before != after).then(|| Difference::new(path.to_string(), before, after))
        });
        let changes = changes.collect();
        Ok(Reply::of(Compared { from: two.from, to, changes }))
    }
}
