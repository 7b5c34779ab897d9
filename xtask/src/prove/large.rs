//! A large state: how long a start takes, how long a change, how much memory.

use std::{fmt::Write as _, time::Duration};

use anyhow::{Result, ensure};
use model::Clock;
use serde_json::Value;

use super::{Done, client::Client, door::Home, property::Setting, world};
use crate::{
    crowd::{self, PROFILES_PER_CLIENT},
    run,
};

/// How many of each there are in full. A tenth of it is quick.
const UPSTREAMS: usize = 200;
const OPERATIONS_PER_UPSTREAM: usize = 25;
const CLIENTS: usize = 1_000;
const CREDENTIALS_PER_PROFILE: usize = 10;

const START_TARGET: Duration = Duration::from_secs(5);
const CHANGE_TARGET: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(20);
const CHANGES: usize = 10;

pub(super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let (upstreams, clients) =
        if setting.is_full { (UPSTREAMS, CLIENTS) } else { (UPSTREAMS / 10, CLIENTS / 10) };
    let home = Home::new(setting.program, setting.folder.join("data"));
    let key = home.init()?;
    let files = files(upstreams, clients);
    let profiles = clients.saturating_mul(PROFILES_PER_CLIENT);
    let counted = format!(
        "{} profiles, {} credentials, {} operations, {upstreams} upstreams",
        profiles,
        profiles.saturating_mul(CREDENTIALS_PER_PROFILE),
        upstreams.saturating_mul(OPERATIONS_PER_UPSTREAM),
    );
    crowd::commit(home.data.join("onedoor.db"), files)?;
    let door = home.serve()?;
    let start = door.ready_after;
    let caller_key = world::issue(&door.client(&key), "c0/p0")?;
    let changes = changes(&door.client(&key), &door.caller(&caller_key))?;
    let worst = changes.iter().max().copied().unwrap_or(PATIENCE);
    let (now, most) = door.resident_mib()?;
    let figure = format!(
        "{counted}: serves after {start:.1?}, a change in force after {worst:.0?} (worst of {CHANGES}), {now} MiB resident ({most} at most)"
    );
    ensure!(start < START_TARGET, "{figure}; the start must take less than {START_TARGET:?}");
    ensure!(worst < CHANGE_TARGET, "{figure}; a change must take less than {CHANGE_TARGET:?}");
    Ok(Done::Held(figure))
}

/// Publishes and unpublishes, until a call is answered accordingly.
fn changes(client: &Client, caller: &Client) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    for number in 0..CHANGES {
        let (verb, status) = if number % 2 == 0 { ("unpublish", 404) } else { ("publish", 502) };
        let clock = Clock::system();
        let path = format!("/collections/k0/{verb}");
        client.manage("POST", &path, &Value::Null)?.done(verb)?;
        loop {
            let answer = caller.send("GET", "/k0/things/0/1", &Value::Null)?;
            if answer.status == status {
                break;
            }
            let last = answer.text;
            ensure!(clock.elapsed() < PATIENCE, "a change is never in force: {last}");
            run::rest(Duration::from_millis(1));
        }
        times.push(clock.elapsed());
    }
    Ok(times)
}

fn guard(head: &str, condition: &str) -> String {
    format!("policy: |\n  forbid (principal, {head})\n  when {{ {condition} }};\n")
}

/// A large state, as files.
fn files(upstreams: usize, clients: usize) -> Vec<(String, String)> {
    let mut files = crowd::files(clients, CREDENTIALS_PER_PROFILE);
    let mut add = |path: String, text: String| files.push((path, text));
    add("limits/all.yaml".to_owned(), "rate: 1000000/s\n".to_owned());
    let reader = "allow:\n  - operations: [\"*:*\"]\n    effects: [read]\n";
    add("roles/reader.yaml".to_owned(), reader.to_owned());
    // One that is asked of everything, and one that reads arguments. Not those of k0: a collection
    // that a guard names cannot be unpublished.
    add("guards/network.yaml".to_owned(), guard("action, resource", "context.ip.isMulticast()"));
    let amount = "context.arguments has id && context.arguments.id > 1000000";
    add("guards/amount.yaml".to_owned(), guard("action in Action::\"k1:*\", resource", amount));
    for number in 0..upstreams {
        // Nobody listens there: an answer of 502 tells that a call went that far.
        add(format!("upstreams/u{number}.yaml"), "url: http://127.0.0.1:1\n".to_owned());
        let mut collection = format!(
            "owner: team-{number}\nupstream: u{number}\ndocument:\n  openapi: 3.1.0\n  info: {{title: Things, version: \"1\"}}\n  paths:\n"
        );
        for operation in 0..OPERATIONS_PER_UPSTREAM {
            let _ = write!(
                collection,
                "    /things/{operation}/{{id}}:\n      get:\n        operationId: get_thing_{operation}\n        parameters:\n          - {{name: id, in: path, required: true, schema: {{type: integer}}}}\n        responses: {{\"200\": {{description: A thing}}}}\n"
            );
        }
        add(format!("collections/k{number}.yaml"), collection);
    }
    files
}
