//! Canary secrets in every slot: none in any answer, log, record, argument or database file.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{
    Done,
    client::Client,
    command_line::CommandLine,
    door::{Door, Home},
    example::{Example, FOUND_KEY, right},
    property::Setting,
    surfaces::{Doors, Seen},
    upstream::Upstream,
    victims::AUDIENCE,
    world,
};
use crate::run;

const STORED: &str = "canary-stored-7f3a91c2";
const IN_ENVIRONMENT: &str = "canary-environment-58bd02e6";
const IN_FILE: &str = "canary-file-c4419d7b";
/// Given as the next version of a secret, over every way.
const GIVEN: &str = "another-value";
const MISPLACED: &str = "canary-misplaced-0e92d7f5";
/// Part of a key that stands in the address that a client was given.
const IN_PATH: &str = "CanaryInAPath4b8e19d6";
const VARIABLE: &str = "ONEDOOR_SECRET_CANARY";
/// Below which clients look for what they need to know of an address.
const RESOURCE: &str = "/.well-known/oauth-protected-resource/mcp";
const SERVER: &str = "/.well-known/oauth-authorization-server/mcp";
/// Operations whose answer shows a new key.
const SHOWING: [&str; 2] = ["issue_credential", "rotate_credential"];

/// Bytes that must not be anywhere, and what they are.
#[derive(Debug)]
struct Canary {
    what: String,
    bytes: Vec<u8>,
}

pub(super) fn prove(setting: &Setting<'_>) -> Result<Done> {
    let upstream = Upstream::start()?;
    let mut home = Home::new(setting.program, setting.folder.join("rest"));
    home.environment.push((VARIABLE.to_owned(), IN_ENVIRONMENT.to_owned()));
    home.config = Some(put_config(setting.folder)?);
    let file = put_file(&home.data)?;
    let mut key = String::new();
    let doors = Doors::start(home, &upstream, |client| {
        declare(client, &upstream, &file)?;
        key = world::issue(client, "app/default")?;
        Ok(())
    })?;
    // They must be in use: what nobody reads cannot leak.
    use_all(&doors.rest, &key, &upstream)?;
    let mut seen = doors.call_everything()?;
    misplace(&doors, &mut seen)?;
    misroute(&doors)?;
    let mut canaries = canaries(&doors, &key)?;
    let shown = keys_shown(&seen);
    ensure!(!shown.is_empty(), "no key was shown: what looks for canaries finds none");
    canaries.extend(shown.iter().map(|key| canary("a key that was made", key)));
    let mut looked = 0_usize;
    let mut found = Vec::new();
    let mut look = |place: &str, bytes: &[u8], allowed: &dyn Fn(&Canary) -> bool| {
        looked = looked.saturating_add(1);
        let leaks = canaries.iter().filter(|it| !allowed(it) && holds(bytes, &it.bytes));
        found.extend(leaks.map(|it| format!("{} is in {place}", it.what)));
    };
    for (operation, text) in &seen.answers {
        let may_show =
            |it: &Canary| SHOWING.contains(operation) && it.what == "a key that was made";
        look(&format!("an answer of {operation}"), text.as_bytes(), &may_show);
    }
    for (door, home) in [&doors.rest, &doors.mcp, &doors.typed].into_iter().zip(&doors.homes) {
        look("the arguments of the process", &door.arguments()?, &|_| false);
        look(&door.log.display().to_string(), &fs::read(&door.log)?, &|_| false);
        for entry in fs::read_dir(home.data.join("audit"))? {
            let path = entry?.path();
            look(&path.display().to_string(), &fs::read(&path)?, &|_| false);
        }
        look("onedoor.db", &fs::read(home.data.join("onedoor.db"))?, &|_| false);
        // It is there only while the store is open.
        let log = fs::read(home.data.join("onedoor.db-wal")).unwrap_or_default();
        look("onedoor.db-wal", &log, &|_| false);
    }
    found.dedup();
    ensure!(found.is_empty(), "{}", found.join("\n"));
    let (canaries, shown) = (canaries.len(), shown.len());
    Ok(Done::Held(format!(
        "{canaries} canaries in none of {looked} answers, logs, records, arguments and database files; {shown} keys in the answers that made them and nowhere else"
    )))
}

