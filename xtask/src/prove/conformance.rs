//! The scenarios that MCP's own conformance suite has for authorization servers.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use testkit::free_port;

use super::{Done, grounds::Grounds, person::Person, property::Setting};
use crate::{install, run};

const PROGRAM: &str = "node_modules/@modelcontextprotocol/conformance/dist/index.js";
/// The registered client that it acts as.
const CLIENT: &str = "web/app";
/// All that it has for authorization servers. Fewer would mean that it left some out.
const SCENARIOS: [&str; 2] = ["authorization-server-metadata-endpoint", "authorization-code-grant"];

pub(super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let grounds = Grounds::start(setting)?;
    let (url, port) = (&grounds.url, free_port());
    let results = setting.folder.join("results");
    let mut suite = run::program(install::node()?, Path::new("."));
    suite.args([PROGRAM, "authorization", "--url", url, "--client-id", CLIENT]);
    suite.args(["--resource", &format!("{url}/mcp"), "--port", &port.to_string()]);
    suite.arg("--output-dir").arg(&results);
    let mut suite = suite.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let told = attend(&mut suite, url, port);
    drop(suite.kill());
    drop(suite.wait());
    let told = told.map_err(|why| grounds.explained(why))?;
    let checks = checks(&results).with_context(|| told.clone())?;
    let (mut good, mut bad) = (0_usize, Vec::new());
    for check in &checks {
        let field = |name: &str| check.get(name).and_then(Value::as_str).unwrap_or_default();
        match field("status") {
            "SUCCESS" => good = good.saturating_add(1),
            other => bad.push(format!("{}: {other} {}", field("id"), field("errorMessage"))),
        }
    }
    ensure!(bad.is_empty(), "{}", bad.join("; "));
    ensure!(good > SCENARIOS.len(), "only {good} checks were made: {told}");
    Ok(Done::Held(format!("{good} checks in {} scenarios, none failed", SCENARIOS.len())))
}

/// Does what the suite asks a person to do. All that it said.
fn attend(suite: &mut Child, url: &str, port: u16) -> Result<String> {
    let mut output = BufReader::new(suite.stdout.take().context("it has no output")?);
    let mut told = String::new();
    let is_asked = |line: &str| line.starts_with(&format!("{url}/oauth/authorize?"));
    loop {
        let begun = told.len();
        ensure!(output.read_line(&mut told)? > 0, "it asked nobody anything: {told}");
        let line = told.get(begun..).unwrap_or_default().trim();
        if is_asked(line) {
            let back = format!("http://127.0.0.1:{port}/callback");
            Person::start()?.authorize(line, &back)?;
            break;
        }
    }
    output.read_to_string(&mut told)?;
    Ok(told)
}

/// What the suite wrote of each scenario.
fn checks(results: &Path) -> Result<Vec<Value>> {
    let mut checks = Vec::new();
    let mut folders = vec![results.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with("checks.json") {
                let text = std::fs::read_to_string(&path)?;
                checks.extend(serde_json::from_str::<Vec<Value>>(&text)?);
            }
        }
    }
    for scenario in SCENARIOS {
        let is_of = |it: &Value| {
            it.get("id").and_then(Value::as_str).is_some_and(|id| scenario.starts_with(id))
        };
        ensure!(checks.iter().any(is_of), "{scenario} was not run");
    }
    Ok(checks)
}
