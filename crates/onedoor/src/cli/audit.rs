//! `onedoor audit`: what can be typed to check a log, beside the operations of a running door.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use model::Timestamp;

use super::DataOnly;

/// Records of calls, and the log that holds them.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Write the records of a log as events for a SIEM, or those of a running door that fit
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(Export),
    /// Print the hash that a value has in records, to look for it; the value is read from the input
    #[command(after_help = HASH_EXAMPLES)]
    Hash(Hash),
    /// Write the proof that one record is in a log
    #[command(after_help = PROVE_EXAMPLES)]
    Prove(Prove),
    /// Compare what a SIEM or another sink holds with the log: gaps, duplicates, altered records
    #[command(after_help = RECONCILE_EXAMPLES)]
    Reconcile(Reconcile),
    /// Keep a damaged log as evidence under another name, so that a new one can begin and name it
    #[command(after_help = SET_ASIDE_EXAMPLES)]
    SetAside(SetAside),
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
    /// A public key of the log, NAME+ID+BASE64, or the file that holds them: audit.pub
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
    /// Where to begin, in a copy that lacks what stands before: at the first segment from record N on
    #[arg(long, value_name = "N")]
    pub(crate) from: Option<u64>,
}

const VERIFY_EXAMPLES: &str = "\
Examples:
  onedoor audit verify .onedoor/audit --key .onedoor/audit.pub
  onedoor audit verify copy --key audit.pub --checkpoint from-the-siem.txt
  onedoor audit verify the-last-day --key audit.pub --from 4096

Exit code 0: nothing is wrong. 1: damage; the first record that is not what was written, and what
kind of damage it is. 2: it could not be checked. Needs no running door and no network.
docs/audit-log.md says what can be found without a checkpoint from elsewhere, and what cannot.";

/// `onedoor audit export`.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The folder of the log; without it, the running door is asked
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// How each record is written, on one line
    #[arg(long, value_enum, default_value_t = Format::Native)]
    pub(crate) format: Format,
    /// The first record that is written
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) from: u64,
    /// The first record that is not written any more; without it, all to the end of the log
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true)]
    pub(crate) until: u64,
}

/// How a record is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Common Event Format, version 0
    Cef,
    /// Elastic Common Schema, as JSON
    Ecs,
    /// The line of the log, byte for byte
    Native,
    /// Open Cybersecurity Schema Framework 1.8, as JSON
    Ocsf,
    /// The same of 1.9, which is not released, with record integrity
    #[value(name = "ocsf-1.9")]
    OcsfIntegrity,
}

impl Format {
    /// The same for the library.
    pub(crate) fn of_audit(self) -> audit::Format {
        match self {
            Self::Cef => audit::Format::Cef,
            Self::Ecs => audit::Format::Ecs,
            Self::Native => audit::Format::Native,
            Self::Ocsf => audit::Format::Ocsf,
            Self::OcsfIntegrity => audit::Format::OcsfIntegrity,
        }
    }
}

const EXPORT_EXAMPLES: &str = "\
Examples:
  onedoor audit export .onedoor/audit >records.jsonl
  onedoor audit export copy --format ocsf --from 1000 --until 2000 >events.jsonl
  onedoor audit export --client shop-agent --since 2027-01-01 >of-one-client.jsonl

Exit code 0: all were written. 1: a record is damaged; those before it were written. 2: the log
cannot be read. A folder needs no running door and no network. docs/siem.md says what an event
holds; of a running door each record is written as it is.";

/// `onedoor audit hash`.
#[derive(Debug, Args)]
pub(crate) struct Hash {
    /// The day (UTC) of the records: 2027-01-31; may be given several times; today where it is missing
    #[arg(long = "day", value_name = "DAY", value_parser = Timestamp::parse)]
    pub(crate) days: Vec<Timestamp>,
    /// What the value is, which says what of it is hashed
    #[arg(long = "as", value_enum, value_name = "FORM", default_value_t = Form::Text)]
    pub(crate) form: Form,
    #[command(flatten)]
    pub(crate) folders: DataOnly,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// All arguments of a call as one JSON object, for the digest of them
    Arguments,
    /// A card number
    Card,
    /// An e-mail address
    Email,
    /// Any other text or number
    Text,
}

impl Form {
    /// The same for the library.
    pub(crate) fn of_audit(self) -> audit::redact::Form {
        match self {
            Self::Arguments => audit::redact::Form::Arguments,
            Self::Card => audit::redact::Form::Card,
            Self::Email => audit::redact::Form::Email,
            Self::Text => audit::redact::Form::Text,
        }
    }
}

const HASH_EXAMPLES: &str = "\
Examples:
  printf %s ann@example.com | onedoor audit hash --as email --day 2027-01-31
  onedoor audit hash --as email --data /var/lib/onedoor <address.txt
  onedoor audit query --text \"$(onedoor audit hash --as email <address.txt)\"

A value has another hash each day. Whoever may read the salt of the log, the file audit.salt in the
data folder, can hash values: nobody else, and no door does it for anybody. The value is never an
argument: others could read it. docs/audit-redaction.md says what is hashed.";

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

/// `onedoor audit reconcile`.
#[derive(Debug, Args)]
pub(crate) struct Reconcile {
    /// The folder of the log
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// What the sink holds: an event on each line, in any order and format
    #[arg(long, value_name = "FILE")]
    pub(crate) export: PathBuf,
    /// The first record that is looked for
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) from: u64,
    /// The first record that is not looked for any more; without it, all to the end of the log
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true)]
    pub(crate) until: u64,
}

const RECONCILE_EXAMPLES: &str = "\
Examples:
  onedoor audit reconcile .onedoor/audit --export from-the-siem.ndjson
  onedoor audit reconcile copy --export export.ndjson --from 1000 --until 2000
  onedoor audit reconcile .onedoor/audit --export /var/log/onedoor-cef.log

Events of every format are read, also behind a header of syslog and as Splunk and Elasticsearch
export them. Number, hash and log have to be right, and each member where the format is native.

Exit code 0: the sink holds every record once, as it is. 1: it does not; what is missing, there
again, altered or of another log. 2: they could not be compared. Check the log itself with
`onedoor audit verify` first. Needs no running door and no network.";

/// `onedoor audit set-aside`.
#[derive(Debug, Args)]
pub(crate) struct SetAside {
    /// The folder of the log
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    #[command(flatten)]
    pub(crate) key: Key,
}

const SET_ASIDE_EXAMPLES: &str = "\
Examples:
  onedoor audit set-aside .onedoor/audit --key .onedoor/audit.pub

For a door that does not start since its log is damaged. The log is checked, and its folder is
renamed to DIR.damaged-TIME: nothing in it is changed, so it can be checked and read as before. The
door begins a new log at its next start; the record of that start says what the old one is called
now, what is wrong with it and where, and the number and hash of its last good record.

Exit code 0: it was set aside. 1: it was not, since nothing is wrong with it, a door runs, or the
disk refused. 2: it could not be checked. Needs no network. See docs/audit-log.md.";

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
