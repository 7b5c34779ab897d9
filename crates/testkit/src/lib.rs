//! For tests: a recording upstream, a gateway in memory with a fake clock, clients over plain HTTP and
//! over TLS, keys of clients, an authority for certificates, and real servers:
//! PostgreSQL, rsyslog, NATS, one of object storage, and a broker of Kafka's protocol.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support: a broken set-up should end the test where it breaks"
)]

mod authority;
mod client;
mod client_key;
mod collector;
mod house;
mod kafka;
mod nats;
mod port;
mod postgres;
mod process;
mod recorder;
mod rsyslog;
mod s3;
mod tls;

pub use authority::Authority;
pub use client::{Answer, Client, Stream};
pub use client_key::ClientKey;
pub use collector::{Breach, Collector};
pub use house::{House, HouseBuilder};
pub use kafka::Kafka;
pub use nats::Nats;
pub use port::free_port;
pub use postgres::Postgres;
pub use recorder::{Recorder, Seen};
pub use rsyslog::Rsyslog;
pub use s3::S3;
pub use tls::{TlsClient, TlsConnection};
