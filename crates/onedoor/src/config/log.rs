//! `[log]`: what the process says about itself, on the standard error.

use tracing::Level;

use super::Reader;

/// What the process says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Log {
    /// The least important message that is still written.
    pub(crate) level: Level,
}

impl Log {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut table = reader.table("log");
        let level = table.take(reader, "level", parse).unwrap_or(Level::INFO);
        table.finish(reader);
        Self { level }
    }
}

fn parse(text: &str) -> Result<Level, String> {
    match text {
        "error" => Ok(Level::ERROR),
        "warn" => Ok(Level::WARN),
        "info" => Ok(Level::INFO),
        "debug" => Ok(Level::DEBUG),
        "trace" => Ok(Level::TRACE),
        other => Err(format!("unknown level \"{other}\": write error, warn, info, debug or trace")),
    }
}
