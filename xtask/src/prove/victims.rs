//! Callers of every sort that can be put out, and the ways to do it.

mod end;
mod prepared;
mod shown;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use testkit::ClientKey;

use self::end::{End, Stopped};
pub(super) use self::prepared::prepare;
use super::{
    client::{Answer, Client},
    door::Addresses,
    upstream::Upstream,
    world,
};

/// What tokens are for: the URL of the door, whichever replica is asked.
pub(super) const AUDIENCE: &str = "http://door.example";
/// Where tools are called.
const MCP: &str = "/mcp";
/// Who asks in the name of people: a client that an operator registered.
const ASKING: &str = "web/app";
/// Ways to be put out.
pub(super) const SORTS: usize = 13;
/// The first address of this machine from which those who were put out ask again, one for each: so many
/// wrong tokens of one would be slowed down, and not refused.
const LATER: u32 = 0x7f02_0001;

/// Somebody who gets in, and how that ends.
#[derive(Debug)]
pub(super) struct Victim {
    /// What it shows.
    bearer: String,
    /// The key that this is bound to; none where it is bound to none.
    key: Option<ClientKey>,
    /// What it has to get another token with, as what came of a person's sign-in has.
    refresh: Option<String>,
    /// What it calls.
    collection: &'static str,
    pub(super) end: End,
    /// At which of two doors that is carried out.
    pub(super) door: usize,
}

/// How many there are of each sort.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    /// Of each that is revoked or disabled.
    pub(super) revocations: usize,
    /// Of each that is stopped; no more than of the others.
    pub(super) stops: usize,
}

/// What most call.
const SHOP: &str = "shop";
/// The operations of all collections: a short one, one whose answer never ends, and one that is never
/// answered.
const DOCUMENT: &str = r#"openapi: 3.1.0
info: {title: Shop, version: "1"}
paths:
  /orders/{id}:
    parameters: &id
      - {name: id, in: path, required: true, schema: {type: integer}}
    get: {operationId: get_order, responses: {"200": {description: One order}}}
  /orders/{id}/events:
    parameters: *id
    get: {operationId: watch_order, responses: {"200": {description: What happens to it}}}
  /orders/{id}/wait:
    parameters: *id
    get: {operationId: wait_for_order, responses: {"200": {description: The order when it is done}}}
"#;

/// The state of a world in which there are operations of all sorts, on two upstreams, and no limit that
/// is reached.
pub(super) fn world(upstream: &Upstream) -> BTreeMap<String, String> {
    let mut files = world::files(upstream.address);
    let role = "allow:\n  - operations: [\"shop:*\", \"flip:*\", \"spare:*\"]\n";
    let spare = "owner: shop-team\nupstream: spare\ndocument: documents/shop.yaml\n";
    for (path, text) in [
        ("documents/shop.yaml", DOCUMENT),
        ("roles/reader.yaml", role),
        ("collections/spare.yaml", spare),
        ("limits/quota.yaml", "quota: 4000000000/day\n"),
    ] {
        files.insert(path.to_owned(), text.to_owned());
    }
    files
}

impl Victim {
    fn new(bearer: String, end: End) -> Self {
        let collection = match end {
            End::Stop(Stopped::Collection) => "flip",
            End::Stop(Stopped::Upstream) => "spare",
            _ => SHOP,
        };
        Self { bearer, key: None, refresh: None, collection, end, door: 0 }
    }

    /// Whether each of its requests has another proof of its key.
    pub(super) fn is_bound(&self) -> bool {
        self.key.is_some()
    }

    /// Where the order of this number is.
    pub(super) fn path(&self, number: usize) -> String {
        format!("/{}/orders/{number}", self.collection)
    }

    /// What an operation is called as a tool.
    fn tool(&self, operation: &str) -> String {
        format!("{}_{operation}", self.collection)
    }

    /// It, with all that it takes to get in with one request of this method to this path of a door.
    fn caller(&self, door: SocketAddr, (method, path): (&str, &str)) -> Client {
        let caller = Client::new(door, &self.bearer);
        match &self.key {
            Some(key) => {
                let url = format!("{AUDIENCE}{path}");
                caller.proving(&key.proof(method, &url, Some(&self.bearer)))
            }
            None => caller,
        }
    }

    /// A request of it for what is at `path`, as text.
    pub(super) fn get_request(&self, door: SocketAddr, path: &str) -> String {
        self.caller(door, ("GET", path)).get_request(path)
    }

    /// A call of it of an operation as a tool, as text.
    pub(super) fn tool_request(
        &self,
        door: SocketAddr,
        operation: &str,
        arguments: &Value,
    ) -> String {
        self.caller(door, ("POST", MCP)).tool_request(&self.tool(operation), arguments)
    }

    /// What a door says to it when it comes later, as the one of this number, over REST and as a tool.
    pub(super) fn later(&self, door: SocketAddr, number: u32) -> Result<[Answer; 2]> {
        let (from, path) = (later_from(number), self.path(1));
        let over_rest = self.caller(door, ("GET", &path)).from(from);
        let as_tool = self.caller(door, ("POST", MCP)).from(from);
        Ok([
            over_rest.send("GET", &path, &Value::Null)?,
            as_tool.call_tool(&self.tool("get_order"), &json!({"id": 1}))?,
        ])
    }

    /// Whether it gets no other token at this door, where it has something to get one with and is out for
    /// good.
    pub(super) fn check_refresh(&self, door: Addresses, number: u32) -> Result<()> {
        let Some(refresh) = &self.refresh else { return Ok(()) };
        let client = ASKING.replace('/', "%2F");
        let form = format!("grant_type=refresh_token&client_id={client}&refresh_token={refresh}");
        let answer = door.caller("").from(later_from(number)).post_form("/oauth/token", &form)?;
        let is_refused = answer.json().get("error") == Some(&json!("invalid_grant"));
        ensure!(is_refused, "refreshed, it is told {} {}", answer.status, answer.text);
        Ok(())
    }
}

/// The address of this machine from which the one of this number comes later.
fn later_from(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(LATER.saturating_add(number))
}

/// Somebody with a credential.
#[cfg(test)]
pub(super) fn somebody() -> Victim {
    Victim::new("a key".to_owned(), End::Credential("it".to_owned()))
}
