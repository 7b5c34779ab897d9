//! `duplicate_collection`: a draft that begins as a copy.

use http::{Method, StatusCode};
use model::Effect;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use state::Kind;

use super::{
    import::{Imported, check_new},
    lifecycle::found,
};
use crate::{
    Admin, Call,
    change::Plan,
    failure::Failure,
    operation::Operation,
    reply::Reply,
    resource::{ById, shown},
    working::Working,
};

/// Makes a copy of a collection.
#[derive(Debug)]
pub(crate) struct Duplicate;

/// What the copy is called.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Copy {
    /// The id of the copy.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,62}$"))]
    to: String,
    /// Where the copy begins on the REST surface; `/` and its id where it is missing.
    #[schemars(length(max = 200))]
    base: Option<String>,
    /// Why, for the revision.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

impl Operation for Duplicate {
    const NAME: &'static str = "duplicate_collection";
    const COMMAND: [&'static str; 2] = ["collection", "duplicate"];
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/collections/{id}/duplicate";
    const EFFECT: Effect = Effect::Write;
    const SUMMARY: &'static str = "Copy a collection to a new draft";
    const STATUS: StatusCode = StatusCode::CREATED;
    type Parameters = ById;
    type Body = Copy;
    type Output = Imported;

    async fn run(
        admin: &Admin,
        call: &Call,
        by: ById,
        copy: Copy,
    ) -> Result<Reply<Imported>, Failure> {
        let after = admin.change(call, |working| plan(working, call, &by.id, &copy)).await?;
        shown(&after, call, &copy.to)
    }
}

fn plan(working: &Working, call: &Call, id: &str, copy: &Copy) -> Result<Plan, Failure> {
    let (_, mut document) = found(working, call, id)?;
    check_new(working, &copy.to)?;
    if let Some(fields) = document.as_object_mut() {
        fields.insert("state".to_owned(), Value::from("draft"));
        match &copy.base {
            Some(base) => fields.insert("base".to_owned(), Value::from(base.as_str())),
            None => fields.remove("base"),
        };
    }
    let text = state::document(Kind::Collection, &copy.to, &document);
    let path = Kind::Collection.path(&copy.to);
    Ok(Plan::file(&path, Some(text), copy.reason.clone()))
}
