//! Reads a client certificate that rustls has verified: who it is of, in text that can be compared.

use std::net::IpAddr;

use aws_lc_rs::digest;
use model::{CertificateName, ClientCertificate, Timestamp, hex};
use rustls::pki_types::CertificateDer;
use x509_parser::{
    asn1_rs::ToDer as _,
    certificate::X509Certificate,
    extensions::GeneralName,
    prelude::FromDer as _,
    x509::{AttributeTypeAndValue, RelativeDistinguishedName, X509Name},
};

/// The attributes that RFC 4514 section 3 names, and the one of mailboxes that everybody adds to them.
const ATTRIBUTES: [(&str, &str); 10] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.6", "C"),
    ("2.5.4.9", "STREET"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];

/// What `certificate` says, where an authority vouches for it.
///
/// # Errors
/// Where it is none: a verified one that cannot be read is not to be believed.
pub(in crate::edge) fn read(certificate: &CertificateDer<'_>) -> Result<ClientCertificate, String> {
    let unread = |error: &dyn std::fmt::Display| format!("the certificate cannot be read: {error}");
    let (rest, parsed) = X509Certificate::from_der(certificate).map_err(|it| unread(&it))?;
    if !rest.is_empty() {
        return Err(unread(&"there are bytes behind it"));
    }
    let alternative = parsed.subject_alternative_name().map_err(|it| unread(&it))?;
    let names = alternative.map(|it| it.value.general_names.iter().filter_map(name).collect());
    let digest = digest::digest(&digest::SHA256, certificate);
    Ok(ClientCertificate {
        thumbprint: digest.as_ref().try_into().map_err(|it| unread(&it))?,
        is_trusted: true,
        subject: subject(parsed.subject()).map_err(|it| unread(&it))?,
        names: names.unwrap_or_default(),
        // Valid up to and with that second.
        expires: Timestamp::from_seconds(parsed.validity().not_after.timestamp().saturating_add(1)),
    })
}

