//! What sinks are opened with.

use std::{fs, io, path::Path, sync::Arc};

use model::Clock;
use upstream::{Egress, Pem, SecretSlots};

use crate::TlsFiles;

/// What sinks are opened with.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Opens connections to where operators say.
    pub egress: Egress,
    /// The values of declared secrets.
    pub secrets: Arc<SecretSlots>,
    /// Tells the time.
    pub clock: Clock,
}

/// Why a sink cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file of certificates cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// It is not what it should be.
    #[error("{path} {reason}")]
    Certificates {
        /// Which.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// It is for Kafka, and this program cannot speak to that.
    #[error(
        "this onedoor was built without Kafka: build it with `cargo build --release --package onedoor \
         --features kafka` (docs/siem-sinks.md says what that needs)"
    )]
    Kafka,
    /// Its URL is none that may be asked for.
    #[error("its url is none that may be used: write https://; http:// is for this machine alone")]
    Url,
}

impl Surroundings {
    /// The client that trusts and shows what is in `files`.
    pub(crate) fn egress(&self, files: &TlsFiles) -> Result<Egress, OpenError> {
        let TlsFiles { authorities, identity } = files;
        if authorities.is_none() && identity.is_none() {
            return Ok(self.egress.clone());
        }
        let trusted = authorities.as_deref().map(read).transpose()?;
        let shown = match identity {
            Some((certificate, key)) => Some([read(certificate)?, read(key)?].join(&b'\n')),
            None => None,
        };
        let pem = Pem { authorities: trusted.as_deref(), identity: shown.as_deref() };
        self.egress.with_tls(pem).map_err(|reason| {
            let paths = authorities.iter().chain(identity.iter().flat_map(|(one, two)| [one, two]));
            let paths: Vec<_> = paths.map(|it| it.display().to_string()).collect();
            OpenError::Certificates { path: paths.join(" or "), reason }
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, OpenError> {
    let failed = |source| OpenError::Read { path: path.display().to_string(), source };
    fs::read(path).map_err(failed)
}
