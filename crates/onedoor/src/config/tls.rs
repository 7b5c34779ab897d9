//! `[tls]` and `[management_tls]`: the certificates of a listener. Without one it speaks plain HTTP.

use std::path::{Path, PathBuf};

use super::{Reader, folders::parse_path};

/// The certificates of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tls {
    /// The certificate of the door, and behind it those that lead to its authority.
    pub(crate) certificate: PathBuf,
    /// Its private key.
    pub(crate) key: PathBuf,
    /// Which certificates clients may show.
    pub(crate) clients: ClientCertificates,
}

/// Which certificates clients may show; with the file of the authorities that they must lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ClientCertificates {
    /// They are not asked for any.
    None,
    /// Any, or none at all; those that lead to these authorities are believed in what they say.
    Any(PathBuf),
    /// One, or none at all.
    Optional(PathBuf),
    /// One, or there is no connection.
    Required(PathBuf),
}

/// How much a client certificate is wanted.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    Any,
    None,
    Optional,
    Required,
}

impl Tls {
    /// Whether clients can show a certificate at all.
    pub(crate) fn asks_for_certificates(&self) -> bool {
        match self.clients {
            ClientCertificates::None => false,
            ClientCertificates::Any(_)
            | ClientCertificates::Optional(_)
            | ClientCertificates::Required(_) => true,
        }
    }

    /// The table `name`; none where it names no certificate.
    pub(super) fn read(reader: &mut Reader<'_>, name: &'static str, from: &Path) -> Option<Self> {
        let mut table = reader.table(name);
        let [has_certificate, has_key, has_ca] =
            ["certificate", "key", "client_ca"].map(|it| table.has(it));
        let path = |text: &str, is_whole: bool, other: &str| match is_whole {
            true => parse_path(text, from),
            false => Err(format!("has no meaning without {other}: write {other} = \"FILE.pem\"")),
        };
        let certificate = table.take(reader, "certificate", |it| path(it, has_key, "key"));
        let key = table.take(reader, "key", |it| path(it, has_certificate, "certificate"));
        let ca = table.take(reader, "client_ca", |it| path(it, has_certificate, "certificate"));
        let wanted = table.take(reader, "client_certificates", |it| match parse_wanted(it)? {
            Wanted::Any | Wanted::Optional | Wanted::Required if !has_ca => {
                Err("has no meaning without client_ca: write client_ca = \"FILE.pem\"".to_owned())
            }
            wanted => Ok(wanted),
        });
        table.finish(reader);
        let clients = match (ca, wanted) {
            (None, _) | (Some(_), Some(Wanted::None)) => ClientCertificates::None,
            (Some(ca), Some(Wanted::Any)) => ClientCertificates::Any(ca),
            (Some(ca), None | Some(Wanted::Optional)) => ClientCertificates::Optional(ca),
            (Some(ca), Some(Wanted::Required)) => ClientCertificates::Required(ca),
        };
        Some(Self { certificate: certificate?, key: key?, clients })
    }
}

fn parse_wanted(text: &str) -> Result<Wanted, String> {
    match text {
        "any" => Ok(Wanted::Any),
        "none" => Ok(Wanted::None),
        "optional" => Ok(Wanted::Optional),
        "required" => Ok(Wanted::Required),
        other => Err(format!("\"{other}\" is unknown: write any, none, optional or required")),
    }
}
