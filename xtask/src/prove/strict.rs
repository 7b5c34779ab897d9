//! Strict clients of others, through all flows: `openid-client` and `oauth4webapi`.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use testkit::free_port;

use super::{Done, grounds::Grounds, person::Person, property::Setting, world};
use crate::{install, run};

const PROGRAM: &str = "tests/identity/strict.mjs";
/// What a certificate of the client that has one names.
const CERTIFIED: &str = "strict.example";
/// Flows that they go through. Fewer would mean that some were left out.
const FLOWS: usize = 32;
/// What a door's configuration says so that proofs of keys need a nonce of it.
const NONCES: &str = "[oauth]\ndpop_nonce = \"yes\"\n";

pub(super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let mut flows = go_through(setting, "flows", "")?;
    // Another door, as one either demands nonces or does not.
    let folder = &setting.folder.join("nonced");
    fs::create_dir(folder)?;
    for (library, count) in go_through(&Setting { folder, ..*setting }, "nonced", NONCES)? {
        let all = flows.entry(library).or_default();
        *all = all.saturating_add(count);
    }
    ensure!(flows.values().sum::<usize>() >= FLOWS, "only {flows:?} were gone through");
    let flows: Vec<_> = flows.iter().map(|(name, count)| format!("{count} of {name}")).collect();
    Ok(Done::Held(format!(
        "{} flows, with PAR, DPoP with and without nonces, mTLS, devices, documents, registration and \
         ID-JAG among them",
        flows.join(" and ")
    )))
}

/// Has each library go through a `set` of its flows, at a door with `more` in its configuration. How
/// many these were.
fn go_through(setting: &Setting<'_>, set: &str, more: &str) -> Result<BTreeMap<String, usize>> {
    let grounds = Grounds::start_tls(setting, more)?;
    world::apply(&grounds.manager, &files())?;
    let authority = &grounds.strangers.authority;
    authority.issue("client", "/CN=client", &format!("DNS:{CERTIFIED}"));
    let mut clients = run::program(install::node()?, Path::new("."));
    clients.env("NODE_EXTRA_CA_CERTS", authority.path("ca.pem"));
    clients.arg(PROGRAM).arg(&grounds.url).arg(free_port().to_string());
    clients.args([authority.path("client.pem"), authority.path("client.key")]);
    clients.arg(&grounds.strangers.documents).arg(set);
    let mut clients = clients.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let flows = attend(&mut clients, &grounds);
    drop(clients.kill());
    drop(clients.wait());
    flows.map_err(|why| grounds.explained(why))
}

/// Gives the clients what they need, and does what they ask of a person. How many flows each went through.
fn attend(clients: &mut Child, grounds: &Grounds) -> Result<BTreeMap<String, usize>> {
    let mut input = clients.stdin.take().context("they have no input")?;
    let output = BufReader::new(clients.stdout.take().context("they have no output")?);
    let (mut person, mut flows, mut failed) = (Person::start()?, BTreeMap::new(), Vec::new());
    for line in output.lines() {
        let line = line?;
        let said: Value = serde_json::from_str(&line).with_context(|| line.clone())?;
        let text = |name: &str| said.get(name).and_then(Value::as_str).unwrap_or_default();
        if let Some(jwk) = said.get("jwk") {
            let secret = credentials(grounds, jwk)?;
            writeln!(input, "{}", json!({"secret": secret}))?;
        } else if said.get("open").is_some() {
            let landed = person.authorize(text("open"), text("back"))?;
            writeln!(input, "{}", json!({"landed": landed}))?;
        } else if said.get("device").is_some() {
            person.connect(text("device"))?;
            writeln!(input, "{}", json!({"connected": true}))?;
        } else if said.get("ok") == Some(&Value::Bool(true)) {
            let count: &mut usize = flows.entry(text("library").to_owned()).or_default();
            *count = count.saturating_add(1);
        } else {
            failed.push(line);
        }
    }
    if !failed.is_empty() {
        bail!("{}", failed.join("\n"));
    }
    Ok(flows)
}

/// What each client shows. The secret of the one that has one.
fn credentials(grounds: &Grounds, jwk: &Value) -> Result<String> {
    let issue = |body: &Value| {
        let answer = grounds.manager.manage("POST", "/credentials", body)?;
        answer.done("issue_credential")
    };
    for profile in ["strict/keyed", "strict/opaque"] {
        issue(&json!({"profile": profile, "kind": "private_key_jwt", "jwks": {"keys": [jwk]}}))?;
    }
    issue(&json!({"profile": "strict/certified", "kind": "mtls", "dns": CERTIFIED}))?;
    let issued = issue(&json!({"profile": "strict/secret", "kind": "client_secret"}))?;
    let secret = issued.get("secret").and_then(Value::as_str).context("it has no secret")?;
    Ok(secret.to_owned())
}

/// A profile for each way in which clients prove who they are.
fn files() -> BTreeMap<String, String> {
    let profile = |terms: Value| json!({"roles": ["reader"], "tokens": terms});
    let of_people = |more: &[(&str, Value)]| {
        let mut terms = json!({
            "grants": ["authorization_code", "refresh_token"],
            "redirect_uris": ["http://127.0.0.1/callback"],
            "public": true,
        });
        if let Value::Object(fields) = &mut terms {
            fields.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        }
        profile(terms)
    };
    let of_both = [
        ("grants", json!(["authorization_code", "client_credentials", "refresh_token"])),
        ("public", json!(false)),
    ];
    let by_certificate = [of_both.as_slice(), &[("bound_by", json!("mtls"))]].concat();
    let document = json!({
        "kind": "app",
        "owner": "shop-team",
        "profiles": {
            "public": of_people(&[]),
            "pushed": of_people(&[("push_required", json!(true))]),
            "dpop": of_people(&[("bound_by", json!("dpop"))]),
            "device": profile(json!({"grants": ["device_code", "refresh_token"], "public": true})),
            "secret": profile(json!({"grants": ["client_credentials", "jwt_bearer", "token_exchange"]})),
            "keyed": of_people(&of_both),
            "opaque": profile(json!({"grants": ["client_credentials"], "format": "opaque"})),
            "certified": of_people(&by_certificate),
        },
    });
    [("clients/strict.yaml".to_owned(), document.to_string())].into()
}
