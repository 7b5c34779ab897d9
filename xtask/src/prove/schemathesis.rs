//! schemathesis over the management API: no 5xx, nothing undocumented, no ignored authentication.
//!
//! Its calls may do anything, so before each of them the state is put back as it was: no call can
//! take the next one's key away, and every operation meets what its example is about.

mod document;
mod keeper;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::Stdio,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use model::Clock;
use serde::Deserialize;
use serde_json::Value;

use self::keeper::{Counts, Keeper};
use super::{
    Done,
    client::{BASE, Client},
    door::{Door, Home},
    example, past,
    property::Setting,
    upstream::Upstream,
    world,
};
use crate::{install, run};

const CHECKS: &str = "not_a_server_error,status_code_conformance,ignored_auth,response_schema_conformance,content_type_conformance";
/// Where chance begins: the same requests in every run.
const SEED: &str = "25";
/// Most lines that are told of its report, and of what the door said.
const LINES_MAX: usize = 60;
const HOOKS: &str = include_str!("schemathesis/hooks.py");
/// The profile that it calls as.
const TESTED: &str = "staff/admin";
/// Who asks for what the tested one approves: a client of another owner.
const SECOND: &str = "kind: service\nowner: security\nprofiles:\n  default: {roles: [admin]}\n";
/// How many old records its log has: segments enough for purges to be carried out.
const OLD_RECORDS: usize = 400;
/// How long it may take until a body is kept.
const PATIENCE: Duration = Duration::from_secs(20);
/// Without a credential, and with one that is not good.
const PROBES: usize = 2;

/// A call, as the hooks write it down.
#[derive(Debug, Deserialize)]
struct Line {
    /// None where it was sent with a method that the operation does not have.
    operation: Option<String>,
    /// Whether the key was shown.
    key: bool,
    status: u16,
}

/// What became of the calls of one operation.
#[derive(Debug, Default)]
struct Tally {
    /// With the key.
    shown: usize,
    authenticated: usize,
    succeeded: usize,
    /// As the log has it: given to the operation, for the key's operator.
    carried_out: usize,
    /// As the log has it: refused for want of a good credential.
    turned_away: usize,
}

pub(super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let program = match install::schemathesis() {
        Ok(program) => program,
        Err(error) => {
            let why = error.to_string();
            let first = why.lines().next().unwrap_or_default();
            return Ok(Done::NotRun(format!("schemathesis cannot be installed ({first})")));
        }
    };
    let examples = if setting.is_full { "50" } else { "3" };
    let upstream = Upstream::start()?;
    let home = Home::new(setting.program, setting.folder.join("data"));
    let (door, operator) = begin(&home)?;
    let (key, second) = prepare(&operator, &upstream)?;
    let kept = keep_body(&door, &operator)?;
    // The caller's own view, which has all there is: the caller is an admin.
    let document = operator.manage("GET", "/openapi.json", &Value::Null)?.done("the document")?;
    let document = document::with_examples(document)?;
    let file = |name: &str| setting.folder.join(name);
    fs::write(file("openapi.json"), document.to_string())?;
    fs::write(file("hooks.py"), HOOKS)?;
    let counts = Arc::new(Counts::default());
    let (tested, second) = (door.client(&key), door.client(&second));
    let base = newest_revision(&operator)?;
    let (data, counted) = (home.data.clone(), Arc::clone(&counts));
    let keeper = Keeper { operator, tested, second, base, data, kept, counts: counted }.start()?;
    let output = fs::File::create(file("report.txt"))?;
    let mut command = run::program(program, setting.folder);
    command.args(["run", "--no-color", "--url", &format!("http://{}{BASE}", door.management)]);
    command.args(["--header", &format!("Authorization: Bearer {key}")]);
    command.args(["--checks", CHECKS, "--max-examples", examples, "--seed", SEED]);
    command.args(["--phases", "examples,coverage,fuzzing", "--continue-on-failure"]);
    // A second credential beside the key would make a request malformed, and tell of nothing else.
    command.args(["--generation-with-security-parameters", "false"]);
    // One after the other: each begins with the state as it was.
    command.args(["--workers", "1", "--generation-database", "none"]);
    command.args(["--suppress-health-check", "all"]).arg(file("openapi.json"));
    command.env("SCHEMATHESIS_HOOKS", file("hooks.py"));
    command.env("ONEDOOR_PROOF_KEEPER", keeper.to_string());
    command.env("ONEDOOR_PROOF_CALLS", file("calls.jsonl")).env("ONEDOOR_PROOF_KEY", &key);
    command.stdout(output.try_clone()?).stderr(Stdio::from(output));
    let status = command.status()?;
    let (report, said) = (last_lines(&file("report.txt"))?, last_lines(&door.log)?);
    ensure!(status.success(), "schemathesis found something:\n{report}\nthe door said:\n{said}");
    let figures = judge(&tallies(&file("calls.jsonl"), &home.data)?)?;
    let (back, stored) = (&counts.rolled_back, &counts.stored);
    Ok(Done::Held(format!(
        "{figures} ({examples} examples each); the state was put back {} times by an operator and {} times in the store",
        back.load(Ordering::Relaxed),
        stored.load(Ordering::Relaxed),
    )))
}

