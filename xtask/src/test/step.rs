//! The steps of `cargo xtask test`, in their order: what is quick and likely to fail comes first.

use std::{path::Path, process::Command, time::Duration};

use anyhow::Result;
use clap::ValueEnum;

use crate::{
    install::{self, Need},
    prove, run, tidy,
};

/// The demo makes a few dozen requests; what takes longer than this hangs.
const DEMO_DEADLINE: Duration = Duration::from_secs(120);

/// One check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Step {
    /// Installs cargo-nextest, cargo-deny, servers, the MCP clients and the packages of npm.
    Install,
    /// The sources are formatted.
    Format,
    /// The architecture holds: floors, homes, walls, files.
    Tidy,
    /// No lint of the workspace warns.
    Clippy,
    /// Licences and sources of dependencies, banned ones and doubles.
    Deny,
    /// Known vulnerabilities of dependencies; their database is on the network.
    Advisories,
    /// Unit and integration tests, those with official MCP clients among them.
    Nextest,
    /// The sink for Kafka, a feature: lints, tests with a broker, and the program that has it.
    Kafka,
    /// Examples in the documentation.
    Doctest,
    /// The documentation builds without a warning.
    Doc,
    /// The release build.
    Release,
    /// The guided run of the demo, on the release build.
    Demo,
    /// The brief proofs of `cargo xtask prove management`.
    Prove,
}

/// How a step ended that did not fail.
pub(super) enum Done {
    Passed,
    /// It could not be run here, and why.
    Impossible(String),
}

impl Step {
    pub(super) const ALL: [Self; 13] = [
        Self::Install,
        Self::Format,
        Self::Tidy,
        Self::Clippy,
        Self::Deny,
        Self::Advisories,
        Self::Nextest,
        Self::Kafka,
        Self::Doctest,
        Self::Doc,
        Self::Release,
        Self::Demo,
        Self::Prove,
    ];

    /// What it is called on the command line.
    pub(super) fn name(self) -> String {
        self.to_possible_value().map(|it| it.get_name().to_owned()).unwrap_or_default()
    }

    /// What `--help` says of it.
    pub(super) fn about(self) -> String {
        let about = self.to_possible_value().and_then(|it| it.get_help().map(ToString::to_string));
        about.unwrap_or_default()
    }

    pub(super) fn run(self, root: &Path) -> Result<Done> {
        match self {
            Self::Install => {
                for need in Need::ALL {
                    need.ensure(root)?;
                }
            }
            Self::Format => cargo(root, &["fmt", "--all", "--check"])?,
            Self::Tidy => tidy::report(root)?,
            Self::Clippy => cargo(
                root,
                &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
            )?,
            Self::Deny => deny(root, &["check", "bans", "licenses", "sources"])?,
            Self::Advisories => return advisories(root),
            Self::Nextest => nextest(root)?,
            Self::Kafka => kafka(root)?,
            Self::Doctest => cargo(root, &["test", "--workspace", "--locked", "--doc"])?,
            Self::Doc => {
                let arguments = ["doc", "--workspace", "--locked", "--no-deps"];
                let mut command = run::program("cargo", root);
                command.args(arguments).arg("--document-private-items");
                run::run(command.env("RUSTDOCFLAGS", "-D warnings"))?;
            }
            Self::Release => {
                cargo(root, &["build", "--release", "--locked", "--package", "onedoor"])?;
            }
            Self::Demo => {
                let arguments = ["run", "--release", "--locked", "--package", "onedoor", "--"];
                let mut command = run::program("cargo", root);
                run::run_within(command.args(arguments).args(["demo", "--once"]), DEMO_DEADLINE)?;
            }
            Self::Prove => prove::briefly()?,
        }
        Ok(Done::Passed)
    }
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<()> {
    run::run(run::program("cargo", root).args(arguments))
}

fn deny(root: &Path, arguments: &[&str]) -> Result<()> {
    run::run(&mut deny_command(root, arguments)?)
}

fn deny_command(root: &Path, arguments: &[&str]) -> Result<Command> {
    let mut command = run::program(install::cargo_deny()?, root);
    command.args(["--locked", "--log-level", "error"]).args(arguments);
    Ok(command)
}

/// Without the database nothing is known, and that must not look like "nothing is wrong".
fn advisories(root: &Path) -> Result<Done> {
    if let Err(error) = run::output(&mut deny_command(root, &["fetch", "db"])?) {
        let why = error.to_string();
        let first = why.lines().next().unwrap_or_default();
        return Ok(Done::Impossible(format!("the advisory database is out of reach ({first})")));
    }
    deny(root, &["check", "--disable-fetch", "advisories"])?;
    Ok(Done::Passed)
}

/// A feature is built by who asks for it, so nothing else here does.
fn kafka(root: &Path) -> Result<()> {
    Need::Kafka.ensure(root)?;
    let of = ["--package", "sinks", "--features", "kafka", "--locked"];
    let clippy = [&["clippy", "--all-targets"], &of[..], &["--", "-D", "warnings"]].concat();
    cargo(root, &clippy)?;
    let mut command = run::program(install::cargo_nextest()?, root);
    command.args(["nextest", "run"]).args(of).args(["--profile", "ci", "--", "over_kafka"]);
    run::run(&mut command)?;
    cargo(root, &["check", "--package", "onedoor", "--features", "kafka", "--locked"])
}

/// The tests find the MCP clients' Pythons by these variables.
fn nextest(root: &Path) -> Result<()> {
    for need in [Need::NodePackages, Need::Postgres, Need::PythonPeers, Need::S3] {
        need.ensure(root)?;
    }
    let mut command = run::program(install::cargo_nextest()?, root);
    command
        .args(["nextest", "run", "--workspace", "--locked", "--profile", "ci"])
        .env("ONEDOOR_MCP_1_PYTHON", install::python_peer(install::MCP_1)?)
        .env("ONEDOOR_MCP_2_PYTHON", install::python_peer(install::MCP_2)?);
    run::run(&mut command)
}
