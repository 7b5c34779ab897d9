//! `list_deliveries`: what webhooks are still to be told, and what they were not.

use http::Method;
use model::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Delivery, DeliveryFilter};

use crate::{
    Admin, Call, authority,
    failure::Failure,
    operation::{NoBody, Operation},
    page::PageSize,
    reply::Reply,
};

/// Lists deliveries.
#[derive(Debug)]
pub(crate) struct List;

/// Which ones.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Those for this webhook.
    #[schemars(length(max = 63))]
    webhook: Option<String>,
    /// Those that wait, or those that nobody tries any more; both where it is missing.
    state: Option<DeliveryState>,
    /// Goes on behind the page that ended with this `next`.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_u64))]
    cursor: Option<u64>,
    /// Most entries of a page; 100 where it is not said.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u16>,
}

/// Whether it is still tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum DeliveryState {
    /// Nobody tries any more.
    Dead,
    /// It is tried until it is taken, or for a day.
    Waiting,
}

/// One page.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Page {
    /// The deliveries, in the order in which each webhook gets its own.
    items: Vec<Line>,
    /// The cursor of the next page, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// One delivery.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Line {
    /// Its number.
    number: u64,
    /// What stands in `webhook-id`, at each try.
    id: String,
    /// The webhook.
    webhook: String,
    /// What it is about: `credential.issued`.
    event: String,
    /// Whether it is still tried.
    state: DeliveryState,
    /// When it was made.
    created: String,
    /// How often it was tried in vain.
    attempts: u32,
    /// When it is tried next, where it is.
    next_attempt: Option<String>,
    /// Since when nobody tries any more.
    dead_since: Option<String>,
    /// What the last try came to.
    error: Option<String>,
    /// What is sent.
    body: Value,
}

impl Operation for List {
    const NAME: &'static str = "list_deliveries";
    const COMMAND: [&'static str; 2] = ["delivery", "list"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/deliveries";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "List what webhooks were not told yet";
    const DESCRIPTION: &'static str = "What was delivered is not kept. What could not be delivered for a day is dead: it is kept for 31 days and not tried any more.";
    type Parameters = Which;
    type Body = NoBody;
    type Output = Page;

    async fn run(
        admin: &Admin,
        call: &Call,
        which: Which,
        _: NoBody,
    ) -> Result<Reply<Page>, Failure> {
        authority::ensure_everywhere(call, "deliveries tell of everybody's credentials")?;
        let store = admin.store.as_ref().ok_or_else(|| {
            let detail = "what is served is a folder: its events go to the log alone";
            Failure::NotFound(detail.to_owned())
        })?;
        let Which { webhook, state, cursor, limit } = which;
        let filter = DeliveryFilter {
            webhook: webhook.as_deref(),
            is_dead: state.map(|it| it == DeliveryState::Dead),
        };
        let size = PageSize::of(limit);
        let found = store.deliveries(filter, cursor.unwrap_or(0), size.and_one()).await?;
        let (found, next) = size.cut(found, |it| it.number);
        Ok(Reply::of(Page { items: found.into_iter().map(line).collect(), next }))
    }
}

fn line(delivery: Delivery) -> Line {
    let Delivery { number, message, attempts, due, error, dead } = delivery;
    let store::Message { id, webhook, event, body, created } = message;
    Line {
        number,
        id,
        webhook,
        event,
        state: if dead.is_some() { DeliveryState::Dead } else { DeliveryState::Waiting },
        created: created.to_string(),
        attempts,
        next_attempt: dead.is_none().then(|| due.to_string()),
        dead_since: dead.map(|it| it.to_string()),
        error,
        body: serde_json::from_str(&body).unwrap_or(Value::String(body)),
    }
}
