//! Reads a client certificate that rustls has verified: who it is of, in text that can be compared.

use std::{fmt::Write as _, net::IpAddr};

use aws_lc_rs::digest;
use model::{CertificateName, ClientCertificate, Timestamp};
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

/// What `certificate` says.
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

/// A distinguished name as RFC 4514 writes it: its last part first.
fn subject(name: &X509Name<'_>) -> Result<String, String> {
    let parts: Result<Vec<String>, String> = name.iter_rdn().map(part).collect();
    let mut parts = parts?;
    parts.reverse();
    Ok(parts.join(","))
}

fn part(part: &RelativeDistinguishedName<'_>) -> Result<String, String> {
    let attributes: Result<Vec<String>, String> = part.iter().map(attribute).collect();
    Ok(attributes?.join("+"))
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> Result<String, String> {
    let kind = attribute.attr_type().to_id_string();
    let known = ATTRIBUTES.iter().find(|(id, _)| *id == kind);
    if let (Some((_, name)), Ok(value)) = (known, attribute.as_str()) {
        return Ok(format!("{name}={}", escaped(value)));
    }
    // Section 2.4: what has no name or no text is written as its bytes.
    let der = attribute.attr_value().to_der_vec().map_err(|it| it.to_string())?;
    let mut text = format!("{}=#", known.map_or(kind.as_str(), |(_, name)| name));
    for byte in der {
        write!(text, "{byte:02x}").map_err(|it| it.to_string())?;
    }
    Ok(text)
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
    use super::*;

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
