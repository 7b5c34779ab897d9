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
    victims::{self, AUDIENCE, Victim},
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
    /// Starts all of it, with so many victims of each sort.
    pub(super) fn start(setting: &Setting<'_>, of_each: usize) -> Result<Self> {
        let (postgres, upstream) = (Postgres::start(), Upstream::start()?);
        let (homes, doors, operator) = replicas(setting, &postgres)?;
        let [first, _] = &doors;
        let manager = first.client(&operator);
        world::apply(&manager, &victims::world(&upstream))?;
        world::set_secret(&manager, "stock-key", "the-first-value")?;
        let victims = victims::prepare(setting.program, first, &manager, of_each)?;
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

/// Whether the door refused who asked: by the status, or in the words of JSON-RPC, which may come with
/// the status 200.
pub(super) fn is_refused(answer: &Answer) -> bool {
    let is_refusal = |code: i64| matches!(code, 401 | 403);
    let code = answer.json().pointer("/error/code").and_then(Value::as_i64);
    is_refusal(answer.status.into()) || (answer.status == 200 && code.is_some_and(is_refusal))
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
