//! Load on one case: as much as it takes, or at a fixed rate; and what it cost.

use std::{fmt, fs, time::Duration};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::{
    case::{Case, Site},
    process::on_core,
};
use crate::run;

/// The core of the load and the upstream.
const LOAD_CORE: usize = 1;
/// Connections of wrk.
const CONNECTIONS: &str = "64";

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

/// What wrk and the open loop print at their end.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Summary {
    pub(super) requests: u64,
    pub(super) micros: f64,
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) errors: u64,
}

impl Summary {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53 requests")]
    fn count(&self) -> f64 {
        self.requests as f64
    }
}

/// As many requests as get through, over connections that stay open.
pub(super) fn saturate(site: &Site, case: Case, time: Duration) -> Result<Saturated> {
    let (server, request) = (site.server(case)?, site.request(case)?);
    let script = site.folder().join("wrk.lua");
    fs::write(&script, request.script()?).with_context(|| script.display().to_string())?;
    let wrk = run::find("wrk").context("wrk is not installed")?;
    let mut command = on_core(LOAD_CORE, &wrk);
    command.args(["--threads", "1", "--connections", CONNECTIONS, "--timeout", "10s", "--script"]);
    command.arg(&script).arg("--duration").arg(format!("{}s", time.as_secs()));
    command.arg(format!("http://{}{}", server.address, request.path()));
    let before = server.usage()?;
    let summary = summary(case, &run::output(&mut command)?)?;
    let after = server.usage()?;
    Ok(Saturated {
        cpu_us: (after.cpu_seconds - before.cpu_seconds) * 1e6 / summary.count(),
        requests_per_second: summary.count() * 1e6 / summary.micros,
        p50_us: summary.p50,
        p99_us: summary.p99,
        rss_kib: after.resident_kib,
    })
}

/// Requests at times that are fixed beforehand, whether or not earlier ones were answered.
pub(super) fn fixed_rate(site: &Site, case: Case, rate: u32, time: Duration) -> Result<Fixed> {
    let (server, request) = (site.server(case)?, site.request(case)?);
    let file = site.folder().join("request");
    fs::write(&file, request.bytes()).with_context(|| file.display().to_string())?;
    let mut command = on_core(LOAD_CORE, site.load());
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