/// A door whose log is years old, and its first operator.
fn begin(home: &Home) -> Result<(Door, Client)> {
    let first_key = home.init()?;
    // It makes the key of its log when it first serves.
    drop(home.serve()?);
    past::age(home, OLD_RECORDS)?;
    let door = home.serve()?;
    let operator = door.client(&first_key);
    Ok((door, operator))
}

/// Makes the state that every call begins with. Gives back the key to call with, and that of another
/// person, whom neither its operator nor the first one is.
fn prepare(operator: &Client, upstream: &Upstream) -> Result<(String, String)> {
    let mut files = world::files(upstream.address);
    if let Some(shop) = files.get_mut("collections/shop.yaml") {
        shop.push_str("audit: {bodies: {keep: response}}\n");
    }
    files.insert("clients/second.yaml".to_owned(), SECOND.to_owned());
    world::apply(operator, &files)?;
    world::set_secret(operator, "stock-key", "the-first-value")?;
    for about in admin::operations().iter().filter(|it| it.name == "add_secret_version") {
        example::right(about)?.send(operator, about)?.done(about.name)?;
    }
    let keys = world::keys(operator)?;
    let found = keys.into_iter().find(|it| it.0 == "admin").context("there is an admin")?;
    Ok((found.1, world::issue(operator, "second/default")?))
}

/// Has a body of an answer be kept. Gives back the id of its call.
fn keep_body(door: &Door, operator: &Client) -> Result<String> {
    let key = world::issue(operator, "app/default")?;
    door.caller(&key).send("GET", "/shop/orders/7", &Value::Null)?.done("get_order")?;
    let clock = Clock::system();
    loop {
        let found = operator.manage("GET", "/audit?kind=bodies", &Value::Null)?;
        let found = found.done("query_audit")?;
        if let Some(id) = found.pointer("/items/0/id").and_then(Value::as_str) {
            return Ok(id.to_owned());
        }
        ensure!(clock.elapsed() < PATIENCE, "no body is ever kept");
        run::rest(Duration::from_millis(10));
    }
}

fn newest_revision(operator: &Client) -> Result<u64> {
    let newest = operator.manage("GET", "/revisions?limit=1", &Value::Null)?;
    let newest = newest.done("list_revisions")?;
    let number = newest.pointer("/items/0/number").and_then(Value::as_u64);
    number.context("there is a revision")
}

fn last_lines(path: &Path) -> Result<String> {
    let text = fs::read_to_string(path)?;
    let lines: Vec<_> = text.lines().collect();
    let from = lines.len().saturating_sub(LINES_MAX);
    Ok(lines.get(from..).unwrap_or_default().join("\n"))
}

/// What became of all calls, by operation.
fn tallies(calls: &Path, data: &Path) -> Result<BTreeMap<String, Tally>> {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for line in fs::read_to_string(calls).context("no call was made")?.lines() {
        let Line { operation, key, status } = serde_json::from_str(line)?;
        let Some(operation) = operation else { continue };
        let tally = tallies.entry(operation).or_default();
        tally.shown = tally.shown.saturating_add(usize::from(key));
        tally.authenticated = tally.authenticated.saturating_add((key && status != 401).into());
        let is_done = key && (200..300).contains(&status);
        tally.succeeded = tally.succeeded.saturating_add(is_done.into());
    }
    for record in audit::records(&data.join("audit"))? {
        let member = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
        let is_carried_out = member("profile") == TESTED && record.get("upstream_status").is_some();
        let is_turned_away = member("reason") == "unauthenticated";
        let operation = member("operation").strip_prefix("onedoor.");
        if let Some(tally) = operation.and_then(|it| tallies.get_mut(it)) {
            tally.carried_out = tally.carried_out.saturating_add(is_carried_out.into());
            tally.turned_away = tally.turned_away.saturating_add(is_turned_away.into());
        }
    }
    Ok(tallies)
}

/// Whether every operation was really tried, and with which figures.
fn judge(tallies: &BTreeMap<String, Tally>) -> Result<String> {
    let mut wrong = Vec::new();
    let nothing = Tally::default();
    let operations = admin::operations();
    for about in &operations {
        let tally = tallies.get(about.name).unwrap_or(&nothing);
        let Tally { shown, authenticated, succeeded, carried_out, turned_away } = tally;
        let is_tried = authenticated == shown
            && *succeeded > 0
            && *turned_away >= PROBES
            && carried_out >= succeeded;
        if !is_tried {
            wrong.push(format!("{}: {tally:?}", about.name));
        }
    }
    ensure!(wrong.is_empty(), "not really tried:\n{}", wrong.join("\n"));
    let sum = |of: fn(&Tally) -> usize| tallies.values().map(of).sum::<usize>();
    let least = tallies.values().map(|it| it.authenticated).min().unwrap_or_default();
    Ok(format!(
        "no 5xx, no undocumented status, shape or type of an answer, no ignored authentication: {} operations, {} calls with a good key (at least {least} each), all authenticated, {} given to the operation, {} with success (at least one each); {} without a good key refused",
        operations.len(),
        sum(|it| it.shown),
        sum(|it| it.carried_out),
        sum(|it| it.succeeded),
        sum(|it| it.turned_away),
    ))
}
