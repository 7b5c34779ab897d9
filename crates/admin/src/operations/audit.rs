//! `query_audit`: records of the audit log.

use http::Method;
use model::{Effect, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Admin, Call, RecordQuery,
    failure::Failure,
    operation::{NoBody, Operation},
    reply::Reply,
};

/// Queries the audit log.
#[derive(Debug)]
pub(crate) struct Query;

/// Which records.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Of this client.
    #[schemars(length(max = 200))]
    client: Option<String>,
    /// Of this operation: `orders.get_order`.
    #[schemars(length(max = 200))]
    operation: Option<String>,
    /// With this decision.
    #[schemars(length(max = 50))]
    decision: Option<String>,
    /// Of the request with this id.
    #[schemars(length(max = 100))]
    request_id: Option<String>,
    /// Not before this time (RFC 3339).
    #[schemars(length(max = 50))]
    since: Option<String>,
    /// Before this time (RFC 3339).
    #[schemars(length(max = 50))]
    until: Option<String>,
    /// Most records; 100 where it is not said.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u16>,
}

/// Records, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Records {
    /// The records, as they stand in the log.
    items: Vec<Value>,
    /// Whether there are older ones that fit.
    has_more: bool,
}

impl Operation for Query {
    const NAME: &'static str = "query_audit";
    const COMMAND: [&'static str; 2] = ["audit", "query"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/audit";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Show records of calls";
    const DESCRIPTION: &'static str = "Of the log of this process, newest first.";
    type Parameters = Which;
    type Body = NoBody;
    type Output = Records;

    async fn run(
        admin: &Admin,
        call: &Call,
        which: Which,
        _: NoBody,
    ) -> Result<Reply<Records>, Failure> {
        if !call.reach.is_everywhere() {
            let detail = "records tell of everybody's calls, and your role is bounded";
            return Err(Failure::NotHeld(detail.to_owned()));
        }
        let query = RecordQuery {
            client: which.client,
            operation: which.operation,
            decision: which.decision,
            request_id: which.request_id,
            since: time("parameters.since", which.since.as_deref())?,
            until: time("parameters.until", which.until.as_deref())?,
            max: usize::from(which.limit.unwrap_or(100)),
        };
        let records = admin.plane.records(&query);
        let (items, has_more) = records.map_err(|error| Failure::internal(&error))?;
        Ok(Reply::of(Records { items, has_more }))
    }
}

pub(super) fn time(field: &str, text: Option<&str>) -> Result<Option<Timestamp>, Failure> {
    let read = |text| {
        Timestamp::parse(text)
            .map_err(|error| Failure::field(field, error, "write 2027-01-31T12:00:00Z"))
    };
    text.map(read).transpose()
}
