//! What an operator says of a sink.

use std::{path::PathBuf, time::Duration};

use audit::{Format, ship::Batching};
use model::SecretId;
use upstream::Scheme;

/// A sink, as an operator declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// What it is called, in the log and by its files.
    pub name: String,
    /// How its events are written.
    pub format: Format,
    /// Where they go.
    pub receiver: Receiver,
}

/// Where records go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receiver {
    /// Elasticsearch or `OpenSearch`, by `_bulk`.
    Elasticsearch(Elasticsearch),
    /// A file of lines that is rotated.
    File(File),
    /// A topic of Kafka.
    Kafka(Kafka),
    /// A stream of NATS `JetStream`.
    Nats(Nats),
    /// A collector of OpenTelemetry, by OTLP over HTTP in JSON.
    Otlp(Otlp),
    /// Object storage that speaks S3.
    S3(S3),
    /// Splunk's HTTP event collector.
    Splunk(Splunk),
    /// The standard output of the process.
    Stdout,
    /// A receiver of syslog (RFC 5424).
    Syslog(Syslog),
    /// Anything that takes a signed POST.
    Webhook(Webhook),
}

impl Receiver {
    /// How much it gets at once. Objects should be few and large, messages soon there; of what Splunk
    /// acknowledges seconds later, much has to be on its way.
    #[must_use]
    pub fn batching(&self) -> Batching {
        match self {
            Self::S3(S3 { linger, .. }) => {
                Batching { records_max: 10_000, bytes_max: 8 << 20, linger: *linger }
            }
            Self::Splunk(_) => {
                Batching { records_max: 20_000, bytes_max: 16 << 20, linger: Duration::ZERO }
            }
            Self::Elasticsearch(_)
            | Self::File(_)
            | Self::Kafka(_)
            | Self::Nats(_)
            | Self::Otlp(_)
            | Self::Stdout
            | Self::Syslog(_)
            | Self::Webhook(_) => Batching::default(),
        }
    }
}

/// Elasticsearch or `OpenSearch`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elasticsearch {
    /// Its URL, without `_bulk`.
    pub url: String,
    /// The index or the data stream.
    pub index: String,
    /// What it is shown, and how.
    pub secret: Option<(Scheme, SecretId)>,
    /// Whom it must show to be.
    pub tls: TlsFiles,
}

/// A file of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path. Older ones stand beside it as `PATH.1`, `PATH.2` and so on.
    pub path: PathBuf,
    /// How large it grows.
    pub bytes_max: u64,
    /// How many older ones are kept.
    pub kept: u32,
}

/// A topic of Kafka.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kafka {
    /// Hosts and ports of brokers, which tell of the others.
    pub brokers: Vec<String>,
    /// The topic, which has to be there.
    pub topic: String,
    /// Whether it speaks TLS.
    pub is_tls: bool,
    /// `USER:PASSWORD`, and by which mechanism of SASL it is shown.
    pub secret: Option<(Mechanism, SecretId)>,
    /// Whom it must show to be.
    pub tls: TlsFiles,
}

/// How a password is shown to Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// As it is.
    Plain,
    /// RFC 7677.
    ScramSha256,
    /// The same, with the other hash.
    ScramSha512,
}

/// A stream of NATS `JetStream`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nats {
    /// `nats://` or `tls://`, a host and perhaps a port.
    pub url: String,
    /// The subject, which a stream has to listen to.
    pub subject: String,
    /// A token, or `USER:PASSWORD`.
    pub secret: Option<SecretId>,
    /// Whom it must show to be.
    pub tls: TlsFiles,
}

/// A collector of OpenTelemetry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Otlp {
    /// The URL of its logs, such as `https://collector.example.com:4318/v1/logs`.
    pub url: String,
    /// A bearer token.
    pub secret: Option<SecretId>,
    /// Whom it must show to be.
    pub tls: TlsFiles,
}

/// Object storage that speaks S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3 {
    /// Its URL, without the bucket.
    pub url: String,
    /// The bucket.
    pub bucket: String,
    /// The region that requests are signed for.
    pub region: String,
    /// What the names of objects begin with: `audit/prod`. May be nothing.
    pub prefix: String,
    /// `ACCESS_KEY_ID:SECRET_ACCESS_KEY`.
    pub secret: SecretId,
    /// Whether objects are packed with gzip.
    pub is_packed: bool,
    /// So long an object that is not full waits for more records.
    pub linger: Duration,
    /// Whom it must show to be.
    pub tls: TlsFiles,
}

/// Splunk's HTTP event collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splunk {
    /// Its URL, without `/services/collector`.
    pub url: String,
    /// The token.
    pub secret: SecretId,
    /// The index; the token's own where there is none.
    pub index: Option<String>,
    /// Whether it says when events are on its disks. Without that a crash of it may lose some.
    pub acknowledges: bool,
    /// Whom it must show to be.
    pub tls: TlsFiles,
}

/// A receiver of syslog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Syslog {
    /// How it is reached.
    pub transport: Transport,
    /// Its host and port.
    pub authority: String,
    /// What this machine is called in messages.
    pub hostname: String,
    /// Whether it closes a connection once it has read all of it, which then counts as its
    /// acknowledgement. Without that, what it had not read when it ended is lost.
    pub acknowledges: bool,
    /// Whom it must show to be.
    pub tls: TlsFiles,
}

/// How a receiver of syslog is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// RFC 6587, with octet counting.
    Tcp,
    /// RFC 5425.
    Tls,
    /// RFC 5426: what is lost on the way is lost.
    Udp,
}

/// A receiver that takes a signed POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Where it is told. May be a secret itself, so it is shown nowhere.
    pub url: String,
    /// The secret by which it is signed.
    pub secret: SecretId,
    /// Whom it must show to be.
    pub tls: TlsFiles,
}

/// Files of certificates in PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// The authorities that are trusted; those of the machine where there is none.
    pub authorities: Option<PathBuf>,
    /// The certificate and the private key that the door shows.
    pub identity: Option<(PathBuf, PathBuf)>,
}
