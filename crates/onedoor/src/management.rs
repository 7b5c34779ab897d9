//! Management in a running door: the store, the operations over it, and the data plane that they change.

mod bodies;
mod grants;
mod local;
mod log;
mod plane;
mod secrets;
mod signing;

use std::sync::Arc;

use admin::{About, Admin};
use gateway::{Gateway, LocalCollection};
use model::{Collection, CollectionId, Lifecycle, Override, Place, Recording, Upstream};
use serde_json::Value;

pub(crate) use self::{
    plane::DataPlane,
    secrets::{Places, Supplier, Supply},
};

/// The base of the management operations on the REST surface.
pub(crate) const BASE: &str = "/onedoor/v1";

/// The base of what clients may do for themselves.
const SELF_SERVICE_BASE: &str = "/onedoor/self/v1";

/// Adds the management operations to what `gateway` serves, and what clients may do for themselves.
pub(crate) fn mount(gateway: &Gateway, admin: Arc<Admin>) {
    let own = collection(
        (CollectionId::own(), "Onedoor management", BASE),
        (admin::document(), admin::operations()),
    );
    let of_clients = collection(
        (CollectionId::self_service(), "Onedoor self-service", SELF_SERVICE_BASE),
        (admin::self_service_document(), admin::self_service_operations()),
    );
    gateway.mount(vec![
        LocalCollection {
            collection: Arc::new(own),
            roles: admin::built_in_roles(),
            handler: Arc::new(local::Management(Arc::clone(&admin))),
        },
        LocalCollection {
            collection: Arc::new(of_clients),
            roles: admin::self_service_role().into_iter().collect(),
            handler: Arc::new(local::SelfService(admin)),
        },
    ]);
}

fn collection(
    (id, title, base): (CollectionId, &str, &str),
    (document, operations): (Value, Vec<About>),
) -> Collection {
    let place = Place::new(&Arc::from("onedoor"), 0);
    let overrides = operations.into_iter().map(|about| {
        let effect = Some(about.effect);
        (about.name.to_owned(), Override { effect, place: place.clone(), ..Override::default() })
    });
    Collection {
        id,
        title: Some(title.to_owned()),
        owner: "onedoor".to_owned(),
        state: Lifecycle::Published,
        base: base.to_owned(),
        upstream: Upstream::new("http://localhost"),
        document: Arc::new(document),
        document_place: place.clone(),
        select: None,
        overrides: overrides.collect(),
        recording: Recording::default(),
        place: place.clone(),
    }
}
