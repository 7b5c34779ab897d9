//! `get_…`: one document.

use std::marker::PhantomData;

use http::Method;
use model::Effect;

use super::{ById, Document, Item, Resource};
use crate::{
    Admin, Call, authority,
    failure::Failure,
    operation::{NoBody, Operation},
    reply::Reply,
    working::{self, Working},
};

/// Shows one document.
#[derive(Debug)]
pub(crate) struct Get<R>(PhantomData<fn() -> R>);

impl<R: Resource> Operation for Get<R> {
    const NAME: &'static str = R::GET;
    const COMMAND: [&'static str; 2] = [R::NOUN, "get"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = R::ONE;
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = R::GET_SUMMARY;
    type Parameters = ById;
    type Body = NoBody;
    type Output = Item<R>;

    async fn run(
        admin: &Admin,
        call: &Call,
        parameters: ById,
        _: NoBody,
    ) -> Result<Reply<Item<R>>, Failure> {
        shown(&admin.working(), call, &parameters.id)
    }
}

/// The document `id` as it stands in `working`.
pub(crate) fn shown<R: Resource>(
    working: &Working,
    call: &Call,
    id: &str,
) -> Result<Reply<Item<R>>, Failure> {
    let found = working.document(R::KIND, id);
    let found = found.filter(|_| authority::reaches(call, working, R::KIND, id));
    let (path, text) = found.ok_or_else(|| Failure::no_such(R::NOUN, id))?;
    let etag = working.etag(path);
    let document = Document::new(working::json(R::KIND, text)?);
    Ok(Reply::versioned(Item { id: id.to_owned(), etag: etag.clone(), document }, etag))
}
