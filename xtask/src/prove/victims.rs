//! Callers of every sort that can be put out, and the ways to do it.

use std::{collections::BTreeMap, io::Write as _, path::Path, process::Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{client::Client, door::Door, upstream::Upstream, world};
use crate::{install, run};

const PROGRAM: &str = "tests/identity/issued.py";
/// What tokens are for: the URL of the door, whichever replica is asked.
pub(super) const AUDIENCE: &str = "http://door.example";
/// Who asks in the name of people.
const ASKING: &str = "web/app";
/// Ways to be put out.
pub(super) const SORTS: usize = 10;
const PASSWORD: &str = "the password of a proof";

/// Somebody who gets in, and how that ends.
#[derive(Debug)]
pub(super) struct Victim {
    /// What it shows.
    pub(super) bearer: String,
    /// What it calls.
    pub(super) collection: &'static str,
    pub(super) end: End,
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

/// What is revoked, disabled or stopped.
#[derive(Debug, Clone)]
pub(super) enum End {
    Client(String),
    Credential(String),
    /// By its refresh token.
    Grant(String),
    Issuer(String),
    Profile(String),
    Stop(Stopped),
    User(String),
}

/// What the kill switch stops.
#[derive(Debug, Clone)]
pub(super) enum Stopped {
    Agents,
    Client(String),
    Collection,
    Upstream,
}

/// The name of the stop, of which there is one at a time.
const STOP: &str = "/stops/proof";

#[derive(Debug, Deserialize)]
struct OfIssuer {
    issuer: String,
    jwks: Value,
    token: String,
}

#[derive(Debug, Deserialize)]
struct OfPerson {
    token: String,
    refresh: String,
}

/// So many of each sort, in turns. The state that they are in is applied.
pub(super) fn prepare(
    program: &Path,
    door: &Door,
    operator: &Client,
    count: usize,
) -> Result<Vec<Victim>> {
    let python = install::token_makers()?;
    let mut command = run::program(&python, Path::new("."));
    let made = run::output(command.args([PROGRAM, "issuers", &count.to_string(), AUDIENCE]))?;
    let issuers: Vec<OfIssuer> = serde_json::from_str(&made).context("the issuers")?;
    let names: Vec<_> = ["granting", "ending"]
        .iter()
        .flat_map(|it| (0..count).map(move |n| format!("{it}-{n}")))
        .collect();
    world::apply(operator, &files(&issuers, &names, &hash(program)?))?;

    let mut sorts: [Vec<Victim>; SORTS] = Default::default();
    let [credentials, clients, profiles, of_issuers, grants, users, stopped @ ..] = &mut sorts;
    for (number, it) in issuers.into_iter().enumerate() {
        let (id, bearer) = issued(operator, "app/default")?;
        credentials.push(Victim::new(bearer, End::Credential(id)));
        let (_, bearer) = issued(operator, &format!("c{number}/default"))?;
        clients.push(Victim::new(bearer, End::Client(format!("c{number}"))));
        let (_, bearer) = issued(operator, &format!("p{number}/default"))?;
        profiles.push(Victim::new(bearer, End::Profile(format!("p{number}"))));
        of_issuers.push(Victim::new(it.token, End::Issuer(format!("i{number}"))));
        for (list, (profile, stop)) in stopped.iter_mut().zip(stops(number)) {
            let (_, bearer) = issued(operator, &profile)?;
            list.push(Victim::new(bearer, End::Stop(stop)));
        }
    }
    let url = format!("http://{}", door.public);
    let mut command = run::program(&python, Path::new("."));
    let people = run::output(
        command.args([PROGRAM, "people", &url, AUDIENCE, ASKING, PASSWORD]).args(&names),
    )?;
    let people: Vec<OfPerson> = serde_json::from_str(&people).context("the people")?;
    for (OfPerson { token: bearer, refresh }, name) in people.into_iter().zip(names) {
        match name.starts_with("granting") {
            true => grants.push(Victim::new(bearer, End::Grant(refresh))),
            false => users.push(Victim::new(bearer, End::User(name))),
        }
    }
    let mut sorts = sorts.map(Vec::into_iter);
    Ok((0..count)
        .flat_map(|_| sorts.iter_mut().filter_map(Iterator::next).collect::<Vec<_>>())
        .collect())
}

/// What is stopped in one turn, and the profile of a caller that is meant by it.
fn stops(number: usize) -> [(String, Stopped); 4] {
    [
        ("robot/default".to_owned(), Stopped::Agents),
        (format!("s{number}/default"), Stopped::Client(format!("s{number}"))),
        ("app/default".to_owned(), Stopped::Collection),
        ("app/default".to_owned(), Stopped::Upstream),
    ]
}

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

fn files(issuers: &[OfIssuer], names: &[String], hash: &str) -> BTreeMap<String, String> {
    let client =
        |profiles: Value| json!({"kind": "app", "owner": "shop-team", "profiles": profiles});
    let default = json!({"default": {"roles": ["reader"]}});
    let robot = json!({"kind": "agent", "owner": "shop-team", "profiles": default});
    let terms = json!({
        "grants": ["authorization_code", "refresh_token"],
        "redirect_uris": ["https://app.example/back"],
        "public": true,
    });
    let asking = client(json!({"app": {"roles": ["reader"], "tokens": terms}}));
    let mut files = vec![("clients/web".to_owned(), asking), ("clients/robot".to_owned(), robot)];
    let person = |name: &String| (format!("users/{name}"), json!({"name": name, "password": hash}));
    files.extend(names.iter().map(person));
    for (number, OfIssuer { issuer, jwks, token: _ }) in issuers.iter().enumerate() {
        let trusted = json!({
            "issuer": issuer, "audiences": [AUDIENCE], "algorithms": ["ES256"], "jwks": jwks,
        });
        let credential = json!({
            "profile": "app/default", "kind": "external", "issuer": format!("i{number}"),
            "claims": {"client_id": "robot"}, "expires": "2039-01-01",
        });
        let caller = client(default.clone());
        files.extend([
            (format!("issuers/i{number}"), trusted),
            (format!("credentials/i{number}"), credential),
            (format!("clients/c{number}"), caller.clone()),
            (format!("clients/p{number}"), caller.clone()),
            (format!("clients/s{number}"), caller),
        ]);
    }
    files.into_iter().map(|(path, it)| (format!("{path}.yaml"), it.to_string())).collect()
}

/// Id and key of a new credential.
fn issued(operator: &Client, profile: &str) -> Result<(String, String)> {
    let answer = operator.manage("POST", "/credentials", &json!({"profile": profile}))?;
    let issued = answer.done("issue_credential")?;
    let text = |name: &str| issued.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok((text("id").context("it has no id")?, text("key").context("a key was issued")?))
}

/// The hash of the password that all have.
fn hash(program: &Path) -> Result<String> {
    let mut command = run::program(program, Path::new("/"));
    let mut child = command.arg("password").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().context("it has no input")?.write_all(PASSWORD.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "onedoor password failed");
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

impl Victim {
    fn new(bearer: String, end: End) -> Self {
        let collection = match end {
            End::Stop(Stopped::Collection) => "flip",
            End::Stop(Stopped::Upstream) => "spare",
            _ => SHOP,
        };
        Self { bearer, collection, end }
    }

    /// Where the order of this number is.
    pub(super) fn path(&self, number: usize) -> String {
        format!("/{}/orders/{number}", self.collection)
    }

    /// What an operation is called as a tool.
    pub(super) fn tool(&self, operation: &str) -> String {
        format!("{}_{operation}", self.collection)
    }
}

impl End {
    /// Which sort it is of.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Client(_) => "client",
            Self::Credential(_) => "credential",
            Self::Grant(_) => "grant",
            Self::Issuer(_) => "issuer",
            Self::Profile(_) => "profile",
            Self::Stop(Stopped::Agents) => "stop of agents",
            Self::Stop(Stopped::Client(_)) => "stop of a client",
            Self::Stop(Stopped::Collection) => "stop of a collection",
            Self::Stop(Stopped::Upstream) => "stop of an upstream",
            Self::User(_) => "user",
        }
    }

    /// Revokes, disables or stops it at this door.
    pub(super) fn carry_out(&self, door: &Door, operator: &str) -> Result<()> {
        let manager = door.client(operator);
        // What is there already, but for one thing.
        let change = |path: &str, changed: &dyn Fn(&mut Value)| -> Result<()> {
            let mut found = manager.manage("GET", path, &Value::Null)?.done(path)?;
            let document = found.get_mut("document").context("it has no document")?;
            changed(document);
            manager.manage("PUT", path, document)?.done(path).map(drop)
        };
        let disable = |document: &mut Value| put_out(document, "");
        match self {
            Self::Client(id) => change(&format!("/clients/{id}"), &disable),
            Self::Credential(id) => {
                let path = format!("/credentials/{id}/revoke");
                manager.manage("POST", &path, &Value::Null)?.done("revoke").map(drop)
            }
            Self::Grant(refresh) => {
                let form = format!("token={refresh}&client_id={}", ASKING.replace('/', "%2F"));
                door.caller("").post_form("/oauth/revoke", &form)?.done("revoke").map(drop)
            }
            Self::Issuer(id) => change(&format!("/issuers/{id}"), &disable),
            Self::Profile(id) => {
                change(&format!("/clients/{id}"), &|it| put_out(it, "/profiles/default"))
            }
            Self::Stop(stopped) => {
                let (name, id) = stopped.named();
                let stop = json!({name: id, "because": "a proof"});
                manager.manage("PUT", STOP, &stop)?.done("put_stop").map(drop)
            }
            Self::User(id) => change(&format!("/users/{id}"), &disable),
        }
    }

    /// Whether it is taken back at once, and whom it put out gets in again.
    pub(super) const fn is_lifted(&self) -> bool {
        matches!(self, Self::Stop(_))
    }

    /// Lifts what stands in the way of those who come next.
    pub(super) fn lift(&self, door: &Door, operator: &str) -> Result<()> {
        if !self.is_lifted() {
            return Ok(());
        }
        door.client(operator).manage("DELETE", STOP, &Value::Null)?.done("delete_stop").map(drop)
    }
}

impl Stopped {
    /// As a stop names it.
    fn named(&self) -> (&'static str, &str) {
        match self {
            Self::Agents => ("agents", "all"),
            Self::Client(id) => ("client", id),
            Self::Collection => ("collection", "flip"),
            Self::Upstream => ("upstream", "spare"),
        }
    }
}

/// Says in a document that what is at `pointer` is not in force.
fn put_out(document: &mut Value, pointer: &str) {
    if let Some(Value::Object(fields)) = document.pointer_mut(pointer) {
        fields.insert("enabled".to_owned(), json!(false));
    }
}
