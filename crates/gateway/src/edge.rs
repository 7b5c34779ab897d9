//! Where bytes arrive: connections, the checks that come before any surface, one canonical form.

pub(crate) mod canonical;
mod connection;
mod cors;
mod forwarded;
mod frames;
mod guard;
mod head_timer;
mod host;
mod listener;
mod patient;
mod proxy_protocol;
mod refused;
mod secure;
mod tls;
mod until_stopped;

pub use forwarded::Forwarding;
pub(crate) use guard::Given;
pub use host::check_host;
pub(crate) use listener::serve;
pub(crate) use refused::Tally;
pub use tls::{ClientCertificates, Tls, TlsError, TlsFiles};
