//! What it costs to know a caller by a token, without a door around it: the bench of `identity`.

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::{run, workspace::Workspace};

/// The figures of one algorithm, or of the door's own tokens, in nanoseconds for one token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Verified {
    /// What signed, and whether that was the door.
    pub(super) algorithm: String,
    /// The signature alone.
    pub(super) bare_ns: f64,
    /// From a token that was never seen to its caller.
    pub(super) first_ns: f64,
    /// From one that was seen before.
    pub(super) known_ns: f64,
    /// The median of the rounds' ratios, not the ratio of the medians.
    pub(super) first_to_bare: f64,
}

/// Builds the bench and runs it.
pub(super) fn measure(workspace: &Workspace) -> Result<Vec<Verified>> {
    println!("building the bench of identity");
    let mut bench = run::program("cargo", &workspace.root);
    bench.args(["bench", "--locked", "--quiet", "--package", "identity", "--bench", "verify"]);
    let printed = run::output(&mut bench)?;
    let lines = printed.lines().filter(|it| it.starts_with('{'));
    let verified = lines.map(|it| serde_json::from_str(it).context("the bench printed no figures"));
    let verified = verified.collect::<Result<Vec<_>>>()?;
    ensure!(!verified.is_empty(), "the bench printed nothing");
    Ok(verified)
}
