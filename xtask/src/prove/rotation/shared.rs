//! What all credentials and tokens stand on is rotated: signing keys, key-encryption keys, peppers.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::{
    held::{self, OPERATION},
    line::Line,
    pair::{Pair, in_force},
    wave::ON_THE_WAY,
};
use crate::{
    prove::{
        client::{Answer, Client},
        connection::Connection,
        door::Addresses,
    },
    run,
};

/// How long a step may take: files are looked at every second, and hashes are made anew every five.
const PATIENCE: Duration = Duration::from_secs(20);

/// The kinds, in the words of the report.
pub(super) const KINDS: [&str; 3] = [SIGNING, SEALING, PEPPERS];
const SIGNING: &str = "signing keys";
const SEALING: &str = "key-encryption keys";
const PEPPERS: &str = "peppers";

/// The steps, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The new one is known everywhere.
    Know,
    /// The new one is used.
    Switch,
    /// Nothing depends on the old one.
    Clear,
    /// The old one goes.
    Retire,
}

impl Step {
    pub(super) const ALL: [Self; 4] = [Self::Know, Self::Switch, Self::Clear, Self::Retire];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Know => "know",
            Self::Switch => "switch",
            Self::Clear => "clear",
            Self::Retire => "retire",
        }
    }
}

/// Which step a replica is killed in, and which replica.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kill {
    pub(super) step: Step,
    pub(super) which: usize,
}

/// A caller with a token of the door.
#[derive(Debug)]
pub(super) struct Bearer<'a> {
    line: &'a Line,
    token: Mutex<Arc<str>>,
}

impl<'a> Bearer<'a> {
    /// Gets its tokens by what `line` shows.
    pub(super) fn begin(line: &'a Line, door: Addresses) -> Result<Self> {
        Ok(Self { line, token: Mutex::new(line.held().token(door)?) })
    }

    /// Calls the door at this address, with the token that it has then, over REST and of a tool in turn.
    pub(super) fn caller(
        &self,
        address: SocketAddr,
    ) -> impl FnMut() -> Result<Answer> + Send + use<'_> {
        let (mut connection, mut is_tool) = (Connection::new(address), false);
        move || {
            is_tool = !is_tool;
            connection.answer(&held::request(address, &self.token(), is_tool))
        }
    }

    fn token(&self) -> Arc<str> {
        Arc::clone(&self.token.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has this token from now on.
    fn take(&self, new: Arc<str>) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = new;
    }
}

