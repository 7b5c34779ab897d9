//! What can be typed: the commands, their options, and the help that teaches them.

mod audit;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use model::{ClientId, CollectionId, Expiry, KeyKind, ProfileId};

pub(crate) use self::audit::{
    Audit, Export, Format, Hash as AuditHash, Key as AuditKey, Prove, Reconcile, SetAside, Verify,
    VerifyProof,
};
use crate::config;

/// One front door for apps, partners, scripts and AI agents.
///
/// Callers reach the same operations over REST and over MCP, with the same identity, permissions,
/// limits and records. What is served is in a store, or a folder of YAML files.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, after_help = ROOT_EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const ROOT_EXAMPLES: &str = "\
Examples:
  onedoor demo                                     see it work, with nothing to set up
  onedoor import orders.yaml --collection orders --upstream http://127.0.0.1:9000
  onedoor check state                              is everything in the folder right?
  onedoor credential new shop-agent/default        an API key for that profile
  onedoor serve --state state                      serve the folder, and every change of it
  onedoor client list                              ask a running Onedoor: docs/cli.md";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Records of calls, and whether the log that holds them is what was written
    #[command(subcommand)]
    Audit(Audit),
    /// Report every fault of a state folder, each with file, line and what to do
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Check),
    /// Make and keep credentials
    #[command(subcommand)]
    Credential(Credential),
    /// Show it all at work: a sample API, the door in front of it, an app and an agent
    #[command(after_help = DEMO_EXAMPLES)]
    Demo(Demo),
    /// Write a collection from an OpenAPI document
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(Import),
    /// Make the store and the key of its first operator, on this machine
    #[command(after_help = INIT_EXAMPLES)]
    Init(Init),
    /// Hash the password of a person with an account of this door, read from the standard input
    #[command(after_help = PASSWORD_EXAMPLES)]
    Password,
    /// Serve over REST and MCP: what is in the store, or a state folder
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(Serve),
}

/// Make and keep credentials.
#[derive(Debug, Subcommand)]
pub(crate) enum Credential {
    /// Make an API key or client secret for a profile and print it, this once
    #[command(after_help = CREDENTIAL_NEW_EXAMPLES)]
    New(CredentialNew),
}

/// `onedoor check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The state folder
    #[arg(value_name = "DIR", default_value = "state")]
    pub(crate) state: PathBuf,
}

const CHECK_EXAMPLES: &str = "\
Examples:
  onedoor check state       exit code 0: no fault, 1: faults, one after the other
  onedoor check .           in a pipeline, before the folder is rolled out

A warning is no fault: what of an OpenAPI document cannot be used is not served.

docs/state.md shows every document that can stand in the folder.";

/// `onedoor credential new`.
#[derive(Debug, Args)]
pub(crate) struct CredentialNew {
    /// The profile that the key leads to
    #[arg(value_name = "CLIENT/PROFILE", value_parser = ProfileId::parse)]
    pub(crate) profile: ProfileId,
    /// What is made: a key for calls, or a secret to get tokens by
    #[arg(long, value_enum, default_value = "api_key")]
    pub(crate) kind: NewKind,
    /// When it ends: so long from now (90d, 12h), or at a time (2027-01-31)
    #[arg(long, value_name = "WHEN", default_value = Expiry::USUAL, value_parser = expiry)]
    pub(crate) expires: Expiry,
    #[command(flatten)]
    pub(crate) folders: Folders,
}

/// What `onedoor credential new` makes.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum NewKind {
    ApiKey,
    ClientSecret,
}

impl From<NewKind> for KeyKind {
    fn from(kind: NewKind) -> Self {
        match kind {
            NewKind::ApiKey => Self::ApiKey,
            NewKind::ClientSecret => Self::ClientSecret,
        }
    }
}

fn expiry(text: &str) -> Result<Expiry, String> {
    Expiry::parse(text).map_err(|error| format!("{error}: {}", Expiry::HELP))
}

const CREDENTIAL_NEW_EXAMPLES: &str = "\
Examples:
  onedoor credential new shop-agent/default --state state
  onedoor credential new shop-app/default --expires 2027-01-31
  onedoor credential new shop-app/default --kind client_secret
  key=$(onedoor credential new shop-app/default)   the key alone goes to the standard output

The key is shown this once: the state folder gets its HMAC only, under the pepper of the data
folder. Whoever serves the state must have the same pepper.

It is recorded in the audit log of the data folder: by the door, where one runs, and else before
the key is made; where that cannot be, none is made. Name the door's --config, where it has one.";

