//! `publish_collection`, `unpublish_collection`, `retire_collection`: whether it can be called.

use http::Method;
use model::Effect;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
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

/// What the collection is now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Became {
    /// Its id.
    id: String,
    /// `draft`, `published` or `retired`.
    state: String,
    /// The revision in force.
    revision: u64,
}

macro_rules! lifecycle {
    ($name:ident, $verb:literal, $state:literal, $effect:ident, $summary:literal, $description:literal) => {
        #[doc = $summary]
        #[derive(Debug)]
        pub(crate) struct $name;

        impl Operation for $name {
            const NAME: &'static str = concat!($verb, "_collection");
            const COMMAND: [&'static str; 2] = ["collection", $verb];
            const METHOD: Method = Method::POST;
            const PATH: &'static str = concat!("/collections/{id}/", $verb);
            const EFFECT: Effect = Effect::$effect;
            const SUMMARY: &'static str = $summary;
            const DESCRIPTION: &'static str = $description;
            type Parameters = Target;
            type Body = NoBody;
            type Output = Became;

            async fn run(
                admin: &Admin,
                call: &Call,
                target: Target,
                _: NoBody,
            ) -> Result<Reply<Became>, Failure> {
                become_state(admin, call, target, $state).await
            }
        }
    };
}

lifecycle!(
    Publish,
    "publish",
    "published",
    Write,
    "Publish a collection",
    "From now on its operations can be called by whoever may."
);
lifecycle!(
    Unpublish,
    "unpublish",
    "draft",
    Destructive,
    "Make a collection a draft again",
    "From now on nobody sees its operations."
);
lifecycle!(
    Retire,
    "retire",
    "retired",
    Destructive,
    "Retire a collection",
    "From now on calls of its operations are answered 410."
);

async fn become_state(
    admin: &Admin,
    call: &Call,
    target: Target,
    state: &'static str,
) -> Result<Reply<Became>, Failure> {
    let after = admin.change(call, |working| plan(working, call, &target, state)).await?;
    let (id, state) = (target.id, state.to_owned());
    Ok(Reply::of(Became { id, state, revision: after.revision }))
}

fn plan(working: &Working, call: &Call, target: &Target, state: &str) -> Result<Plan, Failure> {
    let (path, mut document) = found(working, call, &target.id)?;
    target.check(Some(&working.etag(path)))?;
    if let Some(fields) = document.as_object_mut() {
        fields.insert("state".to_owned(), Value::from(state));
    }
    let text = state::document(Kind::Collection, &target.id, &document);
    Ok(Plan::file(path, Some(text), target.reason.clone()))
}

/// The path and the document of a collection within the caller's reach.
pub(super) fn found<'a>(
    working: &'a Working,
    call: &Call,
    id: &str,
) -> Result<(&'a str, Value), Failure> {
    let found = working.document(Kind::Collection, id);
    let found = found.filter(|_| authority::reaches(call, working, Kind::Collection, id));
    let (path, text) = found.ok_or_else(|| Failure::no_such("collection", id))?;
    let document = state::to_json(text).map_err(|(_, message)| Failure::internal(&message))?;
    Ok((path, document))
}
