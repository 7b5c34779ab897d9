//! Servers that a door meets and does not know: a provider of identity, and a host of documents.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use testkit::Authority;

use crate::{install, run};

const PROGRAM: &str = "tests/identity/provider.mjs";

/// Both of them, running; they end with this.
#[derive(Debug)]
pub(super) struct Strangers {
    child: Child,
    /// Held open: a program that nobody listens to would end.
    _output: BufReader<ChildStdout>,
    /// The URL of the provider.
    pub(super) issuer: String,
    /// The URL below which documents about clients are.
    pub(super) documents: String,
    /// Who vouches for the host of the documents.
    pub(super) authority: Authority,
}

#[derive(Debug, Deserialize)]
struct Said {
    issuer: String,
    documents: String,
}

impl Strangers {
    /// Starts them for the door that will be at this URL.
    pub(super) fn start(door: &str) -> Result<Self> {
        let authority = Authority::new();
        authority.issue("documents", "/CN=localhost", "IP:127.0.0.1");
        let files = [authority.path("documents.pem"), authority.path("documents.key")];
        let mut command = run::program(install::node()?, Path::new("."));
        command.arg(PROGRAM).arg(door).args(files).stdin(Stdio::piped());
        let mut child = quiet(&mut command).spawn().context("node cannot be started")?;
        let output = child.stdout.take().context("it has no output")?;
        let mut line = String::new();
        let mut output = BufReader::new(output);
        output.read_line(&mut line)?;
        match serde_json::from_str(&line) {
            Ok(Said { issuer, documents }) => {
                Ok(Self { child, _output: output, issuer, documents, authority })
            }
            Err(error) => {
                drop(child.kill());
                drop(child.wait());
                bail!("the provider does not serve: {error}")
            }
        }
    }

    /// What a door's configuration says so that documents are fetched from there.
    pub(super) fn egress(&self) -> Result<String> {
        let (_, port) = self.documents.rsplit_once(':').context("documents have no port")?;
        Ok(format!("[egress]\nstranger_networks = [\"127.0.0.0/8\"]\nstranger_ports = [{port}]\n"))
    }
}

impl Drop for Strangers {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What it prints is read, and what it warns of is not shown.
fn quiet(command: &mut Command) -> &mut Command {
    command.stdout(Stdio::piped()).stderr(Stdio::null())
}
