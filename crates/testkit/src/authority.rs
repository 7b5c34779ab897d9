//! An authority for certificates of tests. The openssl tool makes them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

/// How keys are made.
const NEW_KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";

/// An authority of its own, in a folder of its own: `ca.pem` there is its certificate.
#[derive(Debug)]
pub struct Authority(tempfile::TempDir);

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// A new authority.
    #[must_use]
    pub fn new() -> Self {
        let authority = Self(tempfile::tempdir().unwrap());
        authority.openssl(&format!(
            "req -x509 {NEW_KEY} -keyout ca.key -out ca.pem -days 30 -subj /CN=Test-CA \
             -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign"
        ));
        authority
    }

    /// Makes `NAME.pem` and `NAME.key` for `subject` (`/C=DE/CN=x`) and its other `names`
    /// (`DNS:localhost,URI:spiffe://x`).
    pub fn issue(&self, name: &str, subject: &str, names: &str) {
        self.openssl(&format!(
            "req -new {NEW_KEY} -keyout {name}.key -out {name}.csr -subj {subject} \
             -addext subjectAltName={names}"
        ));
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem \
             -days 30 -copy_extensions copy"
        ));
    }

    /// Where `ca.pem`, `NAME.pem` or `NAME.key` is.
    #[must_use]
    pub fn path(&self, file: &str) -> PathBuf {
        Path::join(self.0.path(), file)
    }

    /// What is in it.
    #[must_use]
    pub fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.path(file)).unwrap()
    }

    /// The certificate in `file`.
    #[must_use]
    pub fn certificate(&self, file: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.path(file)).unwrap()
    }

    /// The private key in `file`.
    #[must_use]
    pub fn private_key(&self, file: &str) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_file(self.path(file)).unwrap()
    }

    /// Trust in this authority alone.
    #[must_use]
    pub fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate("ca.pem")).unwrap();
        roots
    }

    /// Runs the openssl tool in the authority's folder: what it says.
    #[must_use]
    pub fn ask(&self, arguments: &str) -> String {
        let made = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .output()
            .expect("install openssl: tests make their certificates with it");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8_lossy(&made.stdout).into_owned()
    }

    fn openssl(&self, arguments: &str) {
        drop(self.ask(arguments));
    }
}
