//! schemathesis over the management API: no 5xx, no undocumented status, no ignored authentication.

use std::{fs, process::Stdio};

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{Done, client::BASE, door::Home, property::Setting, upstream::Upstream, world};
use crate::{install, run};

const CHECKS: &str = "not_a_server_error,status_code_conformance,ignored_auth";
/// Where chance begins: the same requests in every run.
const SEED: &str = "25";
/// Most lines of its report that are told.
const LINES_MAX: usize = 60;

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
    let first_key = home.init()?;
    let door = home.serve()?;
    let client = door.client(&first_key);
    world::apply(&client, &world::files(upstream.address))?;
    // The caller's own view, which has all there is: the caller is an admin.
    let document = client.manage("GET", "/openapi.json", &Value::Null)?.done("the document")?;
    let file = setting.folder.join("openapi.json");
    fs::write(&file, document.to_string())?;
    let key = world::issue(&client, "staff/admin")?;
    let report = setting.folder.join("report.txt");
    let output = fs::File::create(&report)?;
    let mut command = run::program(program, setting.folder);
    command.args(["run", "--no-color", "--url", &format!("http://{}{BASE}", door.management)]);
    command.args(["--header", &format!("Authorization: Bearer {key}")]);
    command.args(["--checks", CHECKS, "--max-examples", examples, "--seed", SEED]);
    command.args([
        "--phases",
        "examples,coverage,fuzzing",
        "--continue-on-failure",
        "--workers",
        "2",
    ]);
    command.args(["--generation-database", "none", "--suppress-health-check", "all"]).arg(&file);
    command.stdout(output.try_clone()?).stderr(Stdio::from(output));
    let status = command.status()?;
    let text = fs::read_to_string(&report)?;
    let told: Vec<_> = text.lines().rev().take(LINES_MAX).collect();
    let told: Vec<_> = told.into_iter().rev().collect();
    ensure!(status.success(), "schemathesis found something:\n{}", told.join("\n"));
    // A run that lost its own key early would prove nothing.
    let records = fs::read_to_string(home.data.join("audit.jsonl"))?;
    let admins: Vec<_> = records.lines().filter(|it| it.contains("\"staff/admin\"")).collect();
    let calls = admins.len();
    let is_reached = |name: &str| {
        let name = format!("\"onedoor.{name}\"");
        admins.iter().any(|it| it.contains(&name))
    };
    let missed: Vec<_> =
        admin::operations().iter().map(|it| it.name).filter(|it| !is_reached(it)).collect();
    ensure!(missed.is_empty(), "{calls} calls as admin, and never of: {}", missed.join(", "));
    Ok(Done::Held(format!(
        "{calls} calls as admin over {} operations ({examples} examples each): no 5xx, no undocumented status, no ignored authentication",
        admin::operations().len()
    )))
}
