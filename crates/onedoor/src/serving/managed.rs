//! A door whose desired state is in a store: what is stored last is in force.

use std::{convert::Infallible, path::Path, sync::Arc};

use admin::Admin;
use gateway::Gateway;
use model::LastUse;

use super::{Door, Quotas, door::open_store, sinks::Sinks};
use crate::{config::Config, data::DataFolder, socket::Socket};

/// A door over a store, with its last revision in force.
pub(crate) struct Managed {
    door: Door,
    revision: u64,
}

impl Managed {
    /// Opens the store and puts its last revision in force. Where it has none, everybody is refused
    /// until `onedoor init` makes the first operator.
    ///
    /// # Errors
    /// Where data folder or store cannot be used.
    pub(crate) async fn open(config: &Config, data: &Path) -> anyhow::Result<Self> {
        let folder = DataFolder::open(data)?;
        let store = open_store(config, data).await?;
        let grants = config.gives_tokens().then(|| store.clone());
        let mut door = Door::new(config, &folder, (Some(store), grants)).await?;
        let revision = door.admin.start().await?;
        door.begin().await?;
        if revision == 0 {
            tell_waiting(data);
        }
        Ok(Self { door, revision })
    }

    /// Opens the local socket in the folder `data`, where it can be opened.
    pub(crate) fn socket(&self, data: &Path) -> impl FnOnce() -> Option<Socket> + use<> {
        let Door { admin, gateway, pepper, .. } = &self.door;
        let parts = (Arc::clone(admin), Arc::clone(gateway), Arc::clone(pepper));
        let data = data.to_owned();
        move || Socket::bind(&data, parts).inspect_err(tell_no_socket).ok()
    }

    /// Where its records are brought to.
    pub(crate) fn take_sinks(&mut self) -> Option<Sinks> {
        self.door.sinks.take()
    }

    /// What is used of its quotas.
    pub(crate) fn quotas(&self) -> Quotas {
        self.door.quotas.clone()
    }

    /// The gateway.
    pub(crate) fn gateway(&self) -> &Arc<Gateway> {
        &self.door.gateway
    }

    /// The revision that was in force at the start.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Takes over what other replicas store, and keeps secrets fresh, for ever.
    pub(crate) async fn keep_current(mut self) -> Infallible {
        let background = self.door.background();
        let Door { admin, .. } = self.door;
        tokio::join!(admin.follow(), background, note_uses(&admin));
        std::future::pending().await
    }
}

/// Stores when each credential was last used, for ever.
async fn note_uses(admin: &Admin) {
    loop {
        tokio::time::sleep(LastUse::STORED_EVERY).await;
        admin.note_uses().await;
    }
}

fn tell_no_socket(error: &std::io::Error) {
    tracing::warn!(
        "there is no local socket, so onedoor init is refused while this door runs: {error}"
    );
}

fn tell_waiting(data: &Path) {
    let data = data.display();
    tracing::warn!(
        "everybody is refused until onedoor init --data {data} makes the first operator"
    );
}
