//! What a client's certificate says, once its chain and the proof of its key are verified.

use std::net::IpAddr;

use crate::{CertificateMatch, Timestamp};

/// A client certificate whose key the client holds. Whom it stands for, credentials say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// SHA-256 of its DER: what `x5t#S256` holds in base64url (RFC 8705 section 3.1).
    pub thumbprint: [u8; 32],
    /// Whether an authority that is believed here vouches for what it says of its holder. Else it is
    /// known by its bytes, and what stands in it is its holder's own word.
    pub is_trusted: bool,
    /// Its subject as RFC 4514 writes it, last part first: `CN=shop,O=Example,C=DE`.
    pub subject: String,
    /// Its subject alternative names of the kinds that can be matched, in their order.
    pub names: Vec<CertificateName>,
    /// When it expires: what is shown later on the same connection is no proof any more.
    pub expires: Timestamp,
}

impl ClientCertificate {
    /// Everything that a credential can know it by.
    pub fn marks(&self) -> impl Iterator<Item = CertificateMatch> {
        let subject = CertificateMatch::Subject(self.subject.clone());
        let names = self.names.iter().map(|it| match it {
            CertificateName::Dns(name) => CertificateMatch::Dns(name.to_ascii_lowercase()),
            CertificateName::Email(address) => CertificateMatch::Email(address.clone()),
            CertificateName::Ip(address) => CertificateMatch::Ip(*address),
            CertificateName::Uri(uri) => CertificateMatch::Uri(uri.clone()),
        });
        let vouched = std::iter::once(subject).chain(names).filter(|_| self.is_trusted);
        std::iter::once(CertificateMatch::Thumbprint(self.thumbprint)).chain(vouched)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_known_by_its_names_whole_and_by_nothing_else() {
        let certificate = ClientCertificate {
            thumbprint: [1; 32],
            is_trusted: true,
            subject: "CN=app,O=Example".to_owned(),
            names: vec![
                CertificateName::Dns("App.example.com".to_owned()),
                CertificateName::Uri("spiffe://example.com/app".to_owned()),
                CertificateName::Email("app@example.com".to_owned()),
                CertificateName::Ip("192.0.2.1".parse().unwrap()),
            ],
            expires: Timestamp::from_seconds(0),
        };
        let text = str::to_owned;
        for (mark, want) in [
            (CertificateMatch::Thumbprint([1; 32]), true),
            (CertificateMatch::Thumbprint([2; 32]), false),
            (CertificateMatch::Subject(text("CN=app,O=Example")), true),
            (CertificateMatch::Subject(text("CN=app")), false),
            (CertificateMatch::Dns(text("app.example.com")), true),
            (CertificateMatch::Dns(text("example.com")), false),
            (CertificateMatch::Dns(text("app@example.com")), false),
            (CertificateMatch::Uri(text("spiffe://example.com/app")), true),
            (CertificateMatch::Uri(text("spiffe://example.com/App")), false),
            (CertificateMatch::Email(text("app@example.com")), true),
            (CertificateMatch::Ip("192.0.2.1".parse().unwrap()), true),
            (CertificateMatch::Ip("::ffff:192.0.2.1".parse().unwrap()), false),
        ] {
            assert_eq!(certificate.marks().any(|it| it == mark), want, "{mark:?}");
        }
        let unknown = ClientCertificate { is_trusted: false, ..certificate };
        let marks: Vec<_> = unknown.marks().collect();
        assert_eq!(marks, [CertificateMatch::Thumbprint([1; 32])]);
    }
}
