//! `list_…`: documents by page, filtered and sorted.

use std::{cmp::Ordering, marker::PhantomData};

use http::Method;
use model::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Document, Item, Resource};
use crate::{
    Admin, Call, authority,
    failure::Failure,
    operation::{NoBody, Operation},
    page::PageSize,
    reply::Reply,
    working::{self, Working},
};

/// Lists documents.
#[derive(Debug)]
pub(crate) struct List<R>(PhantomData<fn() -> R>);

/// Which page of what.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paging {
    /// Goes on behind the page that ended with this `next`.
    #[schemars(length(max = 200))]
    pub(crate) cursor: Option<String>,
    /// Most entries of a page; 100 where it is not said.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) limit: Option<u16>,
    /// Only those with these values: `owner=shop-team`, `kind=agent,enabled=true`.
    #[schemars(length(max = 500))]
    pub(crate) filter: Option<String>,
    /// By this field of the document, or by `id`; with `-` in front, the other way round.
    #[schemars(regex(pattern = r"^-?[A-Za-z_][A-Za-z0-9_.]{0,62}$"))]
    pub(crate) sort: Option<String>,
}

/// One page.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(bound = "")]
#[schemars(bound = "R: Resource")]
pub(crate) struct Page<R> {
    /// The documents.
    pub(crate) items: Vec<Item<R>>,
    /// How many fit in all.
    pub(crate) total: usize,
    /// The cursor of the next page, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
    /// The revision that is shown.
    pub(crate) revision: u64,
}

impl<R: Resource> Operation for List<R> {
    const NAME: &'static str = R::LIST;
    const COMMAND: [&'static str; 2] = [R::NOUN, "list"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = R::ALL;
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = R::LIST_SUMMARY;
    const DESCRIPTION: &'static str =
        "A page at a time, in a fixed order; only what is within the caller's reach.";
    type Parameters = Paging;
    type Body = NoBody;
    type Output = Page<R>;

    async fn run(
        admin: &Admin,
        call: &Call,
        paging: Paging,
        _: NoBody,
    ) -> Result<Reply<Page<R>>, Failure> {
        page(&admin.working(), call, &paging).map(Reply::of)
    }
}

fn page<R: Resource>(working: &Working, call: &Call, paging: &Paging) -> Result<Page<R>, Failure> {
    let conditions = conditions(paging.filter.as_deref().unwrap_or_default())?;
    let sort = paging.sort.as_deref().unwrap_or("id");
    let (field, is_descending) = sort.strip_prefix('-').map_or((sort, false), |it| (it, true));
    // Where nothing is asked of the documents, only those of the page are read.
    let is_by_id = field == "id" && conditions.is_empty();
    let mut found: Vec<(Value, &str, &str)> = Vec::new();
    for (path, text, id) in working.documents(R::KIND) {
        if !authority::reaches(call, working, R::KIND, id) {
            continue;
        }
        if is_by_id {
            found.push((Value::Null, id, path));
            continue;
        }
        let document = working::json(R::KIND, text)?;
        if conditions.iter().all(|(field, value)| has(&document, id, field, value)) {
            found.push((value(&document, id, field), id, path));
        }
    }
    found.sort_by(|one, other| {
        let order = compare(&one.0, &other.0).then_with(|| one.1.cmp(other.1));
        if is_descending { order.reverse() } else { order }
    });
    let start = match &paging.cursor {
        None => 0,
        // In the order of ids, its document may be gone.
        Some(cursor) if is_by_id && !is_descending => {
            found.partition_point(|it| it.1 <= cursor.as_str())
        }
        Some(cursor) => start(&found, cursor)?,
    };
    let total = found.len();
    found.drain(..start);
    let (shown, next) = PageSize::of(paging.limit).cut(found, |it| it.1.to_owned());
    let items = shown.iter().map(|(_, id, path)| {
        let text = working.folder.file(path).map_or("", |it| it.1);
        Ok(Item {
            id: (*id).to_owned(),
            etag: working.etag(path),
            document: Document::new(working::json(R::KIND, text)?),
        })
    });
    let items = items.collect::<Result<_, Failure>>()?;
    Ok(Page { items, total, next, revision: working.revision })
}

fn start(found: &[(Value, &str, &str)], cursor: &str) -> Result<usize, Failure> {
    let position = found.iter().position(|it| it.1 == cursor);
    position.map(|it| it.saturating_add(1)).ok_or_else(|| {
        let help = "begin again without a cursor";
        Failure::field("parameters.cursor", "what it stood behind is no longer in the list", help)
    })
}

/// `owner=shop-team,enabled=true` as pairs.
fn conditions(filter: &str) -> Result<Vec<(&str, &str)>, Failure> {
    let parts = filter.split(',').map(str::trim).filter(|it| !it.is_empty());
    parts
        .map(|part| {
            part.split_once('=').ok_or_else(|| {
                // Not repeated: it may be a secret in the wrong place.
                let message = "holds a part that is no condition".to_owned();
                Failure::field("parameters.filter", message, "write FIELD=VALUE")
            })
        })
        .collect()
}

fn has(document: &Value, id: &str, field: &str, wanted: &str) -> bool {
    match value(document, id, field) {
        Value::String(text) => text == wanted,
        Value::Array(values) => values.iter().any(|it| it.as_str() == Some(wanted)),
        Value::Null => wanted.is_empty(),
        other => text(&other) == wanted,
    }
}

/// The value of a field, by its path with dots.
fn value(document: &Value, id: &str, field: &str) -> Value {
    if field == "id" {
        return Value::from(id);
    }
    let found = field.split('.').try_fold(document, |value, part| value.get(part));
    found.cloned().unwrap_or_default()
}

fn compare(one: &Value, other: &Value) -> Ordering {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other),
        (None, None) => text(one).cmp(&text(other)),
        (one, other) => one.is_none().cmp(&other.is_none()),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
