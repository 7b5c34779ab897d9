//! A door whose log leaves the machine's folder by its checkpoints, and what its callers call.

use std::{
    collections::{BTreeMap, HashSet},
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use model::Clock;
use serde_json::{Value, json};

use super::{
    super::{
        client::Client,
        door::{Door, Home},
        property::Setting,
        upstream::Upstream,
        world,
    },
    fault::Fault,
    ledger::Ledger,
    traffic::{Callers, Traffic},
};
use crate::run;

/// One operation of each effect. Their paths carry the number of the call.
const DOCUMENT: &str = r#"openapi: 3.1.0
info: {title: Shop, version: "1"}
paths:
  /orders/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer}}
    get: {operationId: get_order, responses: {"200": {description: One order}}}
    put: {operationId: put_order, responses: {"200": {description: It is there}}}
    delete: {operationId: delete_order, responses: {"200": {description: It is gone}}}
  /orders/{id}/busy:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer}}
    get: {operationId: get_busy, responses: {"200": {description: It was not busy}}}
  /orders/{id}/events:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer}}
    get: {operationId: get_events, responses: {"200": {description: What happens to it}}}
  /orders/{id}/pieces:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer}}
    get: {operationId: get_pieces, responses: {"200": {description: One order in pieces}}}
"#;

/// Its operations. Bodies are kept of one.
pub(super) const COLLECTION: &str = "owner: shop-team
upstream: stock
document: documents/shop.yaml
operations:
  get_pieces: {audit: {bodies: {keep: response}}}
";

/// Who asks for tokens.
const WORKER: &str = "kind: service
owner: shop-team
profiles:
  default: {roles: [reader], tokens: {grants: [client_credentials]}}
";

/// So many calls the metered caller has, of all processes of the door together: more than it makes in one of
/// them, and less than in all.
pub(super) const QUOTA: u64 = 1000;
/// How long it may take until all that was recorded is delivered.
const DELIVERED_WITHIN: Duration = Duration::from_secs(180);

/// What receivers of records are shown.
const SECRET: &str = "owner: platform\nsource: store\n";

/// What runs, and what is known of it.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) home: Home,
    pub(super) upstream: Upstream,
    pub(super) callers: Callers,
    /// The first operator's key.
    pub(super) operator: String,
    pub(super) fault: Fault,
    /// Every checkpoint, outside of the folder of the log.
    outside: PathBuf,
    /// The built onedoor, which checks logs.
    program: PathBuf,
}

impl Site {
    /// Makes a door and the state it serves; it does not run when this returns.
    pub(super) fn make(setting: &Setting<'_>) -> Result<Self> {
        let upstream = Upstream::start()?;
        let mut home = Home::new(setting.program, setting.folder.join("door"));
        let (config, outside) =
            (setting.folder.join("onedoor.toml"), setting.folder.join("outside"));
        let checkpoints = outside.display();
        // The smallest segments, so that many begin.
        fs::write(
            &config,
            format!("[audit]\nsegment_size = \"1MiB\"\ncheckpoints = \"{checkpoints}\"\n"),
        )?;
        home.config = Some(config);
        let operator = home.init()?;
        let callers = prepare(&home.serve()?.client(&operator), &upstream)?;
        let fault = Fault::build(setting.folder)?;
        home.environment.extend(fault.environment());
        upstream.take_targets();
        let program = setting.program.to_owned();
        Ok(Self { home, upstream, callers, operator, fault, outside, program })
    }

    /// The folder of its log.
    pub(super) fn log(&self) -> PathBuf {
        self.home.data.join("audit")
    }

    /// Adds to what its onedoor.toml says.
    pub(super) fn configure(&self, more: &str) -> Result<()> {
        let config = self.home.config.as_ref().context("it has a configuration")?;
        OpenOptions::new().append(true).open(config)?.write_all(more.as_bytes())?;
        Ok(())
    }

    /// Waits until each of so many sinks says that it delivered all.
    pub(super) fn drain(&self, door: &Door, sinks: usize) -> Result<()> {
        let (client, clock) = (door.client(&self.operator), Clock::system());
        let mut done = HashSet::new();
        loop {
            let health = client.manage("GET", "/health", &Value::Null)?.done("get_health")?;
            let parts = health.get("parts").and_then(Value::as_array).context("it has parts")?;
            let told: Vec<_> = parts.iter().filter_map(sink).collect();
            // The question itself is recorded, so one that was done may be behind again.
            let whole = told.iter().filter(|it| it.1.starts_with("all records are delivered"));
            done.extend(whole.map(|it| it.0.clone()));
            if done.len() == sinks {
                return Ok(());
            }
            ensure!(clock.elapsed() < DELIVERED_WITHIN, "not delivered: {told:?}");
            run::rest(Duration::from_millis(250));
        }
    }

    /// How many records there are.
    pub(super) fn records(&self) -> Result<u64> {
        let mut next = 0;
        audit::walk::<audit::WalkError>(&self.log(), &(0..u64::MAX), |record| {
            next = record.seq.saturating_add(1);
            Ok(())
        })?;
        Ok(next)
    }

    /// Compares what was called, answered and sent upstream with what was recorded.
    pub(super) fn judge(&self, ledger: &mut Ledger, traffic: &Traffic) -> Result<()> {
        // What was sent before a process died may come later.
        let targets = self.upstream.take_targets();
        ledger.read(&self.log())?;
        ledger.judge_answers(&traffic.take_answers(), traffic.last())?;
        ledger.judge_forwarded(&targets)
    }

