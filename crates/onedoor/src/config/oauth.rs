//! `[oauth]`: whether the door gives tokens itself, and how it signs them.

use oauth::Algorithm;

use super::Reader;

/// Whether the door gives tokens itself, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OAuth {
    /// Whether its own authorization server is on.
    pub(crate) is_enabled: bool,
    /// By what it signs tokens.
    pub(crate) signing: Algorithm,
}

impl OAuth {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut table = reader.table("oauth");
        let is_enabled = table.take(reader, "enabled", |it| match it {
            "yes" => Ok(true),
            "no" => Ok(false),
            other => Err(format!("\"{other}\" is neither yes nor no")),
        });
        let signing = table.take(reader, "signing", |it| {
            Algorithm::parse(it).ok_or_else(|| format!("\"{it}\" is neither EdDSA nor ES256"))
        });
        table.finish(reader);
        Self { is_enabled: is_enabled.unwrap_or(true), signing: signing.unwrap_or_default() }
    }
}
