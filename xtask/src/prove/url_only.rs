//! Official MCP clients that are given nothing but a URL get in, stay in, and are put out.

use std::{fmt, path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{
    Done,
    grounds::{Grounds, PERSON},
    property::Setting,
};
use crate::{
    install::{self, Need},
    run,
};

const AGENT: &str = "tests/identity/agent.py";
/// As people know the clients.
const DOCUMENTED: &str = "Agent with a document";
const REGISTERED: &str = "Agent that registers itself";
/// What clients of MCP agree on with the door: those that begin with a handshake, and all others.
const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";
/// What each client goes through.
const STEPS: [&str; 4] = ["gets_in", "refreshes", "steps_up", "is_revoked"];

/// A client, and how it begins.
struct Client {
    version: &'static str,
    mode: &'static str,
    /// The revision of MCP that it has to agree on with the door.
    era: &'static str,
    /// Whether it has a document; else it registers itself.
    has_document: bool,
}

pub(super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    Need::PythonPeers.ensure(Path::new("."))?;
    let grounds = Grounds::start(setting)?;

    let (mut worst, mut count) = (0_f64, 0_usize);
    for client in clients() {
        let mut agent = client.agent(&grounds)?;
        let went = went(&mut agent)
            .and_then(|it| client.check(&it.era).map(|()| it))
            .map_err(|why| grounds.explained(why).context(client.to_string()))?;
        worst = worst.max(went.seconds);
        count = count.saturating_add(1);
    }
    Ok(Done::Held(format!(
        "{count} clients, each of the era meant for it ({LEGACY} or {MODERN}), by URL alone: known, \
         signed in, refreshed, stepped up; put out {:.0} ms after their person took it back",
        worst * 1_000.0
    )))
}

/// How an agent fared that went all the way.
struct Went {
    /// The revision of MCP that it agreed on with the door.
    era: String,
    /// From when its person took it back until its token was refused.
    seconds: f64,
}

/// Runs an agent and reads what it tells of each step.
fn went(agent: &mut Command) -> Result<Went> {
    let output = agent.output().context("the agent cannot be started")?;
    let told = String::from_utf8_lossy(&output.stdout);
    let steps: Vec<Value> = told
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .context(told.to_string())?;
    let is_done = |it: &&Value| it.get("ok") == Some(&Value::Bool(true));
    let done = steps.iter().filter(is_done).filter_map(|it| it.get("step")?.as_str());
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && done.eq(STEPS), "{}\n{errors}", told.trim());
    let field = |name: &str| steps.iter().find_map(|it| it.get(name)).context("a field is missing");
    Ok(Went {
        era: field("protocol")?.as_str().unwrap_or_default().to_owned(),
        seconds: field("seconds")?.as_f64().context("seconds are a number")?,
    })
}

impl Client {
    /// Whether it is the revision of MCP that is meant for it.
    fn check(&self, era: &str) -> Result<()> {
        ensure!(era == self.era, "it agreed on {era:?} with the door, and not on {}", self.era);
        Ok(())
    }

    /// The agent with this client.
    fn agent(&self, grounds: &Grounds) -> Result<Command> {
        let mut agent = run::program(install::python_peer(self.version)?, Path::new("."));
        agent.args([AGENT, &format!("{}/mcp", grounds.url), "--mode", self.mode]);
        let documents = &*grounds.strangers.documents;
        match self.has_document {
            true => agent.args(["--client-name", DOCUMENTED, "--documents", documents]),
            false => agent.args(["--client-name", REGISTERED]),
        };
        agent.arg(install::node()?).arg(PERSON).arg(install::browser()?);
        Ok(agent)
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.has_document { "a document" } else { "registration" };
        write!(f, "mcp {} ({}) by {how}", self.version, self.mode)
    }
}

fn clients() -> impl Iterator<Item = Client> {
    let modes = [
        (install::MCP_1, "legacy", LEGACY),
        (install::MCP_2, "auto", MODERN),
        (install::MCP_2, "legacy", LEGACY),
    ];
    modes.into_iter().flat_map(|(version, mode, era)| {
        [true, false].map(|has_document| Client { version, mode, era, has_document })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_meets_another_era_than_its_own_fails() {
        for client in clients() {
            let is_modern = client.version == install::MCP_2 && client.mode == "auto";
            let (own, other) = if is_modern { (MODERN, LEGACY) } else { (LEGACY, MODERN) };
            assert!(client.check(own).is_ok(), "{client}");
            assert!(client.check(other).is_err(), "{client}");
            assert!(client.check("").is_err(), "{client}");
        }
    }
}