    /// The same where all is well with the door: each call behind number `before` is answered by a record.
    /// How many they are.
    pub(super) fn judge_all(
        &self,
        ledger: &mut Ledger,
        traffic: &Traffic,
        before: u64,
    ) -> Result<u64> {
        let made = traffic.last().saturating_sub(before);
        let answered = ledger.count_answered();
        self.judge(ledger, traffic)?;
        ledger.judge_end()?;
        ledger.judge_unhindered()?;
        let answered = ledger.count_answered().saturating_sub(answered);
        ensure!(
            answered == made && made > 0,
            "{made} calls were made, and {answered} answered by a record"
        );
        Ok(made)
    }

    /// Has the program check the log against the newest checkpoint that left it. What it says.
    pub(super) fn verify(&self) -> Result<String> {
        self.verify_at(&self.log())
    }

    /// The same without a checkpoint that left it: where the log was put back to what it was.
    pub(super) fn verify_alone(&self) -> Result<()> {
        let mut verify = run::program(&self.program, Path::new("/"));
        verify.args(["audit", "verify"]).arg(self.log()).arg("--key");
        run::output(verify.arg(self.home.data.join("audit.pub"))).map(drop)
    }

    /// The same where the log is to be found in another folder.
    pub(super) fn verify_at(&self, log: &Path) -> Result<String> {
        let kept = fs::read_to_string(&self.outside).context("no checkpoint left the door")?;
        // What stands behind the last newline was being written when the door was killed.
        let newest = kept.split_inclusive('\n').rfind(|it| it.ends_with('\n'));
        let checkpoint = self.outside.with_extension("newest");
        fs::write(&checkpoint, newest.context("no whole checkpoint outside")?)?;
        let mut verify = run::program(&self.program, Path::new("/"));
        verify
            .args(["audit", "verify"])
            .arg(log)
            .arg("--key")
            .arg(self.home.data.join("audit.pub"));
        let told = run::output(verify.arg("--checkpoint").arg(checkpoint))?;
        Ok(told.lines().next().unwrap_or_default().to_owned())
    }

    /// Has the program compare an export, in which something is missing, with the log. What it says.
    pub(super) fn reconcile(&self, export: &Path) -> Result<String> {
        let mut reconcile = run::program(&self.program, Path::new("/"));
        reconcile.args(["audit", "reconcile"]).arg(self.log()).arg("--export").arg(export);
        let output = reconcile.output().context("onedoor cannot be run")?;
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(output.status.code() == Some(1), "{}: {told}", output.status);
        Ok(told)
    }

    /// Waits until a call of each kind goes through again.
    pub(super) fn ensure_serves(&self, door: &Door) -> Result<()> {
        let answer = door.caller(&self.callers.app).send("PUT", "/shop/orders/0", &json!(null))?;
        ensure!(answer.status == 200, "a call is answered by {}: {}", answer.status, answer.text);
        Ok(())
    }
}

/// The name of a sink, and how it is, where a part of the door's health is about one.
fn sink(part: &Value) -> Option<(String, String)> {
    let text = |name: &str| part.get(name).and_then(Value::as_str).unwrap_or_default();
    Some((text("name").strip_prefix("sink ")?.to_owned(), text("detail").to_owned()))
}

fn prepare(operator: &Client, upstream: &Upstream) -> Result<Callers> {
    let profile = |kind: &str, role: &str| json!({"kind": kind, "owner": "shop-team", "profiles": {"default": {"roles": [role]}}});
    let files: BTreeMap<String, String> = [
        ("clients/app.yaml", profile("app", "keeper").to_string()),
        ("clients/agent.yaml", profile("agent", "reader").to_string()),
        ("clients/metered.yaml", profile("app", "keeper").to_string()),
        ("clients/worker.yaml", WORKER.to_owned()),
        ("collections/shop.yaml", COLLECTION.to_owned()),
        ("documents/shop.yaml", DOCUMENT.to_owned()),
        ("limits/all.yaml", "rate: 1000000/s\n".to_owned()),
        ("limits/metered.yaml", format!("client: metered\nper: client\nquota: {QUOTA}/month\n")),
        ("roles/keeper.yaml", "allow:\n  - operations: [\"shop:*\"]\n".to_owned()),
        ("roles/reader.yaml", "allow:\n  - operations: [\"shop:get_order\"]\n".to_owned()),
        ("secrets/collector-token.yaml", SECRET.to_owned()),
        ("secrets/collector-signing.yaml", SECRET.to_owned()),
        ("secrets/nats-token.yaml", SECRET.to_owned()),
        ("secrets/s3-keys.yaml", SECRET.to_owned()),
        ("upstreams/stock.yaml", format!("url: http://{}\n", upstream.address)),
    ]
    .into_iter()
    .map(|(path, text)| (path.to_owned(), text))
    .collect();
    world::apply(operator, &files)?;
    let signing = format!("whsec_{}", "A".repeat(40));
    for (secret, value) in [
        ("collector-token", "a-token"),
        ("collector-signing", &signing),
        ("nats-token", testkit::Nats::TOKEN),
        ("s3-keys", testkit::S3::KEYS),
    ] {
        world::set_secret(operator, secret, value)?;
    }
    Ok(Callers {
        app: world::issue(operator, "app/default")?,
        agent: world::issue(operator, "agent/default")?,
        metered: world::issue(operator, "metered/default")?,
        token: token(operator)?,
    })
}

/// The form by which a client gets a token.
fn token(operator: &Client) -> Result<String> {
    let wish = json!({"profile": "worker/default", "kind": "client_secret"});
    let issued = operator.manage("POST", "/credentials", &wish)?.done("issue_credential")?;
    let secret = issued.get("secret").and_then(Value::as_str).context("a secret was issued")?;
    let client = "worker%2Fdefault";
    Ok(format!("grant_type=client_credentials&client_id={client}&client_secret={secret}"))
}
