//! Reads the files of a TLS side, with all that is wrong with them at once.

use std::{fs, io::Read as _, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

use aws_lc_rs::digest;
use gateway::{TlsError, TlsFiles};
use model::{Fault, Place, Secret};

use crate::config::{ClientCertificates, Tls};

/// Largest file that is read.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Names what was read, so that it can be told from what is read later. Not the key itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen(Vec<Result<[u8; 32], Fault>>);

impl Seen {
    /// The SHA-256 of the file of the certificate, in hexadecimal digits; nothing where there is none.
    pub(super) fn certificate(&self) -> String {
        let digest = self.0.first().and_then(|it| it.as_ref().ok());
        digest.map(|it| audit::Hash::from_bytes(*it).to_string()).unwrap_or_default()
    }
}

impl Tls {
    /// The files that it names.
    pub(super) fn files(&self) -> Vec<Arc<Path>> {
        let Self { certificate, key, clients } = self;
        let ca = match clients {
            ClientCertificates::None => None,
            ClientCertificates::Any(ca)
            | ClientCertificates::Optional(ca)
            | ClientCertificates::Required(ca) => Some(ca),
        };
        [certificate, key].into_iter().chain(ca).map(|it| it.as_path().into()).collect()
    }
}

/// What the files hold now, or all that is wrong with them.
pub(super) fn read(declared: &Tls) -> (Result<TlsFiles, Vec<Fault>>, Seen) {
    let Tls { certificate, key, clients } = declared;
    let certificate = read_file(certificate);
    let key = check_private(key).and_then(|()| read_file(key)).map(Secret::new);
    let mut seen =
        vec![digest_of(certificate.as_ref()), digest_of(key.as_ref().map(Secret::expose))];
    let mut read_ca = |path: &Path| {
        let ca = read_file(path);
        seen.push(digest_of(ca.as_ref()));
        ca
    };
    let clients = match clients {
        ClientCertificates::None => Ok(gateway::ClientCertificates::None),
        ClientCertificates::Any(ca) => read_ca(ca).map(gateway::ClientCertificates::Any),
        ClientCertificates::Optional(ca) => read_ca(ca).map(gateway::ClientCertificates::Optional),
        ClientCertificates::Required(ca) => read_ca(ca).map(gateway::ClientCertificates::Required),
    };
    let files = match (certificate, key, clients) {
        (Ok(certificate), Ok(key), Ok(clients)) => Ok(TlsFiles { certificate, key, clients }),
        (certificate, key, clients) => {
            let faults = [certificate.err(), key.err(), clients.err()];
            Err(faults.into_iter().flatten().collect())
        }
    };
    (files, Seen(seen))
}

/// What is wrong with the content, and in which of the files.
pub(super) fn fault(declared: &Tls, error: &TlsError) -> Fault {
    let Tls { certificate, key, clients } = declared;
    let (path, help) = match error {
        TlsError::Certificate(_) => {
            (certificate, "put the certificate first, then the one that signed it")
        }
        TlsError::ClientCa(_) => match clients {
            ClientCertificates::Any(ca)
            | ClientCertificates::Optional(ca)
            | ClientCertificates::Required(ca) => {
                (ca, "put one certificate of an authority behind the other")
            }
            ClientCertificates::None => (certificate, "name a client_ca"),
        },
        TlsError::Key => (key, "put an unencrypted key of RSA, ECDSA or Ed25519 there"),
        TlsError::Pair => (key, "put the certificate and its own key in place"),
        TlsError::Provider(_) => (key, "repair this machine, then start again"),
    };
    Fault::new(&place(path), error.to_string(), help)
}

fn place(path: &Path) -> Place {
    Place::new(&Arc::from(path.display().to_string()), 0)
}

fn digest_of(read: Result<&Vec<u8>, &Fault>) -> Result<[u8; 32], Fault> {
    let mut bytes = [0; 32];
    let digest = digest::digest(&digest::SHA256, read.map_err(Clone::clone)?);
    bytes.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    Ok(bytes)
}

fn check_private(path: &Path) -> Result<(), Fault> {
    let metadata = fs::metadata(path).map_err(|it| unreadable(path, &it))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let message = format!("can be read by others (mode {mode:o})");
    let help = "chmod 600 it; if others did read it, get a certificate with a new key";
    Err(Fault::new(&place(path), message, help))
}

fn read_file(path: &Path) -> Result<Vec<u8>, Fault> {
    let disk = |error: std::io::Error| unreadable(path, &error);
    // Looked at before it is opened: to open a pipe would be to wait for its other end.
    let metadata = fs::metadata(path).map_err(disk)?;
    if !metadata.is_file() || metadata.len() > FILE_BYTES_MAX {
        let message = format!("is no regular file of at most {FILE_BYTES_MAX} bytes");
        return Err(Fault::new(&place(path), message, "put a file in PEM in its place"));
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(disk)?;
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(disk)?;
    Ok(bytes)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Fault {
    Fault::new(&place(path), format!("cannot be read: {error}"), "make it readable for this user")
}
