//! `onedoor audit hash`: the hash that a known value has in the records of a day. It is never an argument.

use std::io::Read as _;

use anyhow::{Context as _, anyhow};
use audit::redact::hash_of;
use model::{Clock, Secret, Timestamp};

use crate::{
    cli, command::Failure, config::Config, data::DataFolder, serving::Places, terminal::Terminal,
};

/// Longest value that is read.
const VALUE_BYTES_MAX: u64 = 1 << 20;

/// Reads a value from the standard input and prints its hash of each day.
pub(super) fn run(terminal: Terminal, arguments: &cli::AuditHash) -> Result<(), Failure> {
    let cli::AuditHash { days, form, folders } = arguments;
    let config = Config::read(folders.config.as_deref())?;
    let data = Places::data_alone(folders.data.as_ref(), &config);
    let salt = DataFolder::read_audit_salt(&data)?;
    let mut value = String::new();
    let read = std::io::stdin().take(VALUE_BYTES_MAX.saturating_add(1)).read_to_string(&mut value);
    let read = read.context("the standard input is no text")?;
    if u64::try_from(read).is_ok_and(|it| it > VALUE_BYTES_MAX) {
        return Err(anyhow!("the value is longer than {VALUE_BYTES_MAX} bytes").into());
    }
    // One line end is of the shell.
    let value = Secret::new(value);
    let whole = value.expose();
    let value =
        whole.strip_suffix('\n').map_or(whole.as_str(), |it| it.strip_suffix('\r').unwrap_or(it));
    let today = [Clock::system().now()];
    let days: &[Timestamp] = if days.is_empty() { &today } else { days };
    for day in days {
        let hash = hash_of(value, form.of_audit(), (&salt, *day));
        terminal.line(hash.map_err(|what| anyhow!("the value is {what}"))?)?;
    }
    Ok(())
}
