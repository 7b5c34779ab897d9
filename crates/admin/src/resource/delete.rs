//! `delete_…`: takes a document away, if nothing uses it.

use std::{collections::HashSet, marker::PhantomData};

use http::Method;
use model::Effect;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use state::Kind;

use super::{Resource, put::Target};
use crate::{
    Admin, Call, DepartedView, authority,
    change::Plan,
    failure::Failure,
    operation::{NoBody, Operation},
    reply::Reply,
    working::{self, Working},
};

/// Deletes one document.
#[derive(Debug)]
pub(crate) struct Delete<R>(PhantomData<fn() -> R>);

/// What was deleted.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Deleted {
    /// Its id.
    pub(crate) id: String,
    /// The revision without it.
    pub(crate) revision: u64,
    /// What ended with it: what was given to the person whose account it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<DepartedView>,
}

impl<R: Resource> Operation for Delete<R> {
    const NAME: &'static str = R::DELETE;
    const COMMAND: [&'static str; 2] = [R::NOUN, "delete"];
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = R::ONE;
    const EFFECT: Effect = Effect::Destructive;
    const SUMMARY: &'static str = R::DELETE_SUMMARY;
    const DESCRIPTION: &'static str =
        "What is in use is not deleted: the answer says what uses it.";
    type Parameters = Target;
    type Body = NoBody;
    type Output = Deleted;

    async fn run(
        admin: &Admin,
        call: &Call,
        target: Target,
        _: NoBody,
    ) -> Result<Reply<Deleted>, Failure> {
        let plan = |working: &Working| plan::<R>(working, call, &target);
        let (after, ended) = admin.change_people(call, plan).await?;
        Ok(Reply::of(Deleted { id: target.id, revision: after.revision, ended }))
    }
}

fn plan<R: Resource>(working: &Working, call: &Call, target: &Target) -> Result<Plan, Failure> {
    let Target { id, reason, .. } = target;
    let found = working.document(R::KIND, id);
    let found = found.filter(|_| authority::reaches(call, working, R::KIND, id));
    let (path, _) = found.ok_or_else(|| Failure::no_such(R::NOUN, id))?;
    target.check(Some(&working.etag(path)))?;
    let users = state::uses(&working.desired, R::KIND, id);
    if !users.is_empty() {
        let users = users.join(", ");
        return Err(Failure::Conflict(format!("{} {id} is used by {users}", R::NOUN)));
    }
    let mut plan = Plan::file(path, None, reason.clone());
    if R::KIND == Kind::Collection {
        plan.files.extend(document_of(working, path)?.map(|it| (it, None)));
    }
    Ok(plan)
}

/// The file of a collection's OpenAPI document, where no other collection has the same.
fn document_of(working: &Working, path: &str) -> Result<Option<String>, Failure> {
    let mut own = None;
    let mut others = HashSet::new();
    for (at, text, _) in working.documents(Kind::Collection) {
        let named = working::json(Kind::Collection, text)?;
        let Some(file) = named.get("document").and_then(Value::as_str) else { continue };
        if at == path {
            own = Some(file.to_owned());
        } else {
            others.insert(file.to_owned());
        }
    }
    // Of another name than its own it was put there by somebody, who may want it.
    let is_imported = |it: &String| {
        let name = it.strip_prefix("documents/").and_then(|it| it.rsplit_once('.'));
        Kind::of_path(path).is_some_and(|(_, id)| name.is_some_and(|it| it.0 == id))
    };
    Ok(own.filter(|it| !others.contains(it) && is_imported(it)))
}
