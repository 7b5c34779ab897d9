//! Where records are brought to: files, syslog, and receivers over HTTP and NATS.
//!
//! [`audit::ship`] reads the log and keeps the cursor; here is only how a batch gets to one kind of
//! receiver, and what counts as its acknowledgement. [`Declared`] is what an operator says of a sink,
//! and [`Sink::open`] makes it one. docs/siem-sinks.md says it for people.

mod declared;
mod elasticsearch;
mod file;
mod http;
mod nats;
mod otlp;
pub mod signature;
mod sink;
mod splunk;
mod surroundings;
mod syslog;
mod webhook;

pub use declared::{
    Declared, Elasticsearch, File, Nats, Otlp, Receiver, Splunk, Syslog, TlsFiles, Transport,
    Webhook,
};
pub use http::shown;
pub use sink::Sink;
pub use surroundings::{OpenError, Surroundings};
