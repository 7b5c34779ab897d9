//! `onedoor audit export`: the records of a log as events, on the standard output.

use std::io::{self, BufWriter, Write as _};

use anyhow::anyhow;
use audit::{FormatError, Source, WalkError};

use crate::{cli, command::Failure, logging, terminal::counted};

/// Why it ended early.
enum Ended {
    Walk(WalkError),
    Format(u64, FormatError),
    Write(io::Error),
}

impl From<WalkError> for Ended {
    fn from(error: WalkError) -> Self {
        Self::Walk(error)
    }
}

pub(super) fn run(arguments: &cli::Export) -> Result<(), Failure> {
    let cli::Export { folder, format, from, until } = arguments;
    let format = format.of_audit();
    // Without a folder a running door is asked, and not this.
    let folder = folder.as_deref().ok_or_else(|| anyhow!("which folder?"))?;
    let (mut out, mut count) = (BufWriter::new(io::stdout().lock()), 0_usize);
    let written = audit::walk(folder, &(*from..*until), |record| {
        let version = env!("CARGO_PKG_VERSION");
        let source = Source { log: record.log, version, prev: Some(record.before) };
        let event = format.event(record.line, &source);
        let mut event = event.map_err(|error| Ended::Format(record.seq, error))?.bytes;
        event.push(b'\n');
        out.write_all(&event).map_err(Ended::Write)?;
        count = count.saturating_add(1);
        Ok(())
    });
    // What came before is not kept back by what is wrong.
    let flushed = out.flush();
    match written {
        Ok(()) => flushed?,
        Err(Ended::Walk(error @ WalkError::Damaged(_))) => {
            return Err(Failure::Stopped(error.into()));
        }
        Err(Ended::Walk(error)) => return Err(Failure::Unchecked(error.into())),
        Err(Ended::Format(seq, error)) => {
            return Err(Failure::Stopped(anyhow!(error).context(format!("record {seq}"))));
        }
        Err(Ended::Write(error)) => return Err(error.into()),
    }
    logging::tell(format_args!("{} as {}", counted(count, "record"), format.as_str()));
    Ok(())
}