/// With the authorization server: it answers, and records, what no collection has.
fn put_config(folder: &Path) -> Result<PathBuf> {
    let config = folder.join("onedoor.toml");
    let listen = format!("public_url = \"{AUDIENCE}\"\nallowed_hosts = [\"127.0.0.1\"]\n");
    fs::write(&config, format!("[listen]\n{listen}"))?;
    Ok(config)
}

fn put_file(data: &Path) -> Result<String> {
    let folder = data.join("secrets");
    fs::create_dir_all(&folder)?;
    fs::set_permissions(data, fs::Permissions::from_mode(0o700))?;
    let file = folder.join("canary");
    fs::write(&file, IN_FILE)?;
    Ok(file.display().to_string())
}

/// Three secrets from three sources, and a collection for each.
fn declare(client: &Client, upstream: &Upstream, file: &str) -> Result<()> {
    let mut files = world::files(upstream.address);
    let collection = files.get("collections/shop.yaml").cloned().unwrap_or_default();
    for (id, source) in
        [("env", format!("{{env: {VARIABLE}}}")), ("file", format!("{{file: {file}}}"))]
    {
        files.insert(format!("secrets/{id}.yaml"), format!("owner: shop-team\nsource: {source}\n"));
        files.insert(
            format!("upstreams/{id}.yaml"),
            format!("url: http://{}\nauth: {{kind: bearer, secret: {id}}}\n", upstream.address),
        );
        files.insert(format!("collections/{id}.yaml"), collection.replace("stock", id));
    }
    let role = "allow:\n  - operations: [\"*:*\"]\n    effects: [read]\n";
    files.insert("roles/reader.yaml".to_owned(), role.to_owned());
    client.manage("POST", "/state/apply", &json!({"files": files}))?.done("apply_state")?;
    world::set_secret(client, "stock-key", STORED)
}

fn use_all(door: &Door, key: &str, upstream: &Upstream) -> Result<()> {
    for (collection, value) in [("shop", STORED), ("env", IN_ENVIRONMENT), ("file", IN_FILE)] {
        let clock = model::Clock::system();
        let path = format!("/{collection}/orders/1");
        while !upstream.has_seen(value) {
            let answer = door.caller(key).send("GET", &path, &Value::Null)?;
            let is_late = clock.elapsed() > std::time::Duration::from_secs(5);
            ensure!(!is_late, "the upstream never gets {value}: {}", answer.text);
            run::rest(std::time::Duration::from_millis(10));
        }
    }
    Ok(())
}

/// Sends a value where it does not belong: whoever says what is wrong must not repeat it.
fn misplace(doors: &Doors, seen: &mut Seen) -> Result<()> {
    let (_, key) = doors.keys.iter().find(|it| it.0 == "admin").context("there is an admin")?;
    let places = [
        ("put_secret", json!({}), json!({"owner": "a", "source": "store", "value": MISPLACED})),
        ("put_secret", json!({}), json!({"owner": "a", "source": {"env": [MISPLACED]}})),
        ("put_secret", json!({}), json!({"owner": "a", "source": MISPLACED})),
        ("add_secret_version", json!({}), json!({"value": {"is": MISPLACED}})),
        ("add_secret_version", json!({}), json!({"value": "", "pending": MISPLACED})),
        ("add_secret_version", json!({"value": MISPLACED}), json!({})),
        ("report_found_credential", json!({}), json!({"key": MISPLACED})),
        ("report_found_credential", json!({}), json!({"key": {"is": MISPLACED}})),
        ("report_found_credential", json!({"key": MISPLACED}), json!({})),
        ("report_found_credential", json!({}), json!({"key": FOUND_KEY, "reason": FOUND_KEY})),
        ("list_secrets", json!({"secret": MISPLACED}), Value::Null),
        ("get_secret", json!({"id": {"value": MISPLACED}}), Value::Null),
        ("list_secrets", json!({"sort": {"value": MISPLACED}}), Value::Null),
    ];
    for (name, parameters, body) in places {
        let about = admin::operations().into_iter().find(|it| it.name == name);
        let about = about.with_context(|| format!("there is no {name}"))?;
        let mut example = Example { body, flaw: "a value in the wrong place", ..right(&about)? };
        example.parameters.extend(parameters.as_object().cloned().unwrap_or_default());
        let answer = example.send(&doors.rest.client(key), &about)?;
        let is_taken = (200..300).contains(&answer.status);
        ensure!(!is_taken, "{name} takes a value in the wrong place: {}", answer.text);
        seen.answers.push((about.name, answer.text));
        seen.answers.push((about.name, example.call(&doors.mcp.client(key), &about)?.text));
        // As an option it would be among the arguments of the command, where nobody is to put it.
        if parameters == json!({}) {
            let [.., home] = &doors.homes;
            let ran = CommandLine { home, door: &doors.typed, key }.call(&about, &example)?;
            seen.answers.push((about.name, ran.printed));
            seen.answers.push((about.name, ran.told));
        }
    }
    Ok(())
}

