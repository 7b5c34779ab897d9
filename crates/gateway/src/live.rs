//! What outlives a snapshot: all that happens, as against all that is declared.

use std::{sync::Arc, time::Duration};

use audit::{Entry, Happened, Kind, Outcome, Record};
use model::Clock;

use crate::guesses::{Flood, Guesses};

/// What outlives a snapshot: counters, connections, keys, sessions and the log.
#[derive(Debug)]
pub struct Live {
    /// The time.
    pub clock: Clock,
    /// Where records go.
    pub log: Arc<audit::Journal>,
    /// What values are hashed under in records.
    pub salt: Arc<audit::Salt>,
    /// Where bodies are kept; none where nobody serves.
    pub bodies: Option<Arc<audit::Bodies>>,
    /// Connections to upstreams.
    pub fleet: Arc<upstream::Fleet>,
    /// Counters of limits.
    pub meter: Arc<limits::Meter>,
    /// Keys of trusted issuers.
    pub key_sets: Arc<identity::KeySets>,
    /// Wrong credentials that were shown, and what else was refused of whom nobody knows.
    pub guesses: Guesses,
    /// Proofs of keys that were used, and what the next ones have to hold.
    pub proofs: Arc<identity::dpop::Proofs>,
    /// The door's own authorization server, as who checks its tokens sees it; none where it is off.
    pub own_issuer: Option<Arc<identity::OwnIssuer>>,
}

impl Live {
    /// Records how many were refused in floods that were counted: in a minute that has ended `now`, in all
    /// of them where there is no time.
    pub(crate) fn tell_guesses(&self, now: Option<Duration>) {
        for counted in self.guesses.take_counted(now) {
            let note = counted.note();
            let told = self.enter_flood(counted.flood, &note).and_then(Entry::written);
            if let Err(error) = told {
                tracing::error!("{note}, and that could not be recorded: {error}");
            }
        }
    }

    /// Has it recorded what is to be said of a flood.
    pub(crate) fn enter_flood(&self, flood: Flood, note: &str) -> Result<Entry<'_>, audit::Error> {
        let refusal = flood.refusal();
        self.log.enter(&Record {
            event: Some(flood.event()),
            note: Some(note),
            peer: flood.from.peer(),
            status: flood.status(),
            ..Record::new(self.clock.now(), Kind::Event, Outcome::Refused(&refusal))
        })
    }

    /// Records what happened without a call. What cannot be recorded is told by the process's log, and
    /// stands all the same: what takes something away must not wait for a disk.
    pub fn happened(&self, happened: &Happened<'_>) {
        if let Err(error) = self.log.happened(happened) {
            let Happened { event, note, .. } = happened;
            tracing::error!("{} could not be recorded ({error}): {note}", event.as_str());
        }
    }

    /// Keeps and records what was handed over, and nothing after that.
    pub fn end(&self) {
        // First what leaves records.
        if let Some(bodies) = &self.bodies {
            bodies.end();
        }
        self.log.end();
    }
}
