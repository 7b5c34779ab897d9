//! What a client's certificate says, once its chain and the proof of its key are verified.

use std::net::IpAddr;

use crate::Timestamp;

/// A client certificate that was verified. Whom it stands for, credentials say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// SHA-256 of its DER: what `x5t#S256` holds in base64url (RFC 8705 section 3.1).
    pub thumbprint: [u8; 32],
    /// Its subject as RFC 4514 writes it, last part first: `CN=shop,O=Example,C=DE`.
    pub subject: String,
    /// Its subject alternative names of the kinds that can be matched, in their order.
    pub names: Vec<CertificateName>,
    /// When it expires: what is shown later on the same connection is no proof any more.
    pub expires: Timestamp,
}

/// A subject alternative name (RFC 5280 section 4.2.1.6), as it stands in the certificate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CertificateName {
    /// A host: letters count alike in both cases.
    Dns(String),
    /// A mailbox.
    Email(String),
    /// An address.
    Ip(IpAddr),
    /// A URI, such as a SPIFFE id.
    Uri(String),
}