impl Pair<'_> {
    /// One rotation of each kind.
    pub(super) fn rotate_shared(
        &mut self,
        round: usize,
        kill: Kill,
        by: &Bearer<'_>,
    ) -> Result<()> {
        let what = |kind: &str| format!("{kind} in round {round}, {kill:?}");
        self.rotate_signing(kill, by).with_context(|| what(SIGNING))?;
        self.rotate_file(&Keyring, round, kill).with_context(|| what(SEALING))?;
        self.rotate_file(&Peppers, round, kill).with_context(|| what(PEPPERS))?;
        // What began before and was shown since is good still.
        in_force(self.doors, |door| is_good(door, &by.token()))
    }

    fn rotate_signing(&mut self, kill: Kill, by: &Bearer<'_>) -> Result<()> {
        let operator = self.operator.to_owned();
        let keys = |door: Addresses| signing_keys(&door.client(&operator));
        let at = |step| ((SIGNING, step), kill);
        let before = self.step((None, kill.which), keys)?;
        let old = before.iter().find(|it| it.1 == "signing").context("one signs")?.0.clone();
        self.shared_step(at(Step::Know), |door| {
            let is_new = |key: &str| before.iter().all(|it| it.0 != key);
            if keys(door)?.iter().any(|it| is_new(&it.0)) {
                // It was made, and the answer was lost.
                return Ok(());
            }
            let ahead = json!({"ahead": "2s"});
            let answer = door.client(&operator).manage("POST", "/signing-keys", &ahead)?;
            answer.done("rotate_signing_key").map(drop)
        })?;
        self.shared_step(at(Step::Switch), |door| {
            let now = keys(door)?;
            ensure!(now.iter().any(|it| it.1 == "signing" && it.0 != old), "{now:?}");
            Ok(())
        })?;
        // Its header names the key. The token that is held was signed by the one before.
        let stale = by.token();
        let renew = |door: Addresses| {
            let new = by.line.held().token(door)?;
            ensure!(header(&new) != header(&stale), "it signs by the old key");
            Ok(new)
        };
        by.take(self.shared_step(at(Step::Clear), renew)?);
        self.at_both(|door| renew(door).map(drop))?;
        run::rest(ON_THE_WAY);
        in_force(self.doors, |door| Ok(is_good(door, &stale)? && is_good(door, &by.token())?))
            .context("tokens of both keys are good")?;
        self.shared_step(at(Step::Retire), |door| {
            let path = format!("/signing-keys/{old}");
            let answer = door.client(&operator).manage("DELETE", &path, &json!(null))?;
            answer.done("withdraw_signing_key").map(drop)
        })?;
        in_force(self.doors, |door| Ok(!is_good(door, &stale)?))
            .context("the old key's token is refused")?;
        in_force(self.doors, |door| is_good(door, &by.token()))
            .context("the new key's token is good")
    }

    /// Rotates what stands in a file of the data folder.
    fn rotate_file(&mut self, file: &impl KeyFile, round: usize, kill: Kill) -> Result<()> {
        let operator = self.operator.to_owned();
        let old = self.file(file.name())?;
        let number = round.saturating_add(2);
        let new = format!("{}{number} {}\n", file.prefix(), file.make()?);
        let (id, _) = new.split_once(' ').context("it has an id")?;
        let texts = [
            (Step::Know, format!("{old}{new}"), "known"),
            (Step::Switch, format!("{new}{old}"), "used"),
            (Step::Retire, new.clone(), "alone"),
        ];
        for (step, text, state) in texts {
            if step == Step::Retire {
                let clear = |door: Addresses| file.clear(&door.client(&operator), id);
                self.shared_step(((file.what(), Step::Clear), kill), clear)?;
            }
            self.write(file.name(), &text)?;
            let is_so = |door: Addresses| {
                let found = file.state(&door.client(&operator), id)?;
                ensure!(found == state, "{id} is {found}, and not {state}");
                Ok(())
            };
            self.shared_step(((file.what(), step), kill), is_so)?;
            // Also the one that was killed.
            self.at_both(is_so)?;
        }
        Ok(())
    }

    fn shared_step<T: Send>(
        &mut self,
        ((what, step), kill): ((&'static str, Step), Kill),
        work: impl Fn(Addresses) -> Result<T> + Sync,
    ) -> Result<T> {
        let at = (kill.step == step, kill.which);
        self.timed_step(((what, step.as_str()), PATIENCE), at, work)
    }

    /// Waits until something is so at both.
    fn at_both(&mut self, is_so: impl Fn(Addresses) -> Result<()> + Sync) -> Result<()> {
        [0, 1].into_iter().try_for_each(|which| {
            self.step_within(PATIENCE, (None, which), &is_so)
                .with_context(|| format!("at replica {which}"))
        })
    }

    fn file(&self, name: &str) -> Result<String> {
        let [home, _] = self.homes;
        let text = fs::read_to_string(home.data.join(name))?;
        Ok(if text.ends_with('\n') { text } else { format!("{text}\n") })
    }

    /// Replaces a file of both data folders, each whole.
    fn write(&self, name: &str, text: &str) -> Result<()> {
        for home in self.homes {
            replace(&home.data.join(name), text)?;
        }
        Ok(())
    }
}

/// Something that stands in a file of the data folder, the newest first.
trait KeyFile: Sync {
    /// Which kind it is.
    fn what(&self) -> &'static str;
    fn name(&self) -> &'static str;
    fn prefix(&self) -> &'static str;
    fn make(&self) -> Result<String>;
    /// `unknown`, `known`, `used`, or `alone` where there is no other.
    fn state(&self, manager: &Client, id: &str) -> Result<&'static str>;
    /// Has all come under `id`, as far as one can, and fails while it has not.
    fn clear(&self, manager: &Client, id: &str) -> Result<()>;
}

struct Keyring;

struct Peppers;

impl KeyFile for Keyring {
    fn what(&self) -> &'static str {
        SEALING
    }

    fn name(&self) -> &'static str {
        "keyring"
    }

    fn prefix(&self) -> &'static str {
        "k"
    }

    fn make(&self) -> Result<String> {
        random(&["rand", "-base64", "32"])
    }

    fn state(&self, manager: &Client, id: &str) -> Result<&'static str> {
        let health = manager.manage("GET", "/health", &Value::Null)?.done("get_health")?;
        let parts = health.get("parts").and_then(Value::as_array).context("it has parts")?;
        let part = parts.iter().find(|it| it.get("name") == Some(&json!("keyring")));
        let detail =
            part.and_then(|it| it.get("detail")?.as_str()).context("there is a keyring")?;
        Ok(match detail.split_once("; ") {
            None if detail.starts_with(&format!("{id} seals")) => "alone",
            Some((first, _)) if first.starts_with(&format!("{id} seals")) => "used",
            Some((_, others)) if others.contains(&format!("{id} opens")) => "known",
            None | Some(_) => "unknown",
        })
    }

    fn clear(&self, manager: &Client, id: &str) -> Result<()> {
        let answer = manager.manage("POST", "/keyring/rewrap", &json!({}))?;
        answer.done("rewrap_secrets")?;
        let versions = manager.manage("GET", "/secrets/stock-key/versions", &Value::Null)?;
        let versions = versions.done("list_secret_versions")?;
        let under = |it: &Value, name: &str| it.get(name) == Some(&json!(id));
        let items = versions.get("items").and_then(Value::as_array).context("it has versions")?;
        ensure!(items.iter().all(|it| under(it, "key")), "{versions}");
        let keys = manager.manage("GET", "/signing-keys", &Value::Null)?;
        let keys = keys.done("list_signing_keys")?;
        let items = keys.get("items").and_then(Value::as_array).context("there are keys")?;
        ensure!(items.iter().all(|it| under(it, "sealed_under")), "{keys}");
        Ok(())
    }
}

