//! Which client certificates do: `thumbprint`, `dns`, `email`, `ip`, `subject` or `uri`.

use std::net::IpAddr;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use model::{CertificateMatch, hex, parse_hex, redirect::is_host_name};

use crate::{field::Field, reader::Reader, report::shown, writer::Writer};

/// The keys, of which one is written.
pub(super) const KEYS: [&str; 6] = ["thumbprint", "dns", "email", "ip", "subject", "uri"];

/// Reads which certificates do.
pub(super) fn read(it: &mut Reader<'_>) -> Option<CertificateMatch> {
    let named = KEYS.map(|key| it.optional(key).map(|field| (key, field)));
    let mut named = named.into_iter().flatten();
    let help = "write one of thumbprint, dns, email, ip, subject and uri";
    let Some((key, field)) = named.next() else {
        it.field().fault("it is not said which certificates do", help);
        return None;
    };
    if let Some((_, second)) = named.next() {
        second.fault(format_args!("there is {key} already"), "leave one of the two");
        return None;
    }
    read_one(key, &field)
}

fn read_one(key: &str, field: &Field<'_>) -> Option<CertificateMatch> {
    match key {
        "thumbprint" => field.parse(parse_thumbprint).map(CertificateMatch::Thumbprint),
        "dns" => field.parse(parse_dns).map(CertificateMatch::Dns),
        "email" => field.parse(parse_email).map(CertificateMatch::Email),
        "ip" => field.parse(parse_ip).map(CertificateMatch::Ip),
        "subject" => field.parse(parse_subject).map(CertificateMatch::Subject),
        _ => field.parse(parse_uri).map(CertificateMatch::Uri),
    }
}

fn parse_thumbprint(text: &str) -> Result<[u8; 32], &'static str> {
    let base64 = || BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok();
    parse_hex(text).or_else(base64).ok_or(
        "not the SHA-256 of a certificate: write 64 hexadecimal digits, or its x5t#S256 in base64url",
    )
}

/// A name without a star: a certificate is matched, not a family of them.
fn parse_dns(text: &str) -> Result<String, String> {
    let help = "write app.example.com";
    is_host_name(text)
        .then(|| text.to_ascii_lowercase())
        .ok_or_else(|| format!("{} is not the name of a host: {help}", shown(text)))
}

fn parse_email(text: &str) -> Result<String, String> {
    let is_address = text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && is_host_name(domain) && !text.contains(char::is_whitespace)
    });
    is_address
        .then(|| text.to_owned())
        .ok_or_else(|| format!("{} is not an e-mail address: write name@example.com", shown(text)))
}

fn parse_ip(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| format!("{} is not an address: write 192.0.2.1", shown(text)))
}

fn parse_subject(text: &str) -> Result<String, String> {
    let is_name = text.split_once('=').is_some_and(|(kind, value)| {
        !kind.is_empty()
            && kind.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'.')
            && !value.is_empty()
    });
    is_name.then(|| text.to_owned()).ok_or_else(|| {
        format!("{} is not a distinguished name: write CN=app,O=Example (RFC 4514)", shown(text))
    })
}

fn parse_uri(text: &str) -> Result<String, String> {
    let is_uri = text.split_once(':').is_some_and(|(scheme, rest)| {
        !rest.is_empty()
            && scheme.starts_with(|it: char| it.is_ascii_alphabetic())
            && scheme.bytes().all(|it| it.is_ascii_alphanumeric() || b"+-.".contains(&it))
            && text.bytes().all(|it| it.is_ascii_graphic())
    });
    is_uri
        .then(|| text.to_owned())
        .ok_or_else(|| format!("{} is not a URI: write spiffe://example.com/app", shown(text)))
}

/// Puts which certificates do into the document of a credential.
pub(super) fn write(certificate: &CertificateMatch, document: &mut Writer) {
    match certificate {
        CertificateMatch::Dns(name) => document.put("dns", name.as_str()),
        CertificateMatch::Email(address) => document.put("email", address.as_str()),
        CertificateMatch::Ip(address) => document.put("ip", address.to_string()),
        CertificateMatch::Subject(name) => document.put("subject", name.as_str()),
        CertificateMatch::Thumbprint(digest) => document.put("thumbprint", hex(digest)),
        CertificateMatch::Uri(uri) => document.put("uri", uri.as_str()),
    }
}
