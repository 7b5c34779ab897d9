//! `diff_state`: what applying a folder would change.

use std::collections::BTreeMap;

use http::Method;
use model::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Admin, Call, authority,
    failure::Failure,
    operation::{NoParameters, Operation},
    operations::revision::Difference,
    reply::Reply,
    working::Working,
};

/// Compares desired state with a folder.
#[derive(Debug)]
pub(crate) struct Diff;

/// A folder.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The texts, by path.
    files: BTreeMap<String, String>,
}

/// What is different.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Drift {
    /// The revision that the folder was compared with.
    revision: u64,
    /// What applying the folder would change. `removed` is only done with `prune`.
    changes: Vec<Difference>,
}

impl Operation for Diff {
    const NAME: &'static str = "diff_state";
    const COMMAND: [&'static str; 2] = ["state", "diff"];
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/state/diff";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Show what applying files would change";
    type Parameters = NoParameters;
    type Body = Wanted;
    type Output = Drift;

    async fn run(
        admin: &Admin,
        call: &Call,
        _: NoParameters,
        wanted: Wanted,
    ) -> Result<Reply<Drift>, Failure> {
        everywhere(call)?;
        let working = admin.working();
        let changes = differences(&working, &wanted.files);
        Ok(Reply::of(Drift { revision: working.revision, changes }))
    }
}

/// A folder is everything: who has a bounded role cannot compare with it.
pub(super) fn everywhere(call: &Call) -> Result<(), Failure> {
    authority::ensure_everywhere(call, "a folder is everything")
}

/// What would be different, were `wanted` all there is.
pub(super) fn differences(working: &Working, wanted: &BTreeMap<String, String>) -> Vec<Difference> {
    let mut differences = Vec::new();
    for (path, text) in wanted {
        let before = working.folder.file(path).map(|it| it.1);
        if before != Some(text) {
            let before = before.map(ToOwned::to_owned);
            differences.push(Difference::new(path.clone(), before, Some(text.clone())));
        }
    }
    for (path, text) in working.folder.files() {
        if !wanted.contains_key(&**path) {
            differences.push(Difference::new(path.to_string(), Some(text.to_owned()), None));
        }
    }
    differences.sort_by(|one, other| one.path.cmp(&other.path));
    differences
}