fn name(name: &GeneralName<'_>) -> Option<CertificateName> {
    match name {
        GeneralName::DNSName(it) => Some(CertificateName::Dns((*it).to_owned())),
        GeneralName::RFC822Name(it) => Some(CertificateName::Email((*it).to_owned())),
        GeneralName::URI(it) => Some(CertificateName::Uri((*it).to_owned())),
        GeneralName::IPAddress(it) => address(it).map(CertificateName::Ip),
        GeneralName::OtherName(..)
        | GeneralName::X400Address(_)
        | GeneralName::DirectoryName(_)
        | GeneralName::EDIPartyName(_)
        | GeneralName::RegisteredID(_)
        | GeneralName::Invalid(..) => None,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let of_four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    of_four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

/// A distinguished name as RFC 4514 writes it: its last part first. Within a part, too, in the order of
/// `openssl x509 -nameopt RFC2253`, since the RFC names none.
fn subject(name: &X509Name<'_>) -> Result<String, String> {
    let parts: Result<Vec<String>, String> = name.iter_rdn().map(part).collect();
    let mut parts = parts?;
    parts.reverse();
    Ok(parts.join(","))
}

fn part(part: &RelativeDistinguishedName<'_>) -> Result<String, String> {
    let attributes: Result<Vec<String>, String> = part.iter().map(attribute).collect();
    let mut attributes = attributes?;
    attributes.reverse();
    Ok(attributes.join("+"))
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> Result<String, String> {
    let kind = attribute.attr_type().to_id_string();
    let known = ATTRIBUTES.iter().find(|(id, _)| *id == kind);
    if let (Some((_, name)), Ok(value)) = (known, attribute.as_str()) {
        return Ok(format!("{name}={}", escaped(value)));
    }
    // Section 2.4: what has no name or no text is written as its bytes.
    let der = attribute.attr_value().to_der_vec().map_err(|it| it.to_string())?;
    Ok(format!("{}=#{}", known.map_or(kind.as_str(), |(_, name)| name), hex(&der)))
}

/// A value in which no other can hide (RFC 4514 section 2.4).
fn escaped(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut text = String::with_capacity(value.len());
    for (index, character) in value.chars().enumerate() {
        let is_special = matches!(character, '"' | '+' | ',' | ';' | '<' | '>' | '\\')
            || (index == 0 && matches!(character, ' ' | '#'))
            || (index == last && character == ' ');
        match character {
            '\0' => text.push_str("\\00"),
            _ if is_special => text.extend(['\\', character]),
            _ => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use testkit::Authority;

    use super::*;

    #[test]
    fn names_thumbprint_and_end_are_those_that_openssl_sees() {
        let authority = Authority::new();
        let names = "DNS:Shop.example,URI:spiffe://example/shop,email:shop@example.com,\
                     IP:192.0.2.7,IP:2001:db8::7,RID:1.2.3.4";
        authority.issue("shop", "/C=DE/O=Ex,ample/OU=a+UID=7/CN=#shop", &names.replace(' ', ""));
        let read = read(&authority.certificate("shop.pem")).unwrap();
        assert_eq!(read.subject, "CN=\\#shop,UID=7+OU=a,O=Ex\\,ample,C=DE");
        let subject = authority.ask("x509 -in shop.pem -noout -subject -nameopt RFC2253");
        assert_eq!(subject.trim(), format!("subject={}", read.subject));
        let fingerprint = authority.ask("x509 -in shop.pem -noout -fingerprint -sha256");
        let thumbprint: Vec<_> = read.thumbprint.iter().map(|it| format!("{it:02X}")).collect();
        assert!(fingerprint.trim().ends_with(&format!("={}", thumbprint.join(":"))));
        let want = [
            CertificateName::Dns("Shop.example".to_owned()),
            CertificateName::Uri("spiffe://example/shop".to_owned()),
            CertificateName::Email("shop@example.com".to_owned()),
            CertificateName::Ip("192.0.2.7".parse().unwrap()),
            CertificateName::Ip("2001:db8::7".parse().unwrap()),
        ];
        assert_eq!(read.names, want);
        let end = authority.ask("x509 -in shop.pem -noout -enddate -dateopt iso_8601");
        let (date, time) = end.trim().strip_prefix("notAfter=").unwrap().split_once(' ').unwrap();
        let end = Timestamp::parse(&format!("{date}T{time}")).unwrap();
        assert_eq!(read.expires, end.plus(std::time::Duration::from_secs(1)));
    }

    #[test]
    fn a_subject_without_a_text_of_its_own_is_written_as_its_bytes() {
        let authority = Authority::new();
        authority.issue("shop", "/2.5.4.97=VAT/CN=shop", "DNS:a");
        let read = read(&authority.certificate("shop.pem")).unwrap();
        // organizationIdentifier is not among the attributes with a name: a UTF8String of three bytes.
        assert_eq!(read.subject, "CN=shop,2.5.4.97=#0c03564154");
    }

    #[test]
    fn what_is_no_certificate_is_not_believed() {
        let whole = Authority::new().certificate("ca.pem").to_vec();
        let longer = [&whole[..], &[0]].concat();
        for bytes in [&whole[..whole.len() - 1], &longer, &[]] {
            assert!(read(&CertificateDer::from(bytes)).is_err());
        }
    }

    #[test]
    fn no_value_can_pass_for_two() {
        for (value, want) in [
            ("shop", "shop"),
            ("a,CN=admin", "a\\,CN=admin"),
            ("a+b\\", "a\\+b\\\\"),
            ("#1 ", "\\#1\\ "),
            (" ", "\\ "),
            ("a b", "a b"),
            ("nul\0", "nul\\00"),
            ("", ""),
        ] {
            assert_eq!(escaped(value), want, "{value:?}");
        }
    }
}
