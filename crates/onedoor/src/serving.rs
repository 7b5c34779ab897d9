//! A gateway over a state folder: reads it, puts it in force whole, and keeps the last good state on a fault.

mod alone;
mod certificates;
mod current;
mod door;
mod egress;
mod indexing;
mod keys;
mod log_key;
mod managed;
mod metrics;
mod places;
mod proofs;
mod quotas;
mod rehash;
mod retention;
mod signals;
mod sinks;
mod start;
mod unused;
mod webhooks;

use std::{fmt, path::PathBuf, sync::Arc};

use audit::{EventId, Happened};
use gateway::Gateway;
use model::{Fault, Place};
use state::Desired;

pub(crate) use self::{
    alone::Alone,
    certificates::Certificates,
    current::{keep_current, tell_swapped},
    door::{Door, open_store},
    egress::{DocumentEgress, IssuerEgress},
    log_key::LogKey,
    managed::Managed,
    metrics::Metrics,
    places::Places,
    quotas::Quotas,
    retention::Retention,
    signals::{Hangup, Stop},
    sinks::{Sinks, Watched},
    start::{check, runtime},
    unused::tell_unused,
};
use crate::{
    data::Revisions,
    folder::{self, Digest},
    terminal::counted,
};

/// A gateway and the folder that it serves.
pub(crate) struct Served {
    door: Door,
    state: PathBuf,
    revisions: Revisions,
    in_force: Option<Digest>,
}

/// What came of a look at the folder.
pub(crate) enum Look {
    /// It is as it was.
    Same,
    /// It is in force now.
    Swapped(Summary),
}

/// What a state holds, in numbers.
pub(crate) struct Summary {
    revision: u64,
    digest: Digest,
    collections: usize,
    operations: usize,
    clients: usize,
    credentials: usize,
    limits: usize,
}

impl Served {
    /// The gateway.
    pub(crate) fn gateway(&self) -> &Arc<Gateway> {
        &self.door.gateway
    }

    /// What goes on beside the calls, for ever. What the first call needs is there before.
    ///
    /// # Errors
    /// Where a sink cannot be started.
    pub(crate) async fn supply(
        &mut self,
    ) -> anyhow::Result<impl Future<Output = ()> + Send + use<>> {
        self.door.begin().await?;
        let background = self.door.background();
        Ok(async move {
            Box::pin(background).await;
            std::future::pending::<()>().await;
        })
    }

    /// Where its records are brought to.
    pub(crate) fn take_sinks(&mut self) -> Option<Sinks> {
        self.door.sinks.take()
    }

    /// What is used of its quotas.
    pub(crate) fn quotas(&self) -> Quotas {
        self.door.quotas.clone()
    }

    /// Reads the folder and puts it in force, if it is another and has no fault.
    ///
    /// # Errors
    /// Every fault; what was in force stays in force.
    pub(crate) fn look(&mut self) -> Result<Look, Vec<Fault>> {
        let (loaded, unread) = folder::load_readable(&self.state);
        // What could not be read is not in the digest.
        if unread.is_empty() && self.in_force == Some(loaded.digest) {
            return Ok(Look::Same);
        }
        let reading = state::read_sound(&loaded.folder, &unread);
        let revision = self.revisions.number(&loaded.digest);
        let Door { gateway, admin, supplier, pepper, authorization, .. } = &self.door;
        let snapshot = gateway.compile_read(&reading, Some(pepper), revision)?;
        let desired = Arc::new(reading.sound);
        self.revisions.keep(&loaded.digest).map_err(|error| {
            let place = Place::new(&Arc::from(self.state.display().to_string()), 0);
            let help = "make the data folder writable: each state in force has a number of its own";
            vec![Fault::new(&place, format!("{error:#}"), help)]
        })?;
        let summary = Summary::of(&desired, snapshot.counts(), revision, loaded.digest);
        tell_unused(&gateway.snapshot(), &snapshot);
        gateway.swap(snapshot);
        supplier.declare(&desired);
        if let Some(server) = authorization {
            server.declare(&desired);
        }
        let note = format!("from the state folder: {summary}");
        let swapped = Happened::new(EventId::StateSwapped, &note);
        gateway.live().happened(&Happened { revision: Some(revision), ..swapped });
        admin.show(loaded.folder, desired, revision);
        self.in_force = Some(loaded.digest);
        Ok(Look::Swapped(summary))
    }

    /// Records that the folder has faults, and what it had before stays in force.
    pub(crate) fn refused(&self, faults: &[Fault]) {
        let Some(first) = faults.first() else { return };
        let count = counted(faults.len(), "fault");
        // Not before the message: a name with a colon behind it may be taken for that of a secret.
        let note = format!("the state folder has {count}, the first in {}", first.place);
        self.door.gateway.live().happened(&Happened {
            fault: Some(&first.message),
            revision: Some(self.door.admin.revision()),
            ..Happened::new(EventId::StateRefused, &note)
        });
    }
}

impl Summary {
    fn of(desired: &Desired, counts: (usize, usize), revision: u64, digest: Digest) -> Self {
        let (collections, operations) = counts;
        Self {
            revision,
            digest,
            collections,
            operations,
            clients: desired.clients.len(),
            credentials: desired.credentials.len(),
            limits: desired.limits.len(),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.collections, "collection"),
            (self.operations, "operation"),
            (self.clients, "client"),
            (self.credentials, "credential"),
            (self.limits, "limit"),
        ];
        let counts = counts.map(|(count, noun)| counted(count, noun));
        write!(f, "{} (digest {})", counts.join(", "), self.digest)
    }
}
