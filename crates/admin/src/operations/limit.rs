//! `list_usage`: what was used of limits.

use http::Method;
use model::{ClientId, Effect};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use state::Kind;

use crate::{
    Admin, Call, UsageView, authority,
    failure::Failure,
    operation::{NoBody, Operation},
    reply::Reply,
};

/// Shows what was used of limits.
#[derive(Debug)]
pub(crate) struct Usage;

/// Whose.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whose {
    /// Only of this client.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,62}$"))]
    client: Option<String>,
    /// Most entries; 100 where it is not said.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u16>,
}

/// What was used.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Used {
    /// One entry for each bucket that is not full.
    items: Vec<UsageView>,
}

impl Operation for Usage {
    const NAME: &'static str = "list_usage";
    const COMMAND: [&'static str; 2] = ["limit", "usage"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/usage";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "Show what was used of limits";
    const DESCRIPTION: &'static str = "Of this process: counters are not shared between replicas.";
    type Parameters = Whose;
    type Body = NoBody;
    type Output = Used;

    async fn run(
        admin: &Admin,
        call: &Call,
        whose: Whose,
        _: NoBody,
    ) -> Result<Reply<Used>, Failure> {
        let working = admin.working();
        let client = match &whose.client {
            None if call.reach.is_everywhere() => None,
            None => {
                let help = "your role is bounded: name a client that is within its reach";
                return Err(Failure::field("parameters.client", "client is missing", help));
            }
            Some(id) => {
                let known = working.document(Kind::Client, id);
                known
                    .filter(|_| authority::reaches(call, &working, Kind::Client, id))
                    .ok_or_else(|| Failure::no_such("client", id))?;
                Some(ClientId::parse(id).map_err(|error| Failure::internal(&error))?)
            }
        };
        let max = usize::from(whose.limit.unwrap_or(100));
        Ok(Reply::of(Used { items: admin.plane.usage(client.as_ref(), max) }))
    }
}
