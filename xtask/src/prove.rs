//! `cargo xtask prove`: does what is promised hold of the built program? A line per property.

mod asvs;
mod audit;
mod canary;
mod chance;
mod client;
mod command_line;
mod conformance;
mod connection;
mod crash;
mod door;
mod example;
mod external;
mod grounds;
mod import;
mod jose;
mod large;
mod load;
mod masked;
mod past;
mod person;
mod property;
mod replay;
mod replicas;
mod revocation;
mod roles;
mod rotation;
mod schemathesis;
mod site;
mod strangers;
mod strict;
mod surfaces;
mod tested;
mod under_way;
mod upstream;
mod url_only;
mod victims;
mod world;
mod wycheproof;

use std::{
    panic::{self, AssertUnwindSafe},
    path::Path,
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use clap::{Args, ValueEnum};
use model::Clock;

use crate::{run, workspace::Workspace};
use chance::SEED_VARIABLE;
use property::{Property, Setting};

/// Proves what is promised of a part on the built program, a line for each property.
///
/// Quick by default, on the debug build; a property that does not hold makes the exit code 1. Where
/// chance has a say, the line ends with a seed, which the variable `PROVE_SEED` brings again.
#[derive(Debug, Args)]
pub(crate) struct Command {
    /// Of which part.
    part: Part,
    /// The counts of a release, on the release build.
    #[arg(long)]
    full: bool,
    /// Prove this property alone (may be given more than once).
    #[arg(long, value_name = "PROPERTY")]
    only: Vec<Property>,
}

/// What promises are about.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Part {
    /// What is recorded.
    Audit,
    /// Who is calling: tokens, keys, sign-in.
    Identity,
    /// Desired state, its operations and its operators.
    Management,
}

/// How a proof ended that did not fail.
#[derive(Debug)]
enum Done {
    /// It holds; with the figure.
    Held(String),
    /// It could not be tried here, and why.
    NotRun(String),
}

impl Command {
    pub(crate) fn run(&self) -> Result<()> {
        let of_part = Property::of(self.part);
        if let Some(stranger) = self.only.iter().find(|it| !of_part.contains(it)) {
            let names: Vec<_> = of_part.iter().map(|it| it.name()).collect();
            bail!("{} is of another part; this one has {}", stranger.name(), names.join(", "));
        }
        let is_chosen = |it: &Property| self.only.is_empty() || self.only.contains(it);
        let properties: Vec<_> = of_part.iter().copied().filter(is_chosen).collect();
        prove(&properties, self.full)
    }
}

/// Proves what takes no more than a minute or two and depends on no clock.
pub(crate) fn briefly() -> Result<()> {
    prove(
        &[
            Property::Surfaces,
            Property::Roles,
            Property::Crash,
            Property::UrlOnly,
            Property::Conformance,
            Property::Strict,
            Property::Revocation,
            Property::UnderWay,
            Property::Replay,
            Property::Jose,
            Property::External,
            Property::Killed,
            Property::Disk,
            Property::Sinks,
        ],
        false,
    )
}

fn prove(properties: &[Property], is_full: bool) -> Result<()> {
    let workspace = Workspace::read(Path::new("."))?;
    let profile = if is_full { "release" } else { "debug" };
    let mut build = run::program("cargo", &workspace.root);
    build.args(["build", "--quiet", "--locked", "--package", "onedoor"]);
    run::run(build.args(is_full.then_some("--release")))?;
    let program = workspace.target.join(profile).join("onedoor");
    let seed = chance::seed()?;
    let mut failed = Vec::new();
    for property in properties {
        let clock = Clock::system();
        let folder = tempfile::tempdir().context("a folder cannot be made")?;
        let setting = Setting { program: &program, folder: folder.path(), is_full, seed };
        // What the tests stand on panics where it fails. That ends its property, and no other.
        let proved = panic::catch_unwind(AssertUnwindSafe(|| property.prove(&setting)));
        let proved = proved.unwrap_or_else(|_| Err(anyhow!("panicked, as is said above")));
        let (word, figure) = match proved {
            Ok(Done::Held(figure)) => ("ok", figure),
            Ok(Done::NotRun(why)) => ("NOT RUN", why),
            Err(error) => {
                failed.push(property.name());
                ("FAILED", format!("{error:#}"))
            }
        };
        let seconds = clock.elapsed().as_secs_f32();
        // Also, and above all, where it failed.
        let drawn = property.draws(is_full).then(|| format!("; {SEED_VARIABLE}={seed}"));
        let drawn = drawn.unwrap_or_default();
        println!("{:<12} {word:<7} {figure}{drawn} ({seconds:.1} s)", property.name());
    }
    ensure!(failed.is_empty(), "not proved: {}", failed.join(", "));
    Ok(())
}
