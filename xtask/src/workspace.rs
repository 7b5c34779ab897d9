//! Where the project is, and what cargo knows of it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// What cargo knows of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    /// Its folder.
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    /// Where builds go.
    #[serde(rename = "target_directory")]
    pub(crate) target: PathBuf,
    /// Its crates.
    pub(crate) packages: Vec<Package>,
}

/// One crate of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// What it says it is.
    pub(crate) description: Option<String>,
    /// Its manifest.
    pub(crate) manifest_path: PathBuf,
    /// What it depends on, in all forms.
    pub(crate) dependencies: Vec<Dependency>,
}

/// A line of a manifest that names another crate.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    /// The crate's real name, also where the manifest gives it another.
    pub(crate) name: String,
    /// `dev`, `build`, or nothing for an ordinary one.
    pub(crate) kind: Option<String>,
}

impl Dependency {
    /// Whether only tests see it.
    pub(crate) fn is_dev(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

impl Workspace {
    /// Asks cargo about the workspace that `folder` is in.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let output = Command::new("cargo")
            .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
            .current_dir(folder)
            .output()
            .context("cargo cannot be run")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "cargo metadata failed: {}", errors.trim());
        serde_json::from_slice(&output.stdout).context("cargo metadata answered something else")
    }
}
