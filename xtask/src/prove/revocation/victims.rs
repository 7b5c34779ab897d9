//! Callers of every sort that can be put out, and the ways to do it.

use std::{collections::BTreeMap, io::Write as _, path::Path, process::Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{client::Client, door::Door, world};
use crate::{install, run};

const PROGRAM: &str = "tests/identity/issued.py";
/// What tokens are for: the URL of the door, whichever replica is asked.
pub(super) const AUDIENCE: &str = "http://door.example";
/// Who asks in the name of people.
const ASKING: &str = "web/app";
const PASSWORD: &str = "the password of a proof";

/// Somebody who gets in, and how that ends.
#[derive(Debug)]
pub(super) struct Victim {
    /// What it shows.
    pub(super) bearer: String,
    pub(super) end: End,
}

/// What is revoked or disabled.
#[derive(Debug, Clone)]
pub(super) enum End {
    Client(String),
    Credential(String),
    /// By its refresh token.
    Grant(String),
    Issuer(String),
    Profile(String),
    User(String),
}

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

    let mut sorts: [Vec<Victim>; 6] = Default::default();
    let [credentials, clients, profiles, of_issuers, grants, users] = &mut sorts;
    for (number, it) in issuers.into_iter().enumerate() {
        let (id, bearer) = issued(operator, "app/default")?;
        credentials.push(Victim { bearer, end: End::Credential(id) });
        let (_, bearer) = issued(operator, &format!("c{number}/default"))?;
        clients.push(Victim { bearer, end: End::Client(format!("c{number}")) });
        let (_, bearer) = issued(operator, &format!("p{number}/default"))?;
        profiles.push(Victim { bearer, end: End::Profile(format!("p{number}")) });
        of_issuers.push(Victim { bearer: it.token, end: End::Issuer(format!("i{number}")) });
    }
    let url = format!("http://{}", door.public);
    let mut command = run::program(&python, Path::new("."));
    let people = run::output(
        command.args([PROGRAM, "people", &url, AUDIENCE, ASKING, PASSWORD]).args(&names),
    )?;
    let people: Vec<OfPerson> = serde_json::from_str(&people).context("the people")?;
    for (OfPerson { token: bearer, refresh }, name) in people.into_iter().zip(names) {
        match name.starts_with("granting") {
            true => grants.push(Victim { bearer, end: End::Grant(refresh) }),
            false => users.push(Victim { bearer, end: End::User(name) }),
        }
    }
    let mut sorts = sorts.map(Vec::into_iter);
    Ok((0..count)
        .flat_map(|_| sorts.iter_mut().filter_map(Iterator::next).collect::<Vec<_>>())
        .collect())
}

fn files(issuers: &[OfIssuer], names: &[String], hash: &str) -> BTreeMap<String, String> {
    let client =
        |profiles: Value| json!({"kind": "app", "owner": "shop-team", "profiles": profiles});
    let terms = json!({
        "grants": ["authorization_code", "refresh_token"],
        "redirect_uris": ["https://app.example/back"],
        "public": true,
    });
    let asking = client(json!({"app": {"roles": ["reader"], "tokens": terms}}));
    let mut files = vec![("clients/web".to_owned(), asking)];
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
        let caller = client(json!({"default": {"roles": ["reader"]}}));
        files.extend([
            (format!("issuers/i{number}"), trusted),
            (format!("credentials/i{number}"), credential),
            (format!("clients/c{number}"), caller.clone()),
            (format!("clients/p{number}"), caller),
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

impl End {
    /// Which sort it is of.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Client(_) => "client",
            Self::Credential(_) => "credential",
            Self::Grant(_) => "grant",
            Self::Issuer(_) => "issuer",
            Self::Profile(_) => "profile",
            Self::User(_) => "user",
        }
    }

    /// Revokes or disables it at this door.
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
            Self::User(id) => change(&format!("/users/{id}"), &disable),
        }
    }
}

/// Says in a document that what is at `pointer` is not in force.
fn put_out(document: &mut Value, pointer: &str) {
    if let Some(Value::Object(fields)) = document.pointer_mut(pointer) {
        fields.insert("enabled".to_owned(), json!(false));
    }
}
