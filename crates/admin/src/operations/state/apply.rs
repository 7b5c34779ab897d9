//! `apply_state`: makes desired state like a folder, in one revision.

use std::collections::BTreeMap;

use http::Method;
use model::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::diff::{differences, everywhere};
use crate::{
    Admin, Call, DepartedView,
    change::Plan,
    failure::{Failure, Flaw},
    operation::{NoParameters, Operation},
    operations::revision::Difference,
    reply::Reply,
    working::Working,
};

/// Applies a folder.
#[derive(Debug)]
pub(crate) struct Apply;

/// A folder, and how far to go.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The texts, by path.
    files: BTreeMap<String, String>,
    /// `true`: what is not among them is removed.
    prune: Option<bool>,
    /// `true`: everything is checked and nothing is changed.
    dry_run: Option<bool>,
    /// Only if this is still the revision in force.
    base: Option<u64>,
    /// Why, for the revision.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

/// What was changed.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Applied {
    /// The revision in force.
    revision: u64,
    /// Whether anything was changed.
    applied: bool,
    /// What was changed, or would be.
    changes: Vec<Difference>,
    /// What ended with it: what was given to people who are disabled or gone, or have another password.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<DepartedView>,
}

impl Operation for Apply {
    const NAME: &'static str = "apply_state";
    const COMMAND: [&'static str; 2] = ["state", "apply"];
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/state/apply";
    const EFFECT: Effect = Effect::Destructive;
    const SUMMARY: &'static str = "Make desired state like files, all or nothing";
    const DESCRIPTION: &'static str = "One revision with all changes, or none with any.";
    type Parameters = NoParameters;
    type Body = Wanted;
    type Output = Applied;

    async fn run(
        admin: &Admin,
        call: &Call,
        _: NoParameters,
        wanted: Wanted,
    ) -> Result<Reply<Applied>, Failure> {
        everywhere(call)?;
        check_paths(&wanted)?;
        let prune = wanted.prune.unwrap_or(false);
        let mut changes = differences(&admin.working(), &wanted.files);
        changes.retain(|it| prune || it.action != "removed");
        let plan = |working: &Working| plan(working, &wanted, prune);
        if wanted.dry_run.unwrap_or(false) {
            let revision = admin.check(call, plan).await?;
            return Ok(Reply::of(Applied { revision, applied: false, changes, ended: None }));
        }
        let (after, ended) = admin.change_people(call, plan).await?;
        let applied = !changes.is_empty();
        Ok(Reply::of(Applied { revision: after.revision, applied, changes, ended }))
    }
}

/// Whoever exports writes files by these names: none may lead out of the folder.
fn check_paths(wanted: &Wanted) -> Result<(), Failure> {
    let is_plain = |path: &str| {
        let is_part = |it: &str| !matches!(it, "" | "." | "..") && !it.contains('\\');
        path.split('/').all(is_part) && !path.contains(char::is_control)
    };
    let others = wanted.files.keys().filter(|it| !is_plain(it));
    let flaws = others.map(|it| Flaw {
        field: format!("body.files.{it}"),
        message: "not the path of a file in a folder".to_owned(),
        help: "write clients/shop.yaml".to_owned(),
    });
    let flaws: Vec<_> = flaws.collect();
    if flaws.is_empty() { Ok(()) } else { Err(Failure::Invalid(flaws)) }
}

fn plan(working: &Working, wanted: &Wanted, prune: bool) -> Result<Plan, Failure> {
    if let Some(base) = wanted.base.filter(|it| *it != working.revision) {
        let now = working.revision;
        let detail = format!("revision {base} is no longer in force, {now} is: compare again");
        return Err(Failure::Changed(detail));
    }
    let reason = wanted.reason.clone().unwrap_or_default();
    let mut plan = Plan { reason, ..Plan::default() };
    for (path, text) in &wanted.files {
        if working.folder.file(path).is_none_or(|(_, it)| it != text) {
            plan.files.insert(path.clone(), Some(text.clone()));
        }
    }
    let others = working.folder.files().filter(|(path, _)| !wanted.files.contains_key(&***path));
    if prune {
        plan.files.extend(others.map(|(path, _)| (path.to_string(), None)));
    }
    Ok(plan)
}
