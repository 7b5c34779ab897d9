//! `[oauth]`: whether the door gives tokens itself, how it signs them, and how they are shown.

use oauth::Algorithm;

use super::Reader;

/// Whether the door gives tokens itself, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OAuth {
    /// Whether its own authorization server is on.
    pub(crate) is_enabled: bool,
    /// By what it signs tokens.
    pub(crate) signing: Algorithm,
    /// Whether proofs of keys need a nonce of the door, whoever gave the token.
    pub(crate) demands_nonce: bool,
}

impl OAuth {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut table = reader.table("oauth");
        let is_enabled = table.take(reader, "enabled", yes_or_no);
        let signing = table.take(reader, "signing", |it| {
            Algorithm::parse(it).ok_or_else(|| format!("\"{it}\" is neither EdDSA nor ES256"))
        });
        let demands_nonce = table.take(reader, "dpop_nonce", yes_or_no);
        table.finish(reader);
        Self {
            is_enabled: is_enabled.unwrap_or(true),
            signing: signing.unwrap_or_default(),
            demands_nonce: demands_nonce.unwrap_or(false),
        }
    }
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        other => Err(format!("\"{other}\" is neither yes nor no")),
    }
}
