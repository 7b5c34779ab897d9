//! Where records are brought to: files, syslog, object storage, and receivers over HTTP, NATS and Kafka.
//!
//! [`audit::ship`] reads the log and keeps the cursor; here is only how a batch gets to one kind of
//! receiver, and what counts as its acknowledgement. [`Declared`] is what an operator says of a sink,
//! and [`Sink::open`] makes it one. docs/siem-sinks.md says it for people.

mod declared;
mod elasticsearch;
mod file;
mod http;
#[cfg(feature = "kafka")]
mod kafka;
mod nats;
mod otlp;
mod s3;
pub mod signature;
mod sink;
mod splunk;
mod surroundings;
mod syslog;
mod webhook;

pub use declared::{
    Declared, Elasticsearch, File, Kafka, Mechanism, Nats, Otlp, Receiver, S3, Splunk, Syslog,
    TlsFiles, Transport, Webhook,
};
pub use http::shown;
pub use sink::Sink;
pub use surroundings::{OpenError, Surroundings};
