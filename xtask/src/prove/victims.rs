//! Callers of every sort that can be put out, and the ways to do it.

mod shown;

use std::{collections::BTreeMap, io::Write as _, path::Path, process::Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::shown::{LIFETIME, Shown};
use super::{client::Client, door::Door, upstream::Upstream, world};
use crate::{install, run};

const PROGRAM: &str = "tests/identity/issued.py";
/// What tokens are for: the URL of the door, whichever replica is asked.
pub(super) const AUDIENCE: &str = "http://door.example";
/// Who asks in the name of people: a client that an operator registered,
const ASKING: &str = "web/app";
/// and one that registers itself, in the words of the program.
const ITSELF: &str = "-";
/// Clients of many: an app, and one of the kind `agent`. Each has a profile for each way to show who calls.
const SHARED: &str = "till";
const AGENT: &str = "robot";
/// Ways to be put out.
pub(super) const SORTS: usize = 12;
/// Those of them for whom a credential is issued by an operator.
const ISSUED: usize = 7;
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
    /// By its client's name and its own.
    Profile(String, &'static str),
    Stop(Stopped),
    User(String),
}

/// What the kill switch stops.
#[derive(Debug, Clone)]
pub(super) enum Stopped {
    Agents,
    Client(String),
    Collection,
    /// A person, by the name of their account.
    Person(String),
    /// A client that registered itself.
    Program(String),
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
    client: String,
}

/// At which of two doors the one at this place ends: at the other one in each turn, whose length is even.
pub(super) const fn door(place: usize) -> usize {
    (place % 2) ^ (place / SORTS % 2)
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
    let named = ["granting", "ending", "stopped", "asking"];
    let named = named.map(|it| (0..count).map(|n| format!("{it}-{n}")).collect::<Vec<_>>());
    world::apply(operator, &files(&issuers, &named.concat(), &hash(program)?))?;

    let mut sorts: [Vec<Victim>; SORTS] = Default::default();
    let [of_issuers, grants, users, people, programs, issued @ ..] = &mut sorts;
    for (turn, it) in issuers.into_iter().enumerate() {
        of_issuers.push(Victim::new(it.token, End::Issuer(format!("i{turn}"))));
        for (list, (client, end)) in issued.iter_mut().zip(holders(turn)) {
            let (id, bearer) = Shown::of(turn).begin(door, operator, &client)?;
            list.push(Victim::new(bearer, end.unwrap_or(End::Credential(id))));
        }
    }
    let [granting, ending, stopped, asking] = &named;
    let sign_in = |client: &str, names: &[String]| signed_in(&python, door, client, names);
    for it in sign_in(ASKING, granting)? {
        grants.push(Victim::new(it.token, End::Grant(it.refresh)));
    }
    for (it, name) in sign_in(ASKING, ending)?.into_iter().zip(ending) {
        users.push(Victim::new(it.token, End::User(name.clone())));
    }
    for (it, name) in sign_in(ASKING, stopped)?.into_iter().zip(stopped) {
        let person = Stopped::Person(format!("local:{name}"));
        people.push(Victim::new(it.token, End::Stop(person)));
    }
    for it in sign_in(ITSELF, asking)? {
        programs.push(Victim::new(it.token, End::Stop(Stopped::Program(it.client))));
    }
    let mut sorts = sorts.map(Vec::into_iter);
    Ok((0..count)
        .flat_map(|_| sorts.iter_mut().filter_map(Iterator::next).collect::<Vec<_>>())
        .collect())
}

/// For whom a credential is issued in a turn: the client, and how that ends; none where it does by the
/// credential.
fn holders(turn: usize) -> [(String, Option<End>); ISSUED] {
    let own = |it: &str| format!("{it}{turn}");
    let shared = || SHARED.to_owned();
    let stop = |it| Some(End::Stop(it));
    [
        (shared(), None),
        (own("c"), Some(End::Client(own("c")))),
        (own("p"), Some(End::Profile(own("p"), Shown::of(turn).as_str()))),
        (AGENT.to_owned(), stop(Stopped::Agents)),
        (own("s"), stop(Stopped::Client(own("s")))),
        (shared(), stop(Stopped::Collection)),
        (shared(), stop(Stopped::Upstream)),
    ]
}

/// Signs these people in, one after the other, at what `client` asks in their names.
fn signed_in(python: &Path, door: &Door, client: &str, names: &[String]) -> Result<Vec<OfPerson>> {
    let url = format!("http://{}", door.public);
    let mut command = run::program(python, Path::new("."));
    command.args([PROGRAM, "people", &url, AUDIENCE, client, PASSWORD]).args(names);
    serde_json::from_str(&run::output(&mut command)?).context("the people")
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
    let terms = json!({
        "grants": ["authorization_code", "refresh_token"],
        "redirect_uris": ["https://app.example/back"],
        "public": true,
        "lifetime": LIFETIME,
    });
    let asking = json!({"app": {"roles": ["reader"], "tokens": terms}});
    let asking = json!({"kind": "app", "owner": "shop-team", "profiles": asking});
    let admission = json!({"profile": ASKING, "registrations": ["dynamic"]});
    let mut files = vec![
        ("admissions/itself".to_owned(), admission),
        ("clients/web".to_owned(), asking),
        (format!("clients/{AGENT}"), client("agent", &Shown::ALL)),
        (format!("clients/{SHARED}"), client("app", &Shown::ALL)),
    ];
    let person = |name: &String| (format!("users/{name}"), json!({"name": name, "password": hash}));
    files.extend(names.iter().map(person));
    for (turn, OfIssuer { issuer, jwks, token: _ }) in issuers.iter().enumerate() {
        let trusted = json!({
            "issuer": issuer, "audiences": [AUDIENCE], "algorithms": ["ES256"], "jwks": jwks,
        });
        let credential = json!({
            "profile": "app/default", "kind": "external", "issuer": format!("i{turn}"),
            "claims": {"client_id": "robot"}, "expires": "2039-01-01",
        });
        let caller = client("app", &[Shown::of(turn)]);
        files.extend([
            (format!("issuers/i{turn}"), trusted),
            (format!("credentials/i{turn}"), credential),
            (format!("clients/c{turn}"), caller.clone()),
            (format!("clients/p{turn}"), caller.clone()),
            (format!("clients/s{turn}"), caller),
        ]);
    }
    files.into_iter().map(|(path, it)| (format!("{path}.yaml"), it.to_string())).collect()
}

/// A client with a profile for each of these.
fn client(kind: &str, shown: &[Shown]) -> Value {
    let profiles = shown.iter().map(|it| (it.as_str().to_owned(), it.document()));
    let profiles: Map<_, _> = profiles.collect();
    json!({"kind": kind, "owner": "shop-team", "profiles": profiles})
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
            Self::Profile(..) => "profile",
            Self::Stop(Stopped::Agents) => "stop of agents",
            Self::Stop(Stopped::Client(_)) => "stop of a client",
            Self::Stop(Stopped::Collection) => "stop of a collection",
            Self::Stop(Stopped::Person(_)) => "stop of a person",
            Self::Stop(Stopped::Program(_)) => "stop of a program",
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
            Self::Profile(client, profile) => {
                let pointer = format!("/profiles/{profile}");
                change(&format!("/clients/{client}"), &|it| put_out(it, &pointer))
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
            Self::Person(name) => ("person", name),
            Self::Program(id) => ("client_id", id),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sort_ends_at_one_door_and_then_at_the_other() {
        for sort in 0..SORTS {
            assert_ne!(door(sort), door(sort.saturating_add(SORTS)), "{sort}");
        }
    }

    #[test]
    fn the_profile_that_is_put_out_is_the_one_that_its_client_has() {
        for turn in 0..3 {
            let [_, _, (id, Some(End::Profile(of, profile))), ..] = holders(turn) else { panic!() };
            assert_eq!(id, of);
            let mut document = client("app", &[Shown::of(turn)]);
            put_out(&mut document, &format!("/profiles/{profile}"));
            let enabled = document.pointer(&format!("/profiles/{profile}/enabled"));
            assert_eq!(enabled, Some(&json!(false)));
        }
    }
}
