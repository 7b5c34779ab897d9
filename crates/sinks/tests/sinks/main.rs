//! Records reach real receivers: all of them, in order, in their own form.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod ground;
mod over_http;
#[cfg(feature = "kafka")]
mod over_kafka;
mod over_nats;
mod over_s3;
mod over_syslog;
mod to_files;
