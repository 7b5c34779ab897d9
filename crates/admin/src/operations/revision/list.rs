//! `list_revisions`: newest first.

use http::Method;
use model::Effect;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    shown::{Paging, Summary},
    store,
};
use crate::{
    Admin, Call,
    failure::Failure,
    operation::{NoBody, Operation},
    page::PageSize,
    reply::Reply,
};

/// Lists revisions.
#[derive(Debug)]
pub(crate) struct List;

/// One page.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Page {
    /// The revisions, newest first.
    items: Vec<Summary>,
    /// The cursor of the next page, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

impl Operation for List {
    const NAME: &'static str = "list_revisions";
    const COMMAND: [&'static str; 2] = ["revision", "list"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/revisions";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "List revisions, newest first";
    type Parameters = Paging;
    type Body = NoBody;
    type Output = Page;

    async fn run(
        admin: &Admin,
        call: &Call,
        paging: Paging,
        _: NoBody,
    ) -> Result<Reply<Page>, Failure> {
        let size = PageSize::of(paging.limit);
        let found = store(admin, call)?.revisions(paging.cursor, size.and_one()).await?;
        let (found, next) = size.cut(found, |it| it.number);
        Ok(Reply::of(Page { items: found.into_iter().map(Summary::from).collect(), next }))
    }
}
