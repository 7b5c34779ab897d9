//! Every operation over REST, over MCP and by the command line: one result, one decision, one record.
//!
//! Three doors with the same store and the same keys get the same calls in the same order, each in
//! its own way. So all begin every call in the same state, and what differs is the way's.

mod plain;

use std::path::Path;

use admin::About;
use anyhow::{Result, ensure};
use serde_json::Value;

use self::plain::Plain;
use super::{
    Done,
    client::{Answer, Client},
    command_line::{self, CommandLine},
    door::{Door, Home},
    example::{self, Example},
    masked::masked,
    past,
    property::Setting,
    upstream::Upstream,
    world,
};

/// Most differences that are told.
const TOLD_MAX: usize = 20;

/// What is about an id that nobody knew before, and that each of the doors has another of: the
/// property `schemathesis` carries it out, and `onedoor/tests/onedoor/purge.rs` and `bodies.rs`.
const ELSEWHERE: [&str; 3] = ["approve_audit_purge", "get_audit_body", "reject_audit_purge"];
/// How many old records their logs have, of which a purge can be asked for.
const OLD_RECORDS: usize = 40;
/// What a command ends with that is wrong by itself.
const UNCLEAR: i32 = 2;

/// Three doors in the same state.
#[derive(Debug)]
pub(super) struct Doors {
    pub(super) rest: Door,
    pub(super) mcp: Door,
    /// For the command line.
    pub(super) typed: Door,
    /// In the same order.
    pub(super) homes: [Home; 3],
    /// By role.
    pub(super) keys: Vec<(&'static str, String)>,
    pub(super) first_key: String,
}

/// What became of all calls.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// For each call, whether it can be typed.
    can_type: Vec<bool>,
    /// Operations that were carried out with an input that is right.
    carried_out: usize,
    /// What the doors answered.
    pub(super) answers: Vec<(&'static str, String)>,
    differences: Vec<String>,
}

pub(super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let upstream = Upstream::start()?;
    let home = Home::new(setting.program, setting.folder.join("rest"));
    let doors = Doors::start(home, &upstream, |_| Ok(()))?;
    let mut seen = doors.call_everything()?;
    let records = seen.compare_records(&doors.homes)?;
    if !seen.differences.is_empty() {
        seen.differences.truncate(TOLD_MAX);
        anyhow::bail!("{}", seen.differences.join("\n"));
    }
    let operations = admin::operations().len();
    let carried_out = operations.saturating_sub(ELSEWHERE.len());
    ensure!(
        seen.carried_out == carried_out,
        "only {} of {carried_out} went well",
        seen.carried_out
    );
    let calls = seen.can_type.len();
    let typed = seen.can_type.iter().filter(|it| **it).count();
    let others = calls.saturating_sub(typed);
    Ok(Done::Held(format!(
        "{operations} operations, {calls} calls and {records} records the same over REST and MCP; {typed} of them also by the command line, which refuses the other {others} by itself: they cannot be typed"
    )))
}

impl Doors {
    /// Makes a store, fills it, and starts a door on each of three copies of it.
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
        past::give(&home.data)?;
        past::age(&home, OLD_RECORDS)?;
        let copy = |name: &str| home.copy(home.data.with_file_name(name));
        let (second, third) = (copy("mcp")?, copy("typed")?);
        let (rest, mcp, typed) = (home.serve()?, second.serve()?, third.serve()?);
        Ok(Self { rest, mcp, typed, homes: [home, second, third], keys, first_key })
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
        let answer = example.send(&self.rest.client(key), about)?;
        let tool = example.call(&self.mcp.client(key), about)?;
        let (rest, mcp) = (plain::of_rest(&answer), plain::of_mcp(about, &tool));
        let (name, flaw) = (about.name, example.flaw);
        if rest != mcp {
            seen.differences
                .push(format!("{name} as {role}, {flaw:?}:\n  REST {rest:?}\n  MCP  {mcp:?}"));
        }
        let is_done =
            matches!(&rest, Plain::Answered(status, _) if *status == about.status.as_u16());
        if flaw.is_empty() && *role == *"admin" {
            seen.carried_out = seen.carried_out.saturating_add(usize::from(is_done));
            if is_done == ELSEWHERE.contains(&name) {
                seen.differences.push(format!("the example of {name} is wrong: {rest:?}"));
            }
        } else if is_done && !flaw.is_empty() {
            seen.differences.push(format!("{name} takes {flaw}: {rest:?}"));
        }
        self.type_it(about, (role, key), example, (&answer, seen))?;
        seen.answers.push((name, answer.text));
        seen.answers.push((name, tool.text));
        Ok(())
    }

    /// The same by the command line.
    fn type_it(
        &self,
        about: &About,
        (role, key): (&str, &str),
        example: &Example,
        (answer, seen): (&Answer, &mut Seen),
    ) -> Result<()> {
        let [_, _, home] = &self.homes;
        let ran = CommandLine { home, door: &self.typed, key }.call(about, example)?;
        let (name, flaw) = (about.name, example.flaw);
        let can_type = command_line::can_type(example);
        seen.can_type.push(can_type);
        let (wanted, is) = (plain::wanted(about, answer), plain::of_command(about, &ran, answer));
        let is_refused = ran.code == UNCLEAR && ran.printed.is_empty() && !ran.told.is_empty();
        let is_right = if can_type { wanted == is } else { is_refused };
        if !is_right {
            let told = &ran.told;
            seen.differences.push(format!(
                "{name} as {role}, {flaw:?}:\n  REST    {wanted:?}\n  command {is:?}\n  it told: {told}"
            ));
        }
        seen.answers.push((name, ran.printed));
        seen.answers.push((name, ran.told));
        Ok(())
    }
}

impl Seen {
    /// Compares what the doors wrote down, call by call.
    fn compare_records(&mut self, homes: &[Home; 3]) -> Result<usize> {
        let [rest, mcp, typed] = homes;
        let (rest, mcp, typed) = (records(&rest.data)?, records(&mcp.data)?, records(&typed.data)?);
        let calls = self.can_type.len();
        ensure!(rest.len() == calls, "{calls} calls left {} records", rest.len());
        let can_type = rest.iter().zip(&self.can_type).filter(|it| *it.1).map(|it| it.0);
        let of_typed: Vec<_> = can_type.collect();
        self.compare("MCP", &rest.iter().collect::<Vec<_>>(), &mcp);
        self.compare("command", &of_typed, &typed);
        Ok(rest.len())
    }

    fn compare(&mut self, way: &str, rest: &[&Value], other: &[Value]) {
        let (wanted, found) = (rest.len(), other.len());
        if wanted != found {
            self.differences.push(format!("{wanted} records over REST, {found} by {way}"));
        }
        let others = rest.iter().zip(other).filter(|(one, other)| **one != *other);
        self.differences
            .extend(others.map(|(one, it)| format!("records differ:\n  REST {one}\n  {way} {it}")));
    }
}

/// The records of management calls of the roles' clients, in their order.
fn records(data: &Path) -> Result<Vec<Value>> {
    let records = audit::records(&data.join("audit"))?.into_iter();
    // What came of a call, such as a credential, has a record too, which came by no surface.
    let is_call = |it: &Value| it.get("surface").is_some() && it.to_string().contains("\"staff/");
    Ok(records.filter(is_call).map(|it| without_id(masked(&it))).collect())
}

fn without_id(mut record: Value) -> Value {
    if let Some(members) = record.as_object_mut() {
        members.remove("id");
    }
    record
}
