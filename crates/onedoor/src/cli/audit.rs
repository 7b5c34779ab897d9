//! `onedoor audit`: what can be typed to check a log, beside the operations of a running door.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Records of calls, and the log that holds them.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Write the proof that one record is in a log
    #[command(after_help = PROVE_EXAMPLES)]
    Prove(Prove),
    /// Check a log, or a copy of one: nothing changed, missing, moved or added
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(Verify),
    /// Check the proof of one record, and print the record
    #[command(after_help = VERIFY_PROOF_EXAMPLES)]
    VerifyProof(VerifyProof),
}

/// By which key a log is checked.
#[derive(Debug, Args)]
pub(crate) struct Key {
    /// The public key of the log, NAME+ID+BASE64, or the file that holds it: audit.pub
    #[arg(long, value_name = "KEY")]
    pub(crate) key: String,
}

/// `onedoor audit verify`.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The folder of the log
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    #[command(flatten)]
    pub(crate) key: Key,
    /// A checkpoint that was kept elsewhere: what it covers must be in the log as it was
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
}

const VERIFY_EXAMPLES: &str = "\
Examples:
  onedoor audit verify .onedoor/audit --key .onedoor/audit.pub
  onedoor audit verify copy --key audit.pub --checkpoint from-the-siem.txt

Exit code 0: nothing is wrong. 1: damage; the first record that is not what was written, and what
kind of damage it is. 2: it could not be checked. Needs no running door and no network.
docs/audit-log.md says what can be found without a checkpoint from elsewhere, and what cannot.";

/// `onedoor audit prove`.
#[derive(Debug, Args)]
pub(crate) struct Prove {
    /// The folder of the log
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    #[command(flatten)]
    pub(crate) key: Key,
    /// The number of the record, its seq
    #[arg(long, value_name = "N")]
    pub(crate) seq: u64,
}

const PROVE_EXAMPLES: &str = "\
Examples:
  onedoor audit prove .onedoor/audit --key .onedoor/audit.pub --seq 4711 >4711.tlog-proof

The proof holds the record, its way to the root of the tree, and the signed checkpoint.";

/// `onedoor audit verify-proof`.
#[derive(Debug, Args)]
pub(crate) struct VerifyProof {
    /// The proof
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) key: Key,
}

const VERIFY_PROOF_EXAMPLES: &str = "\
Examples:
  onedoor audit verify-proof 4711.tlog-proof --key audit.pub

Exit code 0: the record is in the log that was signed. 1: it is not. 2: it could not be checked.";