impl KeyFile for Peppers {
    fn what(&self) -> &'static str {
        PEPPERS
    }

    fn name(&self) -> &'static str {
        "pepper"
    }

    fn prefix(&self) -> &'static str {
        "p"
    }

    fn make(&self) -> Result<String> {
        random(&["rand", "-hex", "32"])
    }

    fn state(&self, manager: &Client, id: &str) -> Result<&'static str> {
        let (peppers, _) = peppers(manager)?;
        let found = peppers.iter().find(|it| it.0 == id).map(|it| it.1.as_str());
        Ok(match found {
            Some("making") if peppers.len() == 1 => "alone",
            Some("making") => "used",
            Some("checking") => "known",
            Some(_) | None => "unknown",
        })
    }

    fn clear(&self, manager: &Client, id: &str) -> Result<()> {
        let (peppers, told) = peppers(manager)?;
        ensure!(peppers.iter().all(|it| it.0 == id || it.2 == 0), "{told}");
        Ok(())
    }
}

/// A pepper: its id, its state, and how much depends on it.
type Listed = (String, String, u64);

/// The peppers, and how they were told.
fn peppers(manager: &Client) -> Result<(Vec<Listed>, Value)> {
    let listed = manager.manage("GET", "/peppers", &Value::Null)?.done("list_peppers")?;
    let items = listed.get("items").and_then(Value::as_array).context("there are peppers")?;
    let text = |it: &Value, name: &str| it.get(name).and_then(Value::as_str).map(str::to_owned);
    let count = |it: &Value, name: &str| it.get(name).and_then(Value::as_u64).unwrap_or(u64::MAX);
    let pepper = |it: &Value| {
        let counts =
            ["api_keys", "client_secrets", "registered_clients"].map(|name| count(it, name));
        let all = counts.into_iter().fold(0, u64::saturating_add);
        Some((text(it, "pepper")?, text(it, "state")?, all))
    };
    let peppers = items.iter().map(pepper).collect::<Option<_>>().context("they have a form")?;
    Ok((peppers, listed))
}

/// The signing keys: id and state.
fn signing_keys(manager: &Client) -> Result<Vec<(String, String)>> {
    let listed = manager.manage("GET", "/signing-keys", &Value::Null)?.done("list_signing_keys")?;
    let items = listed.get("items").and_then(Value::as_array).context("there are keys")?;
    let text = |it: &Value, name: &str| it.get(name).and_then(Value::as_str).map(str::to_owned);
    let keys = items.iter().map(|it| Some((text(it, "id")?, text(it, "state")?)));
    keys.collect::<Option<_>>().context("they have id and state")
}

/// The header of a token.
fn header(token: &str) -> &str {
    token.split('.').next().unwrap_or_default()
}

fn is_good(door: Addresses, token: &str) -> Result<bool> {
    let answer = door.caller(token).send("GET", OPERATION, &Value::Null)?;
    match answer.status {
        200 => Ok(true),
        401 => Ok(false),
        other => bail!("{other} {}", answer.text),
    }
}

fn random(arguments: &[&str]) -> Result<String> {
    let printed = run::output(run::program("openssl", Path::new("/")).args(arguments))?;
    Ok(printed.trim().to_owned())
}

fn replace(file: &Path, text: &str) -> Result<()> {
    let draft = file.with_extension("draft");
    fs::write(&draft, text)?;
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o600))?;
    Ok(fs::rename(draft, file)?)
}
