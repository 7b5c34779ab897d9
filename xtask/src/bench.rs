//! `cargo xtask bench`: what a call through the door costs, next to nginx on the same core in the
//! same run.

mod case;
mod client;
mod door;
mod load;
mod machine;
mod nginx;
mod open_loop;
mod process;
mod report;
mod verify;

use std::{path::Path, time::Duration};

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};

use crate::{install, run, workspace::Workspace};
use case::{Case, Site};
use machine::Machine;
pub(crate) use open_loop::Command as OpenLoop;
use report::{Measured, Report};

/// Measures calls through the door, and nginx as a plain proxy in the same run.
///
/// Each proxy runs alone on core 0; the load (wrk, 64 connections) and the upstream (nginx, about
/// 200 bytes of JSON) run on core 1. Rounds are interleaved, figures are medians. CPU is user and
/// system time of the proxy per request: the figure that is steady on a noisy machine. Compare
/// ratios within one run, never figures across runs. wrk and nginx are installed from Debian's
/// packages where they are missing.
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
}

impl Name {
    fn as_str(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Rest => "rest",
            Self::Calls => "calls",
            Self::Auth => "auth",
        }
    }

    fn cases(self) -> &'static [Case] {
        match self {
            Self::Nginx => &[Case::Nginx],
            Self::Rest => &[Case::Nginx, Case::Rest],
            Self::Calls => &[Case::Nginx, Case::Rest, Case::Mcp],
            Self::Auth => &[Case::Rest, Case::Token, Case::Issue],
        }
    }
}

impl Command {
    pub(crate) fn run(&self) -> Result<()> {
        let machine = Machine::read()?;
        ensure!(
            machine.cores >= 2,
            "the bench needs two cores: one for the proxy, one for the load"
        );
        for (program, package) in [("wrk", "wrk"), ("nginx", "nginx"), ("taskset", "util-linux")] {
            install::debian(program, package)?;
        }
        let workspace = Workspace::read(Path::new("."))?;
        let cases = self.name.cases();
        let is_door_needed = cases.iter().any(|it| it.is_through_the_door());
        println!("building the release");
        // The load at a fixed rate is made by this program, which must not be slow itself. Each by itself,
        // since what is built together has other features than the release.
        for package in ["xtask"].into_iter().chain(is_door_needed.then_some("onedoor")) {
            let mut build = run::program("cargo", &workspace.root);
            run::run(build.args(["build", "--release", "--locked", "--package", package]))?;
        }
        let programs = workspace.target.join("release");
        let door = is_door_needed.then(|| programs.join("onedoor"));
        let site = Site::start(door.as_deref(), programs.join("xtask"))?;
        let mut report = Report::new(self.name.as_str(), machine, self.rounds, self.seconds);
        report.cases = cases.iter().map(|it| Measured::new(*it)).collect();
        self.measure(&site, &mut report)?;
        // Last, so that nothing is built between the rounds.
        if self.name == Name::Auth {
            report.verified = verify::measure(&workspace)?;
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
                println!("round {round}/{}  {:<6} {figures}", self.rounds, measured.case.name());
                measured.saturated.push(figures);
                site.tidy_up()?;
            }
        }
        if self.no_fixed_rate {
            return Ok(());
        }
        report.fix_rate();
        for round in 1..=self.rounds {
            for measured in &mut report.cases {
                let figures = load::fixed_rate(site, measured.case, report.fixed_rate, time)?;
                println!("fixed {round}/{}  {:<6} {figures}", self.rounds, measured.case.name());
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
