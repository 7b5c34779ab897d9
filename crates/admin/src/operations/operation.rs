//! `list_operations` and `get_operation`: what can be called.

use http::Method;
use model::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use state::Kind;

use crate::{
    Admin, Call, OperationView, authority,
    failure::Failure,
    operation::{NoBody, Operation},
    page::PageSize,
    reply::Reply,
    working::Working,
};

/// Lists operations.
#[derive(Debug)]
pub(crate) struct List;

/// Shows one operation.
#[derive(Debug)]
pub(crate) struct Get;

/// Which ones.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Only of this collection.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,62}$"))]
    collection: Option<String>,
    /// Goes on behind the page that ended with this `next`.
    #[schemars(length(max = 200))]
    cursor: Option<String>,
    /// Most entries of a page; 100 where it is not said.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u16>,
}

/// One page.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Page {
    /// The operations, by id.
    items: Vec<OperationView>,
    /// The cursor of the next page, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Which one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ById {
    /// The id: `orders.get_order`.
    #[schemars(length(max = 200))]
    id: String,
}

impl Operation for List {
    const NAME: &'static str = "list_operations";
    const COMMAND: [&'static str; 2] = ["operation", "list"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/operations";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "List the operations that can be called";
    type Parameters = Which;
    type Body = NoBody;
    type Output = Page;

    async fn run(
        admin: &Admin,
        call: &Call,
        which: Which,
        _: NoBody,
    ) -> Result<Reply<Page>, Failure> {
        let Which { collection, cursor, limit } = which;
        let mut items = visible(admin, call);
        items.retain(|it| collection.as_ref().is_none_or(|of| it.collection == *of));
        items.sort_by(|one, other| one.id.cmp(&other.id));
        items.retain(|it| cursor.as_ref().is_none_or(|cursor| it.id > *cursor));
        let (items, next) = PageSize::of(limit).cut(items, |it| it.id.clone());
        Ok(Reply::of(Page { items, next }))
    }
}

impl Operation for Get {
    const NAME: &'static str = "get_operation";
    const COMMAND: [&'static str; 2] = ["operation", "get"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/operations/{id}";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Show an operation";
    type Parameters = ById;
    type Body = NoBody;
    type Output = OperationView;

    async fn run(
        admin: &Admin,
        call: &Call,
        by: ById,
        _: NoBody,
    ) -> Result<Reply<OperationView>, Failure> {
        let found = visible(admin, call).into_iter().find(|it| it.id == by.id);
        found.map(Reply::of).ok_or_else(|| Failure::no_such("operation", &by.id))
    }
}

/// The operations within the caller's reach.
pub(super) fn visible(admin: &Admin, call: &Call) -> Vec<OperationView> {
    let working: &Working = &admin.working();
    let mut operations = admin.plane.operations();
    operations.retain(|it| authority::reaches(call, working, Kind::Collection, &it.collection));
    operations
}