/// `onedoor demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// End after the guided run; exit code 0 only if every step went as it should
    #[arg(long)]
    pub(crate) once: bool,
    /// The door's port; 8080 if it is free, else another
    #[arg(long, value_name = "N")]
    pub(crate) port: Option<u16>,
}

const DEMO_EXAMPLES: &str = "\
Examples:
  onedoor demo               stays up until Ctrl-C: try the curl lines and the MCP entry it prints
  onedoor demo --once        the guided run only

All that it writes is in a new folder, which is removed at its end.";

const PASSWORD_EXAMPLES: &str = "\
Examples:
  onedoor password < password.txt      the hash, for password: in users/NAME.yaml
  pwgen -s 20 1 | tee /dev/tty | onedoor password

12 to 1024 bytes, without the end of the line. Nothing is kept.";

/// `onedoor import`.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The OpenAPI document: 3.1, 3.0 or 2.0, as YAML or JSON
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The id of the collection to write
    #[arg(long, value_name = "NAME", value_parser = CollectionId::parse)]
    pub(crate) collection: CollectionId,
    /// Where its operations are carried out: http://host:port/prefix
    #[arg(long, value_name = "URL")]
    pub(crate) upstream: String,
    /// The state folder to write to
    #[arg(long, value_name = "DIR", default_value = "state")]
    pub(crate) state: PathBuf,
    /// Where its operations begin on the REST surface [default: /NAME]
    #[arg(long, value_name = "PATH")]
    pub(crate) base: Option<String>,
    /// Who answers for it: a person or a team
    #[arg(long, value_name = "OWNER", default_value = "unassigned")]
    pub(crate) owner: String,
    /// Replace the collection and the document where they are there already
    #[arg(long)]
    pub(crate) force: bool,
}

const IMPORT_EXAMPLES: &str = "\
Examples:
  onedoor import orders.yaml --collection orders --upstream http://127.0.0.1:9000 --owner shop-team
  onedoor import openapi.json --collection crm --upstream https://crm.internal/v2 --base /customers

Writes collections/NAME.yaml and keeps the document in documents/. Nobody may call the operations
until a role allows it.";

/// `onedoor init`.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The id of the first operator
    #[arg(long, value_name = "NAME", default_value = "operator", value_parser = ClientId::parse)]
    pub(crate) client: ClientId,
    /// Who answers for it: a person or a team
    #[arg(long, value_name = "OWNER", default_value = "platform")]
    pub(crate) owner: String,
    /// When its key ends: so long from now (90d, 12h), or at a time (2027-01-31)
    #[arg(long, value_name = "WHEN", default_value = Expiry::USUAL, value_parser = expiry)]
    pub(crate) expires: Expiry,
    #[command(flatten)]
    pub(crate) folders: DataOnly,
}

const INIT_EXAMPLES: &str = "\
Examples:
  onedoor init                          a SQLite store in .onedoor, and a key on the standard output
  ONEDOOR_STORE=postgres://door@db/onedoor onedoor init --data /var/lib/onedoor
  onedoor init > key                    the key alone goes to the standard output

There is no default password: whoever can write the data folder makes the first operator, and the
operator makes all others. A door that serves the data folder is asked by its local socket, and
needs no restart. A store that is in use is left alone. Either is recorded in the audit log of the
data folder; where that cannot be, no operator is made.";

/// `onedoor serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS", value_parser = config::parse_address)]
    pub(crate) listen: Option<SocketAddr>,
    /// Where to listen for management [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDRESS", value_parser = config::parse_address)]
    pub(crate) management: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) folders: Folders,
}

const SERVE_EXAMPLES: &str = "\
Examples:
  onedoor serve                         what is in the store; it waits for onedoor init
  onedoor serve --state state           a folder of files
  onedoor serve --config /etc/onedoor/onedoor.toml
  onedoor serve --state state --listen 0.0.0.0:8080

A change in the folder is served at once and whole (SIGHUP looks at once); where it has a fault, all
faults are told and the last good state is served on. SIGTERM or Ctrl-C lets running calls end.
docs/configuration.md shows every key of onedoor.toml.";

/// Where things are kept, without a state folder.
#[derive(Debug, Args)]
pub(crate) struct DataOnly {
    /// The data folder: what this machine keeps for itself [default: .onedoor]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The configuration of the process
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Where things are kept.
#[derive(Debug, Args)]
pub(crate) struct Folders {
    /// The state folder [default: state]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// The data folder: what this machine keeps for itself [default: .onedoor in the state folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The configuration of the process
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
