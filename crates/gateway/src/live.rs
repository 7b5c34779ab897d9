//! What outlives a snapshot: all that happens, as against all that is declared.

use std::sync::Arc;

use model::Clock;

/// What outlives a snapshot: counters, connections, keys, sessions and the log.
#[derive(Debug)]
pub struct Live {
    /// The time.
    pub clock: Clock,
    /// Where records go.
    pub log: Arc<audit::Journal>,
    /// What values are hashed under in records.
    pub salt: Arc<audit::Salt>,
    /// Connections to upstreams.
    pub fleet: Arc<upstream::Fleet>,
    /// Counters of limits.
    pub meter: Arc<limits::Meter>,
    /// Keys of trusted issuers.
    pub key_sets: Arc<identity::KeySets>,
    /// Proofs of keys that were used, and what the next ones have to hold.
    pub proofs: Arc<identity::dpop::Proofs>,
    /// The door's own authorization server, as who checks its tokens sees it; none where it is off.
    pub own_issuer: Option<Arc<identity::OwnIssuer>>,
}
