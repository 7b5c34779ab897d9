//! A door whose desired state is in a store: what is stored last is in force.

use std::{convert::Infallible, path::Path, sync::Arc, time::Duration};

use admin::Admin;
use anyhow::bail;
use gateway::Gateway;

use super::{Door, door::open_store};
use crate::{config::Config, data::DataFolder};

/// How often uses of credentials are stored.
const NOTE_EVERY: Duration = Duration::from_secs(5);

/// A door over a store, with its last revision in force.
pub(crate) struct Managed {
    door: Door,
    revision: u64,
}

impl Managed {
    /// Opens the store and puts its last revision in force.
    ///
    /// # Errors
    /// Where data folder or store cannot be used, or nobody has made a first operator yet.
    pub(crate) async fn open(config: &Config, data: &Path) -> anyhow::Result<Self> {
        let folder = DataFolder::open(data)?;
        let store = open_store(config, data).await?;
        if store.head().await? == 0 {
            bail!(
                "there is nothing in the store yet: run onedoor init --data {} first, or serve a folder with --state DIR",
                data.display()
            );
        }
        let door = Door::new(config, &folder, Some(store))?;
        let revision = door.admin.start().await?;
        Ok(Self { door, revision })
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
    pub(crate) async fn keep_current(self) -> Infallible {
        let Door { gateway, admin, supply, .. } = self.door;
        let supply = async {
            if let Some(supply) = supply {
                supply.run().await;
            }
        };
        tokio::join!(admin.follow(), supply, note_uses(&gateway, &admin));
        std::future::pending().await
    }
}

/// Stores when each credential was last used, for ever.
async fn note_uses(gateway: &Gateway, admin: &Admin) {
    loop {
        tokio::time::sleep(NOTE_EVERY).await;
        admin.note_uses(&gateway.take_uses()).await;
    }
}
