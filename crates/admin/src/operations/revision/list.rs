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
        let limit = u32::from(paging.limit.unwrap_or(100));
        let found = store(admin, call)?.revisions(paging.cursor, limit.saturating_add(1)).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let next = found.get(limit).and_then(|_| found.get(limit.checked_sub(1)?));
        let next = next.map(|it| it.number);
        let items = found.into_iter().take(limit).map(Summary::from).collect();
        Ok(Reply::of(Page { items, next }))
    }
}
