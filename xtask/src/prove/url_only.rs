//! Official MCP clients that are given nothing but a URL get in, stay in, and are put out.

use std::{collections::BTreeMap, fmt, fs, path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{
    Done,
    door::Home,
    property::Setting,
    strangers::{Strangers, free_port},
    upstream::Upstream,
    world,
};
use crate::{
    install::{self, Need},
    run,
};

const AGENT: &str = "tests/identity/agent.py";
const PERSON: &str = "tests/identity/person.mjs";
/// As the provider has it.
const CLIENT_SECRET: &str = "only-for-this-proof";
/// What each client goes through.
const STEPS: [&str; 4] = ["gets_in", "refreshes", "steps_up", "is_revoked"];

/// A client, and how it begins.
struct Client {
    version: &'static str,
    mode: &'static str,
    /// Whether it has a document; else it registers itself.
    has_document: bool,
}

pub(super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let chromium = install::browser()?;
    Need::PythonPeers.ensure(Path::new("."))?;
    let port = free_port()?;
    let url = format!("http://127.0.0.1:{port}");
    let strangers = Strangers::start(&url)?;
    let mut home = Home::new(setting.program, setting.folder.join("door"));
    home.listen = format!("127.0.0.1:{port}");
    home.config = Some(setting.folder.join("onedoor.toml"));
    fs::write(setting.folder.join("onedoor.toml"), strangers.egress()?)?;
    let roots = strangers.authority.path("ca.pem").display().to_string();
    home.environment.push(("SSL_CERT_FILE".to_owned(), roots));
    let first = home.init()?;
    let door = home.serve()?;
    let operator = door.client(&first);
    world::apply(&operator, &files(&Upstream::start()?, &strangers.issuer))?;
    world::set_secret(&operator, "corp-login", CLIENT_SECRET)?;

    let (mut worst, mut eras) = (0_f64, Vec::new());
    for client in clients() {
        let mut agent = client.agent(&format!("{url}/mcp"), &strangers)?;
        let Went { era, seconds } = went(agent.arg(&chromium)).map_err(|why| {
            let records = fs::read_to_string(home.data.join("audit.jsonl")).unwrap_or_default();
            let last = records.lines().last().unwrap_or_default();
            why.context(format!("the door's last record: {last}")).context(client.to_string())
        })?;
        worst = worst.max(seconds);
        eras.push(era);
    }
    let count = eras.len();
    eras.sort();
    eras.dedup();
    Ok(Done::Held(format!(
        "{count} clients of {} by URL alone: known, signed in, refreshed, stepped up; \
         put out {:.0} ms after their person took it back",
        eras.join(" and "),
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
    /// The agent with this client, all but the browser.
    fn agent(&self, url: &str, strangers: &Strangers) -> Result<Command> {
        let mut agent = run::program(install::python_peer(self.version)?, Path::new("."));
        agent.args([AGENT, url, "--mode", self.mode, "--client-name"]);
        match self.has_document {
            true => agent.args(["Agent with a document", "--documents", &strangers.documents]),
            false => agent.arg("Agent that registers itself"),
        };
        agent.args(["node", PERSON]);
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
    let modes = [(install::MCP_1, "legacy"), (install::MCP_2, "auto"), (install::MCP_2, "legacy")];
    modes.into_iter().flat_map(|(version, mode)| {
        [true, false].map(|has_document| Client { version, mode, has_document })
    })
}

/// Two collections, an agent's profile, and whom it is for.
fn files(upstream: &Upstream, issuer: &str) -> BTreeMap<String, String> {
    let collection = |name: &str, thing: &str| {
        let document = json!({
            "openapi": "3.1.0",
            "info": {"title": name, "version": "1"},
            "paths": {format!("/{name}/{{id}}"): {"get": {
                "operationId": format!("get_{thing}"),
                "summary": format!("Reads one {thing}"),
                "parameters": [
                    {"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}},
                ],
                "responses": {"200": {"description": "It"}},
            }}},
        });
        let collection = json!({
            "owner": "shop-team", "upstream": "stock", "document": format!("documents/{name}.yaml"),
        });
        [
            (format!("documents/{name}.yaml"), document),
            (format!("collections/{name}.yaml"), collection),
        ]
    };
    let profile = json!({
        "roles": ["reader"],
        "tokens": {
            "grants": ["authorization_code", "refresh_token"],
            "redirect_uris": ["http://127.0.0.1/back"],
            "public": true,
        },
    });
    let others = [
        (
            "admissions/documents",
            json!({
                "profile": "agents/reader", "registrations": ["metadata_document"], "issuer": "corp", "groups": ["staff"],
            }),
        ),
        (
            "admissions/registered",
            json!({
                "profile": "agents/reader", "registrations": ["dynamic"],
                "hosts": ["localhost"], "issuer": "corp", "groups": ["staff"],
            }),
        ),
        (
            "clients/agents",
            json!({
                "kind": "agent", "owner": "shop-team", "profiles": {"reader": profile},
            }),
        ),
        (
            "issuers/corp",
            json!({
                "issuer": issuer, "discovery": true, "audiences": ["onedoor"], "algorithms": ["RS256"],
                "sign_in": {
                    "label": "Corp", "client_id": "onedoor", "client_secret": "corp-login",
                    "groups_claim": "groups",
                },
            }),
        ),
        ("limits/all", json!({"rate": "1000000/s"})),
        ("roles/reader", json!({"allow": [{"operations": ["orders:*", "customers:*"]}]})),
        ("secrets/corp-login", json!({"owner": "shop-team", "source": "store"})),
        ("upstreams/stock", json!({"url": format!("http://{}", upstream.address)})),
    ];
    let others = others.map(|(path, document)| (format!("{path}.yaml"), document));
    let collections =
        collection("orders", "order").into_iter().chain(collection("customers", "customer"));
    collections.chain(others).map(|(path, document)| (path, document.to_string())).collect()
}
