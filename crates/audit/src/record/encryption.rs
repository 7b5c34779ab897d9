//! What a connection is encrypted by, as its records tell it.

use super::Line;

/// What a connection is encrypted by. Found out once for all of its records.
#[derive(Debug, Clone, Copy)]
pub struct Encryption<'a> {
    /// The version of TLS: `TLSv1.3`.
    pub version: &'a str,
    /// The cipher suite.
    pub cipher: Option<&'a str>,
    /// The name that the client asked for (SNI).
    pub server_name: Option<&'a str>,
    /// The SHA-256 of the certificate that the client showed, in hexadecimal digits.
    pub client: Option<&'a str>,
}

impl Encryption<'_> {
    pub(super) fn write(&self, line: &mut Line) -> Result<(), serde_json::Error> {
        let Self { version, cipher, server_name, client } = *self;
        line.cut("tls", Some(version))?;
        line.cut("tls_cipher", cipher)?;
        line.cut("tls_name", server_name)?;
        line.cut("tls_client", client)
    }
}
