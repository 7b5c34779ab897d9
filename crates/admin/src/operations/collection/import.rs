//! `import_collection`: a collection out of an OpenAPI document.

use http::{Method, StatusCode};
use model::Effect;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use state::Kind;

use crate::{
    Admin, Call,
    change::Plan,
    failure::Failure,
    operation::{NoParameters, Operation},
    reply::Reply,
    resource::{Collection, Item, shown},
    working::Working,
};

/// The collection that was made.
pub(super) type Imported = Item<Collection>;

/// Makes a collection out of an OpenAPI document.
#[derive(Debug)]
pub(crate) struct Import;

/// What to make.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    /// The id of the new collection.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,62}$"))]
    id: String,
    /// The person or team who answers for it.
    #[schemars(length(min = 1, max = 200))]
    owner: String,
    /// Where its operations are carried out: a URL, or the id of an upstream.
    #[schemars(length(min = 1, max = 2000))]
    upstream: String,
    /// The OpenAPI document, 3.1, 3.0 or 2.0: its text, YAML or JSON, or itself.
    document: TextOrObject,
    /// Where it begins on the REST surface; `/` and its id where it is missing.
    #[schemars(length(max = 200))]
    base: Option<String>,
    /// `true`: it is published at once; a draft otherwise.
    publish: Option<bool>,
    /// Why, for the revision.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum TextOrObject {
    Text(String),
    Object(Map<String, Value>),
}

impl Operation for Import {
    const NAME: &'static str = "import_collection";
    const COMMAND: [&'static str; 2] = ["collection", "import"];
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/collections";
    const EFFECT: Effect = Effect::Write;
    const SUMMARY: &'static str = "Make a collection out of an OpenAPI document";
    const STATUS: StatusCode = StatusCode::CREATED;
    type Parameters = NoParameters;
    type Body = Source;
    type Output = Imported;

    async fn run(
        admin: &Admin,
        call: &Call,
        _: NoParameters,
        source: Source,
    ) -> Result<Reply<Imported>, Failure> {
        let after = admin.change(call, |working| plan(working, &source)).await?;
        shown(&after, call, &source.id)
    }
}

fn plan(working: &Working, source: &Source) -> Result<Plan, Failure> {
    let Source { id, owner, upstream, document, base, publish, reason } = source;
    check_new(working, id)?;
    let (file, text) = match document {
        TextOrObject::Text(text) => (format!("documents/{id}.yaml"), text.clone()),
        TextOrObject::Object(object) => {
            (format!("documents/{id}.json"), Value::Object(object.clone()).to_string())
        }
    };
    if working.folder.file(&file).is_some() {
        return Err(Failure::Conflict(format!("{file} is there already: choose another id")));
    }
    let upstream =
        if upstream.contains("://") { json!({"url": upstream}) } else { json!(upstream) };
    let state = if publish.unwrap_or(false) { "published" } else { "draft" };
    let mut collection =
        json!({"owner": owner, "state": state, "upstream": upstream, "document": file});
    if let (Some(base), Some(fields)) = (base, collection.as_object_mut()) {
        fields.insert("base".to_owned(), Value::from(base.as_str()));
    }
    let made = state::document(Kind::Collection, id, &collection);
    let mut plan = Plan::file(&Kind::Collection.path(id), Some(made), reason.clone());
    plan.files.insert(file, Some(text));
    Ok(plan)
}

/// A new collection must not take the place of one that is there.
pub(super) fn check_new(working: &Working, id: &str) -> Result<(), Failure> {
    if working.document(Kind::Collection, id).is_some() {
        let detail = format!("there is a collection {id} already, here or out of your reach");
        return Err(Failure::Conflict(detail));
    }
    Ok(())
}
