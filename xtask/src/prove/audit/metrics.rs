//! How the sinks of a door are, as it tells Prometheus.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Result, ensure};
use model::Clock;
use serde_json::Value;
use testkit::free_port;

use super::super::client::Client;
use crate::run;

/// How long it may take until a sink has tried in vain: some wait 10 s for an acknowledgement.
const FAILED_WITHIN: Duration = Duration::from_secs(30);
/// How long it may take until it tries again: a minute at most, and then it delivers.
const UP_WITHIN: Duration = Duration::from_secs(90);
/// How often that is asked.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// The numbers of a door, at an address that it keeps when it is started anew.
#[derive(Debug)]
pub(super) struct Metrics(SocketAddr);

/// A number of each sink, by its name.
type Numbers = BTreeMap<String, u64>;

impl Metrics {
    pub(super) fn new() -> Self {
        Self((Ipv4Addr::LOCALHOST, free_port()).into())
    }

    /// What onedoor.toml has to say.
    pub(super) fn config(&self) -> String {
        format!("[metrics]\naddress = \"{}\"\n", self.0)
    }

    /// How often each sink tried in vain since the start of the door.
    pub(super) fn failures(&self) -> Result<Numbers> {
        self.read("failures_total")
    }

    /// Waits until each of these sinks has tried in vain since there were so many `failures`.
    pub(super) fn until_failed(&self, sinks: &[&str], failures: &Numbers) -> Result<()> {
        let clock = Clock::system();
        loop {
            let now = self.failures()?;
            let idle = sinks.iter().find(|it| now.get(**it) <= failures.get(**it));
            let Some(idle) = idle else { return Ok(()) };
            ensure!(clock.elapsed() < FAILED_WITHIN, "nothing shows that {idle} noticed: {now:?}");
            run::rest(ASK_EVERY);
        }
    }

    /// Waits until each of these sinks delivers.
    pub(super) fn until_up(&self, sinks: &[&str]) -> Result<()> {
        let clock = Clock::system();
        loop {
            let up = self.read("up")?;
            let down = sinks.iter().find(|it| up.get(**it) != Some(&1));
            let Some(down) = down else { return Ok(()) };
            ensure!(clock.elapsed() < UP_WITHIN, "{down} does not deliver again: {up:?}");
            run::rest(ASK_EVERY);
        }
    }

    fn read(&self, name: &str) -> Result<Numbers> {
        let answer = Client::new(self.0, "").send("GET", "/metrics", &Value::Null)?;
        ensure!(answer.status == 200, "metrics are answered by {}", answer.status);
        let head = format!("onedoor_sink_{name}{{sink=\"");
        let number = |line: &str| {
            let (sink, value) = line.strip_prefix(&head)?.split_once("\"} ")?;
            Some((sink.to_owned(), value.parse::<u64>().ok()?))
        };
        Ok(answer.text.lines().filter_map(number).collect())
    }
}
