//! Where bytes arrive: connections, the checks that come before any surface, one canonical form.

pub(crate) mod canonical;
mod connection;
mod cors;
mod forwarded;
mod guard;
mod head_timer;
mod listener;
mod patient;
mod proxy_protocol;
mod secure;
mod tls;
mod until_stopped;

pub use forwarded::Forwarding;
pub(crate) use listener::serve;
pub use tls::{ClientCertificates, Tls, TlsError, TlsFiles};
