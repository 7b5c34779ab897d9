//! Every operation over REST and over MCP: one result, one permission decision, one record.
//!
//! Two doors with the same store and the same keys get the same calls in the same order: one over
//! REST, one over MCP. So both begin every call in the same state, and what differs is the surface's.

use std::{fs, path::Path};

use admin::About;
use anyhow::{Result, ensure};
use serde_json::Value;

use super::{
    Done,
    client::{Answer, Client},
    door::{Door, Home},
    example::{self, Example},
    masked::masked,
    property::Setting,
    upstream::Upstream,
    world,
};

/// Most differences that are told.
const TOLD_MAX: usize = 20;

/// Two doors in the same state.
#[derive(Debug)]
pub(super) struct Twins {
    pub(super) rest: Door,
    pub(super) mcp: Door,
    pub(super) homes: [Home; 2],
    /// By role.
    pub(super) keys: Vec<(&'static str, String)>,
    pub(super) first_key: String,
}

/// What became of all calls.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// How many calls went over each surface.
    pub(super) calls: usize,
    /// Operations that were carried out with an input that is right.
    carried_out: usize,
    /// What the doors answered.
    pub(super) answers: Vec<(&'static str, String)>,
    differences: Vec<String>,
}

/// A result without the surface's clothes.
#[derive(Debug, PartialEq)]
enum Plain {
    /// The operation's own answer.
    Answered(u16, Value),
    /// Refused before it was carried out: by status and detail.
    Refused(u16, String),
}

pub(super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let upstream = Upstream::start()?;
    let home = Home::new(setting.program, setting.folder.join("rest"));
    let twins = Twins::start(home, &upstream, |_| Ok(()))?;
    let mut seen = twins.call_everything()?;
    let records = seen.compare_records(&twins.homes)?;
    if !seen.differences.is_empty() {
        seen.differences.truncate(TOLD_MAX);
        anyhow::bail!("{}", seen.differences.join("\n"));
    }
    let operations = admin::operations().len();
    ensure!(seen.carried_out == operations, "only {} of {operations} went well", seen.carried_out);
    Ok(Done::Held(format!(
        "{operations} operations, {} calls and {records} records the same over REST and MCP; over the command line NOT RUN",
        seen.calls
    )))
}

impl Twins {
    /// Makes a store, fills it, and starts two doors on two copies of it.
    pub(super) fn start(
        home: Home,
        upstream: &Upstream,
        prepare: impl FnOnce(&Client) -> Result<()>,
    ) -> Result<Self> {
        let first_key = home.init()?;
        let door = home.serve()?;
        let client = door.client(&first_key);
        world::apply(&client, &world::files(upstream.address))?;
        let keys = world::keys(&client)?;
        world::set_secret(&client, "stock-key", "the-first-value")?;
        prepare(&client)?;
        drop(door);
        let other = home.copy(home.data.with_file_name("mcp"))?;
        let (rest, mcp) = (home.serve()?, other.serve()?);
        Ok(Self { rest, mcp, homes: [home, other], keys, first_key })
    }

    /// Calls every operation as auditor and as admin, with inputs right and wrong.
    pub(super) fn call_everything(&self) -> Result<Seen> {
        let mut seen = Seen::default();
        for about in admin::operations() {
            let (wrong, right) = (example::wrong(&about)?, example::right(&about)?);
            for (role, key) in self.keys.iter().filter(|it| ["admin", "auditor"].contains(&it.0)) {
                // What is only refused need not be refused in every way.
                let wrong = wrong.iter().filter(|_| *role == "admin");
                wrong
                    .chain([&right])
                    .try_for_each(|it| self.call(&about, (role, key), it, &mut seen))?;
            }
        }
        Ok(seen)
    }

    fn call(
        &self,
        about: &About,
        (role, key): (&str, &str),
        example: &Example,
        seen: &mut Seen,
    ) -> Result<()> {
        let one = example.send(&self.rest.client(key), about)?;
        let other = example.call(&self.mcp.client(key), about)?;
        let (rest, mcp) = (of_rest(&one), of_mcp(about, &other));
        if rest != mcp {
            let (name, flaw) = (about.name, example.flaw);
            seen.differences
                .push(format!("{name} as {role}, {flaw:?}:\n  REST {rest:?}\n  MCP  {mcp:?}"));
        }
        let is_done =
            matches!(&rest, Plain::Answered(status, _) if *status == about.status.as_u16());
        if example.flaw.is_empty() && *role == *"admin" {
            seen.carried_out = seen.carried_out.saturating_add(usize::from(is_done));
            if !is_done {
                seen.differences.push(format!("the example of {} is wrong: {rest:?}", about.name));
            }
        } else if is_done && !example.flaw.is_empty() {
            seen.differences.push(format!("{} takes {}: {rest:?}", about.name, example.flaw));
        }
        seen.calls = seen.calls.saturating_add(1);
        seen.answers.push((about.name, one.text));
        seen.answers.push((about.name, other.text));
        Ok(())
    }
}

impl Seen {
    /// Compares what both doors wrote down, call by call.
    fn compare_records(&mut self, homes: &[Home; 2]) -> Result<usize> {
        let [one, other] = homes;
        let (one, other) = (records(&one.data)?, records(&other.data)?);
        let (of_rest, of_mcp) = (one.len(), other.len());
        if of_rest != of_mcp {
            self.differences.push(format!("{of_rest} records over REST, {of_mcp} over MCP"));
        }
        for (one, other) in one.iter().zip(&other) {
            if one != other {
                self.differences.push(format!("records differ:\n  REST {one}\n  MCP  {other}"));
            }
        }
        Ok(of_rest)
    }
}

/// The records of management calls of the roles' clients, in their order.
fn records(data: &Path) -> Result<Vec<Value>> {
    let text = fs::read_to_string(data.join("audit.jsonl"))?;
    let records = text.lines().filter_map(|it| serde_json::from_str::<Value>(it).ok());
    let is_staff = |it: &Value| it.to_string().contains("\"staff/");
    Ok(records.filter(is_staff).map(|it| without_id(masked(&it))).collect())
}

fn without_id(mut record: Value) -> Value {
    if let Some(members) = record.as_object_mut() {
        members.remove("id");
    }
    record
}

fn of_rest(answer: &Answer) -> Plain {
    let body = answer.json();
    let kind = body.get("type").and_then(Value::as_str).unwrap_or_default();
    if kind.starts_with("urn:onedoor:refusal:") {
        let detail = body.get("detail").and_then(Value::as_str).unwrap_or_default();
        return Plain::Refused(answer.status, detail.to_owned());
    }
    Plain::Answered(answer.status, masked(&body))
}

fn of_mcp(about: &About, answer: &Answer) -> Plain {
    let body = answer.json();
    if let Some(error) = body.get("error") {
        let code = error.get("code").and_then(Value::as_u64).and_then(|it| u16::try_from(it).ok());
        let detail = error.get("message").and_then(Value::as_str).unwrap_or_default();
        return Plain::Refused(code.unwrap_or_default(), detail.to_owned());
    }
    if let Some(data) = body.pointer("/result/structuredContent") {
        return Plain::Answered(about.status.as_u16(), masked(data));
    }
    let text = body.pointer("/result/content/0/text").and_then(Value::as_str).unwrap_or_default();
    if let Some(detail) = text.strip_prefix("invalid_arguments: ") {
        return Plain::Refused(400, detail.to_owned());
    }
    let (line, problem) = text.split_once('\n').unwrap_or((text, ""));
    let status = line.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or_default();
    Plain::Answered(status, masked(&serde_json::from_str(problem).unwrap_or_default()))
}
