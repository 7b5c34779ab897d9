//! Where bytes arrive: connections, the checks that come before any surface, one canonical form.

pub(crate) mod canonical;
mod connection;
mod guard;
mod head_timer;
mod listener;
mod patient;
mod secure;
mod tls;
mod until_stopped;

pub(crate) use listener::serve;
pub use tls::{ClientCertificates, Tls, TlsError, TlsFiles};
