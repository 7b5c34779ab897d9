//! Management in a running door: the store, the operations over it, and the data plane that they change.

mod local;
mod plane;
mod records;
mod secrets;
mod signing;

use std::sync::Arc;

use admin::Admin;
use gateway::{Gateway, LocalCollection};
use model::{Collection, CollectionId, Lifecycle, Override, Place, Upstream};

pub(crate) use self::{
    plane::DataPlane,
    records::Records,
    secrets::{Places, Supplier, Supply},
};

/// The base of the management operations on the REST surface.
pub(crate) const BASE: &str = "/onedoor/v1";

/// Adds the management operations to what `gateway` serves.
pub(crate) fn mount(gateway: &Gateway, admin: Arc<Admin>) {
    let place = Place::new(&Arc::from("onedoor"), 0);
    let overrides = admin::operations().into_iter().map(|about| {
        let effect = Some(about.effect);
        (about.name.to_owned(), Override { effect, place: place.clone(), ..Override::default() })
    });
    let collection = Collection {
        id: CollectionId::own(),
        title: Some("Onedoor management".to_owned()),
        owner: "onedoor".to_owned(),
        state: Lifecycle::Published,
        base: BASE.to_owned(),
        upstream: Upstream::new("http://localhost"),
        document: Arc::new(admin::document()),
        document_place: place.clone(),
        select: None,
        overrides: overrides.collect(),
        place: place.clone(),
    };
    let (roles, handler) = (admin::built_in_roles(), Arc::new(local::Management(admin)));
    gateway.mount(LocalCollection { collection: Arc::new(collection), roles, handler });
}
