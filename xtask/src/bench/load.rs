//! Load on one case: as much as it takes, or at a fixed rate; and what it cost.

use std::{fmt, fs, time::Duration};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::{
    case::{Case, Load},
    process::on_core,
    site::Site,
};
use crate::run;

/// The core of the load and the upstream.
const LOAD_CORE: usize = 1;
/// Connections of wrk.
const CONNECTIONS: &str = "64";
/// As many requests at once by h2load: 8 over each of 8 connections.
const STREAMS: [&str; 2] = ["--clients=8", "--max-concurrent-streams=8"];
/// What h2load says where nothing went wrong.
const FLAWLESS: &str = " 0 failed, 0 errored, 0 timeout";

/// What one measurement under full load gave.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Saturated {
    pub(super) cpu_us: f64,
    pub(super) requests_per_second: f64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    pub(super) rss_kib: u64,
}

/// What one measurement at a fixed rate gave.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Fixed {
    pub(super) cpu_us: f64,
    pub(super) requests_per_second: f64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
}

impl fmt::Display for Saturated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu_us, requests_per_second, p50_us, p99_us, rss_kib: _ } = self;
        write!(f, "{cpu_us:>6.1} us CPU  {requests_per_second:>7.0} req/s  p50 {p50_us:.0} us")?;
        write!(f, "  p99 {p99_us:.0} us")
    }
}

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu_us, requests_per_second, p50_us, p99_us } = self;
        write!(f, "{cpu_us:>6.1} us CPU  {requests_per_second:>7.0} req/s  p50 {p50_us:.0} us")?;
        write!(f, "  p99 {p99_us:.0} us")
    }
}

/// What came of the load. wrk and the open loop print it at their end.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Summary {
    pub(super) requests: u64,
    pub(super) micros: f64,
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) errors: u64,
}

