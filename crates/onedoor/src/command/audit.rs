//! `onedoor audit`: a log is checked, compared and exported by whoever has a copy of it.

mod export;
mod hash;
mod reconcile;
mod set_aside;

use std::{fs, io::Read as _, path::Path};

use anyhow::anyhow;
use audit::{KeyError, Keys, Outside, ProofError, Report, SigningKey, VerifyingKey};

use super::Failure;
use crate::{
    cli,
    terminal::{Look, Terminal, counted},
};

/// Longest file that is read whole: proofs and checkpoints are smaller by far.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Runs one of them.
pub(super) fn run(terminal: Terminal, command: &cli::Audit) -> Result<(), Failure> {
    match command {
        cli::Audit::Export(arguments) => export::run(arguments),
        cli::Audit::Hash(arguments) => hash::run(terminal, arguments),
        cli::Audit::Prove(arguments) => prove(terminal, arguments),
        cli::Audit::Reconcile(arguments) => reconcile::run(terminal, arguments),
        cli::Audit::SetAside(arguments) => set_aside::run(terminal, arguments),
        cli::Audit::Verify(arguments) => verify(terminal, arguments),
        cli::Audit::VerifyProof(arguments) => verify_proof(terminal, arguments),
    }
}

fn verify(terminal: Terminal, arguments: &cli::Verify) -> Result<(), Failure> {
    let cli::Verify { folder, key, checkpoint, from } = arguments;
    let key = read_key(key)?;
    let outside = checkpoint.as_deref().map(|it| read_checkpoint(it, folder, &key)).transpose()?;
    let report = audit::verify_from(folder, &key, outside.as_ref(), *from)
        .map_err(|error| Failure::Unchecked(error.into()))?;
    let Report { first, next, segments, sealed, checkpoints, signed, tail_bytes, damage } = &report;
    if let Some(damage) = damage {
        let bad = terminal.paint(Look::Bad, damage);
        terminal.line(bad)?;
        let good = "the records before it are what was written, as far as checkpoints cover them";
        terminal.line(format_args!("  {good}: {signed} of {next}"))?;
        return Err(Failure::Told);
    }
    let good = terminal.paint(Look::Good, "nothing is wrong");
    let records =
        counted(usize::try_from(next.saturating_sub(*first)).unwrap_or(usize::MAX), "record");
    let (segments, checkpoints) =
        (counted(*segments, "segment"), counted(*checkpoints, "checkpoint"));
    terminal.line(format_args!("{good}: {records} from {first} on, {segments}, {checkpoints}"))?;
    if from.is_some() {
        terminal.line(format_args!("  the records before {first} were not looked at"))?;
    } else if *first > 0 {
        let sealed = counted(*sealed, "sealed root");
        terminal.line(format_args!(
            "  the records before {first} were purged: of them {sealed} can be checked, and no content"
        ))?;
    }
    if report.unsigned() > 0 {
        let unsigned = report.unsigned();
        terminal.line(format_args!("  the last {unsigned} are not signed for yet"))?;
    }
    if *tail_bytes > 0 {
        terminal
            .line(format_args!("  {tail_bytes} bytes of a record that was being written follow"))?;
    }
    Ok(())
}

fn prove(terminal: Terminal, arguments: &cli::Prove) -> Result<(), Failure> {
    let cli::Prove { folder, key, seq } = arguments;
    let proof = audit::prove(folder, &read_key(key)?, *seq).map_err(judged)?;
    terminal.line(proof.trim_end_matches('\n'))?;
    Ok(())
}

fn verify_proof(terminal: Terminal, arguments: &cli::VerifyProof) -> Result<(), Failure> {
    let cli::VerifyProof { file, key } = arguments;
    let keys = Keys::listed(read_keys(key)?);
    let keys =
        keys.ok_or_else(|| Failure::Unchecked(anyhow!("--key names keys of several logs")))?;
    let proven = audit::proof::check(&read(file)?, &keys).map_err(judged)?;
    terminal.line(&proven.line)?;
    Ok(())
}

/// What shows damage is not what keeps from looking.
fn judged(error: ProofError) -> Failure {
    match error {
        ProofError::Damaged { .. } | ProofError::False { .. } => Failure::Stopped(error.into()),
        ProofError::Absent { .. } | ProofError::Purged { .. } | ProofError::Unchecked(_) => {
            Failure::Unchecked(error.into())
        }
    }
}

/// One of the keys of a log, which leads to the others.
fn read_key(key: &cli::AuditKey) -> Result<VerifyingKey, Failure> {
    let none = || Failure::Unchecked(anyhow!("{} holds no public key", key.key));
    read_keys(key)?.into_iter().next().ok_or_else(none)
}

/// The keys of a log, as they are given or as a file has them, one on a line.
fn read_keys(key: &cli::AuditKey) -> Result<Vec<VerifyingKey>, Failure> {
    let cli::AuditKey { key } = key;
    if key.starts_with(SigningKey::PREFIX) {
        // Neither shown nor looked for as a file, whose name would be shown.
        return Err(Failure::Unchecked(anyhow!(
            "--key was given a private key: give the public one, audit.pub; whoever has seen this one can sign another log"
        )));
    }
    match VerifyingKey::parse(key) {
        Ok(key) => Ok(vec![key]),
        // It is meant as a key, and is a wrong one.
        Err(error @ KeyError::Id) => Err(Failure::Unchecked(anyhow!(error).context("--key"))),
        Err(KeyError::Shape) => {
            let text = read(Path::new(key))?;
            let keys: Result<_, _> = text.trim_end().lines().map(VerifyingKey::parse).collect();
            keys.map_err(|error| {
                Failure::Unchecked(anyhow!(error).context(format!("{key} holds no public key")))
            })
        }
    }
}

fn read_checkpoint(file: &Path, log: &Path, key: &VerifyingKey) -> Result<Outside, Failure> {
    let text = read(file)?;
    let keys = Keys::read(log, key).map_err(|error| {
        Failure::Unchecked(anyhow!(error).context(format!("cannot read {}", log.display())))
    })?;
    // As it stands in checkpoints.jsonl, or as a note of its own.
    let last = text.lines().next_back().unwrap_or_default();
    let note = serde_json::from_str::<String>(last).unwrap_or_else(|_| text.clone());
    audit::verify::outside(&note, &keys).ok_or_else(|| {
        let shown = file.display();
        Failure::Unchecked(anyhow!(
            "{shown} holds no checkpoint that is signed by a key of this log"
        ))
    })
}

fn read(file: &Path) -> Result<String, Failure> {
    let shown = file.display();
    let unchecked = |error: std::io::Error| {
        Failure::Unchecked(anyhow!(error).context(format!("cannot read {shown}")))
    };
    // Looked at before it is opened: a pipe or a device may have no end.
    let metadata = file.metadata().map_err(unchecked)?;
    if !metadata.is_file() || metadata.len() > FILE_BYTES_MAX {
        return Err(Failure::Unchecked(anyhow!(
            "{shown} is no regular file of at most {FILE_BYTES_MAX} bytes"
        )));
    }
    let (mut text, opened) = (String::new(), fs::File::open(file).map_err(unchecked)?);
    opened.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(unchecked)?;
    Ok(text)
}
