//! `delete_…`: takes a document away, if nothing uses it.

use std::marker::PhantomData;

use http::Method;
use model::Effect;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Resource, put::Target};
use crate::{
    Admin, Call, authority,
    change::Plan,
    failure::Failure,
    operation::{NoBody, Operation},
    reply::Reply,
    working::Working,
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
        let after = admin.change(call, |working| plan::<R>(working, call, &target)).await?;
        Ok(Reply::of(Deleted { id: target.id, revision: after.revision }))
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
    Ok(Plan::file(path, None, reason.clone()))
}