/// Asks for paths, and for a tool, with a key in their names. Of answers nothing is said here: they may
/// name what was asked for to who asked.
fn misroute(doors: &Doors) -> Result<()> {
    let clients = [&doors.rest, &doors.mcp].map(|it| [it.caller(""), it.client(&doors.first_key)]);
    for client in clients.as_flattened() {
        for begin in ["/shop/orders/1", "/nowhere", "/mcp", "/oauth", RESOURCE, SERVER] {
            let whole = format!("{begin}/odk_{IN_PATH}");
            let encoded = format!("{begin}/%6Fdk_{IN_PATH}/tools");
            client.send("GET", &whole, &Value::Null)?;
            client.send("GET", &encoded, &Value::Null)?;
            client.send("POST", &encoded, &json!({}))?;
        }
        client.call_tool(&format!("odk_{IN_PATH}"), &json!({}))?;
    }
    let [home, ..] = &doors.homes;
    let records = audit::records(&home.data.join("audit"))?;
    let is_told = |it: &Value| it.get("event").is_some_and(|it| it == "endpoint.unknown");
    ensure!(records.iter().any(is_told), "the authorization server was never asked");
    Ok(())
}

fn canaries(doors: &Doors, key: &str) -> Result<Vec<Canary>> {
    let mut canaries = vec![
        canary("the stored secret", STORED),
        canary("the secret of the environment", IN_ENVIRONMENT),
        canary("the secret of the file", IN_FILE),
        canary("the value that a secret is given", GIVEN),
        canary("a value in the wrong place", MISPLACED),
        canary("a key in a path", IN_PATH),
        canary("a key that was found", FOUND_KEY),
        canary("a caller's key", key),
        canary("the first operator's key", &doors.first_key),
    ];
    canaries.extend(doors.keys.iter().map(|(role, key)| canary(&format!("the {role}'s key"), key)));
    let [home, ..] = &doors.homes;
    let pepper = fs::read_to_string(home.data.join("pepper"))?;
    canaries.push(canary("the pepper", pepper.trim()));
    canaries.push(Canary { what: "the pepper's bytes".to_owned(), bytes: unhex(pepper.trim())? });
    let keyring = fs::read_to_string(home.data.join("keyring"))?;
    let words = keyring.split(|it: char| it.is_whitespace() || it == ':');
    let longest = words.max_by_key(|it| it.len()).context("a keyring has a key")?;
    ensure!(longest.len() >= 32, "the keyring has another form");
    canaries.push(canary("the key-encryption key", longest));
    Ok(canaries)
}

/// The keys that answers of issue and rotate have shown.
fn keys_shown(seen: &Seen) -> Vec<String> {
    let answers = seen.answers.iter().filter(|it| SHOWING.contains(&it.0));
    let words = answers.flat_map(|(_, text)| {
        let mut words: Vec<_> = text
            .split(|it: char| !it.is_ascii_alphanumeric() && it != '_')
            .filter(|it| it.starts_with("odk_"))
            .map(ToOwned::to_owned)
            .collect();
        // A tool's result has the same answer twice: as text and as data.
        words.dedup();
        words
    });
    words.collect()
}

fn canary(what: &str, text: &str) -> Canary {
    Canary { what: what.to_owned(), bytes: text.as_bytes().to_vec() }
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len().max(1)).any(|it| it == part)
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    let digits = (0..text.len()).step_by(2).filter_map(|at| text.get(at..at.saturating_add(2)));
    digits.map(|it| u8::from_str_radix(it, 16).context("the pepper has another form")).collect()
}
