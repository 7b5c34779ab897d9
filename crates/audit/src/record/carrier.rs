//! How a request came, for records that are written by others than the pipeline.

use model::Trace;

use super::{Encryption, Record};

/// What carried a request. It is recorded, and nothing is decided by it.
#[derive(Debug, Clone, Default)]
pub struct Carrier {
    /// Which listener it came by.
    pub entrance: Option<&'static str>,
    /// What was spoken.
    pub protocol: Option<&'static str>,
    /// The port at the other end of the connection.
    pub peer_port: Option<u16>,
    /// The version of TLS, and the cipher suite.
    pub tls: Option<(&'static str, Option<&'static str>)>,
    /// The name that the client asked for (SNI).
    pub tls_name: Option<Box<str>>,
    /// The SHA-256 of the certificate that the client showed.
    pub tls_client: Option<Box<str>>,
    /// The trace that it is part of.
    pub trace: Option<Trace>,
    /// The revision in force when it came.
    pub revision: Option<u64>,
}

impl Carrier {
    /// `record`, which says this besides.
    #[must_use]
    pub fn tell<'a>(&'a self, record: &Record<'a>) -> Record<'a> {
        let Self { entrance, protocol, peer_port, tls, tls_name, tls_client, trace, revision } =
            self;
        let tls = tls.map(|(version, cipher)| Encryption {
            version,
            cipher,
            server_name: tls_name.as_deref(),
            client: tls_client.as_deref(),
        });
        Record {
            entrance: *entrance,
            protocol: *protocol,
            peer_port: *peer_port,
            tls,
            trace: *trace,
            revision: *revision,
            ..*record
        }
    }
}
