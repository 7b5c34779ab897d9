//! Two replicas over one PostgreSQL, and callers of every sort that can be put out.

use std::{collections::BTreeMap, fs, time::Duration};

use anyhow::{Result, ensure};
use model::Clock;
use serde_json::Value;
use testkit::Postgres;

use super::{
    client::Answer,
    door::{Door, Home},
    property::Setting,
    upstream::Upstream,
    victims::{self, AUDIENCE, Counts, Victim},
    world,
};
use crate::run;

/// What is taken away is over within this time of the answer.
const TARGET: Duration = Duration::from_secs(1);
/// How long anything is waited for before it counts as never.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// What runs. The doors end before what they stand on.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) doors: [Door; 2],
    pub(super) homes: [Home; 2],
    /// The first operator's key.
    pub(super) operator: String,
    pub(super) victims: Vec<Victim>,
    pub(super) upstream: Upstream,
    _postgres: Postgres,
}

impl Site {
    /// Starts all of it, with so many victims.
    pub(super) fn start(setting: &Setting<'_>, counts: Counts) -> Result<Self> {
        let (postgres, upstream) = (Postgres::start(), Upstream::start()?);
        let (homes, doors, operator) = replicas(setting, &postgres)?;
        let [first, _] = &doors;
        let manager = first.client(&operator);
        world::apply(&manager, &victims::world(&upstream))?;
        world::set_secret(&manager, "stock-key", "the-first-value")?;
        let victims = victims::prepare(setting.program, first.addresses(), &manager, counts)?;
        Ok(Self { doors, homes, operator, victims, upstream, _postgres: postgres })
    }
}

/// Two doors over one store, each with a folder of its own; and the first operator's key.
pub(super) fn replicas(
    setting: &Setting<'_>,
    postgres: &Postgres,
) -> Result<([Home; 2], [Door; 2], String)> {
    let config = setting.folder.join("onedoor.toml");
    // One URL for both, so that each takes the tokens that the other gave.
    let listen = format!("public_url = \"{AUDIENCE}\"\nallowed_hosts = [\"127.0.0.1\"]\n");
    fs::write(&config, format!("[listen]\n{listen}"))?;
    let mut home = Home::new(setting.program, setting.folder.join("one"));
    (home.store, home.config) = (Some(postgres.url().to_owned()), Some(config));
    home.pair()
}

/// How long it took at worst, by sort.
#[derive(Debug, Default)]
pub(super) struct Worst(BTreeMap<&'static str, Duration>);

impl Worst {
    pub(super) fn note(&mut self, sort: &'static str, time: Duration) {
        let slowest = self.0.entry(sort).or_default();
        *slowest = time.max(*slowest);
    }

    /// The slowest of all, and that of each sort; fails where one took too long.
    pub(super) fn judged(&self) -> Result<(Duration, String)> {
        let by_sort: Vec<_> =
            self.0.iter().map(|(sort, time)| format!("{sort} {time:.0?}")).collect();
        let by_sort = by_sort.join(", ");
        let slowest = self.0.values().max().copied().unwrap_or(Duration::MAX);
        ensure!(slowest < TARGET, "not all are over in {TARGET:?}: {by_sort}");
        Ok((slowest, by_sort))
    }
}

/// How a door says that it counts a credential among too many wrong ones. It looks for that behind one that
/// it refused alone.
const COUNTED: &str = "too many wrong credentials came";

/// What 500 is in the words of JSON-RPC.
const INTERNAL_ERROR: i64 = -32_603;

/// Whether the door refused who asked.
pub(super) fn is_refused(answer: &Answer) -> bool {
    match code(answer) {
        401 | 403 => true,
        429 => answer.text.contains(COUNTED),
        _ => false,
    }
}

/// Whether the door says that it cannot tell now who asks: it lets nobody in, and has refused nobody.
pub(super) fn is_undecided(answer: &Answer) -> bool {
    matches!(code(answer), 500 | 503 | INTERNAL_ERROR)
}

/// What the answer is: its status, or what stands for that in the words of JSON-RPC, which may come with
/// the status 200.
fn code(answer: &Answer) -> i64 {
    let said = || answer.json().pointer("/error/code").and_then(Value::as_i64);
    let said = (answer.status == 200).then(said).flatten();
    said.unwrap_or_else(|| answer.status.into())
}

/// Waits until something is so.
pub(super) fn wait_for(is_so: impl Fn() -> bool) -> Result<()> {
    let clock = Clock::system();
    while !is_so() {
        ensure!(clock.elapsed() < PATIENCE, "not within {PATIENCE:?}");
        run::rest(Duration::from_millis(1));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_is_who_is_not_let_in_for_who_they_are() {
        let counted = r#"{"detail":"too many wrong credentials came from this address: wait"}"#;
        for (status, text, refused, undecided) in [
            (401, "", true, false),
            (403, "", true, false),
            (200, r#"{"error":{"code":401}}"#, true, false),
            (200, r#"{"error":{"code":503}}"#, false, true),
            (503, "", false, true),
            (200, r#"{"error":{"code":-32603}}"#, false, true),
            (429, counted, true, false),
            (429, r#"{"detail":"the quota is used up"}"#, false, false),
            (200, r#"{"result":{}}"#, false, false),
            (404, "", false, false),
        ] {
            let answer = Answer { status, text: text.to_owned() };
            let is = (is_refused(&answer), is_undecided(&answer));
            assert_eq!(is, (refused, undecided), "{status} {text}");
        }
    }
}