impl Summary {
    /// Of requests that all went well, within this time.
    pub(super) fn new(mut latencies_us: Vec<u64>, time: Duration) -> Result<Self> {
        latencies_us.sort_unstable();
        Ok(Self {
            requests: u64::try_from(latencies_us.len())?,
            micros: time.as_secs_f64() * 1e6,
            p50: percentile(&latencies_us, 50),
            p99: percentile(&latencies_us, 99),
            errors: 0,
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "far below 2^53 requests")]
    fn count(&self) -> f64 {
        self.requests as f64
    }
}

/// As many requests as get through, over connections that stay open.
pub(super) fn saturate(site: &Site, case: Case, time: Duration) -> Result<Saturated> {
    let server = site.server(case)?;
    let before = server.usage()?;
    let summary = match case.load() {
        Load::Http => wrk(site, case, "http", time),
        Load::Https => wrk(site, case, "https", time),
        Load::Http2 => h2load(site, case, time),
    }?;
    let after = server.usage()?;
    Ok(Saturated {
        cpu_us: (after.cpu_seconds - before.cpu_seconds) * 1e6 / summary.count(),
        requests_per_second: summary.count() * 1e6 / summary.micros,
        p50_us: summary.p50,
        p99_us: summary.p99,
        rss_kib: after.resident_kib,
    })
}

fn wrk(site: &Site, case: Case, scheme: &str, time: Duration) -> Result<Summary> {
    let (server, request) = (site.server(case)?, site.request(case)?);
    let script = site.folder().join("wrk.lua");
    fs::write(&script, request.script()?).with_context(|| script.display().to_string())?;
    let program = run::find("wrk").context("wrk is not installed")?;
    let mut command = on_core(LOAD_CORE, &program);
    command.args(["--threads", "1", "--connections", CONNECTIONS, "--timeout", "10s", "--script"]);
    command.arg(&script).arg("--duration").arg(format!("{}s", time.as_secs()));
    command.arg(format!("{scheme}://{}{}", server.address, request.path()));
    summary(case, &run::output(&mut command)?)
}

/// It says what went wrong, and logs what each request took.
fn h2load(site: &Site, case: Case, time: Duration) -> Result<Summary> {
    let (server, request) = (site.server(case)?, site.request(case)?);
    let log = site.folder().join("h2load.log");
    // It goes on behind what is there.
    fs::write(&log, "").with_context(|| log.display().to_string())?;
    let program = run::find("h2load").context("h2load is not installed")?;
    let mut command = on_core(LOAD_CORE, &program);
    command.arg("--threads=1").args(STREAMS).arg(format!("--duration={}", time.as_secs()));
    for (name, value) in request.headers() {
        command.arg("--header").arg(format!("{name}: {value}"));
    }
    command.arg("--log-file").arg(&log);
    command.arg(format!("https://{}{}", server.address, request.path()));
    let printed = run::output(&mut command)?;
    ensure!(printed.contains(FLAWLESS), "{}: not all went well:\n{printed}", case.name());
    let summary = Summary::new(logged(&fs::read_to_string(&log)?)?, time)?;
    ensure!(summary.requests > 0, "{}: nothing was answered:\n{printed}", case.name());
    Ok(summary)
}

/// The latencies in h2load's log: start, status and µs, with tabs between them.
fn logged(log: &str) -> Result<Vec<u64>> {
    let latency = |line: &str| line.split('\t').nth(2)?.parse::<u64>().ok();
    log.lines().map(|it| latency(it).context("h2load's log has another form")).collect()
}

/// Requests at times that are fixed beforehand, whether or not earlier ones were answered.
pub(super) fn fixed_rate(site: &Site, case: Case, rate: u32, time: Duration) -> Result<Fixed> {
    let (server, request) = (site.server(case)?, site.request(case)?);
    let file = site.folder().join("request");
    fs::write(&file, request.bytes()).with_context(|| file.display().to_string())?;
    let mut command = on_core(LOAD_CORE, &site.programs().load);
    command.arg("open-loop").arg("--request").arg(&file);
    command.arg("--address").arg(server.address.to_string());
    command.arg("--rate").arg(rate.to_string());
    command.arg("--seconds").arg(time.as_secs().to_string());
    let before = server.usage()?;
    let summary = summary(case, &run::output(&mut command)?)?;
    let after = server.usage()?;
    Ok(Fixed {
        cpu_us: (after.cpu_seconds - before.cpu_seconds) * 1e6 / summary.count(),
        requests_per_second: summary.count() * 1e6 / summary.micros,
        p50_us: summary.p50,
        p99_us: summary.p99,
    })
}

/// Reads the last line. A case with errors has no figures: it measures something else.
fn summary(case: Case, printed: &str) -> Result<Summary> {
    let line = printed.lines().rfind(|it| it.starts_with('{')).context("no summary line")?;
    let summary: Summary = serde_json::from_str(line).context("the summary has another form")?;
    ensure!(
        summary.errors == 0 && summary.requests > 0,
        "{}: {} of {} requests failed or got another status than 2xx",
        case.name(),
        summary.errors,
        summary.requests
    );
    Ok(summary)
}

/// The value that `percent` of 100 do not exceed.
fn percentile(sorted: &[u64], percent: usize) -> f64 {
    let rank = sorted.len().saturating_mul(percent).div_ceil(100);
    let value = sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0);
    Duration::from_micros(value).as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let values: Vec<u64> = (1..=200).collect();
        let found = [50, 99, 100].map(|it| percentile(&values, it).round());
        assert_eq!(found, [100.0, 198.0, 200.0]);
        assert_eq!(percentile(&[7], 99).round(), 7.0);
        assert_eq!(percentile(&[], 50), 0.0);
    }

    #[test]
    fn each_line_of_the_log_of_h2load_has_a_latency() {
        let log = "1795824112489248\t200\t462\n1795824112489661\t200\t424\n";
        assert_eq!(logged(log).unwrap(), [462, 424]);
        assert!(logged("1795824112489248\t200\n").is_err());
    }
}
