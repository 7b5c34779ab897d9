//! What upstreams promise, shown against real servers on loopback: kind ones, and hostile ones.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::expect_used, reason = "tests")]
#![expect(clippy::panic, reason = "tests")]
#![expect(clippy::arithmetic_side_effects, reason = "tests")]
#![expect(clippy::excessive_nesting, reason = "the script of a server reads best in one place")]

mod cancelling;
mod egress_forms;
mod egress_names;
mod fleet;
mod framing;
mod hostile;
mod injection;
mod injection_certificate;
mod injection_token;
mod pooling;
mod servers;
mod single_documents;
mod streaming;
mod timing;
mod trust;
mod waking;
