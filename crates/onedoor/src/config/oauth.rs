//! `[oauth]`: whether the door gives tokens itself.

use super::Reader;

/// Whether the door gives tokens itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OAuth {
    /// Whether its own authorization server is on.
    pub(crate) is_enabled: bool,
}

impl OAuth {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut table = reader.table("oauth");
        let is_enabled = table.take(reader, "enabled", |it| match it {
            "yes" => Ok(true),
            "no" => Ok(false),
            other => Err(format!("\"{other}\" is neither yes nor no")),
        });
        table.finish(reader);
        Self { is_enabled: is_enabled.unwrap_or(true) }
    }
}
